"""What flows through voices and ears. Time is counted in samples and 25 fps frames."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

PLAY_RATE = 24_000  # Hz, what the listener hears
FEATURE_RATE = 16_000  # Hz, what recognisers and audio features read
FPS = 25  # frames a second of every picture stream
SAMPLES_PER_FRAME = PLAY_RATE // FPS  # 960


@dataclass(frozen=True, slots=True)
class PhoneSpan:
    """One phone: lower-case ARPAbet without stress ("aa", "m", "sh", ...) or "pau" for silence.

    start, end: samples at the chunk's rate, from the chunk's first sample.
    """

    symbol: str
    start: int
    end: int


@dataclass(frozen=True, slots=True)
class WordSpan:
    """One spoken word as it stands in the text; start, end as in `PhoneSpan`."""

    text: str
    start: int
    end: int


@dataclass(frozen=True, slots=True, eq=False)
class SpeechChunk:
    """A piece of speech on the media clock.

    pcm: (T,) float32 in [-1, 1], mono, at `rate` Hz (engines deliver PLAY_RATE).
    start_sample: where pcm[0] stands on the session's media clock, at `rate`; engines give it
    relative to the start of the clause, the session moves it.
    """

    turn: int
    pcm: NDArray[np.float32]
    rate: int
    start_sample: int
    phones: tuple[PhoneSpan, ...] = field(default=())
    words: tuple[WordSpan, ...] = field(default=())


@dataclass(frozen=True, slots=True)
class Voice:
    """A voice that an engine offers; `id` is "engine/name", e.g. "flite/slt"."""

    id: str
    title: str
    language: str  # BCP 47, e.g. "en-US"
    sex: str  # "female", "male" or "neutral"
    description: str


@dataclass(frozen=True, slots=True)
class Transcript:
    """What a recogniser heard; times in seconds from the start of the audio."""

    text: str
    words: tuple[tuple[str, float, float], ...]
    confidence: float  # in [0, 1]
    final: bool = True
