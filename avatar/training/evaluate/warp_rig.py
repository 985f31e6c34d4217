"""The rig's parameters as motion of the warp baseline, which knows fewer.

Matched by what moves where in the picture; gaze by how far the irises travel.
"""

import numpy as np

from avatar.motion import INDEX, Vector, vector
from avatar.rig import GAZE_AT, POSE_AT
from avatar.training.evaluate.recipes import mean_of

GAZE_FULL = (0.49, 0.27)  # radians at which the warp's irises stand at gaze 1
# Motion parameter: the rig parameters (means of both sides) that drive it.
_SHARED: dict[str, dict[str, float]] = {
    "frown": {"mouthFrown": 1.0},
    "wide": {"mouthStretch": 1.0, "mouthDimple": 0.3, "mouthPucker": -0.3},
    "round": {"mouthPucker": 1.0, "mouthFunnel": 0.7},
    "press": {"mouthPress": 1.0, "mouthRollLower": 0.3, "mouthRollUpper": 0.3},
    "brow_in": {"browInnerUp": 1.0},
    "brow_out": {"browOuterUp": 1.0},
    "brow_down": {"browDown": 1.0},
    "cheek": {"cheekSquint": 0.6, "cheekRaiser": 0.4},
    "jaw": {"jawOpen": 1.0},
    "gap": {"jawOpen": 0.8, "mouthLowerDown": 0.3, "mouthUpperUp": 0.15, "mouthFunnel": 0.1,
            "mouthClose": -0.8},
    "upper": {"mouthUpperUp": 1.0},
    "close": {"mouthClose": 1.0, "mouthPress": 0.3},
}  # fmt: skip
_SIDED = {"smile": "mouthSmile", "sneer": "noseSneer", "blink": "eyeBlink", "widen": "eyeWide",
          "squint": "eyeSquint"}  # fmt: skip


def warp_motion(rig: Vector) -> Vector:
    """(63,) rig to the (D,) motion of `avatar.motion`."""
    values = {
        name: sum(share * float(mean_of(rig, part)) for part, share in parts.items())
        for name, parts in _SHARED.items()
    }
    for name, part in _SIDED.items():
        for side in "lr":
            values[f"{name}_{side}"] = float(mean_of(rig, f"{part}_{side.upper()}"))
    # The lower lip rolls in under the teeth only where the upper lip lifts over it: f and v.
    values["tuck"] = min(values["upper"] * 3, float(mean_of(rig, "mouthRollLower")) * 1.6)
    gaze = rig[GAZE_AT] / np.array(GAZE_FULL)
    yaw, pitch, roll = (float(v) for v in rig[POSE_AT][:3])
    values |= {"gaze_x": float(gaze[0]), "gaze_y": float(gaze[1]),
               "yaw": yaw, "pitch": pitch, "roll": roll}  # fmt: skip
    motion = vector(values)
    openers = [INDEX[name] for name in ("gap", "close", "tuck")]
    motion[openers] = motion[openers].clip(0, 1)
    return motion
