"""What the evaluation asks a face to do: mouth shapes, feelings and the rows of contact sheets.

Kept apart from the recipes of training and of the live product, so that the question does not
change when they do. Values are weights of `avatar.rig`; a name that ends in "_" means both sides.
"""

from collections.abc import Mapping

import numpy as np

from avatar.rig import INDEX, Vector, follow_gaze, rig

Weights = Mapping[str, float]

MOUTHS: dict[str, Weights] = {
    "rest": {},
    "A": {"jawOpen": 0.6, "mouthLowerDown_": 0.25, "mouthUpperUp_": 0.2, "mouthStretch_": 0.1},
    "E": {"jawOpen": 0.26, "mouthStretch_": 0.4, "mouthSmile_": 0.25, "mouthLowerDown_": 0.35,
          "mouthUpperUp_": 0.2},
    "I": {"jawOpen": 0.12, "mouthSmile_": 0.42, "mouthStretch_": 0.35, "mouthLowerDown_": 0.3,
          "mouthUpperUp_": 0.25},
    "O": {"jawOpen": 0.42, "mouthFunnel": 0.62, "mouthPucker": 0.25},
    "U": {"jawOpen": 0.15, "mouthPucker": 0.72, "mouthFunnel": 0.35},
    "M": {"mouthRollLower": 0.32, "mouthRollUpper": 0.3, "mouthPress_": 0.35},
    "F": {"jawOpen": 0.08, "mouthRollLower": 0.6, "mouthUpperUp_": 0.35, "mouthShrugUpper": 0.1},
    "L": {"jawOpen": 0.3, "mouthLowerDown_": 0.25, "mouthUpperUp_": 0.2},
    "S": {"jawOpen": 0.06, "mouthStretch_": 0.35, "mouthLowerDown_": 0.4, "mouthUpperUp_": 0.25},
    "CH": {"jawOpen": 0.12, "mouthFunnel": 0.72, "mouthPucker": 0.2, "mouthLowerDown_": 0.25,
           "mouthUpperUp_": 0.2},
    "TH": {"jawOpen": 0.2, "mouthLowerDown_": 0.2, "mouthUpperUp_": 0.15, "mouthStretch_": 0.15},
}  # fmt: skip

# Ekman and Friesen's prototypes in blendshapes.
FEELINGS: dict[str, Weights] = {
    "happy": {"mouthSmile_": 0.85, "cheekSquint_": 0.6, "cheekRaiser_": 0.5, "eyeSquint_": 0.35,
              "mouthUpperUp_": 0.3, "mouthDimple_": 0.25, "jawOpen": 0.1, "mouthLowerDown_": 0.15},
    "sad": {"browInnerUp_": 0.85, "browDown_": 0.15, "mouthFrown_": 0.75, "mouthShrugLower": 0.45,
            "eyeSquint_": 0.15, "eyeBlink_": 0.18, "mouthLowerDown_": 0.1, "mouthStretch_": 0.1},
    "angry": {"browDown_": 1.0, "eyeSquint_": 0.35, "eyeWide_": 0.35, "noseSneer_": 0.45,
              "mouthPress_": 0.45, "mouthFrown_": 0.35, "mouthShrugLower": 0.25,
              "jawForward": 0.2, "mouthUpperUp_": 0.1},
    "disgusted": {"noseSneer_": 1.0, "mouthUpperUp_": 0.65, "browDown_": 0.6, "eyeSquint_": 0.55,
                  "cheekSquint_": 0.5, "cheekRaiser_": 0.4, "mouthFrown_": 0.45,
                  "mouthShrugLower": 0.3, "jawOpen": 0.06},
    "fearful": {"browInnerUp_": 0.9, "browOuterUp_": 0.5, "browDown_": 0.25, "eyeWide_": 0.9,
                "mouthStretch_": 0.65, "jawOpen": 0.22, "mouthLowerDown_": 0.3,
                "mouthFrown_": 0.2},
    "surprised": {"browInnerUp_": 0.9, "browOuterUp_": 0.9, "eyeWide_": 0.85, "jawOpen": 0.55,
                  "mouthFunnel": 0.15},
}  # fmt: skip

BLINK: Weights = {"eyeBlink_": 1.0}

_LOOKS: dict[str, Weights] = {
    "half blink": {"eyeBlink_": 0.5},
    "blink": BLINK,
    "gaze left": {"gaze_x": -0.4},
    "gaze right": {"gaze_x": 0.4},
    "gaze up": {"gaze_y": -0.28},
    "gaze down": {"gaze_y": 0.32},
}
_TURNS: dict[str, Weights] = {
    "yaw -18": {"yaw": -np.pi / 10},
    "yaw +18": {"yaw": np.pi / 10},
    "pitch -12": {"pitch": -np.pi / 15},
    "pitch +12": {"pitch": np.pi / 15},
}
_MOUTH_ROWS = {"rest": "rest", "A": "A", "O": "O", "M": "M", "F": "F"}
# The columns of a contact sheet.
SHEET: dict[str, Weights] = {
    **{title: MOUTHS[name] for title, name in _MOUTH_ROWS.items()},
    "smile": {"mouthSmile_": 0.8},
    **FEELINGS,
    **_LOOKS,
    **_TURNS,
}


def vector(*parts: tuple[Weights, float]) -> Vector:
    """(63,) the sum of weights times strength, in [-0.2, 1.15]; lids follow the gaze."""
    total: dict[str, float] = {}
    for weights, strength in parts:
        for name, value in weights.items():
            for full in (f"{name}L", f"{name}R") if name.endswith("_") else (name,):
                total[full] = total.get(full, 0.0) + value * strength
    return follow_gaze(rig({name: float(np.clip(v, -0.2, 1.15)) for name, v in total.items()}))


def sheet_rigs() -> Vector:
    """(C, 63) one row for each column of a contact sheet."""
    return np.stack([vector((weights, 1.0)) for weights in SHEET.values()])


def mean_of(rigs: Vector, name: str) -> Vector:
    """(..., 63) to (...): a parameter, or the mean of its two sides where `name` has sides."""
    columns = [INDEX[n] for n in (name, f"{name}_L", f"{name}_R") if n in INDEX]
    if not columns:
        raise KeyError(name)
    return np.asarray(rigs[..., columns].mean(-1), np.float32)
