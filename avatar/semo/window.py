"""Windows of the picture drawn with 2 x 2 samples a pixel: eyes and mouth."""

from dataclasses import dataclass
from functools import cache

import numpy as np

from avatar.landmarks import GROUPS
from avatar.semo.types import Floats, Ints

SAMPLES = 2  # along each side of a pixel


@cache
def group(name: str) -> slice:
    """Where a group of `avatar.landmarks.GROUPS` lies among the 150."""
    names = list(GROUPS)
    first = sum(GROUPS[before] for before in names[: names.index(name)])
    return slice(first, first + GROUPS[name])


@dataclass(frozen=True, slots=True)
class Window:
    """Pixels left <= x < right, top <= y < bottom."""

    left: int
    top: int
    right: int
    bottom: int

    @classmethod
    def around(cls, points: Floats, margin: float, size: int) -> "Window | None":
        """Round points (n, 2) in pixels, within a picture of size x size; None if there is none."""
        low = np.floor(np.clip(points.min(0) - margin, 0, size)).astype(int)
        high = np.ceil(np.clip(points.max(0) + margin, 0, size)).astype(int)
        if (high <= low).any():
            return None
        return cls(int(low[0]), int(low[1]), int(high[0]), int(high[1]))

    @property
    def shape(self) -> tuple[int, int]:
        """Rows and columns of samples."""
        return SAMPLES * (self.bottom - self.top), SAMPLES * (self.right - self.left)

    def view(self) -> Floats:
        """What `rasterise` takes."""
        return np.array([self.left, self.top, SAMPLES], np.float32)

    def box(self) -> Ints:
        """(4,) int32 left, top, right, bottom."""
        return np.array([self.left, self.top, self.right, self.bottom], np.int32)

    def corner(self) -> Ints:
        """(2,) int32 left, top."""
        return np.array([self.left, self.top], np.int32)
