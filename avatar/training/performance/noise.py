"""Small curves that the performance is made of. Axis legend: F frames at 25 fps."""

import numpy as np
from numpy.typing import NDArray

from speech.types import FPS

Floats = NDArray[np.float32]
Rng = np.random.Generator


def ease(x: NDArray[np.floating]) -> Floats:
    """Smooth step: 0 up to 0, 1 from 1 on."""
    t = np.clip(x, 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


def smoothed(values: Floats, sigma: float) -> Floats:
    """(F,) by a Gaussian of sigma frames; ends are repeated."""
    radius = max(int(4 * sigma + 0.5), 1)
    kernel = np.exp(-0.5 * (np.arange(-radius, radius + 1) / sigma) ** 2)
    padded = np.pad(values, (radius, radius), mode="edge")
    return np.convolve(padded, kernel / kernel.sum(), "valid").astype(np.float32)


def wander(rng: Rng, frames: int, seconds: float) -> Floats:
    """(F,) smooth noise of unit variance that changes within `seconds`."""
    sigma = max(seconds * FPS / 2, 0.5)
    margin = int(6 * sigma) + 1
    white = rng.standard_normal(frames + 2 * margin).astype(np.float32)
    gain = np.float32((2 * sigma * np.sqrt(np.pi)) ** 0.5)
    return smoothed(white, sigma)[margin : margin + frames] * gain


def bump(frames: int, start: float, rise: float, hold: float, fall: float) -> Floats:
    """(F,) rises from frame `start` in `rise` frames, holds, falls; lengths in frames."""
    at = np.arange(frames, dtype=np.float32) - np.float32(start)
    return ease(at / max(rise, 1)) * (1 - ease((at - rise - hold) / max(fall, 1)))


def follow(values: Floats, share: float) -> Floats:
    """(F,) that goes `share` of the way to `values` each frame."""
    from scipy.signal import lfilter

    return np.asarray(lfilter([share], [1, share - 1], values), np.float32)
