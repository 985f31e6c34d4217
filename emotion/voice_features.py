"""Sound as numbers for the voice encoder: log-mel bands, pitch, level; and the whole clip's manner.

What depends on the microphone alone (gain, a constant hum) is taken out: levels count against the
clip's own, pitch against its own median.

Axis legend: T samples at 16 kHz, F frames of 20 ms, 40 bands.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from emotion.voice_arousal import RATE, checked, frames_of, pitch_of

Vector = NDArray[np.float32]

BANDS = 40
WIDTH = BANDS + 3  # of a frame: bands, pitch, voiced, level
MANNER = 11  # of a clip
LONGEST = 20 * RATE  # samples looked at
_HOP, _WINDOW, _FFT = 320, 512, 512
_FLOOR_DB = 60.0  # below the loudest
_TALK_DB = 30.0


@dataclass(frozen=True, slots=True, eq=False)
class VoiceFeatures:
    """frames: (F, 43) float32; manner: (11,) float32; speech: whether anybody speaks."""

    frames: Vector
    manner: Vector
    speech: bool


def voice_features(audio: Vector) -> VoiceFeatures:
    """audio: (T,) float32 in [-1, 1] at 16 kHz. Raises MediaError as `voice_arousal` does."""
    sound = np.asarray(checked(audio)[:LONGEST], np.float32)
    power = _spectrum(sound)
    level = 10 * np.log10(power.mean(1) + 1e-9)
    top = float(np.percentile(level, 95))
    mel = 10 * np.log10(power @ _filters() + 1e-9) - top
    pitch = np.repeat(pitch_of(frames_of(sound)), 2)[: len(level)]
    pitch = np.pad(pitch, (0, len(level) - len(pitch)))
    loud = level > top - _TALK_DB
    voiced = (pitch > 0) & loud
    middle = float(np.median(pitch[voiced])) if voiced.any() else 120.0
    tone = np.where(voiced, np.log2(np.maximum(pitch, 1) / middle), 0)
    shape = np.clip(mel, -_FLOOR_DB, 20) / 20 + 1.5
    extra = np.stack([tone, voiced, np.clip(level - top, -_FLOOR_DB, 20) / 20], 1)
    frames = np.concatenate([shape, extra], 1).astype(np.float32)
    manner = _manner(level - top, tone[voiced], voiced, loud, middle)
    return VoiceFeatures(frames, manner, bool(voiced.sum() >= 10 and top > -75))


def _manner(
    level: NDArray[np.float64], tone: NDArray[np.float64], voiced: NDArray[np.bool_],
    loud: NDArray[np.bool_], middle: float,
) -> Vector:  # fmt: skip
    """(11,): register, spread, highest and lowest pitch, its movement, dynamics, pauses, voicing,
    syllables a second, length of voiced stretches, where the pitch goes."""
    tone = tone if len(tone) > 1 else np.zeros(2)
    low, high = np.percentile(tone, [5, 95])
    return np.array(
        [
            np.log2(middle / 150),
            2 * tone.std(),
            high,
            low,
            10 * float(np.abs(np.diff(tone)).mean()),
            level[loud].std() / 10 if loud.any() else 0.0,
            1 - loud.mean(),
            voiced.sum() / max(int(loud.sum()), 1),
            _syllables(level) / max(loud.sum() / 50, 0.2) / 5,
            voiced.sum() / max(int((np.diff(voiced.astype(int)) == 1).sum()), 1) / 20,
            float(np.polyfit(np.linspace(-1, 1, len(tone)), tone, 1)[0]),
        ],
        np.float32,
    )


def _syllables(level: NDArray[np.float64]) -> int:
    """How many peaks of loudness stand out."""
    smooth = np.convolve(level, np.hanning(9) / np.hanning(9).sum(), "same")
    middle = smooth[1:-1]
    peaks = (middle > smooth[:-2]) & (middle >= smooth[2:]) & (middle > -15)
    return int(peaks.sum())


def _spectrum(sound: Vector) -> NDArray[np.float64]:
    """(F, 257) power."""
    count = max(1, -(-len(sound) // _HOP))
    padded = np.zeros((count - 1) * _HOP + _WINDOW)
    size = min(len(sound), len(padded))
    padded[:size] = np.clip(sound[:size], -1, 1)
    windows = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[::_HOP]
    spectrum: NDArray[np.float64] = np.abs(np.fft.rfft(windows * np.hanning(_WINDOW), _FFT)) ** 2
    return spectrum / _FFT


@cache
def _filters() -> NDArray[np.float64]:
    """(257, 40) triangular mel filters from 60 Hz to 7600 Hz."""
    edges = np.linspace(_mel(60.0), _mel(7600.0), BANDS + 2)
    hertz = 700 * (10 ** (edges / 2595) - 1)
    bins = np.fft.rfftfreq(_FFT, 1 / RATE)
    rise = (bins[:, None] - hertz[None, :-2]) / np.diff(hertz)[None, :-1]
    fall = (hertz[None, 2:] - bins[:, None]) / np.diff(hertz)[None, 1:]
    triangles: NDArray[np.float64] = np.maximum(0, np.minimum(rise, fall))
    return np.asarray(triangles / np.maximum(triangles.sum(0), 1e-9), np.float64)


def _mel(hertz: float) -> float:
    return float(2595 * np.log10(1 + hertz / 700))
