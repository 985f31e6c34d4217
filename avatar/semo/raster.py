"""Triangles to pixels: a z-buffer in numba, and the normals that shading needs.

Axis legend: N points, T triangles, H W pixels. All kernels run on one thread without the GIL.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit

from avatar.semo.types import Floats, Ints

NOTHING = -1  # in `Seen.hit`: no triangle here
OPTIONS: dict[str, Any] = {"cache": True, "nogil": True, "fastmath": True}
INLINE: dict[str, Any] = {"nogil": True, "fastmath": True}  # kernels called by kernels


class Seen(NamedTuple):
    """What each pixel shows. hit: (H, W) triangle or NOTHING; near: (H, W) 1/distance, 0 for
    nothing; weights: (H, W, 2) perspective-correct, of the triangle's first two corners, undefined
    where nothing is."""

    hit: Ints
    near: Floats
    weights: Floats

    @classmethod
    def empty(cls, height: int, width: int) -> "Seen":
        """For `rasterise` to fill."""
        hit, near = np.empty((height, width), np.int32), np.empty((height, width), np.float32)
        return cls(hit, near, np.empty((height, width, 2), np.float32))

    def part(self, height: int, width: int) -> "Seen":
        """The same memory as a smaller picture."""
        count = height * width
        return Seen(
            self.hit.reshape(-1)[:count].reshape(height, width),
            self.near.reshape(-1)[:count].reshape(height, width),
            self.weights.reshape(-1)[: 2 * count].reshape(height, width, 2),
        )


@njit(
    "void(float32[:,::1], int32[:,::1], float32[::1],"
    " Tuple((int32[:,::1], float32[:,::1], float32[:,:,::1])))",
    **OPTIONS,
)
def rasterise(points, triangles, view, seen):  # type: ignore[no-untyped-def]
    """Fill seen (a plain tuple of `Seen`).

    points: (N, 3) x, y in pixels (0 is the picture's left or top edge) and 1/distance > 0, finite.
    triangles: (T, 3), counter-clockwise as seen by the viewer; others are not drawn.
    view: (3,) left, top, pixels drawn per pixel of `points`.
    """
    hit, near, weights = seen
    height, width = hit.shape
    hit[:] = NOTHING
    near[:] = np.float32(0)
    half, one, least = np.float32(0.5), np.float32(1), np.float32(-1e-6)
    left, top, scale = view[0], view[1], view[2]
    right, bottom = left + np.float32(width) / scale, top + np.float32(height) / scale
    for t in range(triangles.shape[0]):
        i, j, k = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ax, bx, cx = points[i, 0], points[j, 0], points[k, 0]
        if max(ax, bx, cx) < left or min(ax, bx, cx) > right:
            continue
        ay, by, cy = points[i, 1], points[j, 1], points[k, 1]
        if max(ay, by, cy) < top or min(ay, by, cy) > bottom:
            continue
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if area > np.float32(-1e-9):  # turned away (y points down)
            continue
        ax, bx, cx = (ax - left) * scale, (bx - left) * scale, (cx - left) * scale
        ay, by, cy = (ay - top) * scale, (by - top) * scale, (cy - top) * scale
        az, bz, cz = points[i, 2], points[j, 2], points[k, 2]
        x0 = int(max(min(ax, bx, cx) + half, np.float32(0)))
        x1 = int(min(max(ax, bx, cx) + half, np.float32(width)))
        y0 = int(max(min(ay, by, cy) + half, np.float32(0)))
        y1 = int(min(max(ay, by, cy) + half, np.float32(height)))
        inverse = one / (area * scale * scale)
        step0, step1 = (by - cy) * inverse, (cy - ay) * inverse
        px = np.float32(x0) + half
        for y in range(y0, y1):
            py = np.float32(y) + half
            w0 = ((bx - px) * (cy - py) - (by - py) * (cx - px)) * inverse
            w1 = ((cx - px) * (ay - py) - (cy - py) * (ax - px)) * inverse
            for x in range(x0, x1):
                w2 = one - w0 - w1
                if min(w0, w1, w2) >= least:
                    depth = w0 * az + w1 * bz + w2 * cz
                    if depth > near[y, x]:
                        hit[y, x] = t
                        near[y, x] = depth
                        weights[y, x, 0] = w0 * az / depth
                        weights[y, x, 1] = w1 * bz / depth
                w0 += step0
                w1 += step1


@njit("void(float32[:,::1], int32[:,::1], float32[:,::1])", **OPTIONS)
def vertex_normals(points, triangles, out):  # type: ignore[no-untyped-def]
    """out: (N, 3) unit normals of points (N, 3), averaged over the triangles by their area."""
    out[:] = np.float32(0)
    for t in range(triangles.shape[0]):
        a, b, c = points[triangles[t, 0]], points[triangles[t, 1]], points[triangles[t, 2]]
        ux, uy, uz = b[0] - a[0], b[1] - a[1], b[2] - a[2]
        vx, vy, vz = c[0] - a[0], c[1] - a[1], c[2] - a[2]
        nx, ny, nz = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        for k in range(3):
            v = triangles[t, k]
            out[v, 0] += nx
            out[v, 1] += ny
            out[v, 2] += nz
    for v in range(out.shape[0]):
        x, y, z = out[v, 0], out[v, 1], out[v, 2]
        scale = np.float32(1) / (np.sqrt(x * x + y * y + z * z) + np.float32(1e-12))
        out[v, 0], out[v, 1], out[v, 2] = x * scale, y * scale, z * scale
