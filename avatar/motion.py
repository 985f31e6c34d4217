"""The motion parameters of the weight-free avatar: one float32 vector a frame.

Axis legend: D motion dims in the order of `PARAMS`. 0 everywhere is the portrait itself.
Left and right are the subject's. Angles in radians, x to the right and y down in the picture.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import ArrayLike, NDArray

Vector = NDArray[np.float32]


def f32(values: ArrayLike) -> Vector:
    """`values` as a float32 array."""
    return np.asarray(values, np.float32)


# Fields that deform the face smoothly, in [0, 1] (over 1 exaggerates).
EXPRESSION = (
    "smile_r", "smile_l",  # lip corners out and up, cheeks follow
    "frown",  # lip corners down, chin up
    "wide",  # corners apart ("ee"); negative brings them together
    "round",  # lips pushed forward ("oo")
    "press",  # lips thinner, rolled in
    "brow_in", "brow_out",  # inner and outer ends up
    "brow_down",  # down and together
    "sneer_r", "sneer_l",  # nose wing and upper lip up
    "cheek",  # cheeks and lower lids up
)  # fmt: skip
# The opening of the mouth. Only `gap` parts the lips; `close` in [0, 1] overrules it.
MOUTH = ("jaw", "gap", "upper", "tuck", "tongue", "close")
EYES = (
    "blink_r", "blink_l",  # 1 is shut
    "widen_r", "widen_l", "squint_r", "squint_l",
    "gaze_x", "gaze_y",  # in [-1, 1]: as far as eyes go in a talk
)  # fmt: skip
# yaw > 0 turns to the right of the picture, pitch > 0 nods down, roll > 0 tilts clockwise;
# x, y in eye distances, scale as a share (0.02 is 2 % larger).
HEAD = ("yaw", "pitch", "roll", "x", "y", "scale")

PARAMS = EXPRESSION + MOUTH + EYES + HEAD
INDEX = {name: at for at, name in enumerate(PARAMS)}
SIZE = len(PARAMS)


def vector(values: Mapping[str, float] | None = None) -> Vector:
    """(D,) float32 from values by name, others 0. Raises KeyError for an unknown name."""
    motion = np.zeros(SIZE, np.float32)
    for name, value in (values or {}).items():
        motion[INDEX[name]] = value
    return motion
