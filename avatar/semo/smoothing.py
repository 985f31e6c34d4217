"""Steady without lag: the one-euro filter (Casiez, Roussel, Vogel 2012).

A low-pass filter whose cut-off rises with speed: what rests is held still, what moves is followed.
"""

import numpy as np

from avatar.semo.types import Floats

_SPEED_CUT = 2.0  # Hz, of the speed's own filter


class OneEuro:
    """Smooths a stream of vectors. Keeps the last value and speed."""

    def __init__(self, fps: float, rest: Floats | float, follow: Floats | float) -> None:
        """fps: usual values a second; rest: cut-off in Hz of what does not move; follow: Hz more
        for each unit of speed a second; one for all, or (n,). Raises ValueError unless all are
        above 0."""
        if min(fps, np.min(rest), np.min(follow)) <= 0:
            raise ValueError("a filter's rates must be above 0")
        self._fps, self._rest, self._follow = fps, rest, follow
        self._last: Floats | None = None
        self._speed: Floats | None = None

    @property
    def started(self) -> bool:
        """Whether there has been a value."""
        return self._last is not None

    def reset(self) -> None:
        """Forget: the next value passes as it is."""
        self._last = self._speed = None

    def __call__(self, value: Floats, seconds: float | None = None) -> Floats:
        """The next value (n,), smoothed; seconds since the last, None: as usual."""
        value = np.asarray(value, np.float32)
        if self._last is None or self._speed is None:
            self._last, self._speed = value, np.zeros_like(value)
            return value
        passed = np.float32(1 / self._fps if seconds is None else seconds)
        speed = (value - self._last) / passed
        self._speed = self._speed + _share(_SPEED_CUT, passed) * (speed - self._speed)
        cut = np.asarray(self._rest + self._follow * np.abs(self._speed), np.float32)
        self._last = self._last + _share(cut, passed) * (value - self._last)
        return self._last


def _share(cut: Floats | float, seconds: np.float32) -> Floats:
    """Of the new value, for a cut-off in Hz."""
    wave = np.asarray(2 * np.pi * seconds * np.asarray(cut), np.float32)
    return np.asarray(wave / (wave + 1), np.float32)
