"""What the lexicon and the spelling of a text say, as numbers beside its embedding.

Axis legend: F = `WIDTH` features, all within about [0, 1].
"""

import math
import re

import numpy as np
from numpy.typing import NDArray

from emotion.lexicon import MAX_CHARACTERS, Lexicon, Reading
from emotion.types import EMOTIONS

Vector = NDArray[np.float32]

_FEELINGS = len(EMOTIONS)
NAMES = (
    *(f"lexicon {name}" for name in EMOTIONS),
    *(f"named {name}" for name in EMOTIONS),
    *(f"emoji {name}" for name in EMOTIONS),
    "plain", "other language", "nothing but feelings", "negation", "contrast", "raised", "lowered",
    "irony marker", "laughter", "question", "exclamation", "capitals", "stretched", "length",
)  # fmt: skip
WIDTH = len(NAMES)

_WORD = re.compile(r"[^\W\d_]+(?:['’\-][^\W\d_]+)*")
_STRETCHED = re.compile(r"([^\W\d_])\1{2,}")
_LAUGHTER = re.compile(r"\b(?:(?:ha){2,}h?|(?:he){2,}|lol+|lmao+|rofl|hilarious)\b|😂|🤣", re.I)
# Praise that opens a sentence, thanks "for" something, and signs that people put behind irony.
_IRONY = re.compile(
    r"🙄|(?<!\S)/s\b|\byeah,? (?:right|sure)|\bsure,? (?:because|as if)|\bas if\b|\bjust what\b"
    r"|\b(?:oh|just|how|so) (?:great|lovely|wonderful|perfect|fantastic|brilliant|nice|joy)\b"
    r"|^(?:great|lovely|wonderful|perfect|fantastic|brilliant|marvellous|splendid)[.,]"
    r"|\bthanks? (?:you )?(?:a lot|so much|a bunch)? ?for\b|\b(?:just|really) (?:love|enjoy)\b"
    r"|\bnothing beats\b|\bwho doesn't love\b|\bwhat an? (?:great|brilliant|wonderful) "
    r"|\b(?:genius|bravo|congratulations)\b",
    re.IGNORECASE,
)


def text_features(text: str, lexicon: Lexicon, reading: Reading | None = None) -> Vector:
    """(F,) float32. reading: what the lexicon says of the text, if it was asked already."""
    text = text[:MAX_CHARACTERS]
    said = reading or lexicon.read(text)
    return np.concatenate(
        [
            said.strengths,
            said.evidence,
            _emoji(said, lexicon),
            np.array([said.plain, not said.english, said.named], np.float32),
            _grammar(text, lexicon),
            _spelling(text),
        ]
    ).astype(np.float32)


def _emoji(reading: Reading, lexicon: Lexicon) -> Vector:
    """(6,): the strongest emoji of each feeling."""
    out = np.zeros(_FEELINGS, np.float32)
    for hit in reading.hits:
        if lexicon.is_emoji(hit.text):
            at = EMOTIONS.index(hit.emotion)
            out[at] = max(float(out[at]), hit.strength)
    return out


def _grammar(text: str, lexicon: Lexicon) -> Vector:
    """Negation, contrast, degree up, degree down, irony marker, laughter."""
    words = [word.casefold().replace("’", "'") for word in _WORD.findall(text)]
    degrees = [lexicon.degree(word) for word in words] or [1.0]
    return np.array(
        [
            min(sum(map(lexicon.negates, words)), 2) / 2,
            any(map(lexicon.turns, words)),
            2 * (max(*degrees, 1.0) - 1),
            2 * (1 - min(*degrees, 1.0)),
            bool(_IRONY.search(text)),
            bool(_LAUGHTER.search(text)),
        ],
        np.float32,
    )


def _spelling(text: str) -> Vector:
    """Question, exclamation, capitals, stretched words, length."""
    words = _WORD.findall(text)
    loud = sum(len(word) > 2 and word.isupper() for word in words)
    return np.array(
        [
            "?" in text,
            min(text.count("!"), 3) / 3,
            loud / max(len(words), 1),
            bool(_STRETCHED.search(text)),
            math.log1p(len(words)) / 4,
        ],
        np.float32,
    )
