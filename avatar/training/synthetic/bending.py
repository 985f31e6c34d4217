"""Inlined parts of the shading kernels: how the skin's relief bends its normals."""

# mypy: disable-error-code="untyped-decorator"

import math

from numba import njit

from avatar.training.synthetic.buffers import PART, Floats, Scene, Vertices

Triple = tuple[float, float, float]


@njit(**PART)
def _relief_at(relief: Floats, u: float, v: float) -> Triple:
    """Slopes along u and v and shade of the skin's folds, bilinear."""
    side = relief.shape[0]
    x = min(max(u, 0.0), 1.0) * side - 0.5
    y = (1 - min(max(v, 0.0), 1.0)) * side - 0.5
    x0, y0 = math.floor(x), math.floor(y)
    fx, fy = x - x0, y - y0
    left, right = max(x0, 0), min(x0 + 1, side - 1)
    top, bottom = max(y0, 0), min(y0 + 1, side - 1)
    wa, wb, wc, wd = (1 - fx) * (1 - fy), fx * (1 - fy), (1 - fx) * fy, fx * fy
    a, b, c, d = relief[top, left], relief[top, right], relief[bottom, left], relief[bottom, right]
    return (
        wa * a[0] + wb * b[0] + wc * c[0] + wd * d[0],
        wa * a[1] + wb * b[1] + wc * c[1] + wd * d[1],
        wa * a[2] + wb * b[2] + wc * c[2] + wd * d[2],
    )


@njit(**PART)
def bent(
    scene: Scene, t: int, shares: Triple, vertices: Vertices, normal: Triple
) -> tuple[float, float, float, float]:
    """The unit normal that the skin's folds give a point of triangle t, and their shade.

    Mikkelsen 2010, Bump mapping unparametrized surfaces on the GPU: the slopes of the height field
    on the triangle's own tangents, so that skin that is pressed together folds more steeply.
    """
    mesh, p = scene.mesh, vertices.position
    ia, ib, ic = mesh.triangles[t, 0], mesh.triangles[t, 1], mesh.triangles[t, 2]
    ta, tb, tc = mesh.corner_uv[t, 0], mesh.corner_uv[t, 1], mesh.corner_uv[t, 2]
    u = shares[0] * mesh.uv[ta, 0] + shares[1] * mesh.uv[tb, 0] + shares[2] * mesh.uv[tc, 0]
    v = shares[0] * mesh.uv[ta, 1] + shares[1] * mesh.uv[tb, 1] + shares[2] * mesh.uv[tc, 1]
    slope_u, slope_v, shade = _relief_at(vertices.relief, u, v)
    u1, v1 = mesh.uv[tb, 0] - mesh.uv[ta, 0], mesh.uv[tb, 1] - mesh.uv[ta, 1]
    u2, v2 = mesh.uv[tc, 0] - mesh.uv[ta, 0], mesh.uv[tc, 1] - mesh.uv[ta, 1]
    det = u1 * v2 - u2 * v1
    if (slope_u == 0 and slope_v == 0) or abs(det) < 1e-12:
        return normal[0], normal[1], normal[2], 0.0
    scale = 1 / det
    ax, ay, az = p[ib, 0] - p[ia, 0], p[ib, 1] - p[ia, 1], p[ib, 2] - p[ia, 2]
    bx, by, bz = p[ic, 0] - p[ia, 0], p[ic, 1] - p[ia, 1], p[ic, 2] - p[ia, 2]
    sx, sy, sz = (
        (ax * v2 - bx * v1) * scale,
        (ay * v2 - by * v1) * scale,
        (az * v2 - bz * v1) * scale,
    )
    tx, ty, tz = (
        (bx * u1 - ax * u2) * scale,
        (by * u1 - ay * u2) * scale,
        (bz * u1 - az * u2) * scale,
    )
    nx, ny, nz = normal
    rx, ry, rz = ty * nz - tz * ny, tz * nx - tx * nz, tx * ny - ty * nx
    qx, qy, qz = ny * sz - nz * sy, nz * sx - nx * sz, nx * sy - ny * sx
    volume = sx * rx + sy * ry + sz * rz
    if abs(volume) < 1e-9:
        return normal[0], normal[1], normal[2], 0.0
    gain_u, gain_v = slope_u / volume, slope_v / volume
    nx -= gain_u * rx + gain_v * qx
    ny -= gain_u * ry + gain_v * qy
    nz -= gain_u * rz + gain_v * qz
    length = 1 / math.sqrt(nx * nx + ny * ny + nz * nz)
    return nx * length, ny * length, nz * length, shade
