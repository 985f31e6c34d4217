"""Where a head is in a picture: a point that expression, gaze and identity's skin do not move.

Axis legend: V points.
"""

import numpy as np

from avatar.rig import POSE_AT, Vector
from avatar.semo.pose import HEAD_PIVOT, HEAD_SHARE, NECK_PIVOT, rotation
from avatar.semo.types import Camera
from avatar.training.synthetic.buffers import Floats


def carried(points: Floats, head_weight: Floats, neck_weight: Floats, rig: Vector) -> Floats:
    """(V,3) model space points moved as the rig's pose turns head and neck; weights (V,)."""
    out = points.copy()
    yaw, pitch, roll, x, y, z = (float(value) for value in rig[POSE_AT])
    for share, pivot, weight in (
        (HEAD_SHARE, HEAD_PIVOT, head_weight),
        (1 - HEAD_SHARE, NECK_PIVOT, neck_weight),
    ):
        turned = rotation(share * yaw, share * pitch, share * roll)
        change = turned - np.eye(3, dtype=np.float32)
        out += (out - pivot) @ change.T * weight[:, None]
    out += np.array([x, -y, z], np.float32) * neck_weight[:, None]
    return out


def anchor(eye_centres: Floats, rig: Vector, camera: Camera, size: int) -> Floats:
    """(3,) px x, px y, depth in cm of the point midway between the eyeballs' centres (2,3).

    The head carries it rigidly; size: px of the picture's side.
    """
    middle = np.asarray(eye_centres, np.float32).mean(0, keepdims=True)
    one = np.ones(1, np.float32)
    shares, inverse = camera.project(camera.to_camera(carried(middle, one, one, rig)))
    x, y = (float(value) * size for value in shares[0])
    return np.array([x, y, 1 / float(inverse[0])], np.float32)
