"""Lids slide over the eyeball instead of cutting through it.

Blendshapes move points on straight lines; a lid that closes would pass up to 2 mm inside the eye.
Axis legend: P points of lids.
"""

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]

RADIUS = 1.60  # cm, of the pack's eyeball without the cornea


def slide_lids(points: Floats, rest: Floats, centre: Floats) -> Floats:
    """(..., P, 3) moved lid points, pushed out of the eye along the radius; a new array.

    rest: (..., P, 3) the same points of the same person without expression: none may go deeper
    than it lies there. centre: (..., 3) of the eyeball, cm.
    """
    way = points - centre[..., None, :]
    away = np.linalg.norm(way, axis=-1, keepdims=True)
    allowed = np.linalg.norm(rest - centre[..., None, :], axis=-1, keepdims=True)
    least = np.minimum(allowed, RADIUS)
    return np.asarray(
        centre[..., None, :] + way * np.maximum(1, least / np.maximum(away, 1e-6)), np.float32
    )
