"""Which pixels a motion reaches: the rest of the frame is the portrait as it is.

Axis legend: N chart points, G cells along each side of the grid around the face.
"""

from typing import Any

import cv2
import numpy as np
from numba import njit

from avatar.semo.background import GRID
from avatar.semo.raster import OPTIONS
from avatar.semo.types import Bytes, Floats, Ints
from avatar.semo.window import Window

_f = np.float32
_NO_MAP: Any = None  # both coordinates are in the first map
_MOVED = 0.02  # pixels
_LIT = 0.003  # change of the light


class Extent:
    """Finds what to draw in a picture of size x size. Holds nothing that changes."""

    def __init__(self, person: Floats, size: int) -> None:
        """person: (S, S) in [0, 1], what moves with the person."""
        self._size = size
        cell = max(1, person.shape[0] // GRID)
        most = cv2.dilate(person, np.ones((cell + 1, cell + 1), np.uint8))
        some = cv2.resize(most, (GRID, GRID), interpolation=cv2.INTER_LINEAR)
        self._person = (some > 0.002).astype(np.uint8)
        self._cells = np.stack(np.meshgrid(*[np.arange(GRID, dtype=np.float32)] * 2), -1)

    def spans(self, field: Floats, points: Floats, screen: Floats) -> Ints:
        """(S, 2) int32: first and last + 1 pixel of each row that moves; equal where none does.

        field: (GRID, GRID, 2) pixels; points: (N, 9) attributes; screen: (N, 3) as posed.
        """
        active = self._around(field)
        _mark(points, screen, _f(GRID / self._size), active)
        active = np.asarray(cv2.dilate(active, np.ones((3, 3), np.uint8)), np.uint8)
        any_row = active.any(1)
        first = np.where(any_row, active.argmax(1), 0)
        last = np.where(any_row, GRID - active[:, ::-1].argmax(1), 0)
        edges = np.stack([first, last], 1) * (self._size / GRID)
        rows = ((np.arange(self._size) + 0.5) * (GRID / self._size)).astype(np.int32)
        return np.ascontiguousarray(np.round(edges[rows]).astype(np.int32))

    def _around(self, field: Floats) -> Bytes:
        """(GRID, GRID) 1 where the person stands now or in the portrait, and moves."""
        speed = np.abs(field).max(2)
        at = self._cells + field * np.float32(GRID / self._size)
        now = _nearest(self._person, at)
        return np.asarray((now | self._person) * (speed > _MOVED), np.uint8)


def _nearest(cells: Bytes, at: Floats) -> Bytes:
    border = cv2.BORDER_REPLICATE
    return np.asarray(cv2.remap(cells, at, _NO_MAP, cv2.INTER_NEAREST, borderMode=border), np.uint8)


def box_of(spans: Ints) -> Window | None:
    """The rectangle around spans (S, 2); None if nothing moves."""
    rows = np.flatnonzero(spans[:, 1] > spans[:, 0])
    if not len(rows):
        return None
    drawn = spans[rows]
    left, right = int(drawn[:, 0].min()), int(drawn[:, 1].max())
    return Window(left, int(rows[0]), right, int(rows[-1]) + 1)


@njit("void(float32[:,::1], float32[:,::1], float32, uint8[:,::1])", **OPTIONS)
def _mark(points, screen, scale, active):  # type: ignore[no-untyped-def]
    side = active.shape[0]
    for v in range(points.shape[0]):
        if points[v, 3] <= _f(0.001):
            continue
        x, y = screen[v, 0], screen[v, 1]
        off = abs(points[v, 0] - x) + abs(points[v, 1] - y)
        if off < _f(_MOVED) and abs(points[v, 2] - _f(1)) < _f(_LIT):
            continue
        column, row = int(x * scale), int(y * scale)
        if 0 <= column < side and 0 <= row < side:
            active[row, column] = 1


@njit("float32(float32[:,::1], float32[:,::1])", **OPTIONS)
def farthest(before, after):  # type: ignore[no-untyped-def]
    """The longest way along x or y, pixels, between two (N, 3) as posed."""
    most = _f(0)
    for v in range(before.shape[0]):
        most = max(most, abs(before[v, 0] - after[v, 0]), abs(before[v, 1] - after[v, 1]))
    return most
