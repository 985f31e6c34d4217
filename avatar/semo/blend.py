"""Weighted sums of local movements, the way a single core likes them.

Axis legend: K coefficients, N chart points, E entries (a movement of one point).
"""

from dataclasses import dataclass

import numpy as np
from numba import njit

from avatar.semo.types import Floats, Ints

STILL = 1e-4  # coefficients below this move nothing by a visible amount


@dataclass(frozen=True, slots=True, eq=False)
class LocalBasis:
    """K movements that each touch few points: starts (K+1,), points (E,), moves (E, 3)."""

    count: int
    starts: Ints
    points: Ints
    moves: Floats

    @classmethod
    def of(cls, basis: Floats) -> "LocalBasis":
        """From (K, N, 3), of which points that a movement leaves alone are exactly 0."""
        touched = basis.any(2)
        starts = np.concatenate([[0], np.cumsum(touched.sum(1))])
        return cls(
            basis.shape[1],
            starts.astype(np.int32),
            np.nonzero(touched)[1].astype(np.int32),
            np.ascontiguousarray(basis[touched], np.float32),
        )

    def __call__(self, coefficients: Floats) -> Floats:
        """(K,) to (N, 3)."""
        out = np.zeros((self.count, 3), np.float32)
        _add(coefficients, self.starts, self.points, self.moves, out)
        return out


@njit("void(f4[::1], i4[::1], i4[::1], f4[:, ::1], f4[:, ::1])", cache=True, nogil=True)
def _add(coefficients, starts, points, moves, out):  # type: ignore[no-untyped-def]
    for k in range(len(coefficients)):
        share = coefficients[k]
        if -STILL < share < STILL:
            continue
        for at in range(starts[k], starts[k + 1]):
            point = points[at]
            for axis in range(3):
                out[point, axis] += share * moves[at, axis]
