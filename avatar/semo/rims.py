"""Smooth rims of lids and lips, whatever the triangles there.

Triangles that fold over a rim leave a saw edge of a millimetre. The share of the opening around
each sample says on which side of a smooth rim it lies; samples on the wrong side take over their
nearest neighbour from the right one. Axis legend: h w samples of a window.
"""

import cv2
import numpy as np
from numba import njit

from avatar.semo.raster import INLINE, OPTIONS, Seen
from avatar.semo.types import Bytes, Floats, Region

_WIDTH = 0.05  # cm, standard deviation of the smoothing
# Parts inside, and how much wider their rims are smoothed; the last is right where they meet.
_PARTS = ((int(Region.TONGUE), 2), (int(Region.TEETH), 1))
_GUMS_WIDER = 3.0
_f = np.float32


def smooth_rims(seen: Seen, regions: Bytes, samples: float) -> Floats:
    """Move the samples of seen (h, w) at rims; (h, w) 1 where an opening shows, else 0.

    Teeth and tongue get smooth rims too, which closes the gaps between teeth. regions: (T,) of the
    triangles; samples: how many make one cm.
    """
    sigma = max(0.6, _WIDTH * samples)
    reach = int(np.ceil(3 * sigma))
    everywhere = np.ones(seen.hit.shape, np.float32)
    opening, part = np.empty_like(everywhere), np.empty_like(everywhere)
    _members(seen.hit, regions, 1, opening)
    soft = np.asarray(cv2.GaussianBlur(opening, (0, 0), sigma), np.float32)
    _take_over(tuple(seen), opening, everywhere, soft, reach)
    for kind, width in _PARTS:
        _members(seen.hit, regions, kind, part)
        if part.any():
            around = np.maximum(cv2.GaussianBlur(opening, (0, 0), width * sigma), np.float32(1e-3))
            soft = np.asarray(cv2.GaussianBlur(part, (0, 0), width * sigma) / around, np.float32)
            _take_over(tuple(seen), part, opening, soft, width * reach)
    _straighten_gums(seen, regions, part, sigma)
    return opening


def _straighten_gums(seen: Seen, regions: Bytes, teeth: Floats, sigma: float) -> None:
    """Gums end on teeth (h, w) in shallow arches, not in the saw of crossing triangles."""
    gums = np.empty_like(teeth)
    _members(seen.hit, regions, int(Region.GUMS), gums)
    if not gums.any():
        return
    within, wide = teeth + gums, _GUMS_WIDER * sigma
    around = np.maximum(cv2.GaussianBlur(within, (0, 0), wide), np.float32(1e-3))
    soft = np.asarray(cv2.GaussianBlur(gums, (0, 0), wide) / around, np.float32)
    _take_over(tuple(seen), gums, within, soft, int(np.ceil(3 * wide)))


@njit("void(int32[:,::1], uint8[::1], int64, float32[:,::1])", **OPTIONS)
def _members(hit, regions, kind, out):  # type: ignore[no-untyped-def]
    """out: 1 where a triangle of that kind shows; kind 1 means all but skin."""
    for y in range(hit.shape[0]):
        for x in range(hit.shape[1]):
            region = np.int64(regions[hit[y, x]]) if hit[y, x] >= 0 else 0
            out[y, x] = _f(1) if region == kind or (kind == 1 and region > 0) else _f(0)


@njit(**INLINE)
def _nearest(member, within, at, wanted, reach):  # type: ignore[no-untyped-def]
    """The nearest sample along the axes and diagonals that is a member or not; (-1, -1): none."""
    height, width = member.shape
    for step in range(1, reach + 1):
        for dy, dx in ((-1, 0), (1, 0), (0, -1), (0, 1), (-1, -1), (-1, 1), (1, -1), (1, 1)):
            v, u = at[0] + dy * step, at[1] + dx * step
            if v < 0 or u < 0 or v >= height or u >= width or within[v, u] < _f(0.5):
                continue
            if (member[v, u] > _f(0.5)) == wanted:
                return v, u
    return -1, -1


@njit(
    "void(Tuple((int32[:,::1], float32[:,::1], float32[:,:,::1])), float32[:,::1], float32[:,::1],"
    " float32[:,::1], int64)",
    **OPTIONS,
)
def _take_over(seen, member, within, soft, reach):  # type: ignore[no-untyped-def]
    """Within (h, w) 1, make seen, then member (h, w) 0 or 1, agree with soft (h, w) > 0.5."""
    hit, near, weights = seen
    height, width = hit.shape
    half = _f(0.5)
    for y in range(height):
        for x in range(width):
            wanted = soft[y, x] > half
            if within[y, x] < half or (member[y, x] > half) == wanted:
                continue
            v, u = _nearest(member, within, (y, x), wanted, reach)
            if v >= 0:
                # Only samples of the other kind are read, so that the order does not matter.
                hit[y, x], near[y, x] = hit[v, u], near[v, u]
                weights[y, x, 0], weights[y, x, 1] = weights[v, u, 0], weights[v, u, 1]
    for y in range(height):
        for x in range(width):
            if within[y, x] > half:
                member[y, x] = _f(1) if soft[y, x] > half else _f(0)
