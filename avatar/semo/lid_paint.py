"""The skin of closing lids, laid over a window that is drawn.

Axis legend: N chart points, T triangles, W side of the picture with closed eyes, h w of a window,
S of the frame, pixels.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit
from numpy.typing import NDArray

from avatar.semo.pixels import byte, packed, tap
from avatar.semo.raster import INLINE, OPTIONS, Seen, rasterise
from avatar.semo.types import Appearance, Bytes, Floats, Ints
from avatar.semo.window import Window

_f = np.float32
_GAP = 5  # pixels of the eye at most that a saw in a lid's rim leaves open


@dataclass(frozen=True, slots=True, eq=False)
class Lid:
    """A lid on its way down. points: (n,) of the surface; shares: (n,) in [0, 1], how far each
    takes on the skin of closed lids; rim: (k, 2) its lower edge, pixels of the frame; shut: in
    [0, 1], how far nothing of the eye may be left."""

    points: Ints
    shares: Floats
    rim: Floats
    shut: float


class LidPaint:
    """Paints both upper lids of one portrait. Holds nothing that changes."""

    def __init__(self, near: tuple[Ints, Bytes], appearance: Appearance) -> None:
        """near: triangles (T, 3) that may be seen around the eyes, and their regions."""
        self._near = near
        side = appearance.closed.shape[0]
        self._at = appearance.lid_at * _f(side) - _f(0.5)
        alpha = np.full((side, side), 255, np.uint8)
        self._closed: NDArray[np.uint32] = packed(np.dstack([appearance.closed, alpha]))

    def draw(self, screen: Floats, lid: Lid, window: Window, out: Bytes) -> None:
        """Cover the lid, on a surface whose points are at screen (N, 3), in a window of out
        (S, S, 3)."""
        points = np.zeros((len(screen), 3), np.float32)
        points[:, :2] = self._at
        points[lid.points, 2] = lid.shares
        # One sample a pixel: its only hard edge, the rim, lies under the lashes.
        triangles, regions = self._near
        seen = Seen.empty(window.bottom - window.top, window.right - window.left)
        view = np.array([window.left, window.top, 1], np.float32)
        rasterise(screen, triangles, view, tuple(seen))
        rim = lid.rim - window.corner()
        order = np.argsort(rim[:, 0], kind="stable")
        columns = np.arange(seen.hit.shape[1]) + 0.5
        top = np.interp(columns, rim[order, 0], rim[order, 1])
        edge = (top.astype(np.float32), _f(lid.shares.max(initial=0)), _f(lid.shut))
        surface = (points, triangles, regions)
        _lay(out, surface, tuple(seen), self._closed, (window.corner(), *edge))


@njit(**INLINE)
def _lid_at(surface, seen, row, column, found):  # type: ignore[no-untyped-def]
    """Place in the closed picture and share of the skin at one sample into found (3,); whether
    there is skin."""
    points, triangles, regions = surface
    hit, _, weights = seen
    t = hit[row, column]
    if t < 0 or regions[t] != 0:
        return False
    w0, w1 = weights[row, column, 0], weights[row, column, 1]
    w2 = _f(1) - w0 - w1
    i, j, k = triangles[t, 0], triangles[t, 1], triangles[t, 2]
    for c in range(3):
        found[c] = w0 * points[i, c] + w1 * points[j, c] + w2 * points[k, c]
    return True


@njit(**INLINE)
def _beyond(surface, seen, row, column, found):  # type: ignore[no-untyped-def]
    """`_lid_at` of the lid right above a sample of the eye."""
    for above in range(row - 1, max(row - _GAP, 0) - 1, -1):
        if _lid_at(surface, seen, above, column, found):
            return found[2] > _f(0)
    return False


@njit(
    "void(uint8[:,:,::1], Tuple((float32[:,::1], int32[:,::1], uint8[::1])),"
    " Tuple((int32[:,::1], float32[:,::1], float32[:,:,::1])), uint32[:,::1],"
    " Tuple((int32[::1], float32[::1], float32, float32)))",
    **OPTIONS,
)
def _lay(out, surface, seen, closed, edge):  # type: ignore[no-untyped-def]
    """Blend closed (W, W) into a window of out (S, S, 3) with a sample a pixel.

    surface: position in closed and share of each point (N, 3), triangles, regions; edge: left and
    top of the window, the row of the lid's rim at each column, how far the eye is
    covered above it, and below it.
    """
    corner, rim, over, under = edge
    hit, found = seen[0], np.zeros(3, np.float32)
    for v in range(hit.shape[0]):
        for u in range(hit.shape[1]):
            if not _lid_at(surface, seen, v, u, found):
                share = over if _f(v) + _f(0.5) < rim[u] else under
                if share <= _f(0) or not _beyond(surface, seen, v, u, found):
                    continue
                found[2] = share
            elif _f(v) > rim[u] and under < _f(1):
                continue  # the saw of the triangles at the rim, which hangs over the eye
            share = min(found[2], _f(1))
            if share < _f(0.004):
                continue
            colour = tap(closed, found[0], found[1])
            row, column = corner[1] + v, corner[0] + u
            for c in range(3):
                old = _f(out[row, column, c])
                out[row, column, c] = byte(old + (colour[c] - old) * share)
