"""Where a head faces, and the square around it that the motion encoder looks at.

Axis legend: (3, 3) rotations take model space to camera space.
"""

import numpy as np

from avatar.landmark_net import Square
from avatar.rig import Vector
from avatar.semo.pose import HEAD_PIVOT, HEAD_SHARE, NECK_PIVOT, rotation
from avatar.semo.types import Floats

# A head that looks straight ahead: the surface's own model space looks up by this much (radians).
NATURAL_PITCH = 0.10
SIDE_CM = 20.0  # of the canonical square, at the anchor's depth
DROP_CM = 3.5  # from the anchor, midway between the eyeballs, down to the square's centre
ANCHOR = np.array([0.0, 3.6, 8.0], np.float32)  # of the mean person, model space, cm


def turned(pose: Vector) -> Floats:
    """(3, 3) what a rig's pose (6,) does to the head: first about the skull, then the neck."""
    yaw, pitch, roll = (float(value) for value in pose[:3])
    head, neck = (
        rotation(share * yaw, share * pitch, share * roll) for share in (HEAD_SHARE, 1 - HEAD_SHARE)
    )
    return np.asarray(neck @ head, np.float32)


def facing(turn: Floats) -> Floats:
    """(3,) yaw, pitch, roll (radians, as in `avatar.rig.POSE`) of a head that `turn` (3, 3) turns
    from model space to camera space; 0 faces the camera."""
    ahead = turn[:, 2]
    yaw, pitch = np.arctan2(ahead[0], ahead[2]), -np.arcsin(np.clip(ahead[1], -1, 1))
    roll = -np.arctan2(turn[1, 0], turn[1, 1])
    return np.array([yaw, pitch - NATURAL_PITCH, roll], np.float32)


def sighted(turn: Floats, off_centre: Floats, focal: float) -> Floats:
    """(3, 3) a head's `turn` as seen along the line of sight that ends `off_centre` (2,) px, x to
    the right and y down, from the optical centre; focal in px."""
    return np.asarray(_sight(off_centre, focal).T @ turn, np.float32)


def unsighted(turn: Floats, off_centre: Floats, focal: float) -> Floats:
    """(3, 3) the inverse of `sighted`: from the line of sight back to camera space."""
    return np.asarray(_sight(off_centre, focal) @ turn, np.float32)


def _sight(off_centre: Floats, focal: float) -> Floats:
    """(3, 3) turns the optical axis to the line of sight."""
    x, y = (float(value) / focal for value in off_centre)
    return rotation(float(np.arctan2(-x, 1)), -float(np.arctan2(y, np.hypot(x, 1))), 0.0)


def upright(angles: Floats) -> Floats:
    """(3, 3) the rotation whose `facing` is (3,) `angles`."""
    yaw, pitch, roll = (float(value) for value in angles)
    return rotation(yaw, pitch + NATURAL_PITCH, roll)


def carried(point: Floats, pose: Vector) -> Floats:
    """(3,) model space point of the head, moved by a rig's pose (6,)."""
    yaw, pitch, roll, x, y, z = (float(value) for value in pose)
    out = np.asarray(point, np.float32)
    for share, pivot in ((HEAD_SHARE, HEAD_PIVOT), (1 - HEAD_SHARE, NECK_PIVOT)):
        out = rotation(share * yaw, share * pitch, share * roll) @ (out - pivot) + pivot
    return np.asarray(out + np.array([x, -y, z]), np.float32)


def canonical(anchor: Floats, focal: float) -> Square:
    """The square around a head: anchor (3,) px x, px y, depth cm; focal in px."""
    per_cm = focal / float(anchor[2])
    return Square(float(anchor[0]), float(anchor[1]) + DROP_CM * per_cm, SIDE_CM * per_cm)


def angles_of(turn: Floats) -> Floats:
    """(3,) yaw, pitch, roll of a (3, 3) of `avatar.semo.pose.rotation`: its inverse."""
    pitch = -np.arcsin(np.clip(turn[1, 2], -1, 1))
    yaw, roll = np.arctan2(turn[0, 2], turn[2, 2]), -np.arctan2(turn[1, 0], turn[1, 1])
    return np.array([yaw, pitch, roll], np.float32)


def head_motion(first: Vector, now: Vector, camera: Floats, scale: float = 1.0) -> Vector:
    """(6,) pose that moves a portrait's head as another one moved.

    first, now: (6,) poses as the tracker says them, towards its camera; camera: (3, 3) of the
    portrait, model to camera space; scale: of this head to that one. Turns are composed, for angles
    do not subtract; the way of the anchor is taken in camera space, less what the turn does to it.
    """
    angles = angles_of(upright(first[:3]).T @ upright(now[:3]))
    way = (carried(ANCHOR, now) - carried(ANCHOR, first)) * np.float32(scale)
    still = np.concatenate([angles, np.zeros(3, np.float32)])
    shift = camera.T @ way - (carried(ANCHOR, still) - ANCHOR)
    pose = np.concatenate([angles, shift * np.array([1, -1, 1])])
    return np.asarray(pose, np.float32)
