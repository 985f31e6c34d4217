"""What a voice alone tells: how aroused it sounds, not what it feels.

Loud, lively pitch means arousal; arousal is shared by joy, anger and surprise, so the estimate
stays weak and mixed on purpose. Axis legend: T samples at 16 kHz, F frames of 40 ms.
"""

import numpy as np
from numpy.typing import NDArray

from emotion.errors import MediaError
from emotion.types import EMOTIONS

RATE = 16_000
MAX_INTENSITY = 0.35
_FRAME = 640
_LONGEST = 60 * RATE  # samples looked at
_LOWEST_HZ, _HIGHEST_HZ = 70, 400
_VOICED = 0.5  # normalised autocorrelation
_CALM_SPREAD, _LIVELY_SPREAD = 1.5, 5.0  # semitones
_QUIET_DB, _LOUD_DB = -38.0, -16.0

_AROUSED = {"happy": 1.0, "surprised": 0.8, "angry": 0.7}
_SUBDUED = {"sad": 1.0}


def strengths_from_voice(audio: NDArray[np.float32]) -> NDArray[np.float32]:
    """(6,) float32, none above `MAX_INTENSITY`. audio: (T,) in [-1, 1] at 16 kHz.

    Raises MediaError when it is empty, not one-dimensional, or holds NaN.
    """
    arousal = voice_arousal(audio)
    if arousal is None:
        return np.zeros(len(EMOTIONS), np.float32)
    mixture = _AROUSED if arousal > 0.5 else _SUBDUED
    amount = MAX_INTENSITY * max(0.0, abs(arousal - 0.5) - 0.1) / 0.4
    return np.array([amount * mixture.get(name, 0.0) for name in EMOTIONS], np.float32)


def voice_arousal(audio: NDArray[np.float32]) -> float | None:
    """Arousal in [0, 1], 0.5 is everyday talk; None where nobody speaks. Raises as above."""
    frames = frames_of(checked(audio)[:_LONGEST])
    level = 10 * np.log10((frames**2).mean(1) + 1e-12)
    loud = level > max(float(level.max()) - 25, -55)
    pitch = pitch_of(frames[loud])
    voiced = pitch[pitch > 0]
    if len(voiced) < 5:
        return None
    semitones = 12 * np.log2(voiced / np.median(voiced))
    spread = float(np.clip(np.percentile(np.abs(semitones), 75) * 1.5, 0, 12))
    liveliness = (spread - _CALM_SPREAD) / (_LIVELY_SPREAD - _CALM_SPREAD)
    loudness = (float(level[loud].mean()) - _QUIET_DB) / (_LOUD_DB - _QUIET_DB)
    return float(np.clip(0.5 * np.clip(liveliness, 0, 1) + 0.5 * np.clip(loudness, 0, 1), 0, 1))


def checked(audio: NDArray[np.float32]) -> NDArray[np.float32]:
    """The sound itself. Raises MediaError when it is empty, not one-dimensional, or holds NaN."""
    if audio.ndim != 1 or audio.size == 0:
        raise MediaError(
            f"The sound has shape {audio.shape}.", "Give one channel with at least one sample."
        )
    if not np.isfinite(audio).all():
        raise MediaError("The sound holds values that are no numbers.", "Decode it again.")
    return audio


def frames_of(audio: NDArray[np.float32]) -> NDArray[np.float64]:
    """(F, 640) float64; the last frame filled with silence."""
    count = -(-len(audio) // _FRAME)
    padded = np.zeros(count * _FRAME)
    padded[: len(audio)] = np.clip(audio, -1, 1)
    return padded.reshape(count, _FRAME)


def pitch_of(frames: NDArray[np.float64]) -> NDArray[np.float64]:
    """(F,) fundamental frequency in Hz by autocorrelation; 0 where unvoiced."""
    centred = frames - frames.mean(1, keepdims=True)
    power = np.abs(np.fft.rfft(centred, 2 * _FRAME)) ** 2
    correlation = np.fft.irfft(power)[:, :_FRAME]
    correlation = correlation / (_FRAME - np.arange(_FRAME))  # undo the taper of short overlaps
    short, long = RATE // _HIGHEST_HZ, RATE // _LOWEST_HZ
    lags = short + correlation[:, short:long].argmax(1)
    peak = np.take_along_axis(correlation, lags[:, None], 1)[:, 0]
    voiced = peak > _VOICED * np.maximum(correlation[:, 0], 1e-9)
    return np.where(voiced, RATE / lags, 0.0)
