"""The arrays that the rendering kernels work on, and their numba types.

Axis legend: V vertices, T triangles, U texture coordinates, M materials, X textures, L mip levels,
K lights, H W samples. Camera space is that of `avatar.semo.types`; screen positions are in samples,
x right, y down, the third value is 1 / depth (per cm).
"""

from typing import Any, NamedTuple

import numpy as np
from numba import types
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]
Bytes = NDArray[np.uint8]

# Everything but what would break the handling of NaN and infinity.
FAST = {"contract", "arcp", "nsz", "reassoc", "afn"}
KERNEL: dict[str, Any] = {"cache": True, "nogil": True, "fastmath": FAST}
# Parts of kernels: a call would pass a hundred numbers, as arrays travel in pieces.
PART: dict[str, Any] = {**KERNEL, "inline": "always"}

F1 = types.float32[::1]
F2 = types.float32[:, ::1]
F3 = types.float32[:, :, ::1]
I1 = types.int32[::1]
I2 = types.int32[:, ::1]
I3 = types.int32[:, :, ::1]
B1 = types.uint8[::1]
B2 = types.uint8[:, ::1]
B3 = types.uint8[:, :, ::1]


class Mesh(NamedTuple):
    """triangles (T,3) into the vertices; corner_uv (T,3) into uv (U,2), origin bottom left;
    material (T,)."""

    triangles: Ints
    corner_uv: Ints
    uv: Floats
    material: Ints


class Look(NamedTuple):
    """materials (M, columns of `materials.Column`); texels (B,4) uint8 sRGB and alpha of all mip
    levels; levels (X,L,3): offset into the texels, width, height."""

    materials: Floats
    texels: Bytes
    levels: Ints


class Scene(NamedTuple):
    """What is drawn, but for where its vertices are."""

    mesh: Mesh
    look: Look


class Vertices(NamedTuple):
    """position, normal (V,3) in camera space; screen (V,3); ambient (V,), the share of the
    surrounding light that arrives; relief (R,R,3): slopes of the skin's folds along u and v in cm
    per map side, and how far they shade themselves; first row at v = 1."""

    position: Floats
    normal: Floats
    screen: Floats
    ambient: Floats
    relief: Floats


class Lighting(NamedTuple):
    """harmonics (9,3); lights (K,6): direction towards the light and linear colour, the first casts
    shadows; shadow (S,S): height of what is nearest to the light; to_shadow (3,4): camera space to
    shadow samples and height."""

    harmonics: Floats
    lights: Floats
    shadow: Floats
    to_shadow: Floats


class Fragments(NamedTuple):
    """The nearest surface at each sample: 1 / depth, 0 where there is none; its triangle, -1 where
    there is none; weights of the triangle's first two corners, perspective-correct."""

    inverse_depth: Floats
    triangle: Ints
    weights: Floats


class Picture(NamedTuple):
    """colour (H,W,3) linear; coverage (H,W), the share of the person in the sample."""

    colour: Floats
    coverage: Floats


class Labels(NamedTuple):
    """Per pixel: triangle (S,S), -1 for none; weights (S,S,2) at the pixel's centre, which may lie
    a little outside the triangle that its samples saw: -0.5..1.5; depth (S,S) cm, 0 for none;
    segment (S,S) of `materials.Segment`."""

    triangle: Ints
    weights: Floats
    depth: Floats
    segment: Bytes


def named(kind: type, *fields: Any) -> Any:
    """The numba type of a named tuple; numba tells those of one field type from the others."""
    if len(set(fields)) == 1:
        return types.NamedUniTuple(fields[0], len(fields), kind)  # type: ignore[no-untyped-call]
    return types.NamedTuple(fields, kind)  # type: ignore[no-untyped-call]


MESH = named(Mesh, I2, I2, F2, I1)
LOOK = named(Look, F2, B2, I3)
SCENE = named(Scene, MESH, LOOK)
VERTICES = named(Vertices, F2, F2, F2, F1, F3)
LIGHTING = named(Lighting, F2, F2, F2, F2)
FRAGMENTS = named(Fragments, F2, I2, F3)
PICTURE = named(Picture, F3, F2)
LABELS = named(Labels, I2, F3, F2, B2)
