"""The pack and what is the same for all synthetic people.

Axis legend: H vertices of the head, T its triangles.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from avatar.rig import EXPRESSIONS
from avatar.training.pack import HeadPack, Section
from avatar.training.synthetic.ambient import MouthLight, mouth_light
from avatar.training.synthetic.buffers import Floats, Look, Mesh, Scene
from avatar.training.synthetic.materials import Kind, Material, Segment, material_table
from avatar.training.synthetic.textures import mip_chain, pack_textures
from avatar.training.synthetic.wardrobe import Wardrobe

MOUTH_DIRECTIONS = 128


@dataclass(frozen=True, slots=True, eq=False)
class World:
    """tongue: (T,) whether a head triangle is; expressions: (55, 3 H) of the pack, flat."""

    wardrobe: Wardrobe
    mouth_light: MouthLight
    tongue: NDArray[np.bool_]
    expressions: Floats


def make_world(wardrobe: Wardrobe, directions: int = MOUTH_DIRECTIONS) -> World:
    """What all people share; bakes the light in the mouth (seconds) from so many directions."""
    head = wardrobe.head
    materials = [Material(Kind.PLAIN, Segment.SKIN), Material(Kind.VEIL, Segment.SKIN)]
    veils = np.isin(head.triangle_section, (Section.OCCLUSION, Section.LASHES))
    texels, levels = pack_textures([mip_chain(np.zeros((8, 8, 3), np.uint8))])
    mesh = Mesh(head.triangles, head.corner_uv, head.uv, veils.astype(np.int32))
    scene = Scene(mesh, Look(material_table(materials), texels, levels))
    flat = np.ascontiguousarray(head.expressions.reshape(len(EXPRESSIONS), -1))
    return World(wardrobe, mouth_light(head, scene, directions), _tongue(head), flat)


def _tongue(head: HeadPack) -> NDArray[np.bool_]:
    """(T,): gums and tongue are one sheet in the pack; the tongue lies inside the lower teeth."""
    x, y, z = head.vertices[head.triangles].mean(1).T
    inside = (x / 1.75) ** 2 + np.maximum((z - 5.5) / 4.3, 0) ** 2 < 1
    gums = head.triangle_section == Section.GUMS
    return np.asarray(gums & inside & (y > -5.0) & (y < -2.2))
