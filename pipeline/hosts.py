"""What lives in the worker processes besides the avatar: voice, ears and mind.

Engines are named "module:Class" and imported in the child only.
"""

import inspect
from collections.abc import Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emotion.protocols import EmotionAppraiser
from emotion.types import EmotionState
from pipeline.worker_main import load
from speech.protocols import SpeechRecogniser, TextToSpeech
from speech.types import SpeechChunk, Transcript, Voice


class VoiceHost:
    """A text-to-speech engine; `options` are its constructor's keyword arguments."""

    ahead = 32  # a session that listens slowly must not keep the voice from the others

    def __init__(self, engine: str, **options: Any) -> None:
        self._engine: TextToSpeech = load(engine)(**options)

    def voices(self) -> list[Voice]:
        """As `TextToSpeech.voices`."""
        return list(self._engine.voices())

    def stream(self, text: str, voice: str, emotion: EmotionState) -> Iterator[SpeechChunk]:
        """As `TextToSpeech.stream`."""
        return self._engine.stream(text, voice, emotion)

    def warm_up(self) -> None:
        """Load the first voice now, so that the first clause does not wait for it."""
        voices = self._engine.voices()
        for _ in self._engine.stream("Hello.", voices[0].id, EmotionState.neutral()):
            pass

    def cancel(self) -> None:
        """End the running `stream` soon; called from the worker's reader thread."""
        self._engine.cancel()


class EarsHost:
    """A speech recogniser; `options` are its constructor's keyword arguments."""

    def __init__(self, engine: str, **options: Any) -> None:
        self._engine: SpeechRecogniser = load(engine)(**options)

    def transcribe(self, pcm: NDArray[np.float32], rate: int) -> Transcript:
        """As `SpeechRecogniser.transcribe`."""
        return self._engine.transcribe(pcm, rate)

    def warm_up(self) -> None:
        """Load the model now, so that the first turn does not wait for it."""
        noise = np.random.default_rng(0).normal(0, 0.1, 8000).astype(np.float32)
        self._engine.transcribe(noise, 16_000)


class MindHost:
    """Sentence embeddings and the emotion appraiser, which share one model."""

    def __init__(
        self,
        appraiser: str = "emotion.latents:EmotionToLatents",
        embedder: str = "emotion.embedding:MiniLM",
    ) -> None:
        self._embedder = load(embedder)()
        factory = load(appraiser)
        shares = "embedder" in inspect.signature(factory).parameters
        self._appraiser: EmotionAppraiser = (
            factory(embedder=self._embedder) if shares else factory()
        )

    def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(N, 384) float32, each row of length 1."""
        rows: NDArray[np.float32] = self._embedder.encode(texts)
        return rows

    def appraise(
        self,
        text: str | None = None,
        audio: NDArray[np.float32] | None = None,
        labels: Mapping[str, float] | None = None,
        action_units: Mapping[str, float] | None = None,
    ) -> EmotionState:
        """As `EmotionAppraiser.appraise`."""
        return self._appraiser.appraise(text, audio, labels, action_units)

    def warm_up(self) -> None:
        """Load the model now, so that the first clause does not wait for it."""
        self._embedder.encode(["Hello there."])
        self._appraiser.appraise(text="Hello there.")
