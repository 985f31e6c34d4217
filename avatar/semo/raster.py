"""Triangles to pixels: a z-buffer in numba, and the normals that shading needs.

Axis legend: N points, T triangles, H W pixels. All kernels run on one thread without the GIL.
"""

import numpy as np
from numba import njit

from avatar.semo.types import Floats, Ints

NOTHING = -1  # in `hit`: no triangle here
OPTIONS = {"cache": True, "nogil": True, "fastmath": True}


def buffers(height: int, width: int) -> tuple[Ints, Floats]:
    """hit (H, W) int32 and depth (H, W, 3) float32 for `rasterise` to fill."""
    return np.empty((height, width), np.int32), np.empty((height, width, 3), np.float32)


@njit("void(float32[:,::1], int32[:,::1], float32[::1], int32[:,::1], float32[:,:,::1])", **OPTIONS)
def rasterise(points, triangles, view, hit, depth):  # type: ignore[no-untyped-def]
    """Which triangle each pixel shows, and where in it.

    points: (N, 3) x, y in pixels (0 is the picture's left or top edge) and 1/distance > 0, finite.
    triangles: (T, 3), counter-clockwise as seen by the viewer; others are not drawn.
    view: (3,) left, top, pixels drawn per pixel of `points`.
    Fills hit: (H, W) triangle or NOTHING, and depth: (H, W, 3) 1/distance (0 for nothing) and the
    perspective-correct weights of the triangle's first two corners.
    """
    height, width = hit.shape
    hit[:] = NOTHING
    depth[:] = np.float32(0)
    half, one = np.float32(0.5), np.float32(1)
    left, top, scale = view[0], view[1], view[2]
    for t in range(triangles.shape[0]):
        i, j, k = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ax, ay, az = (points[i, 0] - left) * scale, (points[i, 1] - top) * scale, points[i, 2]
        bx, by, bz = (points[j, 0] - left) * scale, (points[j, 1] - top) * scale, points[j, 2]
        cx, cy, cz = (points[k, 0] - left) * scale, (points[k, 1] - top) * scale, points[k, 2]
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if area > np.float32(-1e-9):  # turned away (y points down)
            continue
        low, high = max(min(ax, bx, cx) - half, np.float32(0)), max(ax, bx, cx) - half
        x0, x1 = int(np.ceil(low)), int(np.floor(min(high, np.float32(width - 1))))
        low, high = max(min(ay, by, cy) - half, np.float32(0)), max(ay, by, cy) - half
        y0, y1 = int(np.ceil(low)), int(np.floor(min(high, np.float32(height - 1))))
        if x0 > x1 or y0 > y1:
            continue
        inverse = one / area
        step0, step1 = (by - cy) * inverse, (cy - ay) * inverse
        for y in range(y0, y1 + 1):
            py, px = np.float32(y) + half, np.float32(x0) + half
            w0 = ((bx - px) * (cy - py) - (by - py) * (cx - px)) * inverse
            w1 = ((cx - px) * (ay - py) - (cy - py) * (ax - px)) * inverse
            for x in range(x0, x1 + 1):
                w2 = one - w0 - w1
                if w0 >= 0 and w1 >= 0 and w2 >= 0:
                    near = w0 * az + w1 * bz + w2 * cz
                    if near > depth[y, x, 0]:
                        hit[y, x] = t
                        depth[y, x, 0] = near
                        depth[y, x, 1] = w0 * az / near
                        depth[y, x, 2] = w1 * bz / near
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
