"""Labelled frames as the encoder's training holds them: cuts around heads, and what they do.

A cut is wider than the canonical square, so that jitter finds pixels. Axis legend: F frames, R rig
parameters, C pixels of a cut's side.
"""

from collections.abc import Iterable
from dataclasses import dataclass, fields
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from avatar.landmark_net import Square
from avatar.rig import RIG
from avatar.semo.facing import DROP_CM, SIDE_CM, canonical
from avatar.semo.types import Bytes, Floats, Ints

CUT = 256  # px of a cut's side
CUT_CM = 27.0  # what it shows at the anchor's depth
PER_CM = CUT / CUT_CM
# Where the anchor lies in every cut, px.
ANCHOR_AT = (CUT / 2, CUT / 2 - DROP_CM * PER_CM)

_LEFT = [at for at, name in enumerate(RIG) if name.endswith("_L")]
_RIGHT = [RIG.index(RIG[at][:-1] + "R") for at in _LEFT]
_SIDES = [RIG.index(f"{part}{side}") for part in ("jaw", "mouth") for side in ("Left", "Right")]
MIRROR = np.arange(len(RIG))
MIRROR[_LEFT], MIRROR[_RIGHT] = _RIGHT, _LEFT
MIRROR[_SIDES] = [_SIDES[k] for k in (1, 0, 3, 2)]
SIGN = np.ones(len(RIG), np.float32)
SIGN[[RIG.index(name) for name in ("gaze_x", "yaw", "roll", "x")]] = -1


@dataclass(frozen=True, slots=True, eq=False)
class Frames:
    """images (F,C,C,3) uint8; rig (F,63): expression as the person's rest has it not, gaze in the
    head, `facing` of the head, no shift; turn (F,3,3) the head, model to camera space; person,
    scene (F,) int32: frames of one scene show the same performance at the same moment; kind (F,)
    uint8: RENDER, REPOSED or PHOTO; marks (F,150,2) px of the cut, as the landmark nets' first look
    finds them."""

    images: Bytes
    rig: Floats
    turn: Floats
    person: Ints
    scene: Ints
    kind: Bytes
    marks: Floats

    def __len__(self) -> int:
        return len(self.rig)

    def only(self, chosen: NDArray[np.bool_] | NDArray[np.int64]) -> "Frames":
        """Some of the frames."""
        return Frames(*(getattr(self, field.name)[chosen] for field in fields(self)))

    def save(self, path: Path) -> None:
        """As an uncompressed .npz."""
        unfinished = path.with_suffix(".part.npz")
        np.savez(unfinished, **{field.name: getattr(self, field.name) for field in fields(self)})
        unfinished.replace(path)

    @staticmethod
    def load(path: Path) -> "Frames":
        """What `save` wrote."""
        with np.load(path) as stored:
            return Frames(*(stored[field.name] for field in fields(Frames)))

    @staticmethod
    def joined(parts: Iterable["Frames"]) -> "Frames":
        """One after the other."""
        many = list(parts)
        columns = [[getattr(part, field.name) for part in many] for field in fields(Frames)]
        return Frames(*(np.concatenate(column) for column in columns))


RENDER, REPOSED, PHOTO = range(3)  # kinds of frames


def cut_around(rgb: Bytes, anchor: Floats, focal: float) -> Bytes:
    """(C,C,3) around a head; anchor (3,) px x, px y, depth cm; focal px."""
    square = canonical(anchor, focal)
    return Square(square.x, square.y, square.side * CUT_CM / SIDE_CM).cut(rgb, CUT)
