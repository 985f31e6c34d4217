"""Kernels: colour of visible surfaces, translucent layers, and the film."""

# mypy: disable-error-code="untyped-decorator"

import numpy as np
from numba import njit, types

from avatar.training.synthetic.buffers import (
    B2,
    B3,
    FRAGMENTS,
    I1,
    KERNEL,
    LIGHTING,
    PART,
    PICTURE,
    SCENE,
    VERTICES,
    Bytes,
    Floats,
    Fragments,
    Ints,
    Lighting,
    Picture,
    Scene,
    Vertices,
)
from avatar.training.synthetic.materials import Column, Kind
from avatar.training.synthetic.raster import (
    FLAT,
    span,
    texture_alpha,
    texture_level,
    weight_plane,
    weights_at,
)
from avatar.training.synthetic.surface_light import shade

KIND, TEXTURE, VEIL = int(Column.KIND), int(Column.TEXTURE), int(Kind.VEIL)
VEIL_LIFT = 1.004  # lashes lie on the lid: they are drawn as if this much nearer
NEARER = 0.99995  # what was drawn before is not drawn again
FAINT = 0.03  # alpha below which nothing is drawn


def _display_table() -> Bytes:
    share = np.arange(4097) / 4096
    low, high = 12.92 * share, 1.055 * share ** (1 / 2.4) - 0.055
    return (np.where(share <= 0.0031308, low, high) * 255 + 0.5).clip(0, 255).astype(np.uint8)


DISPLAY = _display_table()  # 4096ths of linear light to sRGB byte


@njit(**PART)
def _area(scene: Scene, screen: Floats, t: int) -> float:
    """Twice the samples that triangle t covers."""
    triangles = scene.mesh.triangles
    a, b, c = triangles[t, 0], triangles[t, 1], triangles[t, 2]
    wide = (screen[b, 0] - screen[a, 0]) * (screen[c, 1] - screen[a, 1])
    return float(wide - (screen[b, 1] - screen[a, 1]) * (screen[c, 0] - screen[a, 0]))


@njit(**PART)
def _even(scene: Scene, samples: Fragments, y: int, x: int) -> bool:
    """Whether 2 x 2 samples show one material without a step in depth."""
    t = samples.triangle[y, x]
    if t < 0:
        return False
    material, depth = scene.mesh.material[t], samples.inverse_depth[y, x]
    for k in range(1, 4):
        other = samples.triangle[y + k // 2, x + k % 2]
        if other < 0 or scene.mesh.material[other] != material:
            return False
        if abs(samples.inverse_depth[y + k // 2, x + k % 2] - depth) > 0.012 * depth:
            return False
    return True


@njit(
    types.void(SCENE, VERTICES, LIGHTING, FRAGMENTS, PICTURE),
    **KERNEL)  # fmt: skip
def shade_visible(
    scene: Scene, vertices: Vertices, lighting: Lighting, samples: Fragments, out: Picture
) -> None:
    """Colour of the visible surfaces; even blocks of 2 x 2 samples are shaded once, in the middle.

    Where there is no surface, `out.colour` keeps what it held: the background.
    """
    height, width = samples.triangle.shape
    for y in range(0, height, 2):
        for x in range(0, width, 2):
            even = _even(scene, samples, y, x)
            for k in range(4):
                sy, sx = y + k // 2, x + k % 2
                t = samples.triangle[sy, sx]
                out.coverage[sy, sx] = 0 if t < 0 else 1
                if even and k > 0:
                    out.colour[sy, sx] = out.colour[y, x]
                    continue
                if t < 0:
                    continue
                p, q = samples.weights[sy, sx, 0], samples.weights[sy, sx, 1]
                if even:
                    p, q = weights_at(scene, vertices.screen, t, x + 1.0, y + 1.0)
                level = texture_level(scene, t, _area(scene, vertices.screen, t))
                level += 0.6 if even else 0.0
                colour = shade(scene, t, (p, q, 1 - p - q), level, vertices, lighting)
                for channel in range(3):
                    out.colour[sy, sx, channel] = colour[channel]


@njit(**PART)
def _lay_over(out: Picture, y: int, x: int, colour: tuple[float, float, float, float]) -> None:
    """Blend linear RGB and alpha over a sample."""
    alpha = min(max(colour[3], 0.0), 1.0)
    for channel in range(3):
        out.colour[y, x, channel] += (colour[channel] - out.colour[y, x, channel]) * alpha
    out.coverage[y, x] += (1 - out.coverage[y, x]) * alpha


@njit(
    types.void(I1, SCENE, VERTICES, LIGHTING, FRAGMENTS, PICTURE),
    **KERNEL)  # fmt: skip
def blend_layers(
    order: Ints,
    scene: Scene,
    vertices: Vertices,
    lighting: Lighting,
    samples: Fragments,
    out: Picture,
) -> None:
    """Lay translucent triangles over the picture; order: furthest first."""
    screen = vertices.screen
    height, width = samples.triangle.shape
    for t in order:
        corners = scene.mesh.triangles[t]
        a, b, c = screen[corners[0]], screen[corners[1]], screen[corners[2]]
        area = _area(scene, screen, t)
        x0, x1 = span(a[0], b[0], c[0], width)
        y0, y1 = span(a[1], b[1], c[1], height)
        if abs(area) < FLAT or x0 >= x1 or y0 >= y1:
            continue
        p0, right_p, down_p = weight_plane(b[0], b[1], c[0], c[1], area)
        q0, right_q, down_q = weight_plane(c[0], c[1], a[0], a[1], area)
        material = scene.look.materials[scene.mesh.material[t]]
        lift = VEIL_LIFT if int(material[KIND]) == VEIL else NEARER
        level = texture_level(scene, t, area)
        textured = material[TEXTURE] >= 0
        for y in range(y0, y1):
            row_p, row_q = p0 + y * down_p, q0 + y * down_q
            for x in range(x0, x1):
                p, q = row_p + x * right_p, row_q + x * right_q
                r = 1 - p - q
                if p < 0 or q < 0 or r < 0:
                    continue
                near = p * a[2] + q * b[2] + r * c[2]
                if near * lift <= samples.inverse_depth[y, x]:
                    continue
                shares = (p * a[2] / near, q * b[2] / near, r * c[2] / near)
                if textured and texture_alpha(scene, t, shares, level) < FAINT:
                    continue
                _lay_over(out, y, x, shade(scene, t, shares, level, vertices, lighting))


@njit(**PART)
def _rolled_off(value: float) -> float:
    """Highlights approach white softly."""
    if value <= 0.6:
        return max(value, 0.0)
    over = (value - 0.6) * 2.5
    return 0.6 + 0.4 * over / (1 + over)


@njit(types.void(PICTURE, types.float64, B3, B2), **KERNEL)
def develop(picture: Picture, exposure: float, image: Bytes, alpha: Bytes) -> None:
    """(2S,2S,3) linear light to an (S,S,3) sRGB picture and its (S,S) alpha."""
    colour, coverage = picture.colour, picture.coverage
    for y in range(image.shape[0]):
        for x in range(image.shape[1]):
            covered = coverage[2 * y, 2 * x] + coverage[2 * y, 2 * x + 1]
            covered += coverage[2 * y + 1, 2 * x] + coverage[2 * y + 1, 2 * x + 1]
            alpha[y, x] = int(covered * 63.75 + 0.5)
            for channel in range(3):
                total = 0.0
                for k in range(4):
                    value = colour[2 * y + k // 2, 2 * x + k % 2, channel]
                    total += _rolled_off(value * exposure)
                image[y, x, channel] = DISPLAY[min(int(total * 1024), 4096)]
