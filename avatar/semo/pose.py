"""Gaze and pose: turning the eyeballs, the head and the neck of a surface.

Axis legend: N chart points. Units as in `avatar.semo.types`.
"""

import numpy as np

from avatar.rig import GAZE_AT, POSE_AT, Vector
from avatar.semo.types import Chart, Floats, Region

HEAD_PIVOT = np.array([0, -2.5, 0], np.float32)  # where the skull sits on the neck
NECK_PIVOT = np.array([0, -12, -3], np.float32)
HEAD_SHARE = 0.6  # of a turn happens at the head's pivot, the rest at the neck's


def rotation(yaw: float, pitch: float, roll: float) -> Floats:
    """(3, 3) rotation of model space; signs as in `avatar.rig.POSE`, radians."""
    cy, sy, cp, sp = np.cos(yaw), np.sin(yaw), np.cos(pitch), np.sin(pitch)
    cr, sr = np.cos(roll), -np.sin(roll)
    about_y = np.array([[cy, 0, sy], [0, 1, 0], [-sy, 0, cy]])
    about_x = np.array([[1, 0, 0], [0, cp, -sp], [0, sp, cp]])
    about_z = np.array([[cr, -sr, 0], [sr, cr, 0], [0, 0, 1]])
    return np.asarray(about_y @ about_x @ about_z, np.float32)


def posed(chart: Chart, points: Floats, eye_centres: Floats, rig: Vector) -> Floats:
    """(N, 3) points with expression, in model space, to the same turned by gaze and pose.

    eye_centres: (2, 3) of the left and the right eyeball; rig: (63,) of which gaze and pose count.
    """
    out = np.array(points, np.float32)
    turn = rotation(float(rig[GAZE_AT.start]), float(rig[GAZE_AT.start + 1]), 0.0)
    for region, centre in zip((Region.LEFT_EYE, Region.RIGHT_EYE), eye_centres, strict=True):
        at = chart.point_region == region
        out[at] = (out[at] - centre) @ turn.T + centre
    yaw, pitch, roll, x, y, z = (float(value) for value in rig[POSE_AT])
    if yaw or pitch or roll:
        for share, pivot, weight in (
            (HEAD_SHARE, HEAD_PIVOT, chart.head_weight),
            (1 - HEAD_SHARE, NECK_PIVOT, chart.neck_weight),
        ):
            turned = rotation(share * yaw, share * pitch, share * roll)
            change = turned - np.eye(3, dtype=np.float32)
            out += (out - pivot) @ change.T * weight[:, None]
    if x or y or z:
        out += np.array([x, -y, z], np.float32) * chart.neck_weight[:, None]
    return out
