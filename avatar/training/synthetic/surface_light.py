"""Inlined parts of the shading kernels: what a surface point sends to the camera.

Diffuse light wraps around skin (subsurface scattering, red furthest), highlights follow GGX (Walter
et al. 2007) with Schlick's Fresnel term; the surroundings are nine spherical harmonics, convolved
with the cosine as in Ramamoorthi and Hanrahan 2001.
"""

# mypy: disable-error-code="untyped-decorator"

import math
from typing import NamedTuple

import numpy as np
from numba import njit

from avatar.training.synthetic.bending import bent
from avatar.training.synthetic.buffers import PART, Floats, Lighting, Look, Scene, Vertices
from avatar.training.synthetic.materials import Column, Kind

KIND, TEXTURE, ALPHA = int(Column.KIND), int(Column.TEXTURE), int(Column.ALPHA)
RED, WRAP_RED = int(Column.RED), int(Column.WRAP_RED)
ROUGHNESS, SPECULAR = int(Column.ROUGHNESS), int(Column.SPECULAR)
TWO_SIDED, GREY = int(Column.TWO_SIDED), int(Column.GREY)
RELIEF = int(Column.RELIEF)
SKIN, HAIR = int(Kind.SKIN), int(Kind.HAIR)
VEIL, LENS = int(Kind.VEIL), int(Kind.LENS)

SHADOW_BIAS = 0.35  # cm
GLARE = 6.0  # greatest highlight

Triple = tuple[float, float, float]


def _linear_table() -> Floats:
    share = np.arange(256) / 255
    low, high = share / 12.92, ((share + 0.055) / 1.055) ** 2.4
    return np.where(share <= 0.04045, low, high).astype(np.float32)


LINEAR = _linear_table()  # sRGB byte to linear light


class Point(NamedTuple):
    """A surface point in camera space: where it is, which way it faces and where the camera is."""

    position: Triple
    normal: Triple
    towards: Triple
    facing: float  # cosine between the last two, at least 0.03
    ambient: float


@njit(**PART)
def texture_colour(
    look: Look, texture: int, uv: tuple[float, float], level: float
) -> tuple[float, float, float, float]:
    """Linear RGB and alpha, bilinear in the nearest mip level, wrapped in u and v."""
    row = min(max(int(level + 0.5), 0), look.levels.shape[1] - 1)
    start, width = look.levels[texture, row, 0], look.levels[texture, row, 1]
    height = look.levels[texture, row, 2]
    x = (uv[0] - math.floor(uv[0])) * width - 0.5
    y = (1 - uv[1] + math.floor(uv[1])) * height - 0.5
    x0, y0 = math.floor(x), math.floor(y)
    fx, fy = x - x0, y - y0
    left, right = min(max(x0, 0), width - 1), min(max(x0 + 1, 0), width - 1)
    top = start + min(max(y0, 0), height - 1) * width
    bottom = start + min(max(y0 + 1, 0), height - 1) * width
    wa, wb = (1 - fx) * (1 - fy), fx * (1 - fy)
    wc, wd = (1 - fx) * fy, fx * fy
    a, b = look.texels[top + left], look.texels[top + right]
    c, d = look.texels[bottom + left], look.texels[bottom + right]
    return (
        wa * LINEAR[a[0]] + wb * LINEAR[b[0]] + wc * LINEAR[c[0]] + wd * LINEAR[d[0]],
        wa * LINEAR[a[1]] + wb * LINEAR[b[1]] + wc * LINEAR[c[1]] + wd * LINEAR[d[1]],
        wa * LINEAR[a[2]] + wb * LINEAR[b[2]] + wc * LINEAR[c[2]] + wd * LINEAR[d[2]],
        (wa * a[3] + wb * b[3] + wc * c[3] + wd * d[3]) / 255,
    )


