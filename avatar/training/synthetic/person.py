"""A synthetic person: geometry, textures and materials, ready to be posed and drawn.

Axis legend: V vertices of the whole scene, of which the first H are the head's in the pack's order;
T triangles, of which the first are the head's in the pack's order.
"""

from dataclasses import dataclass

import numpy as np

from avatar.training.pack import HeadPack, Section
from avatar.training.synthetic.ambient import WHOLE, ambient_light
from avatar.training.synthetic.assembly import (
    Builder,
    add_clothes,
    add_glasses,
    add_hair,
    add_head,
)
from avatar.training.synthetic.buffers import Floats, Ints, Look, Mesh, Scene
from avatar.training.synthetic.fold_lines import folds_of
from avatar.training.synthetic.materials import Kind, material_table
from avatar.training.synthetic.raster import normals
from avatar.training.synthetic.relief import Relief, make_relief
from avatar.training.synthetic.shape import eye_centre, half_open
from avatar.training.synthetic.textures import pack_textures
from avatar.training.synthetic.traits import Traits
from avatar.training.synthetic.world import World

AMBIENT_DIRECTIONS = 48
EYES = (Section.LEFT_EYE, Section.RIGHT_EYE)


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """rest (V,3) cm; head_weight, neck_weight (V,) how far a vertex turns; ambient, rest_area (V,);
    solid: opaque triangles and hair; clear: those to be blended; eyes: vertices of the left and the
    right eyeball, eye_centres (2,3)."""

    traits: Traits
    world: World
    rest: Floats
    head_weight: Floats
    neck_weight: Floats
    ambient: Floats
    rest_area: Floats
    scene: Scene
    solid: Ints
    clear: Ints
    eyes: tuple[Ints, Ints]
    eye_centres: Floats
    closure: float
    relief: Relief

    @property
    def head(self) -> HeadPack:
        """The pack's head."""
        return self.world.wardrobe.head


def build_person(world: World, traits: Traits) -> Person:
    """Dress, paint and bake one person (a few tenths of a second)."""
    builder = Builder(world, traits)
    skin = add_head(builder)
    hidden = add_clothes(builder, skin)
    if traits.hair:
        add_hair(builder)
    if traits.glasses:
        add_glasses(builder)
    return _finished(builder, hidden)


def _finished(builder: Builder, hidden: Ints) -> Person:
    scene = _scene(builder)
    solid, clear = _draw_lists(builder, scene, hidden)
    rest = np.concatenate(builder.vertices).astype(np.float32)
    turn = np.concatenate(builder.weights).astype(np.float32)
    area, normal = np.empty(len(rest), np.float32), np.empty_like(rest)
    normals(rest, scene.mesh.triangles, normal, area)
    section = builder.head.vertex_section
    left, right = (np.flatnonzero(section == eye).astype(np.int32) for eye in EYES)
    return Person(
        traits=builder.traits,
        world=builder.world,
        rest=rest,
        head_weight=np.ascontiguousarray(turn[:, 0]),
        neck_weight=np.ascontiguousarray(turn[:, 1]),
        ambient=_ambient(builder.head, rest, scene, solid),
        rest_area=area,
        scene=scene,
        solid=solid,
        clear=clear,
        eyes=(left, right),
        eye_centres=np.stack([eye_centre(rest[left]), eye_centre(rest[right])]),
        closure=builder.closure,
        relief=make_relief(folds_of(builder.traits.folds, builder.traits.seed)),
    )


def _scene(builder: Builder) -> Scene:
    mesh = Mesh(
        np.ascontiguousarray(np.concatenate(builder.triangles), np.int32),
        np.ascontiguousarray(np.concatenate(builder.corner_uv), np.int32),
        np.ascontiguousarray(np.concatenate(builder.uv), np.float32),
        np.ascontiguousarray(np.concatenate(builder.material), np.int32),
    )
    return Scene(mesh, Look(material_table(builder.materials), *pack_textures(builder.chains)))


def _draw_lists(builder: Builder, scene: Scene, hidden: Ints) -> tuple[Ints, Ints]:
    """Triangles that hide others (hair last), and those that are blended."""
    kinds = np.array([material.kind for material in builder.materials])[scene.mesh.material]
    shown = np.ones(len(kinds), bool)
    shown[hidden] = False
    veil = np.isin(kinds, (Kind.VEIL, Kind.LENS))
    strands = kinds == Kind.HAIR
    solid = [np.flatnonzero(shown & ~veil & ~strands), np.flatnonzero(strands)]
    return (
        np.concatenate(solid).astype(np.int32),
        np.flatnonzero(veil | strands).astype(np.int32),
    )


def _ambient(head: HeadPack, rest: Floats, scene: Scene, solid: Ints) -> Floats:
    """(V,) with the jaw half open: lips that rest on one another get no light at all."""
    points = rest.copy()
    points[: len(head.vertices)] += half_open(head)
    out = ambient_light(points, scene, solid, WHOLE, AMBIENT_DIRECTIONS)
    out = np.clip(out * 1.08, 0.03, 1)
    eyes = np.flatnonzero(np.isin(head.vertex_section, EYES))
    out[eyes] = np.clip(out[eyes] * 0.85 + 0.25, 0, 1)
    return np.asarray(out, np.float32)
