"""Solves the head's pose from landmarks, for labels whose pose counts from elsewhere.

A render's label says how the head is turned in its world; a portrait's rig says how it is turned
from the portrait. Turns do not subtract, so the six numbers are solved instead.
"""

from collections.abc import Callable

import numpy as np

from avatar.rig import POSE_AT, Vector
from avatar.training.evaluate.album import Floats

ROUNDS = 3
# Steps of the differences: radians, cm.
STEPS = np.array([0.01, 0.01, 0.01, 0.1, 0.1, 0.3], np.float32)


def reposed(landmarks: Callable[[Vector], Floats], rig: Vector, wanted: Floats) -> Vector:
    """The (63,) rig with the pose by which landmarks(rig) (150, 2) come nearest to `wanted`, least
    squares by Gauss and Newton."""
    out = np.array(rig, np.float32)
    for _ in range(ROUNDS):
        now = landmarks(out)
        columns = [
            (landmarks(_moved(out, k, step)) - now).ravel() / step for k, step in enumerate(STEPS)
        ]
        away = (wanted - now).ravel()
        out[POSE_AT] += np.linalg.lstsq(np.stack(columns, 1), away, rcond=None)[0]
    return out


def _moved(rig: Vector, k: int, step: np.float32) -> Vector:
    out = rig.copy()
    out[POSE_AT.start + k] += step
    return out
