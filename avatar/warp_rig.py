"""The rig on the weight-free avatar: its 63 parameters as that avatar's own motion.

Axis legend: R rig parameters, D motion dims.
"""

import numpy as np

from avatar.motion import INDEX, SIZE, Vector
from avatar.rig import INDEX as RIG_INDEX
from avatar.rig import LOOK_FULL
from avatar.rig import SIZE as RIG_SIZE

CM_PER_EYE_DISTANCE = 6.3  # the distance between the pupils of an adult
CM_TO_CAMERA = 60.0  # at which 1 cm closer enlarges by about 1/60

# Of each weight at 1: our parameters that come nearest. "_" at the end stands for each side.
_MOVES: dict[str, dict[str, float]] = {
    "browInnerUp_": {"brow_in": 0.5},
    "browOuterUp_": {"brow_out": 0.5},
    "browDown_": {"brow_down": 0.5},
    "cheekRaiser_": {"cheek": 0.3},
    "cheekSquint_": {"cheek": 0.3},
    "cheekPuff_": {"round": 0.1},
    "eyeBlink_": {"blink_": 1.0},
    "eyeSquint_": {"squint_": 1.0},
    "eyeWide_": {"widen_": 1.0},
    "jawOpen": {"jaw": 1.0, "gap": 0.9},
    "mouthClose": {"close": 1.0},
    "mouthDimple_": {"wide": 0.25},
    "mouthFrown_": {"frown": 0.5},
    "mouthFunnel": {"round": 0.8, "gap": 0.12},
    "mouthLowerDown_": {"gap": 0.08},
    "mouthPress_": {"press": 0.5},
    "mouthPucker": {"round": 1.0},
    "mouthRollLower": {"press": 0.4, "tuck": 0.3},
    "mouthRollUpper": {"press": 0.4},
    "mouthShrugLower": {"frown": 0.25},
    "mouthShrugUpper": {"press": 0.15},
    "mouthSmile_": {"smile_": 1.0},
    "mouthStretch_": {"wide": 0.5},
    "mouthUpperUp_": {"upper": 0.4, "gap": 0.04},
    "noseSneer_": {"sneer_": 1.0},
    "gaze_x": {"gaze_x": 1 / LOOK_FULL[0]},
    "gaze_y": {"gaze_y": 1 / LOOK_FULL[1]},
    "yaw": {"yaw": 1.0},
    "pitch": {"pitch": 1.0},
    "roll": {"roll": 1.0},
    "x": {"x": 1 / CM_PER_EYE_DISTANCE},
    "y": {"y": 1 / CM_PER_EYE_DISTANCE},
    "z": {"scale": 1 / CM_TO_CAMERA},
}


def _table() -> Vector:
    table = np.zeros((RIG_SIZE, SIZE), np.float32)
    for name, moved in _MOVES.items():
        for side in "LR" if name.endswith("_") else ("",):
            for ours, share in moved.items():
                own = f"{ours}{side.lower()}" if ours.endswith("_") else ours
                table[RIG_INDEX[name + side], INDEX[own]] = share
    return table


_TABLE = _table()


def motion_of(rig: Vector) -> Vector:
    """(R,) rig to (D,) motion. The lids' eyeLook weights, the jaw's sideways and forward moves and
    the mouth's sideways moves have no counterpart."""
    return np.asarray(rig @ _TABLE, np.float32)
