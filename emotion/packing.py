"""Small files for nets that differ little from one that is installed: differences in 8 bits.

A matrix is stored as the difference to its start, an int8 per number and a scale per row; a
rounding error is at most half a scale, a 250th of the row's largest difference. Vectors are stored
whole in half precision.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float32]
_LEVELS = 127
_DELTA, _SCALE = ".delta", ".scale"


def pack(
    trained: Mapping[str, Array], start: Mapping[str, Array]
) -> dict[str, NDArray[np.generic]]:
    """Arrays to store. start: those that the training began from, by the same names."""
    out: dict[str, NDArray[np.generic]] = {}
    for name, value in trained.items():
        if value.ndim < 2 or name not in start:
            out[name] = value.astype(np.float16)
            continue
        difference = value - start[name]
        scale = np.maximum(np.abs(difference).max(1, keepdims=True), 1e-8) / _LEVELS
        out[name + _DELTA] = np.round(difference / scale).astype(np.int8)
        out[name + _SCALE] = scale.astype(np.float32)
    return out


def unpack(
    stored: Mapping[str, NDArray[np.generic]], start: Mapping[str, Array]
) -> dict[str, Array]:
    """The trained arrays again. Raises KeyError when `start` lacks one that was packed."""
    out: dict[str, Array] = {}
    for name, value in stored.items():
        if name.endswith(_DELTA):
            plain = name.removesuffix(_DELTA)
            scale = np.asarray(stored[plain + _SCALE], np.float32)
            out[plain] = start[plain] + np.asarray(value, np.float32) * scale
        elif not name.endswith(_SCALE):
            out[name] = np.asarray(value, np.float32)
    return out
