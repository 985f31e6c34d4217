"""The head of the face pack: openly licensed geometry that training reads and never ships.

Format and licences: README.md and LICENSES.md inside the pack. Units cm, x to the subject's left,
y up, z forward. Axis legend: V vertices, F triangles, K modes.
"""

from dataclasses import dataclass
from enum import IntEnum
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from avatar.rig import EXPRESSIONS

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]


class Section(IntEnum):
    """Parts of the pack's mesh."""

    FACE = 0
    HEAD = 1
    SOCKET = 2
    GUMS = 3  # with the tongue
    TEETH = 4
    LEFT_EYE = 5
    RIGHT_EYE = 6
    OCCLUSION = 7
    LASHES = 8


@dataclass(frozen=True, slots=True, eq=False)
class HeadPack:
    """vertices (V,3); triangles (F,3) with their section (F,); section of each vertex (V,);
    corner_uv (F,3) int32 into uv (U,2), origin bottom left; identity (80,V,3), unit variance;
    semantics (7,V,3) with names; expressions (55,V,3) in the order of `avatar.rig.EXPRESSIONS`;
    marks68 (68,) vertices of the classic 68 landmarks."""

    vertices: Floats
    triangles: Ints
    triangle_section: Ints
    vertex_section: Ints
    uv: Floats
    corner_uv: Ints
    identity: Floats
    semantics: Floats
    semantic_names: tuple[str, ...]
    expressions: Floats
    marks68: Ints

    def blend(self, identity: Floats, expressions: Floats) -> Floats:
        """(V,3) of one person: identity (80,) and expression weights (55,)."""
        return np.asarray(
            self.vertices
            + np.tensordot(identity, self.identity, 1)
            + np.tensordot(expressions, self.expressions, 1),
            np.float32,
        )


def load_head(pack: Path) -> HeadPack:
    """Read PACK/head.npz. Raises ValueError if its expressions are not those of the rig."""
    with np.load(pack / "head.npz") as data:
        names = tuple(str(name) for name in data["expr_names"])
        if names != EXPRESSIONS:
            raise ValueError(f"{pack}: the expressions of this pack are not those of the rig")
        vertices = data["v"].astype(np.float32)
        return HeadPack(
            vertices,
            data["T"].astype(np.int32),
            data["L"].astype(np.int32),
            data["sec"].astype(np.int32),
            data["uv"].astype(np.float32),
            data["U"].astype(np.int32),
            data["id_delta"].astype(np.float32) * data["id_scale"][:, None, None],
            data["sem_delta"].astype(np.float32) * data["sem_scale"][:, None, None],
            tuple(str(name) for name in data["sem_names"]),
            _expressions(data, len(vertices)),
            data["lm68"].astype(np.int32),
        )


def _expressions(data: "np.lib.npyio.NpzFile", count: int) -> Floats:
    out = np.zeros((len(EXPRESSIONS), count, 3), np.float32)
    starts = data["expr_count"]
    for k, scale in enumerate(data["expr_scale"]):
        span = slice(starts[k], starts[k + 1])
        out[k, data["expr_idx"][span]] = data["expr_delta"][span] * scale
    return out
