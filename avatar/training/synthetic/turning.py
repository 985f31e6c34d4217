"""Shots in which the head turns far: from nearly frontal at the shot's first frame, and back.

Axis legend: F frames of a performance.
"""

import numpy as np

from avatar.rig import GAZE_AT, POSE_AT, Vector, follow_gaze
from avatar.training.recipes import keep_contact

SETTLED = np.array([0.03, 0.025, 0.02, 0.2, 0.2, 0.2])  # spread of the first pose, radians, cm
SWAY = np.array([1.0, 0.55, 0.4])  # reach of yaw, pitch, roll, as shares of the asked angle
SHIFT = np.array([0.8, 0.6, 0.8])  # cm that the head moves at most
KEPT = 0.7  # share of the turn that the eyes make up for where they stay on the camera
GAZE_BOUND = np.array([0.5, 0.38], np.float32)


def turned(rig: Vector, starts: list[int], seed: int, reach: float, share: float) -> Vector:
    """The performance (F,63) with turns of up to `reach` radians in a `share` of its shots.

    starts: first frame of each shot. A new array, the same for the same seed.
    """
    rng = np.random.default_rng([seed, 9])
    out = rig.copy()
    for start, stop in zip(starts, [*starts[1:], len(rig)], strict=True):
        own = np.random.default_rng(int(rng.integers(2**31)))
        if own.random() < share:
            _turn(out[start:stop], own, reach)
    out = follow_gaze(out)
    keep_contact(out)
    return out


def _turn(rig: Vector, rng: np.random.Generator, reach: float) -> None:
    """Replace the pose of one shot's frames, in place; some eyes stay on the camera."""
    pose = rng.normal(0, 1, 6) * SETTLED + np.outer(
        _excursion(rng, len(rig)), _furthest(rng, reach)
    )
    before = rig[:, POSE_AT].copy()
    rig[:, POSE_AT] = pose
    gaze = rig[:, GAZE_AT]
    if rng.random() < 0.6:
        gaze = gaze + KEPT * (before[:, :2] - pose[:, :2])
    rig[:, GAZE_AT] = np.clip(gaze, -GAZE_BOUND, GAZE_BOUND)


def _furthest(rng: np.random.Generator, reach: float) -> np.ndarray:
    """(6,) the pose at the far end: mostly yaw, some mostly pitch or roll."""
    axis = rng.choice(3, p=[0.6, 0.25, 0.15])
    gains = rng.uniform(-0.4, 0.4, 3)
    gains[axis] = rng.choice([-1, 1]) * rng.uniform(0.6, 1.0)
    return np.concatenate([gains * SWAY * reach, rng.uniform(-1, 1, 3) * SHIFT])


def _excursion(rng: np.random.Generator, frames: int) -> np.ndarray:
    """(F,) 0 at the first frame, 1 at the far end, somewhere between at the last."""
    x = np.linspace(0, 1, frames)
    far, last = rng.uniform(0.4, 0.75), rng.uniform(-0.3, 0.9)
    out = np.where(x < far, _ease(x / far), 1 + (last - 1) * _ease((x - far) / (1 - far)))
    return np.asarray(out)


def _ease(x: np.ndarray) -> np.ndarray:
    t = np.clip(x, 0, 1)
    return np.asarray(t * t * (3 - 2 * t))
