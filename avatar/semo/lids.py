"""The skin that upper lids show when they close, which an open eye hides in its fold.

Axis legend: N chart points, W side of the working picture in pixels.
"""

import cv2
import numpy as np

from avatar.semo.hidden import Apertures
from avatar.semo.imaging import LUMINANCE, blurred, disc, pixel_of, polygon, sample
from avatar.semo.prepared import PART, Prepared
from avatar.semo.shading import smoothstep, to_srgb
from avatar.semo.solve_landmarks import eye_distance
from avatar.semo.types import Bytes, Floats
from avatar.semo.view import WORK

_AROUND = np.float32(0.02)  # weight of skin beside eyes and below
_REACH = 1.3  # of the width of lashes: over which the colour is averaged
_SHADOW = 50  # % of the skin between eye and brow lies in the fold, in shadow, or is lashes
_OF_FACE = 0.3
_SHADE = 0.94  # lids are a little darker than the skin around them


def lid_colours(
    known: Prepared,
    source: Floats,
    work: Bytes,
    skin: Floats,
    landmarks: Floats,
    openings: Apertures,
) -> tuple[Floats, Floats]:
    """(N, 3) sRGB 0..255 of closing lids and (2, N) how far each point takes it, left and right.

    The colour is the skin's around the eye, continued over lashes, fold and eye, and a little of
    the whole face's, as that skin mostly lies in the brow's shadow. source: (N, 2) picture shares;
    work: (W, W, 3) the picture; skin: (3,) linear RGB of the face.
    """
    apart = eye_distance(landmarks) * WORK
    radius = max(1, round(0.055 * apart))
    eyes = np.maximum(*openings.eyes)
    telling = _lid_skin(work, eyes, landmarks, radius)
    reach = _REACH * radius
    total = blurred(work * telling[..., None], reach)
    clean = total / np.maximum(blurred(telling, reach), 1e-6)[..., None]
    outside = (eyes < 128).astype(np.uint8)
    away = np.asarray(cv2.distanceTransform(outside, cv2.DIST_L2, 5), np.float32)
    rows, columns = pixel_of(source, WORK)
    weight = known.zones.lid * smoothstep(away[rows, columns] / apart, 0.012, 0.035)
    colour = sample(clean, source)
    colour += np.float32(_OF_FACE) * (to_srgb(skin) - colour)
    return colour * np.float32(_SHADE), weight.astype(np.float32)


def _lid_skin(work: Bytes, eyes: np.ndarray, landmarks: Floats, radius: int) -> Floats:
    """(W, W) in [0, 1] how far a pixel tells the colour of a closed lid: those between eye and brow
    do, but for shadows; others near by only where there are none such, lashes and brows never."""
    lashes = cv2.dilate(eyes, disc(max(1, radius // 2)))
    above = [np.roll(eyes, -step, 0) for step in range(radius, 3 * radius)]
    brows = np.zeros_like(eyes)
    for side in ("left_brow", "right_brow"):
        hull = np.asarray(cv2.convexHull(landmarks[PART[side]])[:, 0], np.float32)
        brows = np.maximum(brows, polygon(hull, WORK))
    hidden = (lashes > 0) | (cv2.dilate(brows, disc(max(1, radius // 3))) > 0)
    telling = (np.max(above, axis=0) > 128) & ~hidden
    if telling.any():
        light = work @ LUMINANCE
        telling &= light >= np.percentile(light[telling], _SHADOW)
    around = np.where(cv2.dilate(eyes, disc(3 * radius)) > 0, _AROUND, np.float32(0))
    return np.where(hidden, np.float32(0), np.where(telling, np.float32(1), around))
