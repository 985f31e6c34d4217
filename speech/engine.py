"""What a built-in voice engine gives: pieces of sound that know the timeline of the whole."""

import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from speech.prosody import Prosody
from speech.types import PhoneSpan, Voice, WordSpan


@dataclass(frozen=True, slots=True)
class Timeline:
    """Everything about an utterance but its sound; spans in samples at `rate`.

    length: samples of the utterance, as far as they are known beforehand.
    """

    rate: int
    length: int
    phones: tuple[PhoneSpan, ...]
    words: tuple[WordSpan, ...]


@dataclass(frozen=True, slots=True, eq=False)
class SpokenPiece:
    """pcm: (T,) float32 in [-1, 1] at `timeline.rate`; pieces of an utterance follow closely."""

    timeline: Timeline
    pcm: NDArray[np.float32]


class VoiceEngine(Protocol):
    """One synthesiser. `available` and `voices` are cheap; the library loads on first `speak`."""

    name: str

    def available(self) -> bool:
        """Whether the engine's library is on this machine."""
        ...

    def voices(self) -> Sequence[Voice]:
        """The voices on this machine."""
        ...

    def speak(
        self, text: str, voice: str, prosody: Prosody, stop: threading.Event
    ) -> Iterator[SpokenPiece]:
        """Speak cleaned text with the voice of that name (the part of the id after the slash).

        Ends early, without an error, once `stop` is set. Text that has no sounds gives nothing.
        Energy and pauses are left to the caller. Raises ProviderError when the engine fails.
        """
        ...
