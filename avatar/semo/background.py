"""What lies around the face: how hair, ears, neck and shoulders follow, and how they stand before
the background.

The displacement of the surface's visible skin and of the portrait's body (`avatar.semo.body`) is
spread over a grid laid over the portrait at rest, by weights that never change: the field around
the face is a linear function of their points, as smooth in time as they are, so nothing swims.
Filling the grid by averages over ever coarser levels is the "pull-push" of Gortler et al., "The
Lumigraph" (1996).
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numba import njit

from avatar.semo.raster import INLINE, OPTIONS
from avatar.semo.shading import smoothstep
from avatar.semo.types import Floats, Ints

GRID = 128  # cells along each side
_FULL = 0.4  # of an average anchor in a cell counts as all of it
# Times its way: so far below the picture's upper edge hair that moves down stretches.
_STRETCH = 4.0
_ROUNDS = 8  # of the search for where a moved point came from
_CLOSE = 0.01  # cells: found
_LEAST_AREA = 0.3  # to which a cell may shrink
_LONGEST = 4.0  # cells of a step
_f = np.float32


@dataclass(frozen=True, slots=True, eq=False)
class Anchors:
    """cells: (A, 4) int32 of GRID * GRID and shares: (A, 4) float32 to which each point adds."""

    points: Ints
    cells: Ints
    shares: Floats


class Surroundings:
    """The motion around the face. Holds nothing that changes."""

    def __init__(
        self, at: Floats, weight: Floats, still: Floats, body: tuple[Floats, Floats]
    ) -> None:
        """at: (N, 2) picture shares of the points at rest; weight: (N,) in [0, 1], how far a point
        tells how its surroundings move; still: (GRID, GRID) how much a cell is known not to;
        body: the same as the first two for other points (K, 2), (K,)."""
        first, density = _anchors(at, weight)
        second, more = _anchors(*body)
        self._anchors = Anchors(
            np.concatenate([first.points, second.points + np.int32(len(at))]),
            np.concatenate([first.cells, second.cells]),
            np.concatenate([first.shares, second.shares]),
        )
        density = density + more
        total = density + still
        self._known = np.divide(1, total, out=np.zeros_like(total), where=total > 1e-4)
        self._levels = [np.clip(total, 0, 1)]
        while self._levels[-1].shape[0] > 4:
            self._levels.append(np.asarray(cv2.pyrDown(self._levels[-1]), np.float32))
        self._cells = np.stack(np.meshgrid(*[np.arange(GRID, dtype=np.float32)] * 2), -1)

    def field(self, displacement: Floats) -> Floats:
        """(N + K, 2) displacement of the points and the body, picture shares, to (GRID, GRID, 2):
        where what is seen at each cell's centre came from, relative to it."""
        forward = self._spread(displacement)
        moved = np.empty_like(forward)
        _invert(forward * np.float32(GRID), moved)
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
    return np.asarray(cv2.GaussianBlur(field, (0, 0), 0.5), np.float32)


@njit("void(float32[:,::1], int32[::1], int32[:,::1], float32[:,::1], float32[:,::1])", **OPTIONS)
def _add(values, points, cells, shares, out):  # type: ignore[no-untyped-def]
    for a in range(points.shape[0]):
        x, y = values[points[a], 0], values[points[a], 1]
        for corner in range(4):
            share, cell = shares[a, corner], cells[a, corner]
            out[cell, 0] += share * x
            out[cell, 1] += share * y


@njit(**INLINE)
def _at(field, x, y, out):  # type: ignore[no-untyped-def]
    """Bilinear value of field (G, G, 2) at cell (x, y) and its change along x and y: out (6,)."""
    side = field.shape[0]
    x = min(max(x, _f(0)), _f(side) - _f(1.001))
    y = min(max(y, _f(0)), _f(side) - _f(1.001))
    left, top = np.int64(x), np.int64(y)
    fx, fy = x - _f(left), y - _f(top)
    for k in range(2):
        a, b = field[top, left, k], field[top, left + 1, k]
        c, d = field[top + 1, left, k], field[top + 1, left + 1, k]
        above, below = a + (b - a) * fx, c + (d - c) * fx
        out[k] = above + (below - above) * fy
        out[2 + k] = (b - a) + ((d - c) - (b - a)) * fy
        out[4 + k] = below - above


@njit("void(float32[:,:,::1], float32[:,:,::1])", **OPTIONS)
def _invert(forward, out):  # type: ignore[no-untyped-def]
    """out: (G, G, 2) shares; from each cell to where what it shows came from, when each cell has
    moved by forward (G, G, 2) cells. Newton's method, its steps bounded where the motion folds."""
    side = forward.shape[0]
    found = np.empty(6, np.float32)
    for row in range(side):
        for column in range(side):
            x, y = _f(column) - forward[row, column, 0], _f(row) - forward[row, column, 1]
            for _ in range(_ROUNDS):
                _at(forward, x, y, found)
                ex, ey = x + found[0] - _f(column), y + found[1] - _f(row)
                if abs(ex) + abs(ey) < _f(_CLOSE):
                    break
                a, b = _f(1) + found[2], found[4]
                c, d = found[3], _f(1) + found[5]
                area = max(a * d - b * c, _f(_LEAST_AREA))
                dx, dy = (d * ex - b * ey) / area, (a * ey - c * ex) / area
                far = max(abs(dx), abs(dy))
                scale = min(_f(1), _f(_LONGEST) / max(far, _f(1e-6)))
                x, y = x - dx * scale, y - dy * scale
            out[row, column, 0] = (x - _f(column)) / _f(side)
            out[row, column, 1] = (y - _f(row)) / _f(side)
