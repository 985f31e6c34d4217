"""A person in motion: vertices of a rig vector, and how folds and the mouth darken with it."""

import numpy as np

from avatar.rig import EXPRESSIONS, GAZE_AT, Vector
from avatar.semo.pose import rotation
from avatar.training.pack import Section
from avatar.training.synthetic.ambient import MOUTH_STATES, lip_gap
from avatar.training.synthetic.anchor import carried
from avatar.training.synthetic.buffers import Floats
from avatar.training.synthetic.person import Person

BAKED_STATE = 3  # of MOUTH_STATES: the one in which `Person.ambient` is baked
# Light that is scattered in teeth and wet flesh fills the mouth: powers of the baked share.
SCATTER = (0.5, 0.75)
CREASE, CREASE_FLOOR = 0.9, 0.45  # darkening by compression, and its bound


def expressed(person: Person, rig: Vector) -> Floats:
    """(V,3) with the rig's expression, in model space, eyes and head straight."""
    out = person.rest.copy()
    count = len(person.head.vertices)
    weights = np.asarray(rig[: len(EXPRESSIONS)], np.float32)
    out[:count] += (weights @ person.world.expressions).reshape(-1, 3)
    return out


def posed(person: Person, rig: Vector) -> Floats:
    """(V,3) in model space: expression, gaze and pose as `avatar.semo.pose.posed` turns them."""
    out = expressed(person, rig)
    turn = rotation(float(rig[GAZE_AT.start]), float(rig[GAZE_AT.start + 1]), 0.0)
    for at, centre in zip(person.eyes, person.eye_centres, strict=True):
        out[at] = (out[at] - centre) @ turn.T + centre
    return carried(out, person.head_weight, person.neck_weight, rig)


def ambient_now(person: Person, points: Floats, area: Floats) -> Floats:
    """(V,) ambient light of posed vertices; area: of the triangles around them.

    The mouth's inside follows the gap of the lips; skin that is pressed together darkens.
    """
    assert len(MOUTH_STATES) > BAKED_STATE
    head, light = person.head, person.world.mouth_light
    count = len(head.vertices)
    out = person.ambient.copy()
    now = light.at(lip_gap(points, head))
    section = head.vertex_section
    inside = np.isin(section, (Section.SOCKET, Section.GUMS, Section.TEETH))
    inside &= head.vertices[:, 1] < 1
    out[:count][inside] = now[inside] ** np.where(section[inside] == Section.TEETH, *SCATTER)
    face = section == Section.FACE
    change = now[face] / np.maximum(light.ambient[BAKED_STATE][face], 0.05)
    pressed = np.clip(1 - area[:count][face] / person.rest_area[:count][face], 0, 1)
    crease = np.maximum(1 - CREASE * pressed**1.5, CREASE_FLOOR)
    out[:count][face] *= np.clip(change, 0.35, 1.2) * crease
    return np.clip(out, 0.02, 1).astype(np.float32)
