"""Where the speech of a take comes from: a voice that is made, or recordings of one person."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from avatar.training.performance.noise import Floats, Rng
from avatar.training.performance.recordings import Recording, read_levelled
from avatar.training.performance.voices import Speakers
from emotion.types import EmotionState
from speech.types import FEATURE_RATE, PLAY_RATE, PhoneSpan, SpeechChunk

NOISES = (0.0005, 0.006)  # RMS of what a microphone hears anyway


@dataclass(frozen=True, slots=True, eq=False)
class Utterance:
    """pcm: (T,) at PLAY_RATE; phones tile it, in its samples; text: what is said."""

    pcm: Floats
    phones: tuple[PhoneSpan, ...]
    text: str

    def chunk(self, start: int) -> SpeechChunk:
        """On a clock on which it starts at this sample."""
        return SpeechChunk(0, self.pcm, PLAY_RATE, start, self.phones)


class Voice(Protocol):
    """Somebody who can say something."""

    name: str

    def say(self, rng: Rng, text: str, feeling: dict[str, float]) -> Utterance | None:
        """The text, or what this voice has instead of it; None: nothing that can be used."""
        ...


class MadeVoice:
    """A synthesiser's voice; feelings are heard in it."""

    def __init__(self, speakers: Speakers, name: str) -> None:
        self.name = name
        self._voices = speakers.voices(name)

    def say(self, rng: Rng, text: str, feeling: dict[str, float]) -> Utterance | None:
        """See `Voice`."""
        emotion = EmotionState.from_strengths(feeling)
        chunks = list(self._voices.stream(text, self.name, emotion))
        phones = tuple(
            replace(span, start=chunk.start_sample + span.start, end=chunk.start_sample + span.end)
            for chunk in chunks
            for span in chunk.phones
        )
        if all(span.symbol == "pau" for span in phones):
            return None
        return Utterance(np.concatenate([chunk.pcm for chunk in chunks]), phones, text)


class RecordedVoice:
    """Recordings of one person, aligned to what is said; texts and feelings are not followed."""

    def __init__(self, name: str, utterances: Sequence[Utterance]) -> None:
        self.name = name
        self._utterances = tuple(utterances)
        self._left: list[int] = []

    def say(self, rng: Rng, text: str, feeling: dict[str, float]) -> Utterance | None:
        """See `Voice`: the recordings in an order of their own, each once before any again."""
        if not self._left:
            self._left = [int(at) for at in rng.permutation(len(self._utterances))]
        return self._utterances[self._left.pop()]


Listener = Callable[[Rng, str], Floats]


class Others:
    """Who is heard while we listen: made voices, and real people where there are recordings."""

    def __init__(
        self, draw: Callable[[Rng], Voice], recordings: Sequence[Recording], real: float
    ) -> None:
        self._draw = draw
        self._recordings = tuple(recordings)
        self._real = real if recordings else 0.0
        self._voice: Voice | None = None
        self._recording: Recording | None = None

    def meet(self, rng: Rng) -> None:
        """Somebody else from now on."""
        self._voice, self._recording = None, None
        if rng.random() < self._real:
            self._recording = self._recordings[int(rng.integers(len(self._recordings)))]
        else:
            self._voice = self._draw(rng)

    def hear(self, rng: Rng, text: str) -> Floats:
        """(T,) at FEATURE_RATE of somebody who says the text, or something."""
        if self._recording is not None:
            pcm = read_levelled(self._recording)
            size = int(FEATURE_RATE * rng.uniform(2.5, 9))
            start = int(rng.integers(max(1, len(pcm) - size)))
            return _faded(pcm[start : start + size])
        if self._voice is None:
            raise ValueError("nobody was met")
        said = self._voice.say(rng, text, {})
        return np.zeros(0, np.float32) if said is None else resampled(said.pcm)


def _faded(pcm: Floats) -> Floats:
    edge = min(FEATURE_RATE // 20, len(pcm) // 2)
    out = pcm.copy()
    ramp = np.linspace(0, 1, edge, dtype=np.float32)
    out[:edge] *= ramp
    out[len(out) - edge :] *= ramp[::-1]
    return out


def resampled(pcm: Floats, rate: int = PLAY_RATE, to: int = FEATURE_RATE) -> Floats:
    """(T,) to another rate."""
    import soxr

    return np.asarray(soxr.resample(pcm, rate, to), np.float32)


def room_noise(rng: Rng, samples: int) -> Floats:
    """(T,) quiet noise, darker or brighter."""
    from scipy.signal import lfilter

    white = rng.standard_normal(samples).astype(np.float32)
    pole = float(rng.uniform(0.3, 0.95))
    shaped = lfilter([1 - pole], [1, -pole], white)
    level = float(np.exp(rng.uniform(*np.log(NOISES))))
    return np.asarray(shaped * (level / max(float(shaped.std()), 1e-9)), np.float32)
