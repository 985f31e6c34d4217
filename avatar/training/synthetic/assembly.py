"""Collecting a person's meshes, textures and materials: head, clothes, hair, glasses.

Axis legend: V vertices, T triangles, H vertices of the head.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from avatar.training.pack import Section
from avatar.training.synthetic import paint
from avatar.training.synthetic.buffers import Bytes, Floats, Ints
from avatar.training.synthetic.glasses import glasses_mesh
from avatar.training.synthetic.materials import Kind, Material, Segment
from avatar.training.synthetic.shape import rest_shape, turn_weights
from avatar.training.synthetic.textures import mip_chain
from avatar.training.synthetic.traits import Traits
from avatar.training.synthetic.wardrobe import Garment
from avatar.training.synthetic.world import World

SKIN_WRAP = (0.35, 0.16, 0.10)
BEHIND_LIPS, BEHIND_LIDS = 0.9975, 0.993  # about 1.5 and 5 mm deeper than they are
EYE_LEVEL = 1.0  # cm; linings above belong to the eyes, below to the mouth


class Builder:
    """Collects meshes, textures and materials of one person."""

    def __init__(self, world: World, traits: Traits) -> None:
        self.world, self.traits = world, traits
        self.head = world.wardrobe.head
        self.base, self.closure = rest_shape(self.head, traits)
        self.vertices: list[Floats] = []
        self.triangles: list[Ints] = []
        self.corner_uv: list[Ints] = []
        self.uv: list[Floats] = []
        self.material: list[Ints] = []
        self.weights: list[Floats] = []
        self.chains: list[Sequence[Bytes]] = []
        self.materials: list[Material] = []
        self._vertex_count = self._uv_count = 0
        self.turn = turn_weights(self.head)

    def paint(self, chain: Sequence[Bytes]) -> int:
        """Keep a texture, given as a mip chain; its index."""
        self.chains.append(chain)
        return len(self.chains) - 1

    def add(
        self, vertices: Floats, faces: tuple[Ints, Ints, Floats], material: Ints, turn: Floats
    ) -> None:
        """A mesh: faces are triangles, corner_uv and uv; turn (V,2) head and neck weights."""
        triangles, corner_uv, uv = faces
        self.vertices.append(vertices)
        self.triangles.append(triangles + self._vertex_count)
        self.corner_uv.append(corner_uv + self._uv_count)
        self.uv.append(uv)
        self.material.append(material.astype(np.int32))
        self.weights.append(turn)
        self._vertex_count += len(vertices)
        self._uv_count += len(uv)

    def wear(self, garment: Garment, material: Material, keep: Ints, *, stiff: bool) -> None:
        """A garment that follows this person's shape; stiff: turns with the head as a whole."""
        moved = (self.base - self.head.vertices)[garment.anchors]
        vertices = garment.vertices + (moved * garment.anchor_weights[..., None]).sum(1)
        turn = (self.turn[garment.anchors] * garment.anchor_weights[..., None]).sum(1)
        turn = np.ones_like(turn) if stiff else turn
        self.materials.append(material)
        index = np.full(len(keep), len(self.materials) - 1)
        faces = (garment.triangles[keep], garment.corner_uv[keep], garment.uv)
        self.add(vertices.astype(np.float32), faces, index, turn.astype(np.float32))


def add_head(builder: Builder) -> Material:
    """Head with eyes and mouth; returns the skin's material without texture."""
    traits, head = builder.traits, builder.head
    face, back = paint.skin_textures(builder.world.wardrobe, traits)
    pictures = [
        *(face, back, paint.eye_texture(builder.world.wardrobe, traits)),
        *(paint.lid_shadow_texture(), paint.lash_texture(traits)),
    ]
    textures = [builder.paint(mip_chain(image)) for image in pictures]
    neck = (face[900:1000, 400:600].reshape(-1, 3).mean(0) / 255) ** 2.2
    builder.materials += _head_materials(traits, textures)
    index = _head_material_index(builder)
    faces = (head.triangles, head.corner_uv, head.uv)
    builder.add(builder.base, faces, index, builder.turn)
    r, g, b = (float(v) for v in neck * np.array(traits.tone))
    return _skin(traits, -1, (r, g, b))


def _skin(traits: Traits, texture: int, tint: tuple[float, float, float]) -> Material:
    return Material(Kind.SKIN, Segment.SKIN, texture, tint, traits.roughness, 0.028, wrap=SKIN_WRAP)