@njit(**PART)
def surroundings(harmonics: Floats, n: Triple, first: float, second: float) -> Triple:
    """Light from the surroundings; first, second: what is kept of the bands 1 and 2."""
    x, y, z = n
    h = harmonics
    r, g, b = h[0, 0], h[0, 1], h[0, 2]
    x1, y1, z1 = x * first, y * first, z * first
    r += y1 * h[1, 0] + z1 * h[2, 0] + x1 * h[3, 0]
    g += y1 * h[1, 1] + z1 * h[2, 1] + x1 * h[3, 1]
    b += y1 * h[1, 2] + z1 * h[2, 2] + x1 * h[3, 2]
    xy, yz, zz = x * y * second, y * z * second, (3 * z * z - 1) * second
    xz, dd = x * z * second, (x * x - y * y) * second
    r += xy * h[4, 0] + yz * h[5, 0] + zz * h[6, 0] + xz * h[7, 0] + dd * h[8, 0]
    g += xy * h[4, 1] + yz * h[5, 1] + zz * h[6, 1] + xz * h[7, 1] + dd * h[8, 1]
    b += xy * h[4, 2] + yz * h[5, 2] + zz * h[6, 2] + xz * h[7, 2] + dd * h[8, 2]
    return max(r, 0.0), max(g, 0.0), max(b, 0.0)


@njit(**PART)
def key_visibility(lighting: Lighting, position: Triple) -> float:
    """Share of the first light that reaches a point: a soft look-up in the shadow map."""
    px, py, pz = position
    m, heights = lighting.to_shadow, lighting.shadow
    size = heights.shape[0]
    x = int(m[0, 0] * px + m[0, 1] * py + m[0, 2] * pz + m[0, 3])
    y = int(m[1, 0] * px + m[1, 1] * py + m[1, 2] * pz + m[1, 3])
    z = m[2, 0] * px + m[2, 1] * py + m[2, 2] * pz + m[2, 3]
    if x < 3 or y < 3 or x >= size - 3 or y >= size - 3:
        return 1.0
    total = 0.0
    for dy in range(-2, 3, 2):
        for dx in range(-2, 3, 2):
            bias = SHADOW_BIAS * (1 + 0.5 * (abs(dx) + abs(dy)))
            over = heights[y + dy, x + dx] - z - bias
            total += min(max(1 - 2.5 * over, 0.0), 1.0)
    return total / 9


@njit(**PART)
def highlight(point: Point, light: Floats, cosine: float, material: Floats) -> float:
    """GGX highlight of one light times the cosine, times pi."""
    nx, ny, nz = point.normal
    vx, vy, vz = point.towards
    hx, hy, hz = light[0] + vx, light[1] + vy, light[2] + vz
    scale = 1 / (math.sqrt(hx * hx + hy * hy + hz * hz) + 1e-9)
    n_h = max((nx * hx + ny * hy + nz * hz) * scale, 0.0)
    v_h = (vx * hx + vy * hy + vz * hz) * scale
    rough = material[ROUGHNESS]
    a2 = rough * rough * rough * rough
    q = n_h * n_h * (a2 - 1) + 1
    k = rough * rough * 0.5
    shade = 1 / ((cosine * (1 - k) + k) * (point.facing * (1 - k) + k) * 4 + 1e-4)
    edge = 1 - min(max(v_h, 0.0), 1.0)
    grazing = edge * edge * edge * edge * edge
    fresnel = material[SPECULAR] + (1 - material[SPECULAR]) * grazing
    return float(min(a2 / (q * q) * shade * fresnel * cosine, GLARE))


