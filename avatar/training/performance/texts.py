"""Sentences with the feelings that people marked them with, known and held-out ones."""

import gzip
import hashlib
import re
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from avatar.training.performance.noise import Rng
from emotion.errors import MediaError
from emotion.types import EMOTIONS
from speech.speakable import speakable

# Order of the labels in the Ekman grouping of GoEmotions.
_LABELS = ("angry", "disgusted", "fearful", "happy", "neutral", "sad", "surprised")
_NAMES = ("Alex", "Maria", "Peter", "Anna", "Mr Brown", "Sofia", "David", "Emma")
_PLACE = re.compile(r"\[(\w+)\]")
_UNSAID = re.compile(r"/r/|\br/|\bu/|http|[#@*^~<>{}\\]|&\w+;|\d{4,}|[A-Z]{7,}")
_COARSE = re.compile(
    r"fuck|shit|cunt|bitch|\bdick|cock\b|rape|nigg|fag|porn|slut|whore|penis|vagina|\bsex|bastard|"
    r"\bkill|suicid|\bcum\b|retard|asshole|\bass\b|pussy|nazi|hitler|terroris|murder",
    re.IGNORECASE,
)
LETTERS = (12, 150)


@dataclass(frozen=True, slots=True)
class Sentence:
    """feelings: names of emotions; () is neutral."""

    text: str
    feelings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Texts:
    """Sentences of one split, by feeling ("neutral" too)."""

    by_feeling: dict[str, tuple[Sentence, ...]]

    def draw(self, rng: Rng, feelings: Iterable[str]) -> Sentence:
        """A sentence marked with one of the feelings; () draws a neutral one."""
        names = [name for name in feelings if self.by_feeling.get(name)] or ["neutral"]
        pool = self.by_feeling[names[int(rng.integers(len(names)))]]
        return pool[int(rng.integers(len(pool)))]

    def any(self, rng: Rng) -> Sentence:
        """A sentence of any feeling, each as likely."""
        return self.draw(rng, [("neutral", *EMOTIONS)[int(rng.integers(len(EMOTIONS) + 1))]])


def is_held(text: str, one_of: int) -> bool:
    """Whether a sentence belongs to the held-out ones; its letters alone decide."""
    letters = "".join(c for c in text.lower() if c.isalnum())
    return int.from_bytes(hashlib.sha256(letters.encode()).digest()[:6], "big") % one_of == 0


def read_texts(path: Path, *, held: bool, one_of: int) -> Texts:
    """Sentences of a GoEmotions table (text, labels, id; tab separated, .gz or plain).

    Sentences that cannot be said well or that nobody should have to hear are left out. Raises
    MediaError when the file is missing or holds no sentence.
    """
    pools: dict[str, list[Sentence]] = {name: [] for name in ("neutral", *EMOTIONS)}
    for number, line in enumerate(_lines(path)):
        text, _, rest = line.partition("\t")
        plain = _plain(text, number)
        if plain and is_held(plain, one_of) == held:
            names = [_LABELS[int(x)] for x in rest.partition("\t")[0].split(",")]
            feelings = tuple(name for name in names if name != "neutral")
            for name in feelings or ("neutral",):
                pools[name].append(Sentence(plain, feelings))
    if not pools["neutral"]:
        raise MediaError(f"{path} holds no sentences.", "Give a GoEmotions table with --texts.")
    return Texts({name: tuple(pool) for name, pool in pools.items()})


def _lines(path: Path) -> list[str]:
    try:
        raw = path.read_bytes()
        text = gzip.decompress(raw) if path.suffix == ".gz" else raw
    except OSError as error:
        raise MediaError(f"{path} cannot be read ({error}).", "Check --texts.") from error
    return text.decode().splitlines()


def _plain(text: str, number: int) -> str:
    """What a voice can say of it; "" when it should not."""
    if _COARSE.search(text) or _UNSAID.search(text):
        return ""
    named = _PLACE.sub(_NAMES[number % len(_NAMES)], text)
    said = speakable(named)
    low, high = LETTERS
    fits = low <= len(said) <= high and len(said.split()) > 2
    letters = sum(c.isascii() and c.isalpha() for c in said)
    return said if fits and letters > 0.6 * len(said) else ""
