"""From phones (or bare sound) to the mouth, frame by frame, while the speech still arrives.

Each phone pulls the mouth to its own target with a dominance that fades over time (Cohen and
Massaro 1993), so neighbours colour one another; lips that must meet do meet. Times are samples at
PLAY_RATE on the media clock.
"""

from collections import deque
from dataclasses import dataclass
from itertools import takewhile

import numpy as np
from numpy.typing import NDArray

from avatar.motion import INDEX, Vector, vector
from avatar.sound_shape import Cues, SoundShape
from speech.types import PLAY_RATE, SAMPLES_PER_FRAME, SpeechChunk

LEAD = round(0.06 * PLAY_RATE)  # lips are ahead of what they say
EARLY, LATE = 0.07 * PLAY_RATE, 0.055 * PLAY_RATE  # how far a phone reaches before and after
HORIZON = round(0.4 * PLAY_RATE)  # beyond this a phone has no say
CLOSING = 0.045 * PLAY_RATE  # how long lips take to meet
CLOSED = frozenset("mbp")
LABIODENTAL = frozenset("fv")

_Shape = dict[str, float]
# Targets and, as "pull", how much the phone insists on its own shape.
_VOWELS: dict[str, _Shape] = {
    "aa": {"gap": 0.52, "jaw": 0.62, "pull": 1.0},
    "ae": {"gap": 0.46, "jaw": 0.52, "wide": 0.30, "pull": 1.0},
    "ah": {"gap": 0.34, "jaw": 0.38, "pull": 0.8},
    "ao": {"gap": 0.42, "jaw": 0.52, "round": 0.42, "pull": 1.0},
    "aw": {"gap": 0.46, "jaw": 0.52, "round": 0.25, "pull": 1.0},
    "ax": {"gap": 0.24, "jaw": 0.25, "pull": 0.6},
    "ay": {"gap": 0.45, "jaw": 0.50, "wide": 0.15, "pull": 1.0},
    "eh": {"gap": 0.36, "jaw": 0.38, "wide": 0.25, "pull": 0.9},
    "er": {"gap": 0.24, "jaw": 0.25, "round": 0.38, "pull": 0.9},
    "ey": {"gap": 0.30, "jaw": 0.30, "wide": 0.42, "pull": 1.0},
    "ih": {"gap": 0.25, "jaw": 0.24, "wide": 0.28, "pull": 0.8},
    "iy": {"gap": 0.20, "jaw": 0.16, "wide": 0.62, "pull": 1.0},
    "ow": {"gap": 0.30, "jaw": 0.36, "round": 0.70, "pull": 1.1},
    "oy": {"gap": 0.34, "jaw": 0.42, "round": 0.50, "pull": 1.0},
    "uh": {"gap": 0.22, "jaw": 0.24, "round": 0.45, "pull": 0.9},
    "uw": {"gap": 0.14, "jaw": 0.18, "round": 0.92, "pull": 1.2},
}
_CONSONANTS: dict[str, _Shape] = {
    "m": {"gap": 0.02, "jaw": 0.08, "press": 0.35, "pull": 1.2},
    "b": {"gap": 0.02, "jaw": 0.08, "press": 0.35, "pull": 1.2},
    "p": {"gap": 0.02, "jaw": 0.08, "press": 0.45, "pull": 1.2},
    "f": {"gap": 0.03, "jaw": 0.08, "tuck": 1.0, "pull": 1.4},
    "v": {"gap": 0.03, "jaw": 0.08, "tuck": 0.9, "pull": 1.4},
    "th": {"gap": 0.14, "jaw": 0.16, "tongue": 1.0, "pull": 0.7},
    "dh": {"gap": 0.14, "jaw": 0.16, "tongue": 0.9, "pull": 0.6},
    "t": {"gap": 0.13, "jaw": 0.10, "wide": 0.10, "tongue": 0.4, "pull": 0.5},
    "d": {"gap": 0.14, "jaw": 0.12, "wide": 0.08, "tongue": 0.5, "pull": 0.5},
    "n": {"gap": 0.14, "jaw": 0.12, "tongue": 0.5, "pull": 0.5},
    "l": {"gap": 0.20, "jaw": 0.20, "tongue": 0.9, "pull": 0.6},
    "s": {"gap": 0.09, "jaw": 0.04, "wide": 0.38, "pull": 0.8},
    "z": {"gap": 0.09, "jaw": 0.05, "wide": 0.34, "pull": 0.8},
    "sh": {"gap": 0.13, "jaw": 0.06, "round": 0.58, "pull": 0.9},
    "zh": {"gap": 0.13, "jaw": 0.06, "round": 0.55, "pull": 0.9},
    "ch": {"gap": 0.13, "jaw": 0.08, "round": 0.52, "pull": 0.9},
    "jh": {"gap": 0.13, "jaw": 0.08, "round": 0.50, "pull": 0.9},
    "k": {"gap": 0.17, "jaw": 0.18, "pull": 0.4},
    "g": {"gap": 0.17, "jaw": 0.18, "pull": 0.4},
    "ng": {"gap": 0.17, "jaw": 0.18, "pull": 0.4},
    "hh": {"gap": 0.22, "jaw": 0.22, "pull": 0.2},
    "y": {"gap": 0.15, "jaw": 0.14, "wide": 0.40, "pull": 0.7},
    "r": {"gap": 0.16, "jaw": 0.16, "round": 0.48, "pull": 0.8},
    "w": {"gap": 0.08, "jaw": 0.12, "round": 1.0, "pull": 1.2},
}
SHAPES: dict[str, _Shape] = {**_VOWELS, **_CONSONANTS, "pau": {"pull": 0.55}}
# Rarer symbols of some engines, by their nearest neighbour.
SHAPES |= {
    new: SHAPES[old]
    for new, old in {
        "axr": "er", "ix": "ih", "ux": "uw", "dx": "d", "nx": "n", "el": "l", "en": "n",
        "em": "m", "wh": "w", "hv": "hh", "q": "pau", "sil": "pau", "sp": "pau", "h#": "pau",
    }.items()
}  # fmt: skip
_UNKNOWN = SHAPES["ax"]


