"""How long a sound has really lasted when a detector says "speech".

A VAD needs a window or two to be sure and keeps saying "speech" after a burst has ended; loudness
in blocks of 8 ms tells the true length.
"""

from collections import deque

import numpy as np
from numpy.typing import NDArray

from speech.types import FEATURE_RATE
from speech.vad import WINDOW

BLOCK = 128  # samples, 8 ms
LOOK_BACK = 2  # windows before the detector's first yes that may belong to the sound
BELOW_PEAK = 10**-2.5  # power of a block that still belongs to the sound: 25 dB below its peak
ABOVE_FLOOR = 4.0  # and 6 dB above the noise
_FLOOR_RATE = 0.05  # how fast the noise estimate follows, per window


class OnsetMeter:
    """Measures the sound that may become a turn, and the noise between turns."""

    def __init__(self) -> None:
        self._before: deque[NDArray[np.float32]] = deque(maxlen=LOOK_BACK)
        self._sound: list[NDArray[np.float32]] = []
        self._floor = 1e-7

    def quiet(self, window: NDArray[np.float32]) -> None:
        """A (WINDOW,) float32 window outside of any sound."""
        if len(self._before) == LOOK_BACK:
            # Only windows that no onset can reach back to count as noise.
            self._floor += _FLOOR_RATE * (float(self._before[0].mean()) - self._floor)
        self._before.append(_powers(window))
        self._sound.clear()

    def hear(self, window: NDArray[np.float32]) -> None:
        """A (WINDOW,) float32 window of a sound; the first one begins it."""
        if not self._sound:
            self._sound.extend(self._before)
            self._before.clear()
        self._sound.append(_powers(window))

    def seconds(self) -> float:
        """How long, at least, the sound has been loud since it began."""
        powers = np.concatenate(self._sound)
        gate = max(float(powers.max()) * BELOW_PEAK, self._floor * ABOVE_FLOOR)
        # The first and the last block may be touched only.
        return max(int((powers > gate).sum()) - 2, 0) * BLOCK / FEATURE_RATE


def _powers(window: NDArray[np.float32]) -> NDArray[np.float32]:
    """(WINDOW / BLOCK,) mean power of the blocks."""
    squares: NDArray[np.float32] = np.square(window).reshape(WINDOW // BLOCK, BLOCK)
    powers: NDArray[np.float32] = squares.mean(axis=1, dtype=np.float32)
    return powers
