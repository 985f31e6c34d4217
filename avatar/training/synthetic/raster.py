"""Kernels: vertex normals, visibility by depth, labels at pixel centres."""

# mypy: disable-error-code="untyped-decorator"

import math

import numpy as np
from numba import njit, types

from avatar.training.synthetic.buffers import (
    F1,
    F2,
    FRAGMENTS,
    I1,
    I2,
    KERNEL,
    LABELS,
    PART,
    SCENE,
    Floats,
    Fragments,
    Ints,
    Labels,
    Scene,
)
from avatar.training.synthetic.materials import Column, Kind

KIND, SEGMENT, TEXTURE = int(Column.KIND), int(Column.SEGMENT), int(Column.TEXTURE)
NEARNESS, TWO_SIDED = int(Column.NEARNESS), int(Column.TWO_SIDED)
HAIR, VEIL, LENS = int(Kind.HAIR), int(Kind.VEIL), int(Kind.LENS)
SOLID = 0.75  # alpha from which hair hides what lies behind
FLAT = 1e-9  # area of triangles seen edge on


@njit(types.void(F2, I2, F2, F1), **KERNEL)
def normals(position: Floats, triangles: Ints, normal: Floats, area: Floats) -> None:
    """Fill unit vertex normals (V,3) and the area (V,) of the triangles around each vertex."""
    normal[:] = 0
    area[:] = 0
    for t in range(len(triangles)):
        a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
        ux, uy = position[b, 0] - position[a, 0], position[b, 1] - position[a, 1]
        uz = position[b, 2] - position[a, 2]
        vx, vy = position[c, 0] - position[a, 0], position[c, 1] - position[a, 1]
        vz = position[c, 2] - position[a, 2]
        x, y, z = uy * vz - uz * vy, uz * vx - ux * vz, ux * vy - uy * vx
        size = math.sqrt(x * x + y * y + z * z)
        for k in range(3):
            at = triangles[t, k]
            normal[at, 0] += x
            normal[at, 1] += y
            normal[at, 2] += z
            area[at] += size
    for v in range(len(normal)):
        x, y, z = normal[v, 0], normal[v, 1], normal[v, 2]
        scale = 1 / (math.sqrt(x * x + y * y + z * z) + 1e-12)
        normal[v, 0] = x * scale
        normal[v, 1] = y * scale
        normal[v, 2] = z * scale


@njit(**PART)
def span(a: float, b: float, c: float, limit: int) -> tuple[int, int]:
    """First and one past the last sample whose centre may lie between three coordinates."""
    low, high = min(a, min(b, c)), max(a, max(b, c))
    return max(0, math.ceil(low - 0.5)), min(limit, math.floor(high - 0.5) + 1)


@njit(**PART)
def weight_plane(
    bx: float, by: float, cx: float, cy: float, area: float
) -> tuple[float, float, float]:
    """Weight of the corner across from the edge b c: at sample (0, 0), per column, per row."""
    scale = 1.0 / area
    first = ((bx - 0.5) * (cy - 0.5) - (by - 0.5) * (cx - 0.5)) * scale
    return first, (by - cy) * scale, (cx - bx) * scale


@njit(**PART)
def texture_level(scene: Scene, t: int, area: float) -> float:
    """Mip level at which a texel is about as large as a sample; area: 2 x samples covered."""
    mesh, look = scene.mesh, scene.look
    texture = int(look.materials[mesh.material[t], TEXTURE])
    if texture < 0:
        return 0.0
    a, b, c = mesh.corner_uv[t, 0], mesh.corner_uv[t, 1], mesh.corner_uv[t, 2]
    ux, uy = mesh.uv[b, 0] - mesh.uv[a, 0], mesh.uv[b, 1] - mesh.uv[a, 1]
    vx, vy = mesh.uv[c, 0] - mesh.uv[a, 0], mesh.uv[c, 1] - mesh.uv[a, 1]
    texels = abs(ux * vy - uy * vx) * look.levels[texture, 0, 1] * look.levels[texture, 0, 2]
    return 0.5 * math.log2(texels / (abs(area) + 1e-6) + 1e-6)


