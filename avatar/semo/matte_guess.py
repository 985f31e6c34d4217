"""Head and shoulders guessed from the fitted head, for portraits without a matte.

Axis legend: N chart points, W working side, S picture side.
"""

import cv2
import numpy as np

from avatar.semo.imaging import disc
from avatar.semo.types import Floats, Ints
from avatar.semo.view import WORK, drawn

_HAIR = 0.13  # of the head's height: how far hair stands out from it
_SLOPE, _WIDE = 0.45, 1.05  # of the shoulders; half width at the neck's foot in head heights


def guessed_matte(at: Floats, inverse: Floats, triangles: Ints, side: int) -> Floats:
    """(S, S) float32 in 0..1: the projected head (points (N, 2) picture shares, (N,) 1/depth),
    thickened by hair, and sloping shoulders below it."""
    shape = (drawn(at, inverse, triangles)[0] >= 0).astype(np.uint8)
    rows = np.flatnonzero(shape.any(1))
    if not len(rows):
        return np.zeros((side, side), np.float32)
    # The chart ends at the chest: the head is its upper six tenths.
    top, height = int(rows[0]), int(0.6 * (rows[-1] - rows[0]))
    head = shape.copy()
    head[top + height :] = 0
    person = np.maximum(shape, cv2.dilate(head, disc(int(_HAIR * height))))
    middle = float(np.flatnonzero(head.any(0)).mean())
    person = np.maximum(person, _shoulders(middle, top + 1.15 * height, float(height)))
    soft = cv2.GaussianBlur(person.astype(np.float32), (0, 0), WORK / 100)
    return np.asarray(cv2.resize(soft, (side, side), interpolation=cv2.INTER_LINEAR), np.float32)


def _shoulders(x: float, y: float, height: float) -> np.ndarray:
    """(W, W) uint8, 1 below the shoulder line of somebody whose neck ends at (x, y) px."""
    near, far = 0.35 * height, _WIDE * height
    fall = y + _SLOPE * (far - near)
    corners = [(x - near, y), (x + near, y), (x + far, fall), (x + far, 2 * WORK)]
    corners += [(x - far, 2 * WORK), (x - far, fall)]
    out = np.zeros((WORK, WORK), np.uint8)
    cv2.fillPoly(out, [np.round(corners).astype(np.int32)], 1)
    return out
