"""Talking heads: text, a voice of the product's own, and the performance that goes with it.

The mouth follows the voice's own phone times. Axis legend: F frames, P phones.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from importlib import resources

import numpy as np

from avatar.rig import EXPRESSIONS, INDEX
from avatar.training.recipes import COMPOUNDS, EMOTIONS, GESTURES, feeling, weights
from avatar.training.synthetic.buffers import Floats
from avatar.training.synthetic.performance import (
    MOUTH_KEPT,
    WHOLE,
    Manner,
    Performance,
    Phone,
    Script,
    perform,
)
from emotion.types import EmotionState
from speech.protocols import TextToSpeech
from speech.types import FPS, PLAY_RATE, SAMPLES_PER_FRAME

Rng = np.random.Generator

# Visemes of `recipes.VISEMES` by ARPAbet phone; diphthongs go from one to another.
VISEME_OF: dict[str, tuple[str, ...]] = {
    "aa": ("aa",), "ae": ("aa",), "ah": ("ah",), "ao": ("ao",), "ax": ("ax",), "eh": ("eh",),
    "er": ("er",), "ih": ("ih",), "iy": ("iy",), "uh": ("ow",), "uw": ("uw",),
    "aw": ("aa", "uw"), "ay": ("aa", "ih"), "ey": ("eh", "ih"), "ow": ("ow", "uw"),
    "oy": ("ao", "ih"),
    "b": ("m",), "m": ("m",), "p": ("m",), "f": ("f",), "v": ("f",), "th": ("th",), "dh": ("th",),
    "t": ("t",), "d": ("t",), "n": ("t",), "l": ("l",), "s": ("s",), "z": ("s",), "sh": ("sh",),
    "zh": ("sh",), "ch": ("sh",), "jh": ("sh",), "k": ("k",), "g": ("k",), "ng": ("k",),
    "hh": ("k",), "y": ("iy",), "r": ("er",), "w": ("w",), "pau": ("sil",),
}  # fmt: skip
SILENT_START = (0.25, 0.6)  # s before the first word
PAUSE = (0.15, 0.5)  # s between sentences
MOOD_EVERY = 4.5  # s, about
TURN_EVERY = 4.0
MISFITS = 5  # sentences too long for the rest of a clip, after which it stays silent
GAP = 0.03  # s without a phone that count as silence
NATURAL = Manner(speech=1.0, emotion=0.0, gesture=0.0, exercise=0.0)


@dataclass(frozen=True, slots=True, eq=False)
class Speech:
    """pcm at PLAY_RATE, whole frames; phones: (symbol, start, end) in seconds; what was said by
    which voice."""

    pcm: Floats
    phones: tuple[tuple[str, float, float], ...]
    text: str
    voice: str


def sentences() -> tuple[str, ...]:
    """The sentences that synthetic people say."""
    text = resources.files(__package__).joinpath("sentences.txt").read_text("utf-8")
    return tuple(line for line in text.splitlines() if line)


def voices_for(voices: TextToSpeech, *, female: bool) -> tuple[str, ...]:
    """Ids of the English voices of one sex. Raises ValueError where there are none."""
    sex = "female" if female else "male"
    found = [v.id for v in voices.voices() if v.language.startswith("en") and v.sex == sex]
    if not found:
        raise ValueError(f"no {sex} English voice is installed")
    return tuple(sorted(found))


def speak(voices: TextToSpeech, voice: str, seed: int, seconds: float) -> Speech:
    """Random sentences that fill so many seconds, as far as they fit."""
    rng = np.random.default_rng([seed, 20])
    known, frames = sentences(), round(seconds * FPS)
    pcm = np.zeros(frames * SAMPLES_PER_FRAME, np.float32)
    at = int(rng.uniform(*SILENT_START) * PLAY_RATE)
    phones: list[tuple[str, float, float]] = []
    said, misfits = [], 0
    for line in rng.permutation(len(known)):
        sound, spans = _spoken(voices, known[line], voice)
        if at + len(sound) > len(pcm):
            misfits += 1
            if misfits > MISFITS:
                break
            continue
        pcm[at : at + len(sound)] = sound
        start = at / PLAY_RATE
        phones += [(name, start + first, start + last) for name, first, last in spans]
        said.append(known[line])
        at += len(sound) + int(rng.uniform(*PAUSE) * PLAY_RATE)
        if at > len(pcm) - PLAY_RATE:
            break
    return Speech(pcm, tuple(phones), " ".join(said), voice)


def _spoken(
    voices: TextToSpeech, text: str, voice: str
) -> tuple[Floats, list[tuple[str, float, float]]]:
    """Sound of a sentence and its phones in seconds; a phone cut by a chunk's border is joined."""
    pieces: list[Floats] = []
    phones: list[tuple[str, float, float]] = []
    for chunk in voices.stream(text, voice, EmotionState.neutral()):
        pieces.append(chunk.pcm)
        for span in chunk.phones:
            start = (chunk.start_sample + span.start) / PLAY_RATE
            end = (chunk.start_sample + span.end) / PLAY_RATE
            if phones and phones[-1][0] == span.symbol and start - phones[-1][2] < 1e-4:
                start = phones.pop()[1]
            phones.append((span.symbol, start, end))
    return np.concatenate(pieces), phones