def _row(shape: _Shape) -> Vector:
    return vector({name: value for name, value in shape.items() if name != "pull"})


_TARGETS = {symbol: _row(shape) for symbol, shape in SHAPES.items()}


@dataclass(frozen=True, slots=True)
class Phone:
    """One phone on the media clock; start, end in samples."""

    symbol: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, eq=False)
class MouthFrame:
    """motion: (D,) float32, only the mouth's part; level: loudness in [0, 1] relative to the
    speaker; speaking: whether there is speech at this frame."""

    motion: Vector
    level: float
    speaking: bool


class MouthTrack:
    """The mouth of one session; speech is pushed in pieces, frames are read in order."""

    def __init__(self) -> None:
        self._phones: deque[Phone] = deque()
        self._sound = SoundShape()
        self._end = 0

    @property
    def end(self) -> int:
        """The sample at which the speech known so far ends."""
        return self._end

    def push(self, chunk: SpeechChunk) -> None:
        """Add speech. Raises ValueError unless it is at PLAY_RATE."""
        if chunk.rate != PLAY_RATE:
            raise ValueError(f"speech must be at {PLAY_RATE} Hz, got {chunk.rate}")
        at = chunk.start_sample
        for span in chunk.phones:
            self._append(Phone(span.symbol, at + span.start, at + span.end))
        self._sound.push(chunk.pcm, at, shaped=not chunk.phones)
        self._end = max(self._end, at + len(chunk.pcm))

    def _append(self, phone: Phone) -> None:
        # A phone cut by a chunk's border comes in two pieces; its lips must not close twice.
        last = self._phones[-1] if self._phones else None
        if last and last.symbol == phone.symbol and abs(phone.start - last.end) <= 2:
            self._phones[-1] = Phone(last.symbol, last.start, phone.end)
        else:
            self._phones.append(phone)

    def clear(self) -> None:
        """Forget all speech."""
        self._phones.clear()
        self._sound.clear()
        self._end = 0

    def at(self, frame: int) -> MouthFrame:
        """The mouth at a 25 fps frame; frames must not go back by more than HORIZON."""
        start = frame * SAMPLES_PER_FRAME
        middle = start + SAMPLES_PER_FRAME // 2
        while self._phones and self._phones[0].end < start - HORIZON:
            self._phones.popleft()
        cues = self._sound.at(middle + LEAD // 2, start - HORIZON)
        speaking = start < self._end and cues.known
        last = middle + LEAD + HORIZON
        near = list(takewhile(lambda phone: phone.start < last, self._phones))
        motion = self._blend(near, middle + LEAD) if near else _from_sound(cues)
        if near:
            motion[[INDEX["gap"], INDEX["jaw"]]] *= _loudness_gain(cues)
            self._gate(motion, near, frame)
        return MouthFrame(motion, cues.level, speaking)

    def _blend(self, near: list[Phone], now: int) -> Vector:
        starts = np.array([phone.start for phone in near], np.float32)
        ends = np.array([phone.end for phone in near], np.float32)
        pulls = np.array([SHAPES.get(p.symbol, _UNKNOWN)["pull"] for p in near], np.float32)
        before = np.maximum(starts - now, 0) / EARLY
        after = np.maximum(now - ends, 0) / LATE
        # Short phones are undershot: the mouth has no time to get there.
        weight = pulls * np.exp(-((before + after) ** 2)) * _fullness(ends - starts)
        targets = np.stack([_TARGETS.get(p.symbol, _TARGETS["ax"]) for p in near])
        blended = (weight @ targets) / (weight.sum() + 0.03)
        return np.asarray(blended, np.float32)

    @staticmethod
    def _gate(motion: Vector, near: list[Phone], frame: int) -> None:
        """Let lips meet on m, b, p and reach the teeth on f, v."""
        middle = frame * SAMPLES_PER_FRAME + SAMPLES_PER_FRAME // 2
        for phone in near:
            if phone.symbol in CLOSED:
                shut = _closure(phone, middle, frame)
                motion[INDEX["close"]] = max(motion[INDEX["close"]], shut)
            elif phone.symbol in LABIODENTAL:
                bite = _closure(phone, middle, frame)
                motion[INDEX["tuck"]] = max(motion[INDEX["tuck"]], bite)
                motion[INDEX["gap"]] *= 1 - 0.9 * bite


def _fullness(length: NDArray[np.float32]) -> NDArray[np.float32]:
    return np.asarray(np.clip(length / (0.07 * PLAY_RATE), 0.35, 1.0) ** 0.5, np.float32)


def _closure(phone: Phone, middle: int, frame: int) -> float:
    """How far the lips have met for `phone`, in [0, 1]; exactly 1 on at least one frame."""
    # They meet before the sound stops and part just before it bursts.
    start, end = phone.start - 0.02 * PLAY_RATE, phone.end - 0.025 * PLAY_RATE
    end = max(end, start + 1)
    if frame == int((start + end) / 2 // SAMPLES_PER_FRAME):
        return 1.0
    away = max(start - middle, middle - end, 0.0) / CLOSING
    return float(max(0.0, 1.0 - away) ** 1.5)


def _loudness_gain(cues: Cues) -> float:
    return 0.95 + 0.45 * cues.level**0.7 if cues.known else 1.0


def _from_sound(cues: Cues) -> Vector:
    """Without phones: opening from loudness and the first formant, spread from the second."""
    if not cues.shaped:
        return vector()
    return vector(
        {
            "gap": 0.55 * cues.openness,
            "jaw": 0.6 * cues.openness,
            "wide": 0.6 * cues.spread,
            "round": 0.7 * cues.rounding,
            "close": 1.0 if cues.openness < 0.02 else 0.0,
        }
    )