@njit(**PART)
def albedo(scene: Scene, t: int, shares: Triple, level: float) -> tuple[float, float, float, float]:
    """Linear RGB and alpha of the material of triangle t."""
    mesh, look = scene.mesh, scene.look
    material = look.materials[mesh.material[t]]
    a, b, c = mesh.corner_uv[t, 0], mesh.corner_uv[t, 1], mesh.corner_uv[t, 2]
    wa, wb, wc = shares
    red, green, blue, alpha = 1.0, 1.0, 1.0, 1.0
    texture = int(material[TEXTURE])
    if texture >= 0:
        u = wa * mesh.uv[a, 0] + wb * mesh.uv[b, 0] + wc * mesh.uv[c, 0]
        v = wa * mesh.uv[a, 1] + wb * mesh.uv[b, 1] + wc * mesh.uv[c, 1]
        red, green, blue, alpha = texture_colour(look, texture, (u, v), level)
    grey = 0.3 * red + 0.59 * green + 0.11 * blue
    red += (grey - red) * material[GREY]
    green += (grey - green) * material[GREY]
    blue += (grey - blue) * material[GREY]
    tint = (red * material[RED], green * material[RED + 1], blue * material[RED + 2])
    return tint[0], tint[1], tint[2], alpha * material[ALPHA]


@njit(**PART)
def surface_point(scene: Scene, t: int, shares: Triple, vertices: Vertices) -> Point:
    """The point of triangle t at some weights of its corners."""
    mesh, p, n = scene.mesh, vertices.position, vertices.normal
    a, b, c = mesh.triangles[t, 0], mesh.triangles[t, 1], mesh.triangles[t, 2]
    wa, wb, wc = shares
    px = wa * p[a, 0] + wb * p[b, 0] + wc * p[c, 0]
    py = wa * p[a, 1] + wb * p[b, 1] + wc * p[c, 1]
    pz = wa * p[a, 2] + wb * p[b, 2] + wc * p[c, 2]
    nx = wa * n[a, 0] + wb * n[b, 0] + wc * n[c, 0]
    ny = wa * n[a, 1] + wb * n[b, 1] + wc * n[c, 1]
    nz = wa * n[a, 2] + wb * n[b, 2] + wc * n[c, 2]
    scale = 1 / (math.sqrt(nx * nx + ny * ny + nz * nz) + 1e-9)
    back = -1 / math.sqrt(px * px + py * py + pz * pz)
    vx, vy, vz = px * back, py * back, pz * back
    facing = (nx * vx + ny * vy + nz * vz) * scale
    if facing < 0 and scene.look.materials[mesh.material[t], TWO_SIDED] > 0:
        scale, facing = -scale, -facing
    ambient = wa * vertices.ambient[a] + wb * vertices.ambient[b] + wc * vertices.ambient[c]
    # Weights may lie outside the triangle, see `weights_at`: keep the light positive.
    return Point(
        (px, py, pz),
        (nx * scale, ny * scale, nz * scale),
        (vx, vy, vz),
        max(facing, 0.03),
        max(ambient, 0.02),
    )


@njit(**PART)
def folded(scene: Scene, t: int, shares: Triple, vertices: Vertices, point: Point) -> Point:
    """The point with the normal that the skin's folds give it, and their shade."""
    nx, ny, nz, shade = bent(scene, t, shares, vertices, point.normal)
    vx, vy, vz = point.towards
    facing = max(nx * vx + ny * vy + nz * vz, 0.03)
    open_ = max(point.ambient * (1 - shade), 0.02)
    return Point(point.position, (nx, ny, nz), point.towards, facing, open_)


@njit(**PART)
def diffuse(point: Point, lighting: Lighting, material: Floats, key: float) -> Triple:
    """Light that arrives and is scattered, before the albedo."""
    skin = int(material[KIND]) == SKIN
    open_ = point.ambient
    r, g, b = surroundings(lighting.harmonics, point.normal, 0.667, 0.25)
    r, g, b = r * open_, g * open_, b * open_
    if skin:
        # Light bounces between skin and skin: hidden places are redder, not just darker.
        r, g, b = (
            r / math.sqrt(math.sqrt(open_)),
            g * (0.9 + 0.1 * open_),
            b * (0.86 + 0.14 * open_),
        )
    nx, ny, nz = point.normal
    # Folds and the inside of the mouth are finer than the shadow map.
    fine = min(0.25 + 1.5 * open_, 1.0)
    for k in range(len(lighting.lights)):
        light = lighting.lights[k]
        visible = (key if k == 0 else open_) * fine
        first = 0.9 * visible + 0.1 * math.sqrt(visible) if skin else visible
        n_l = nx * light[0] + ny * light[1] + nz * light[2]
        r += _wrapped(n_l, material[WRAP_RED]) * light[3] * first
        g += _wrapped(n_l, material[WRAP_RED + 1]) * light[4] * visible
        b += _wrapped(n_l, material[WRAP_RED + 2]) * light[5] * visible
    return r, g, b