@njit(**PART)
def texture_alpha(scene: Scene, t: int, weights: tuple[float, float, float], level: float) -> float:
    """Alpha of a point of triangle t, nearest texel."""
    mesh, look = scene.mesh, scene.look
    texture = int(look.materials[mesh.material[t], TEXTURE])
    a, b, c = mesh.corner_uv[t, 0], mesh.corner_uv[t, 1], mesh.corner_uv[t, 2]
    u = weights[0] * mesh.uv[a, 0] + weights[1] * mesh.uv[b, 0] + weights[2] * mesh.uv[c, 0]
    v = weights[0] * mesh.uv[a, 1] + weights[1] * mesh.uv[b, 1] + weights[2] * mesh.uv[c, 1]
    row = min(max(int(level + 0.5), 0), look.levels.shape[1] - 1)
    start, width = look.levels[texture, row, 0], look.levels[texture, row, 1]
    height = look.levels[texture, row, 2]
    x = min(int((u - math.floor(u)) * width), width - 1)
    y = min(int((1 - v + math.floor(v)) * height), height - 1)
    return float(look.texels[start + y * width + x, 3]) / 255.0


@njit(types.void(I1, SCENE, F2, FRAGMENTS), **KERNEL)
def rasterise(order: Ints, scene: Scene, screen: Floats, out: Fragments) -> None:
    """Find the nearest of the triangles `order` at each sample; hair counts where it is dense."""
    mesh, look = scene.mesh, scene.look
    inverse, found, weights = out.inverse_depth, out.triangle, out.weights
    inverse[:] = 0
    found[:] = -1
    height, width = inverse.shape
    for t in order:
        a, b, c = mesh.triangles[t, 0], mesh.triangles[t, 1], mesh.triangles[t, 2]
        ax, ay, az = screen[a, 0], screen[a, 1], screen[a, 2]
        bx, by, bz = screen[b, 0], screen[b, 1], screen[b, 2]
        cx, cy, cz = screen[c, 0], screen[c, 1], screen[c, 2]
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        material = mesh.material[t]
        if abs(area) < FLAT or (area > 0 and look.materials[material, TWO_SIDED] == 0):
            continue
        x0, x1 = span(ax, bx, cx, width)
        y0, y1 = span(ay, by, cy, height)
        if x0 >= x1 or y0 >= y1:
            continue
        p0, right_p, down_p = weight_plane(bx, by, cx, cy, area)
        q0, right_q, down_q = weight_plane(cx, cy, ax, ay, area)
        nearness = look.materials[material, NEARNESS]
        strands = int(look.materials[material, KIND]) == HAIR
        level = texture_level(scene, t, area) if strands else 0.0
        for y in range(y0, y1):
            row_p, row_q = p0 + y * down_p, q0 + y * down_q
            for x in range(x0, x1):
                p, q = row_p + x * right_p, row_q + x * right_q
                r = 1 - p - q
                if p < 0 or q < 0 or r < 0:
                    continue
                iz = p * az + q * bz + r * cz
                if iz * nearness <= inverse[y, x]:
                    continue
                p, q = p * az / iz, q * bz / iz
                if strands:
                    shares = (p, q, 1 - p - q)
                    if texture_alpha(scene, t, shares, level) < SOLID:
                        continue
                inverse[y, x] = iz * nearness
                found[y, x] = t
                weights[y, x, 0] = p
                weights[y, x, 1] = q


@njit(types.void(I1, SCENE, F2, F2), **KERNEL)
def height_map(order: Ints, scene: Scene, screen: Floats, out: Floats) -> None:
    """Fill (S,S) with the greatest height; screen (V,3): samples x, y and height."""
    mesh, look = scene.mesh, scene.look
    out[:] = -1e9
    size = len(out)
    for t in order:
        material = mesh.material[t]
        kind = int(look.materials[material, KIND])
        if kind in (VEIL, LENS):
            continue
        a, b, c = mesh.triangles[t, 0], mesh.triangles[t, 1], mesh.triangles[t, 2]
        ax, ay, az = screen[a, 0], screen[a, 1], screen[a, 2]
        bx, by, bz = screen[b, 0], screen[b, 1], screen[b, 2]
        cx, cy, cz = screen[c, 0], screen[c, 1], screen[c, 2]
        area = (bx - ax) * (cy - ay) - (by - ay) * (cx - ax)
        if abs(area) < FLAT:
            continue
        x0, x1 = span(ax, bx, cx, size)
        y0, y1 = span(ay, by, cy, size)
        p0, right_p, down_p = weight_plane(bx, by, cx, cy, area)
        q0, right_q, down_q = weight_plane(cx, cy, ax, ay, area)
        for y in range(y0, y1):
            row_p, row_q = p0 + y * down_p, q0 + y * down_q
            for x in range(x0, x1):
                p, q = row_p + x * right_p, row_q + x * right_q
                r = 1 - p - q
                if p < 0 or q < 0 or r < 0:
                    continue
                z = p * az + q * bz + r * cz
                if z <= out[y, x]:
                    continue
                if kind == HAIR and texture_alpha(scene, t, (p, q, r), 2.0) < 0.5:
                    continue
                out[y, x] = z


