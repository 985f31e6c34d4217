"""Which pixels of a labelled frame count as head, face, mouth and brows.

head: skin, hair, eyes, mouth, teeth and glasses above the line through the chin across the face's
axis, dilated, so that its outline against the background counts. Of re-posed photos also what the
matte calls the person there: hair has no label of its own. face: inside the face oval. mouth,
brows: around their landmarks, brows with what lies between them. Axis legend: S pixels of a side.
"""

import cv2
import numpy as np

from avatar.training.evaluate.album import Floats
from avatar.training.evaluate.motion_metrics import Mask
from avatar.training.synthetic.materials import Segment
from avatar.training.synthetic.shards import UNKNOWN, Shard

HEAD = (Segment.SKIN, Segment.HAIR, Segment.EYES, Segment.MOUTH, Segment.TEETH, Segment.GLASSES)
FOREHEAD, CHIN = 0, 18  # landmarks of the face oval
OVAL, LIPS, BROWS = slice(0, 36), slice(36, 56), slice(118, 138)
BELOW_CHIN = 0.04  # heights of the face
OUTLINE = 3 / 256  # of the picture's side, by which the head is dilated
MOUTH_MARGIN, BROW_MARGIN = 0.05, 0.05  # heights of the face
NAMES = ("head", "face", "mouth", "brows")


def regions(shard: Shard, frame: int) -> dict[str, Mask]:
    """(S, S) of each of `NAMES`."""
    marks = shard.landmarks[frame]
    size = shard.images.shape[1]
    tall = float(np.linalg.norm(marks[FOREHEAD] - marks[CHIN]))
    return {
        "head": _head(shard, frame, tall),
        "face": _hull(marks[OVAL], size, 0),
        "mouth": _hull(marks[LIPS], size, MOUTH_MARGIN * tall),
        "brows": _hull(marks[BROWS], size, BROW_MARGIN * tall),
    }


def scaled(found: dict[str, Mask], size: int) -> dict[str, Mask]:
    """The same at another side of the picture."""
    return {
        name: cv2.resize(mask.astype(np.uint8), (size, size), interpolation=cv2.INTER_AREA) > 0
        for name, mask in found.items()
    }


def _head(shard: Shard, frame: int, tall: float) -> Mask:
    marks, labels = shard.landmarks[frame], shard.segmentation[frame]
    size = len(labels)
    head = np.isin(labels, HEAD)
    if shard.info["kind"] == "photo":
        head |= (labels == UNKNOWN) & (shard.alpha[frame] > 127)
    up = (marks[FOREHEAD] - marks[CHIN]) / tall
    y, x = np.mgrid[0:size, 0:size] + 0.5
    above = (x - marks[CHIN, 0]) * up[0] + (y - marks[CHIN, 1]) * up[1]
    return _dilated(head & (above > -BELOW_CHIN * tall), OUTLINE * size)


def _hull(points: Floats, size: int, margin: float) -> Mask:
    """Inside the convex hull of (n, 2) px, grown by a margin."""
    out = np.zeros((size, size), np.uint8)
    corners = cv2.convexHull(np.round(points - 0.5).astype(np.int32))
    cv2.fillConvexPoly(out, corners, 1)
    return _dilated(out > 0, margin)


def _dilated(mask: Mask, by: float) -> Mask:
    reach = round(by)
    if reach < 1:
        return mask
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1, 2 * reach + 1))
    return np.asarray(cv2.dilate(mask.astype(np.uint8), disc) > 0)