@njit(**PART)
def _wrapped(cosine: float, wrap: float) -> float:
    """Cosine falloff that goes on beyond the shadow line."""
    lit = max((cosine + wrap) / (1 + wrap), 0.0)
    return lit * (0.6 + 0.4 * lit) if wrap > 0 else lit


@njit(**PART)
def mirrored(point: Point, lighting: Lighting, material: Floats, key: float) -> Triple:
    """Reflections of the surroundings and of the lights."""
    skin = int(material[KIND]) == SKIN
    nx, ny, nz = point.normal
    vx, vy, vz = point.towards
    open_, facing = point.ambient, point.facing
    ray = (2 * facing * nx - vx, 2 * facing * ny - vy, 2 * facing * nz - vz)
    r, g, b = surroundings(lighting.harmonics, ray, 1.0, 0.8)
    edge = (1 - facing) * (1 - facing)
    gain = max(1 - material[ROUGHNESS], material[SPECULAR]) - material[SPECULAR]
    strength = material[SPECULAR] + gain * edge * edge * (1 - facing)
    strength *= min(open_ * open_ + 0.1, 1.0)
    # Skin is rough at the edge of a fold: no bright seams there.
    strength *= 0.45 * min(4 * facing, 1.0) if skin else 1.0
    r, g, b = r * strength, g * strength, b * strength
    rough_edge = min(3 * facing, 1.0) * min(2 * open_, 1.0) if skin else 1.0
    fine = min(0.25 + 1.5 * open_, 1.0)
    for k in range(len(lighting.lights)):
        light = lighting.lights[k]
        n_l = nx * light[0] + ny * light[1] + nz * light[2]
        visible = (key if k == 0 else open_) * fine
        if n_l > 0 and visible > 0:
            shine = highlight(point, light, n_l, material) * visible * rough_edge
            r, g, b = r + shine * light[3], g + shine * light[4], b + shine * light[5]
    return r, g, b


@njit(**PART)
def shade(
    scene: Scene, t: int, shares: Triple, level: float, vertices: Vertices, lighting: Lighting
) -> tuple[float, float, float, float]:
    """Linear RGB and alpha of a point of triangle t."""
    red, green, blue, alpha = albedo(scene, t, shares, level)
    material = scene.look.materials[scene.mesh.material[t]]
    kind = int(material[KIND])
    if kind == VEIL:
        h = lighting.harmonics
        light = max(h[0, 0] + h[0, 1] + h[0, 2], 0.0)  # what is dark stays darker than skin
        return red * light, green * light, blue * light, alpha
    point = surface_point(scene, t, shares, vertices)
    if material[RELIEF] > 0:
        point = folded(scene, t, shares, vertices, point)
    key = key_visibility(lighting, point.position)
    dr, dg, db = diffuse(point, lighting, material, key)
    sr, sg, sb = mirrored(point, lighting, material, key)
    if kind == HAIR:
        # Strands tint what they reflect.
        sr *= 0.35 + 0.65 * min(3 * red, 1.0)
        sg *= 0.35 + 0.65 * min(3 * green, 1.0)
        sb *= 0.35 + 0.65 * min(3 * blue, 1.0)
    if kind == LENS:
        # Reflections are added to what is seen through the glass.
        cover = min(alpha + (sr + sg + sb) / 3, 1.0)
        share = alpha / max(cover, 1e-3)
        dr, dg, db = dr * share, dg * share, db * share
        gain = 1 / max(cover, 1e-3)
        sr, sg, sb = sr * gain, sg * gain, sb * gain
        alpha = cover
    return red * dr + sr, green * dg + sg, blue * db + sb, alpha
