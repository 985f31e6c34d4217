"""Engines in worker processes, as a session sees them (`pipeline/parts.py`)."""

from collections.abc import AsyncIterator, Sequence
from contextlib import aclosing
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from emotion.errors import ProviderError
from emotion.types import EmotionState
from pipeline.workers import Worker
from pipeline.written_words import WrittenWords
from speech.types import SpeechChunk, Transcript


class RemoteVoice:
    """A voice that survives the death of its worker: voices are deterministic, so the clause is
    spoken again and what had come already is left out."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    async def stream(
        self, text: str, voice: str, emotion: EmotionState
    ) -> AsyncIterator[SpeechChunk]:
        """As `TextToSpeech.stream`, with the words as they are written in `text`."""
        done, written = 0, WrittenWords(text)
        for last in (False, True):
            try:
                async with aclosing(self._worker.stream("stream", text, voice, emotion)) as chunks:
                    at = 0
                    async for chunk in chunks:
                        at += 1
                        if at > done:
                            done = at
                            yield replace(chunk, words=written.align(chunk.words))
                return
            except ProviderError as error:
                if last or not error.retryable:
                    raise


class RemoteEars:
    """A recogniser in its worker."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    async def transcribe(self, pcm: NDArray[np.float32], rate: int) -> Transcript:
        """As `SpeechRecogniser.transcribe`."""
        transcript: Transcript = await self._worker.call("transcribe", pcm, rate)
        return transcript


class RemoteMind:
    """The appraiser and the sentence embeddings in their worker."""

    def __init__(self, worker: Worker) -> None:
        self._worker = worker

    async def appraise(self, text: str) -> EmotionState:
        """How `text` feels."""
        state: EmotionState = await self._worker.call("appraise", text=text)
        return state

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(N, 384) float32, rows of length 1."""
        rows: NDArray[np.float32] = await self._worker.call("embed", list(texts))
        return rows
