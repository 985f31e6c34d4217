"""Sparse symmetric systems on a mesh, solved exactly: points ordered so that the matrix is a band.

Ordering after Cuthill and McKee (1969), then a Cholesky factor row by row inside the band's
envelope. Axis legend: N points, E edges, B half width of the band, M right-hand sides.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

Doubles = NDArray[np.float64]
Ints = NDArray[np.int32]


@njit("void(float64[:,::1], int32[::1])", cache=True, nogil=True, fastmath={"reassoc", "contract"})
def _factor(band: Doubles, first: Ints) -> None:
    """In place: row i of `band` holds columns i-B..i; `first` the first filled column of a row."""
    count, width = band.shape
    half = width - 1
    for i in range(count):
        for j in range(first[i], i + 1):
            start = max(first[i], first[j])
            total = 0.0
            row, other = half - i, half - j
            for k in range(start, j):
                total += band[i, k + row] * band[j, k + other]
            value = band[i, j + row] - total
            if j == i:
                band[i, half] = np.sqrt(value)
            else:
                band[i, j + row] = value / band[j, half]


@njit(
    "void(float64[:,::1], int32[::1], float64[:,::1])",
    cache=True,
    nogil=True,
    fastmath={"reassoc", "contract"},
)
def _substitute(band: Doubles, first: Ints, right: Doubles) -> None:
    """In place: right (N, M) becomes the solution."""
    count, width = band.shape
    half, columns = width - 1, right.shape[1]
    for i in range(count):
        for k in range(first[i], i):
            share = band[i, k - i + half]
            if share != 0.0:
                for c in range(columns):
                    right[i, c] -= share * right[k, c]
        for c in range(columns):
            right[i, c] /= band[i, half]
    for i in range(count - 1, -1, -1):
        for c in range(columns):
            right[i, c] /= band[i, half]
        for k in range(first[i], i):
            share = band[i, k - i + half]
            if share != 0.0:
                for c in range(columns):
                    right[k, c] -= share * right[i, c]


@dataclass(frozen=True, slots=True, eq=False)
class Entries:
    """A sparse symmetric matrix (N, N) as rows, columns and values; repeated entries add up."""

    rows: Ints
    columns: Ints
    values: Doubles


def solve(entries: Entries, order: Ints, right: Doubles) -> Doubles:
    """x (N, M) of A x = right for a positive definite A; `order` from `band_order`.

    Raises ValueError if A is not positive definite.
    """
    count = len(order)
    place = np.empty(count, np.int32)
    place[order] = np.arange(count, dtype=np.int32)
    row, column = place[entries.rows], place[entries.columns]
    lower = row >= column
    row, column, values = row[lower], column[lower], entries.values[lower]
    half = int((row - column).max(initial=0))
    band = np.zeros((count, half + 1))
    np.add.at(band, (row, column - row + half), values)
    first = np.arange(count, dtype=np.int32)
    np.minimum.at(first, row, column)
    out = np.ascontiguousarray(right[order], np.float64)
    _factor(band, first)
    if not np.isfinite(band[:, half]).all():
        raise ValueError("the matrix is not positive definite")
    _substitute(band, first, out)
    return out[place]


def band_order(rows: Ints, columns: Ints, count: int) -> Ints:
    """(N,) permutation of the points that keeps the ends of each edge (E,) close together."""
    ends = np.concatenate([rows, columns])
    others = np.concatenate([columns, rows])[np.argsort(ends, kind="stable")]
    starts = np.searchsorted(np.sort(ends), np.arange(count + 1))
    degree = np.diff(starts)
    around = [part.tolist() for part in np.split(others, starts[1:-1])]
    seen = np.zeros(count, bool).tolist()
    order: list[int] = []
    for seed in np.argsort(degree, kind="stable").tolist():
        if not seen[seed]:
            end = _walk(seed, seen.copy(), around)[-1]
            order += _walk(end, seen, around)
    return np.array(order[::-1], np.int32)


def _walk(seed: int, seen: list[bool], around: list[list[int]]) -> list[int]:
    """Points reached from `seed`, nearest first; marks them in `seen`."""
    out = [seed]
    seen[seed] = True
    for point in out:
        fresh = list({other: None for other in around[point] if not seen[other]})
        for other in fresh:
            seen[other] = True
        out += sorted(fresh, key=lambda other: len(around[other]))
    return out