def _head_materials(traits: Traits, textures: Sequence[int]) -> list[Material]:
    """By index: face, back of the head, mouth lining, eye lining, gums, tongue, teeth, eyes, lid
    shadow, lashes."""
    t = traits.teeth
    dark = (0.03, 0.012, 0.01)
    hair = tuple(min(value, 0.025) for value in traits.hair_colour)
    r, g, b = hair
    wet, lips, lids = Kind.WET, BEHIND_LIPS, BEHIND_LIDS
    return [
        replace(_skin(traits, textures[0], traits.tone), relief=True),
        _skin(traits, textures[1], traits.tone),
        Material(wet, Segment.MOUTH, -1, (0.24, 0.06, 0.05), 0.35, 0.03, nearness=lips),
        Material(wet, Segment.EYES, -1, (0.42, 0.17, 0.14), 0.35, 0.03, nearness=lids),
        Material(wet, Segment.MOUTH, -1, (0.42, 0.15, 0.14), 0.3, 0.035, 1.0, (0.2, 0.1, 0.1),
                 nearness=lips),
        Material(wet, Segment.MOUTH, -1, (0.44, 0.16, 0.15), 0.4, 0.03, 1.0, (0.3, 0.15, 0.1),
                 nearness=lips),
        Material(wet, Segment.TEETH, -1, (0.82 * t, 0.73 * t, 0.58 * t), 0.2, 0.045, 1.0,
                 (0.2, 0.15, 0.12), nearness=lips),
        Material(Kind.EYE, Segment.EYES, textures[2], (0.95, 0.95, 0.95), 0.09, 0.03, 1.0,
                 (0.1, 0.05, 0.05), nearness=lids),
        Material(Kind.VEIL, Segment.EYES, textures[3], dark, alpha=0.8),
        Material(Kind.VEIL, Segment.EYES, textures[4], (r, g, b)),
    ]  # fmt: skip


def _head_material_index(builder: Builder) -> Ints:
    """(T,) into `_head_materials`."""
    head = builder.head
    of_section = {
        Section.FACE: 0, Section.HEAD: 1, Section.SOCKET: 2, Section.GUMS: 4, Section.TEETH: 6,
        Section.LEFT_EYE: 7, Section.RIGHT_EYE: 7, Section.OCCLUSION: 8, Section.LASHES: 9,
    }  # fmt: skip
    index = np.array([of_section[Section(s)] for s in range(9)])[head.triangle_section]
    level = head.vertices[head.triangles, 1].mean(1)
    index[(head.triangle_section == Section.SOCKET) & (level > EYE_LEVEL)] = 3
    index[builder.world.tongue] = 5
    return index.astype(np.int32)


def add_clothes(builder: Builder, skin: Material) -> Ints:
    """Torso and top; returns the head's triangles that they hide."""
    traits, wardrobe = builder.traits, builder.world.wardrobe
    top = wardrobe.tops[traits.top]
    bare = np.ones(len(wardrobe.torso.triangles), bool)
    bare[top.hides_torso] = False
    builder.wear(wardrobe.torso, skin, np.flatnonzero(bare).astype(np.int32), stiff=False)
    name = f"cloth_{traits.top}"
    texture = builder.paint(wardrobe.chain(name, lambda: wardrobe.image(name)))
    cloth = Material(
        *(Kind.PLAIN, Segment.CLOTH, texture, traits.cloth_tint, 0.8, 0.02),
        wrap=(0.1, 0.1, 0.1), two_sided=True, grey=traits.cloth_grey,
    )  # fmt: skip
    builder.wear(top, cloth, np.arange(len(top.triangles), dtype=np.int32), stiff=False)
    return top.hides_head


def add_hair(builder: Builder) -> None:
    """The strands of this person's style."""
    traits, wardrobe = builder.traits, builder.world.wardrobe
    garment = wardrobe.hair[traits.hair]
    style = traits.hair
    strands = wardrobe.chain(f"hair_{style}", lambda: paint.hair_texture(wardrobe, style))
    texture = builder.paint(strands)
    r, g, b = (min(value / paint.HAIR_LEVEL, 3.2) for value in traits.hair_colour)
    material = Material(
        *(Kind.HAIR, Segment.HAIR, texture, (r, g, b), 0.36, 0.045),
        wrap=(0.25, 0.22, 0.2), two_sided=True,
    )  # fmt: skip
    stiff = traits.hair.startswith(("short", "pony", "afro"))
    builder.wear(garment, material, np.arange(len(garment.triangles), dtype=np.int32), stiff=stiff)


def add_glasses(builder: Builder) -> None:
    """Frame and lenses."""
    glasses, head = builder.traits.glasses, builder.head
    assert glasses is not None
    eyes = np.isin(head.vertex_section, (Section.LEFT_EYE, Section.RIGHT_EYE))
    shape = glasses_mesh(glasses, builder.base[head.marks68], float(builder.base[eyes, 2].max()))
    builder.materials.append(
        Material(Kind.PLAIN, Segment.GLASSES, -1, glasses.colour, 0.3, 0.05, two_sided=True)
    )
    builder.materials.append(
        Material(Kind.LENS, Segment.GLASSES, -1, (0.02, 0.02, 0.02), 0.06, 0.04,
                 glasses.tint, two_sided=True)
    )  # fmt: skip
    last = len(builder.materials) - 1
    material = np.repeat([last - 1, last], [len(shape.frame), len(shape.lenses)])
    triangles = np.concatenate([shape.frame, shape.lenses])
    faces = (triangles, np.zeros_like(triangles), np.zeros((1, 2), np.float32))
    turn = np.ones((len(shape.vertices), 2), np.float32)
    builder.add(shape.vertices, faces, material, turn)
