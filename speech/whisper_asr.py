"""`WhisperRecogniser`: openai-whisper, where the extra `whisper` is installed."""

import importlib.util
import math
import threading
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray

from emotion.errors import ProviderError
from speech.pcm import checked, resample
from speech.types import FEATURE_RATE, Transcript


class WhisperRecogniser:
    """A `speech.protocols.SpeechRecogniser` for about 100 languages.

    model: a name such as "base" (downloaded once by whisper) or the path of a checkpoint;
    language: a code such as "en", or None to detect it. The model loads with the first sound.
    """

    def __init__(
        self, model: str = "base", language: str | None = None, device: str = "cpu"
    ) -> None:
        self._name, self._language, self._device = model, language, device
        self._lock = threading.Lock()

    def transcribe(self, pcm: NDArray[np.float32], rate: int) -> Transcript:
        """See `SpeechRecogniser`. Raises ProviderError when whisper or its model is missing."""
        sound = resample(checked(pcm, rate), rate, FEATURE_RATE)
        with self._lock:
            # A numpy array goes in: a path would need an ffmpeg binary. One temperature and no
            # prompt from the text before bound the time that unclear sound can take.
            result = self._model.transcribe(
                sound,
                language=self._language,
                word_timestamps=True,
                temperature=0.0,
                condition_on_previous_text=False,
                fp16=self._device != "cpu",
            )
        return _transcript(result)

    @cached_property
    def _model(self) -> Any:
        if importlib.util.find_spec("whisper") is None:
            raise ProviderError(
                "The speech recogniser Whisper is not installed.",
                "Run: pip install limner[whisper]",
            )
        import whisper

        try:
            return whisper.load_model(self._name, device=self._device)
        except (RuntimeError, OSError) as error:
            raise ProviderError(
                f"Whisper's model {self._name!r} does not load ({error}).",
                "Check the model's name, the network and the free disk space.",
                retryable=isinstance(error, OSError),
            ) from error


def _transcript(result: dict[str, Any]) -> Transcript:
    segments = [s for s in result["segments"] if s["text"].strip()]
    words = tuple(
        (word["word"].strip(), float(word["start"]), float(word["end"]))
        for segment in segments
        for word in segment.get("words", ())
    )
    text = " ".join(segment["text"].strip() for segment in segments)
    if not segments:
        return Transcript("", (), 0.0)
    mean = float(np.mean([segment["avg_logprob"] for segment in segments]))
    return Transcript(text, words, min(max(math.exp(mean), 0.0), 1.0))