@njit(types.void(F2, F1, F2, F1, F1), **KERNEL)
def add_visibility(
    screen: Floats, facing: Floats, heights: Floats, seen: Floats, total: Floats
) -> None:
    """Add to (V,) sums how much of one direction's light reaches each vertex.

    screen (V,3) as in `height_map`, lifted by the bias; facing (V,): cosine to the direction.
    """
    size = len(heights)
    for v in range(len(screen)):
        cosine = facing[v]
        if cosine <= 0.02:
            continue
        total[v] += cosine
        x, y = int(screen[v, 0]), int(screen[v, 1])
        if x < 1 or y < 1 or x >= size - 1 or y >= size - 1:
            seen[v] += cosine
            continue
        free = 0
        for dy in range(-1, 2):
            for dx in range(-1, 2):
                if heights[y + dy, x + dx] < screen[v, 2]:
                    free += 1
        seen[v] += cosine * free / 9


@njit(**PART)
def weights_at(scene: Scene, screen: Floats, t: int, px: float, py: float) -> tuple[float, float]:
    """Perspective-correct weights of the first two corners at (px, py), also a little outside."""
    mesh = scene.mesh
    a, b, c = mesh.triangles[t, 0], mesh.triangles[t, 1], mesh.triangles[t, 2]
    ax, ay, bx, by = screen[a, 0], screen[a, 1], screen[b, 0], screen[b, 1]
    cx, cy = screen[c, 0], screen[c, 1]
    scale = 1 / ((bx - ax) * (cy - ay) - (by - ay) * (cx - ax))
    p = ((bx - px) * (cy - py) - (by - py) * (cx - px)) * scale
    q = ((cx - px) * (ay - py) - (cy - py) * (ax - px)) * scale
    p, q = min(max(p, -0.5), 1.5), min(max(q, -0.5), 1.5)
    p, q, r = p * screen[a, 2], q * screen[b, 2], (1 - p - q) * screen[c, 2]
    total = p + q + r
    return p / total, q / total


@njit(**KERNEL)
def _class(scene: Scene, samples: Fragments, y: int, x: int) -> int:
    """Segment of a sample, 0 for the background."""
    mesh, look = scene.mesh, scene.look
    t = samples.triangle[y, x]
    return int(look.materials[mesh.material[t], SEGMENT]) if t >= 0 else 0


@njit(**KERNEL)
def _representative(scene: Scene, samples: Fragments, y: int, x: int) -> tuple[int, int]:
    """(sample row, column) that stands for a pixel of 2 x 2: of most samples' class, nearest."""
    classes = (
        _class(scene, samples, y, x),
        _class(scene, samples, y, x + 1),
        _class(scene, samples, y + 1, x),
        _class(scene, samples, y + 1, x + 1),
    )
    best, best_votes, best_depth = 0, 0, np.float32(-1)
    for k in range(4):
        own = classes[k]
        votes = (own == classes[0]) + (own == classes[1]) + (own == classes[2])
        votes += own == classes[3]
        depth = samples.inverse_depth[y + k // 2, x + k % 2]
        if votes > best_votes or (votes == best_votes and depth > best_depth):
            best, best_votes, best_depth = k, votes, depth
    return y + best // 2, x + best % 2


@njit(types.void(SCENE, F2, FRAGMENTS, LABELS), **KERNEL)
def label_pixels(scene: Scene, screen: Floats, samples: Fragments, out: Labels) -> None:
    """Surface point, depth and class at the centre of each pixel of 2 x 2 samples."""
    mesh, look = scene.mesh, scene.look
    for y in range(out.triangle.shape[0]):
        for x in range(out.triangle.shape[1]):
            sy, sx = _representative(scene, samples, 2 * y, 2 * x)
            t = samples.triangle[sy, sx]
            out.triangle[y, x] = t
            if t < 0:
                out.depth[y, x] = 0
                out.segment[y, x] = 0
                out.weights[y, x] = 0
                continue
            u, v = weights_at(scene, screen, t, 2 * x + 1.0, 2 * y + 1.0)
            # The centre may lie just outside the triangle that its samples saw: on its plane.
            out.weights[y, x, 0], out.weights[y, x, 1] = u, v
            a, b, c = mesh.triangles[t, 0], mesh.triangles[t, 1], mesh.triangles[t, 2]
            depth = u / screen[a, 2] + v / screen[b, 2] + (1 - u - v) / screen[c, 2]
            out.depth[y, x] = depth
            out.segment[y, x] = int(look.materials[mesh.material[t], SEGMENT])