def talking(seed: int, speech: Speech) -> Performance:
    """How somebody says it: mouth by the phones, moods and turns of the head that come and go."""
    frames = len(speech.pcm) // SAMPLES_PER_FRAME
    rng = np.random.default_rng([seed, 21])
    phones = tuple(_visemes(speech, rng))
    shape, strength = np.zeros((frames, len(EXPRESSIONS)), np.float32), np.zeros(frames, np.float32)
    moods = []
    for begin in _times(rng, frames, MOOD_EVERY):
        name, gain = _mood(rng)
        when = _bump(frames, begin, float(rng.uniform(2.2, 5.5))) * gain
        strength = np.maximum(strength, when)
        shape += when[:, None] * _spoken_mood(name)
        moods.append(name)
    pose = np.zeros((frames, 6), np.float32)
    for begin in _times(rng, frames, TURN_EVERY):
        reach = rng.uniform(-1, 1, 6) * [0.36, 0.16, 0.12, 1.0, 0.6, 1.0]
        pose += np.outer(_bump(frames, begin, float(rng.uniform(1.4, 3.5))), reach)
    script = Script(phones, shape, pose, ", ".join(moods), strength)
    return perform(seed, frames, NATURAL, script)


def _visemes(speech: Speech, rng: Rng) -> Iterator[Phone]:
    """Phones of the mouth, silence between: else a mouth would open long before it speaks."""
    silent = 0.0
    for symbol, start, end in (*speech.phones, ("pau", len(speech.pcm) / PLAY_RATE, np.inf)):
        if start - silent > GAP:
            yield Phone("sil", silent, start, 1.0)
        silent = end
        if end == np.inf:
            return
        parts = VISEME_OF[symbol]
        step = (end - start) / len(parts)
        stress = float(rng.uniform(0.85, 1.1))
        for k, name in enumerate(parts):
            yield Phone(name, start + k * step, start + (k + 1) * step, stress)


def _times(rng: Rng, frames: int, every: float) -> Iterator[float]:
    """Seconds at which something begins."""
    at = float(rng.uniform(0.3, every))
    while at < frames / FPS - 0.5:
        yield at
        at += float(rng.uniform(0.6, 1.5)) * every


def _mood(rng: Rng) -> tuple[str, float]:
    """A feeling or a small gesture, and how strong."""
    if rng.random() < 0.3:
        return str(rng.choice(sorted(GESTURES))), float(rng.uniform(0.4, 0.9))
    names = [name for name in (*EMOTIONS, *COMPOUNDS) if name != "neutral"]
    return str(rng.choice(names)), float(rng.uniform(0.35, 1.0))


def _spoken_mood(name: str) -> Floats:
    """(55,) of a mood while its owner speaks: most of the mouth is busy."""
    target = weights(GESTURES[name]) if name in GESTURES else feeling(name)
    for part in EXPRESSIONS:
        if part.startswith(("mouth", "jaw")) and not part.startswith(WHOLE):
            target[INDEX[part]] *= MOUTH_KEPT
    return target


def _bump(frames: int, begin: float, length: float) -> Floats:
    """(F,) rises from 0 to 1 and falls again."""
    x = (np.arange(frames) / FPS - begin) / length
    rise, fall = np.clip(x / 0.3, 0, 1), np.clip((1 - x) / 0.35, 0, 1)
    both = np.minimum(rise, fall)
    return np.asarray(both * both * (3 - 2 * both), np.float32)
