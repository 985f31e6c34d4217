"""How something is said: loudness, melody, accents and phrase ends, frame by frame.

Only for making performances: what the head does with speech. Axis legend: T samples at 16 kHz,
F frames at 25 fps.
"""

from dataclasses import dataclass

import numpy as np

from avatar.training.performance.noise import Floats, smoothed
from speech.types import FEATURE_RATE, FPS

FRAME = FEATURE_RATE // FPS
_WINDOW = 1024
_LAGS = (32, 230)  # samples: 500 to 70 Hz
VOICED = 0.45  # least autocorrelation
SILENT = 0.008  # RMS
APART = 9  # frames between accents
PAUSE = 6  # frames of silence that end a phrase
MELODY = 0.17  # natural log of F0: about one standard deviation of reading aloud


@dataclass(frozen=True, slots=True, eq=False)
class Prosody:
    """level: (F,) loudness in [0, 1] relative to the speaker; melody: (F,) F0 above the speaker's
    mean in its usual deviations, 0 where nothing is voiced, smooth; accents: (frame, strength in
    [0, 1]); ends: frames at which phrases end; loud: (F,) bool."""

    level: Floats
    melody: Floats
    accents: tuple[tuple[int, float], ...]
    ends: tuple[int, ...]
    loud: np.ndarray[tuple[int], np.dtype[np.bool_]]


def prosody_of(pcm: Floats) -> Prosody:
    """Of (F * 640,) float32 sound with silence between what is said."""
    frames = len(pcm) // FRAME
    rms = np.sqrt((pcm[: frames * FRAME].reshape(frames, FRAME) ** 2).mean(1))
    loud = rms > SILENT
    if not loud.any():
        nothing = np.zeros(frames, np.float32)
        return Prosody(nothing, nothing, (), (), loud)
    level = np.clip(rms / np.quantile(rms[loud], 0.9), 0, 1).astype(np.float32)
    melody = _melody(pcm, frames, loud)
    ends = tuple(int(at) for at in _ends(loud))
    return Prosody(level, melody, _accents(level, melody, loud), ends, loud)


def _melody(pcm: Floats, frames: int, loud: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> Floats:
    padded = np.pad(pcm[: frames * FRAME], (_WINDOW // 2, _WINDOW))
    windows = np.lib.stride_tricks.sliding_window_view(padded, _WINDOW)[FRAME // 2 :: FRAME]
    windows = windows[:frames][loud] * np.hanning(_WINDOW).astype(np.float32)
    power = np.abs(np.fft.rfft(windows - windows.mean(1, keepdims=True), 2 * _WINDOW)) ** 2
    ratio = np.fft.irfft(power)[:, : _LAGS[1]]
    ratio = ratio / np.maximum(ratio[:, :1], 1e-9)
    lag = ratio[:, _LAGS[0] :].argmax(1) + _LAGS[0]
    voiced = ratio[np.arange(len(lag)), lag] > VOICED
    out = np.zeros(frames, np.float32)
    if voiced.sum() < FPS:
        return out
    pitch = -np.log(lag)
    away = np.clip((pitch - np.median(pitch[voiced])) / MELODY, -2.5, 2.5) * voiced
    share = np.zeros(frames, np.float32)
    out[loud], share[loud] = away, voiced
    mean = smoothed(out, 1.5) / np.maximum(smoothed(share, 1.5), 0.35)
    return np.asarray(mean, np.float32)


def _accents(
    level: Floats, melody: Floats, loud: np.ndarray[tuple[int], np.dtype[np.bool_]]
) -> tuple[tuple[int, float], ...]:
    """Peaks that stand out of what is around, strongest first, none near another."""
    strength = smoothed(level, 1.0) + 0.22 * melody
    around = smoothed(np.where(loud, strength, 0), 20) / np.maximum(smoothed(loud * 1.0, 20), 0.2)
    prominence = np.where(loud, strength - around, 0)
    inner = prominence[1:-1]
    peaks = np.flatnonzero((inner > prominence[:-2]) & (inner >= prominence[2:])) + 1
    taken: list[int] = []
    for at in peaks[np.argsort(-prominence[peaks])]:
        if prominence[at] > 0.12 and all(abs(at - other) >= APART for other in taken):
            taken.append(int(at))
    return tuple((at, float(min(1.0, prominence[at] / 0.5))) for at in sorted(taken))


def _ends(loud: np.ndarray[tuple[int], np.dtype[np.bool_]]) -> list[int]:
    """First frames of silences of PAUSE frames and more that follow speech."""
    borders = np.flatnonzero(np.diff(np.concatenate([[0], loud.astype(np.int8), [0]])))
    starts, stops = borders[::2], borders[1::2]
    nexts = np.append(starts[1:], len(loud) + PAUSE)
    return [int(stop) for stop, after in zip(stops, nexts, strict=True) if after - stop >= PAUSE]
