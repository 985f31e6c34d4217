"""From the performer's motion to the rig: speech, feeling and life as blendshape weights.

Axis legend: D motion dims (`avatar.motion`), R rig parameters (`avatar.rig`).
"""

import numpy as np

from avatar.motion import INDEX as MOTION
from avatar.motion import SIZE as MOTION_SIZE
from avatar.motion import Vector
from avatar.rig import GAZE_AT, INDEX, POSE_AT, SIZE, follow_gaze

# What the weights do to the distance between the lips, cm at weight 1 (measured on the surface).
JAW_APERTURE, CLOSE_APERTURE = 3.0, 3.7
LIP_APERTURE = 0.95  # mouthLowerDown at 1 with mouthUpperUp at 0.5
GAP = 2.05  # cm of lip aperture at motion gap 1
GAZE_FULL = (0.42, 0.30)  # radians at motion gaze 1
EYE_DISTANCE = 6.3  # cm between the pupils
CAMERA_DISTANCE = 55.0  # cm; coming nearer by a share of it enlarges by that share

# Weights at motion 1. "_" at the end stands for both sides.
_MOVES: dict[str, dict[str, float]] = {
    "smile_r": {"mouthSmile_R": 0.85, "mouthDimple_R": 0.15, "cheekSquint_R": 0.3},
    "smile_l": {"mouthSmile_L": 0.85, "mouthDimple_L": 0.15, "cheekSquint_L": 0.3},
    "frown": {"mouthFrown_": 0.85, "mouthShrugLower": 0.4},
    "wide": {"mouthStretch_": 0.6, "mouthSmile_": 0.18},
    "round": {"mouthPucker": 0.85, "mouthFunnel": 0.14},
    "press": {"mouthPress_": 0.6, "mouthRollUpper": 0.25, "mouthRollLower": 0.3},
    "brow_in": {"browInnerUp_": 1.05},
    "brow_out": {"browOuterUp_": 0.95},
    "brow_down": {"browDown_": 1.0, "noseSneer_": 0.22},
    "sneer_r": {"noseSneer_R": 1.0, "mouthUpperUp_R": 0.25},
    "sneer_l": {"noseSneer_L": 1.0, "mouthUpperUp_L": 0.25},
    "cheek": {"cheekSquint_": 0.45, "cheekRaiser_": 0.55},
    "upper": {"mouthUpperUp_": 0.75},
    "tuck": {"mouthRollLower": 0.6, "mouthUpperUp_": 0.28, "jawOpen": 0.035},
    "blink_r": {"eyeBlink_R": 1.0},
    "blink_l": {"eyeBlink_L": 1.0},
    "widen_r": {"eyeWide_R": 1.0},
    "widen_l": {"eyeWide_L": 1.0},
    "squint_r": {"eyeSquint_R": 0.85},
    "squint_l": {"eyeSquint_L": 0.85},
    "gaze_x": {"gaze_x": GAZE_FULL[0]},
    "gaze_y": {"gaze_y": GAZE_FULL[1]},
    "yaw": {"yaw": 1.0},
    "pitch": {"pitch": 1.0},
    "roll": {"roll": 1.0},
    "x": {"x": EYE_DISTANCE},
    "y": {"y": EYE_DISTANCE},
    "scale": {"z": CAMERA_DISTANCE},
}
_SIGNED = np.array([name in ("gaze_x", "gaze_y", "yaw", "pitch", "roll", "x", "y", "z")
                    for name in INDEX])  # fmt: skip


def _table() -> Vector:
    table = np.zeros((MOTION_SIZE, SIZE), np.float32)
    for name, moved in _MOVES.items():
        for weight, share in moved.items():
            for side in "LR" if weight.endswith("_") else ("",):
                table[MOTION[name], INDEX[weight + side]] = share
    return table


_TABLE = _table()


def rig_of(motion: Vector) -> Vector:
    """(D,) motion of the performer to the (63,) rig it asks for; the lids follow the gaze."""
    asked = motion @ _TABLE
    _spread(asked, float(motion[MOTION["wide"]]))
    _open(asked, motion)
    asked = np.where(_SIGNED, asked, asked.clip(0, 1.1)).astype(np.float32)
    return follow_gaze(asked)


def _spread(asked: Vector, wide: float) -> None:
    """Corners that come together are a pucker, not a negative stretch."""
    if wide < 0:
        asked[INDEX["mouthPucker"]] -= 0.5 * wide


def _open(asked: Vector, motion: Vector) -> None:
    """Jaw and lips together give the lip aperture that the motion asks for: lips close over an
    open jaw by `mouthClose`, and part wider than it by their own muscles."""
    jaw = 0.42 * max(0.0, float(motion[MOTION["jaw"]]))
    shut = min(1.0, max(0.0, float(motion[MOTION["close"]])))
    wanted = GAP * max(0.0, float(motion[MOTION["gap"]])) * (1 - shut)
    jaw = max(jaw, 0.45 * wanted / JAW_APERTURE) * (1 - 0.45 * shut)
    asked[INDEX["jawOpen"]] += jaw
    spare = jaw * JAW_APERTURE - wanted
    if spare > 0:
        asked[INDEX["mouthClose"]] += spare / CLOSE_APERTURE
        asked[INDEX["mouthPress_L"]] += 0.12 * shut
        asked[INDEX["mouthPress_R"]] += 0.12 * shut
        return
    lips = min(0.6, -spare / LIP_APERTURE)
    for side in "LR":
        asked[INDEX[f"mouthLowerDown_{side}"]] += lips
        asked[INDEX[f"mouthUpperUp_{side}"]] += 0.5 * lips


def expressed(rig: Vector) -> float:
    """How much of a rig is expression, in [0, 1]: 0 is a face at rest. Gaze, lids, jaw pose and
    the turn of the head do not count."""
    weights = rig.copy()
    weights[GAZE_AT] = 0
    weights[POSE_AT] = 0
    for name in _LIVELY:
        weights[INDEX[name]] = 0
    return float(min(1.0, 2.5 * np.abs(weights).max()))


# What a resting face does all the time.
_LIVELY = (
    *(name for name in INDEX if name.startswith(("eyeBlink", "eyeLook"))),
    "browInnerUp_L", "browInnerUp_R", "browOuterUp_L", "browOuterUp_R", "browDown_L", "browDown_R",
)  # fmt: skip
