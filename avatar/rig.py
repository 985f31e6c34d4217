"""The rig: the 63 parameters that say what a head does, in one float32 vector a frame.

Expression weights bear the usual blendshape names (ARKit's, with _L and _R for the subject's left
and right); 0 is the neutral face, 1 the full movement. Axis legend: R rig parameters.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

Vector = NDArray[np.float32]

_UPPER_FACE = ("browDown", "browInnerUp", "browOuterUp", "cheekPuff", "cheekRaiser",
                 "cheekSquint", "eyeBlink", "eyeLookDown", "eyeLookIn", "eyeLookOut", "eyeLookUp",
                 "eyeSquint", "eyeWide")  # fmt: skip


def _pairs(*names: str) -> tuple[str, ...]:
    return tuple(f"{name}_{side}" for name in names for side in "LR")


EXPRESSIONS: tuple[str, ...] = (
    *_pairs(*_UPPER_FACE),
    "jawForward", "jawLeft", "jawOpen", "jawRight", "mouthClose",
    *_pairs("mouthDimple", "mouthFrown"),
    "mouthFunnel", "mouthLeft",
    *_pairs("mouthLowerDown", "mouthPress"),
    "mouthPucker", "mouthRight", "mouthRollLower", "mouthRollUpper",
    "mouthShrugLower", "mouthShrugUpper",
    *_pairs("mouthSmile", "mouthStretch", "mouthUpperUp", "noseSneer"),
)  # fmt: skip
# Direction of both eyes relative to the head, radians: x > 0 to the right of the picture, y > 0
# down. The lids follow by the eyeLook weights.
GAZE = ("gaze_x", "gaze_y")
# Of the head: yaw > 0 turns to the right of the picture, pitch > 0 nods down, roll > 0 tilts
# clockwise, radians, 0 faces the camera; x right, y down, z towards the camera, cm.
POSE = ("yaw", "pitch", "roll", "x", "y", "z")

RIG: tuple[str, ...] = EXPRESSIONS + GAZE + POSE
INDEX = {name: at for at, name in enumerate(RIG)}
SIZE = len(RIG)
GAZE_AT = slice(len(EXPRESSIONS), len(EXPRESSIONS) + 2)
POSE_AT = slice(len(EXPRESSIONS) + 2, SIZE)
LOOKS = tuple(name for name in EXPRESSIONS if name.startswith("eyeLook"))
# Gaze angles (radians) at which an eyeLook weight is 1.
LOOK_FULL = (np.pi / 6, np.pi * 25 / 180)


def rig(values: Mapping[str, float] | None = None) -> Vector:
    """(63,) float32 from values by name, others 0. Raises KeyError for an unknown name."""
    out = np.zeros(SIZE, np.float32)
    for name, value in (values or {}).items():
        out[INDEX[name]] = value
    return out


def follow_gaze(rigs: Vector) -> Vector:
    """(..., 63) with the eyeLook weights set so that the lids follow the gaze; a new array."""
    out = np.array(rigs, np.float32)
    right = out[..., GAZE_AT.start] / np.float32(LOOK_FULL[0])
    down = out[..., GAZE_AT.start + 1] / np.float32(LOOK_FULL[1])
    # The picture's right is the subject's left.
    for side, outward in (("L", right), ("R", -right)):
        out[..., INDEX[f"eyeLookOut_{side}"]] = np.maximum(outward, 0)
        out[..., INDEX[f"eyeLookIn_{side}"]] = np.maximum(-outward, 0)
        out[..., INDEX[f"eyeLookDown_{side}"]] = np.maximum(down, 0)
        out[..., INDEX[f"eyeLookUp_{side}"]] = np.maximum(-down, 0)
    return out
