"""The picture without the person, and what of the picture moves with the person.

Axis legend: S picture side, W working side, pixels.
"""

import cv2
import numpy as np

from avatar.semo.imaging import blurred, disc, pull_push
from avatar.semo.shading import smoothstep
from avatar.semo.types import Bytes, Floats

_WORK = 512
_PERSON = 0.05  # of the matte: from here on a pixel is the person's
_MARGIN = 9  # px of the working side that hair and shadow may reach beyond the matte
_SOFT = 16  # px of the working side over which the person's layer ends
_DEEP = (22.0, 60.0)  # px of the working side: so deep in the hole the mirrored picture fades


def plate_of(rgb: Bytes, matte: Floats) -> tuple[Bytes, Floats]:
    """plate (S, S, 3) uint8 and person (S, S) float32, see `Appearance`.

    The plate is the untouched picture outside the person. Behind the person it is mirrored at the
    person's outline, so that what a moving head uncovers is as sharp as its surroundings and lines
    that meet the outline go on; deeper inside only the colours continue (pull-push).
    """
    side = rgb.shape[0]
    small = cv2.resize(matte, (_WORK, _WORK), interpolation=cv2.INTER_AREA)
    hole = cv2.dilate((small > _PERSON).astype(np.uint8), disc(_MARGIN))
    away = np.asarray(cv2.distanceTransform(1 - hole, cv2.DIST_L2, 5), np.float32)
    person = 1 - smoothstep(away, 0, _SOFT)
    if hole.all():  # a face that fills the picture has no background
        return rgb.copy(), np.ones((side, side), np.float32)
    filled = _filled(_resized(rgb, _WORK).astype(np.float32), hole)
    inner = cv2.resize(hole.astype(np.float32), (side, side), interpolation=cv2.INTER_LINEAR)
    large = cv2.resize(filled, (side, side), interpolation=cv2.INTER_LINEAR)
    mixed = rgb + (large - rgb) * inner[..., None]
    plate = np.asarray(mixed.clip(0, 255) + 0.5, np.uint8)
    return plate, np.asarray(_resized(person, side), np.float32)


def _resized(picture: np.ndarray, side: int) -> np.ndarray:
    how = cv2.INTER_AREA if side < picture.shape[0] else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, (side, side), interpolation=how))


def _filled(picture: Floats, hole: np.ndarray) -> Floats:
    """(W, W, 3) the picture with its hole (W, W) uint8 filled."""
    known = (1 - hole).astype(np.float32)
    smooth = pull_push(picture, known)
    x, y = _mirrored(hole)
    layers = np.concatenate([picture * known[..., None], known[..., None]], 2)
    found = cv2.remap(layers, x, y, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
    share = np.asarray(found[..., 3:], np.float32)
    mirrored = found[..., :3] / np.maximum(share, 1e-3)
    depth = np.asarray(cv2.distanceTransform(hole, cv2.DIST_L2, 5), np.float32)
    # Where the mirror shows the person or nothing, and deep inside, only the colours continue.
    near = (1 - smoothstep(depth, *_DEEP))[..., None] * smoothstep(share, 0.6, 1.0)
    near = blurred(near[..., 0], 2.0)[..., None] * (share > 0.5)
    filled = smooth + (mirrored - smooth) * near
    return np.where(hole[..., None] > 0, filled, picture).astype(np.float32)


def _mirrored(hole: np.ndarray) -> tuple[Floats, Floats]:
    """(W, W) each, x and y of where the outline mirrors each pixel of the hole to."""
    labels = np.asarray(
        cv2.distanceTransformWithLabels(hole, cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_PIXEL)[1]
    )
    rows, columns = np.nonzero(hole == 0)
    places = np.zeros((int(labels.max()) + 1, 2), np.float32)
    places[labels[rows, columns]] = np.stack([columns, rows], 1)
    # Smoothed, or a ragged outline would tear the structure to streaks.
    nearest = cv2.blur(places[labels], (9, 9))
    x, y = np.meshgrid(*(np.arange(_WORK, dtype=np.float32),) * 2)
    return 2 * nearest[..., 0] - x, 2 * nearest[..., 1] - y
