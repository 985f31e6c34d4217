"""How a feeling shows in the face. How it comes and goes is `emotion.mood`'s."""

import numpy as np

from avatar.motion import Vector, vector
from emotion.types import EMOTIONS

# Offsets at intensity 1; see Ekman and Friesen's prototypes (action units in comments).
_FACES: dict[str, dict[str, float]] = {
    "happy": {  # 6 + 12
        "smile_r": 1.0, "smile_l": 1.0, "cheek": 0.8, "squint_r": 0.45, "squint_l": 0.45,
        "gap": 0.12, "upper": 0.15, "brow_out": 0.25, "pitch": -0.015,
    },
    "sad": {  # 1 + 4 + 15
        "brow_in": 1.0, "brow_down": 0.15, "frown": 1.0, "blink_r": 0.16, "blink_l": 0.16,
        "gaze_y": 0.30, "pitch": 0.05,
    },
    "angry": {  # 4 + 5 + 7 + 23
        "brow_down": 1.1, "press": 0.75, "squint_r": 0.55, "squint_l": 0.55, "frown": 0.35,
        "sneer_r": 0.2, "sneer_l": 0.2, "pitch": 0.035, "scale": 0.012,
    },
    "fearful": {  # 1 + 2 + 4 + 5 + 20 + 25
        "brow_in": 0.95, "brow_out": 0.35, "brow_down": 0.25, "widen_r": 1.0, "widen_l": 1.0,
        "wide": 0.65, "frown": 0.25, "gap": 0.16, "jaw": 0.15, "pitch": -0.02, "scale": -0.012,
    },
    "disgusted": {  # 9 + 10 + 17, stronger on one side
        "sneer_r": 1.0, "sneer_l": 0.65, "upper": 0.4, "brow_down": 0.55, "squint_r": 0.6,
        "squint_l": 0.45, "cheek": 0.45, "frown": 0.5, "yaw": 0.04, "pitch": -0.02, "roll": 0.02,
    },
    "surprised": {  # 1 + 2 + 5 + 26
        "brow_in": 0.80, "brow_out": 0.95, "widen_r": 1.0, "widen_l": 1.0, "gap": 0.46,
        "jaw": 0.75, "round": 0.22, "pitch": -0.03,
    },
}  # fmt: skip
_OFFSETS = np.stack([vector(_FACES[name]) for name in EMOTIONS])


def offsets(strengths: Vector) -> Vector:
    """(6,) strengths in [0, 1] to (D,) motion offsets; mixtures add."""
    return np.asarray(strengths @ _OFFSETS, np.float32)
