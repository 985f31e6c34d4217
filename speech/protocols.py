"""The plug-in points `limner.tts` and `limner.asr`."""

from collections.abc import Iterator, Sequence
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from emotion.types import EmotionState
from speech.types import SpeechChunk, Transcript, Voice


class TextToSpeech(Protocol):
    """A voice engine. One instance serves one process; calls come from one thread at a time,
    except `cancel`, which may come from any thread."""

    def voices(self) -> Sequence[Voice]:
        """The voices that can be used now on this machine."""
        ...

    def stream(self, text: str, voice: str, emotion: EmotionState) -> Iterator[SpeechChunk]:
        """Speak one clause as chunks at PLAY_RATE, in order; start_sample counts from the clause.

        Raises ProviderError if the engine fails, ConfigError for an unknown voice.
        """
        ...

    def cancel(self) -> None:
        """End the running `stream` soon (within 50 ms); it stops without an error."""
        ...


class SpeechRecogniser(Protocol):
    """A speech recogniser (ASR engine)."""

    def transcribe(self, pcm: NDArray[np.float32], rate: int) -> Transcript:
        """pcm: (T,) float32 in [-1, 1] mono. Raises MediaError on empty or malformed audio."""
        ...
