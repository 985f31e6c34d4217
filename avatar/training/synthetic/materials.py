"""What surfaces are made of and which part of the picture they count as."""

from collections.abc import Sequence
from dataclasses import dataclass
from enum import IntEnum

import numpy as np

from avatar.training.synthetic.buffers import Floats


class Segment(IntEnum):
    """Classes of the segmentation labels."""

    BACKGROUND = 0
    SKIN = 1
    HAIR = 2
    CLOTH = 3
    EYES = 4
    MOUTH = 5  # inside, with gums and tongue
    TEETH = 6
    GLASSES = 7


class Kind(IntEnum):
    """How a material answers light."""

    PLAIN = 0
    SKIN = 1
    EYE = 2
    WET = 3  # teeth, gums, tongue
    HAIR = 4  # strands on cards: alpha from the texture
    VEIL = 5  # unlit colour with alpha from the texture: lashes, the shadow under the lid
    LENS = 6  # clear but for its tint and what it reflects


class Column(IntEnum):
    """Columns of the material table."""

    KIND = 0
    SEGMENT = 1
    TEXTURE = 2
    RED = 3
    GREEN = 4
    BLUE = 5
    ROUGHNESS = 6
    SPECULAR = 7
    ALPHA = 8
    WRAP_RED = 9
    WRAP_GREEN = 10
    WRAP_BLUE = 11
    TWO_SIDED = 12
    GREY = 13
    NEARNESS = 14
    RELIEF = 15


Triple = tuple[float, float, float]


@dataclass(frozen=True, slots=True)
class Material:
    """tint: linear RGB that multiplies the texture (-1: none); specular: reflectance straight on;
    wrap: how far light creeps beyond the shadow line, per channel (skin: red most); grey: 1 takes
    the texture's colour away; nearness: 1 / depth is multiplied by it to compare surfaces, so that
    eyeballs and teeth do not come through closed lids and lips; relief: bears the face's folds."""

    kind: Kind
    segment: Segment
    texture: int = -1
    tint: Triple = (1.0, 1.0, 1.0)
    roughness: float = 0.5
    specular: float = 0.04
    alpha: float = 1.0
    wrap: Triple = (0.0, 0.0, 0.0)
    two_sided: bool = False
    grey: float = 0.0
    nearness: float = 1.0
    relief: bool = False


def material_table(materials: Sequence[Material]) -> Floats:
    """(M, columns) for the kernels."""
    rows = [
        (
            *(m.kind, m.segment, m.texture, *m.tint, m.roughness, m.specular, m.alpha),
            *(*m.wrap, m.two_sided, m.grey, m.nearness, m.relief),
        )
        for m in materials
    ]
    return np.ascontiguousarray(rows, np.float32)
