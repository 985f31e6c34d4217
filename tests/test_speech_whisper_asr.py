import importlib.util
import math

import numpy as np
import pytest

from emotion.errors import MediaError, ProviderError
from speech.types import Transcript
from speech.whisper_asr import WhisperRecogniser, _transcript


@pytest.mark.skipif(
    importlib.util.find_spec("whisper") is not None, reason="openai-whisper is installed"
)
def test_without_the_extra_the_error_names_it() -> None:
    with pytest.raises(ProviderError, match=r"pip install limner\[whisper\]"):
        WhisperRecogniser().transcribe(np.zeros(16_000, np.float32), 16_000)


def test_bad_sound_is_refused_before_the_model_is_asked_for() -> None:
    with pytest.raises(MediaError):
        WhisperRecogniser().transcribe(np.zeros(0, np.float32), 16_000)


def test_whispers_result_becomes_a_transcript() -> None:
    word = {"word": " Hello", "start": 0.1, "end": 0.5, "probability": 0.9}
    segment = {"text": " Hello", "avg_logprob": math.log(0.8), "words": [word]}
    heard = _transcript({"text": " Hello", "segments": [segment], "language": "en"})
    assert (heard.text, heard.words) == ("Hello", (("Hello", 0.1, 0.5),))
    assert heard.confidence == pytest.approx(0.8)
    assert _transcript({"text": "", "segments": []}) == Transcript("", (), 0.0)
