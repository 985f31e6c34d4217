"""What lies around the face: how hair, ears, neck and shoulders follow, and how they stand before
the background.

The displacement of the surface's visible skin is spread over a coarse grid laid over the portrait
at rest, by weights that never change: the field around the face is a linear function of the
surface's points, as smooth in time as they are, so nothing swims. Filling the grid by averages over
ever coarser levels is the "pull-push" of Gortler et al., "The Lumigraph" (1996).
"""

from dataclasses import dataclass
from typing import Any

import cv2
import numpy as np
from numba import njit

from avatar.semo.raster import OPTIONS
from avatar.semo.shading import smoothstep
from avatar.semo.types import Floats, Ints

GRID = 64  # cells along each side
_FULL = 0.4  # of an average anchor in a cell counts as all of it
_NO_MAP: Any = None  # both coordinates are in the first map
_STRETCH = (
    4.0  # times its way: so far below the picture's upper edge hair that moves down stretches
)
_ROUNDS = 3  # of the search for where a moved point came from


@dataclass(frozen=True, slots=True, eq=False)
class Anchors:
    """cells: (A, 4) int32 of GRID * GRID and shares: (A, 4) float32 to which each point adds."""

    points: Ints
    cells: Ints
    shares: Floats


class Surroundings:
    """The motion around the face. Holds nothing that changes."""

    def __init__(self, at: Floats, weight: Floats, still: Floats) -> None:
        """at: (N, 2) picture shares of the points at rest; weight: (N,) in [0, 1], how far a point
        tells how its surroundings move; still: (GRID, GRID) how much a cell is known not to."""
        self._anchors, density = _anchors(at, weight)
        total = density + still
        self._known = np.divide(1, total, out=np.zeros_like(total), where=total > 1e-4)
        self._levels = [np.clip(total, 0, 1)]
        while self._levels[-1].shape[0] > 4:
            self._levels.append(np.asarray(cv2.pyrDown(self._levels[-1]), np.float32))
        self._cells = np.stack(np.meshgrid(*[np.arange(GRID, dtype=np.float32)] * 2), -1)

    def field(self, displacement: Floats) -> Floats:
        """(N, 2) displacement of the surface's points, picture shares, to (GRID, GRID, 2): where
        what is seen at each cell's centre came from, relative to it."""
        forward = self._spread(displacement)
        moved = -forward
        for _ in range(_ROUNDS):
            at = self._cells + moved * np.float32(GRID)
            moved = -_read(forward, at)
        moved[..., 1] += self._short_of_edge(moved[..., 1])
        return np.ascontiguousarray(moved, np.float32)

    def _short_of_edge(self, moved: Floats) -> Floats:
        """(GRID, GRID) shares by which sources (cells that moved up by `moved`) go down again, so
        that none lies above the picture: cropped hair stretches rather than shows its edge."""
        down = np.maximum(-moved, 0)
        above = (self._cells[..., 1] + np.float32(0.5)) / GRID + moved  # of the source
        share = (above + down) / np.maximum((1 + _STRETCH) * down, np.float32(1e-6))
        return np.asarray(down * (1 - smoothstep(np.asarray(share, np.float32), 0, 1)), np.float32)

    def _spread(self, displacement: Floats) -> Floats:
        sums = np.zeros((GRID * GRID, 2), np.float32)
        anchors = self._anchors
        _add(displacement, anchors.points, anchors.cells, anchors.shares, sums)
        first = sums.reshape(GRID, GRID, 2) * self._known[..., None]
        return _filled(first, self._levels)


def _read(field: Floats, at: Floats) -> Floats:
    border = cv2.BORDER_REPLICATE
    return np.asarray(
        cv2.remap(field, at, _NO_MAP, cv2.INTER_LINEAR, borderMode=border), np.float32
    )


def _anchors(at: Floats, weight: Floats) -> tuple[Anchors, Floats]:
    inside = ((at > 0) & (at < 1)).all(1) & (weight > 0.01)
    points = np.flatnonzero(inside).astype(np.int32)
    place = at[points] * GRID - 0.5
    first = np.floor(place).astype(np.int32)
    part = place - first
    cells, shares = np.empty((len(points), 4), np.int32), np.empty((len(points), 4), np.float32)
    for corner, (dx, dy) in enumerate(((0, 0), (1, 0), (0, 1), (1, 1))):
        x, y = (np.clip(first[:, axis] + d, 0, GRID - 1) for axis, d in ((0, dx), (1, dy)))
        across = part[:, 0] if dx else 1 - part[:, 0]
        cells[:, corner] = y * GRID + x
        shares[:, corner] = across * (part[:, 1] if dy else 1 - part[:, 1]) * weight[points]
    density = np.bincount(cells.ravel(), shares.ravel(), GRID * GRID).reshape(GRID, GRID)
    typical = np.median(density[density > 0.05]) if (density > 0.05).any() else 1.0
    scale = np.float32(1 / (_FULL * typical))
    return Anchors(points, cells, shares * scale), np.asarray(density * scale, np.float32)


def _filled(first: Floats, levels: list[Floats]) -> Floats:
    """first: (GRID, GRID, 2) averages where levels[0] > 0; elsewhere from coarser averages."""
    sums = [first * levels[0][..., None]]
    for _ in levels[1:]:
        sums.append(np.asarray(cv2.pyrDown(sums[-1]), np.float32))
    field = sums[-1] / np.maximum(levels[-1], 1e-5)[..., None]
    for total, level in zip(sums[-2::-1], levels[-2::-1], strict=True):
        coarse = cv2.pyrUp(field, dstsize=(level.shape[1], level.shape[0]))
        known = np.clip(level * 2.5, 0, 1)[..., None]
        field = total / np.maximum(level, 1e-5)[..., None] * known + coarse * (1 - known)
    return np.asarray(cv2.GaussianBlur(field, (0, 0), 1.0), np.float32)


@njit("void(float32[:,::1], int32[::1], int32[:,::1], float32[:,::1], float32[:,::1])", **OPTIONS)
def _add(values, points, cells, shares, out):  # type: ignore[no-untyped-def]
    for a in range(points.shape[0]):
        x, y = values[points[a], 0], values[points[a], 1]
        for corner in range(4):
            share, cell = shares[a, corner], cells[a, corner]
            out[cell, 0] += share * x
            out[cell, 1] += share * y
