"""Sounds that the speech tests listen to, made on the spot by our own voices."""

from functools import cache

import numpy as np
import pytest
from numpy.typing import NDArray

from emotion.types import EmotionState
from speech.flite import Flite
from speech.pcm import resample
from speech.tts import EmbeddedVoices
from speech.types import FEATURE_RATE, PLAY_RATE, SpeechChunk

NEUTRAL = EmotionState.neutral()

needs_flite = pytest.mark.skipif(
    not Flite().available(), reason="Debian's libflite1 is not installed (make test installs it)"
)


def joined(chunks: list[SpeechChunk]) -> NDArray[np.float32]:
    return np.concatenate([chunk.pcm for chunk in chunks])


@cache
def spoken(text: str, voice: str = "flite/slt") -> NDArray[np.float32]:
    """(T,) float32 at 16 kHz."""
    chunks = list(EmbeddedVoices().stream(text, voice, NEUTRAL))
    return resample(joined(chunks), PLAY_RATE, FEATURE_RATE)


def noise(seconds: float, level: float = 0.003, seed: int = 0) -> NDArray[np.float32]:
    """(T,) float32 white noise at 16 kHz."""
    size = round(seconds * FEATURE_RATE)
    return (np.random.default_rng(seed).standard_normal(size) * level).astype(np.float32)


def pitch(pcm: NDArray[np.float32], rate: int) -> float:
    """Median F0 in Hz by autocorrelation over the voiced parts of (T,) sound."""
    size = rate // 20
    found = []
    for start in range(0, len(pcm) - size, size // 2):
        window = pcm[start : start + size] - pcm[start : start + size].mean()
        if np.sqrt(np.mean(window**2)) < 0.02:
            continue
        power = np.abs(np.fft.rfft(window, 2 * size)) ** 2
        correlation = np.fft.irfft(power)[:size] / np.arange(size, 0, -1)
        low, high = rate // 420, rate // 60
        lag = low + int(np.argmax(correlation[low:high]))
        if correlation[lag] > 0.5 * correlation[0]:
            found.append(rate / lag)
    return float(np.median(found))
