"""Irises to a fraction of a pixel: the circle near the landmarks across which the picture gets
brightest outwards, on the arcs beside the pupil that no lid covers.

After Daugman's integro-differential operator (1993). Axis legend: C candidate circles, A angles.
Positions in picture shares.
"""

import cv2
import numpy as np

from avatar.semo.imaging import LUMINANCE
from avatar.semo.prepared import EYES, IRISES
from avatar.semo.types import Bytes, Floats

_RADIUS = 20.0  # px of an iris in the patch that is searched
_PATCH = 96  # px
_SHIFTS = np.linspace(-0.25, 0.25, 11)  # of the radius
_SIZES = np.linspace(0.82, 1.14, 9)
_BELIEF = np.array([0.14, 0.10, 0.10])  # spread of the landmarks' error: x, y, size, in radii
_STRENGTH = 0.06  # weight of that belief against the rim's contrast
_ARC = np.radians(np.concatenate([np.arange(-40, 45, 5), np.arange(140, 225, 5)]))
_STEP = 0.12  # of the radius: how far inside and outside the rim brightness is read
_CLEAR = 0.08  # of the radius: closer to a lid the rim is not looked at


def find_irises(rgb: Bytes, landmarks: Floats) -> Floats:
    """(2, 3) x, y and radius of the left and the right iris, from (150, 2) landmarks."""
    offsets = np.stack(np.meshgrid(_SHIFTS, _SHIFTS, _SIZES, indexing="ij"), -1).reshape(-1, 3)
    doubt = (((offsets - (0, 0, 1)) / _BELIEF) ** 2).sum(1) / 2
    found = np.zeros((2, 3), np.float32)
    for side, (iris, eye) in enumerate(zip(IRISES, EYES, strict=True)):
        centre = landmarks[iris.start].astype(float)
        radius = float(np.linalg.norm(landmarks[iris][1:] - centre, axis=1).mean())
        across = landmarks[eye][8] - landmarks[eye][0]
        angle = float(np.arctan2(across[1], across[0])) + (np.pi if side == 0 else 0.0)
        patch, turn = _patch(rgb, centre, radius, angle)
        lids = ((landmarks[eye] - centre) @ turn.T) / radius
        best = int(np.argmax(_contrast(patch, offsets, lids) - _STRENGTH * doubt))
        shift = offsets[best, :2] @ turn * radius
        found[side] = (*(centre + shift), radius * offsets[best, 2])
    return found


def _patch(rgb: Bytes, centre: np.ndarray, radius: float, angle: float) -> tuple[Floats, Floats]:
    """(P, P) luminance around an iris with the eye's corners level, contrast 1; (2, 2) the turn."""
    c, s = np.cos(angle), np.sin(angle)
    turn = np.array([[c, s], [-s, c]], np.float32)  # picture to patch
    scale = radius * rgb.shape[0] / _RADIUS  # picture px per patch px
    matrix = np.zeros((2, 3))
    matrix[:, :2] = turn.T * scale
    matrix[:, 2] = centre * rgb.shape[0] - matrix[:, :2] @ (_PATCH / 2, _PATCH / 2)
    flags = cv2.INTER_LINEAR | cv2.WARP_INVERSE_MAP
    cut = cv2.warpAffine(
        rgb, matrix, (_PATCH, _PATCH), flags=flags, borderMode=cv2.BORDER_REPLICATE
    )
    grey = cv2.GaussianBlur(np.asarray(cut, np.float32) @ LUMINANCE, (0, 0), 1.2)
    low, high = np.percentile(grey, (5, 95))
    return np.asarray(((grey - low) / max(high - low, 8.0)).clip(0, 1), np.float32), turn


def _contrast(patch: Floats, circles: np.ndarray, lids: Floats) -> np.ndarray:
    """(C,) mean rise of brightness across the rim of circles (C, 3) given in radii."""
    ray = np.stack([np.cos(_ARC), np.sin(_ARC)], -1)
    rim = circles[:, None, :2] + ray * circles[:, None, 2:]
    inner, outer = (
        _read(patch, circles[:, None, :2] + ray * (circles[:, None, 2:] + step))
        for step in (-_STEP, _STEP)
    )
    upper, lower = lids[:9], lids[np.r_[0, 15:7:-1]]
    top, bottom = (_height(rim[..., 0], lid) for lid in (upper, lower))
    clear = (rim[..., 1] > top + _CLEAR) & (rim[..., 1] < bottom - _CLEAR)
    rise = np.where(clear, (outer - inner).clip(-0.5, 0.5), 0)
    sides = np.split(np.arange(len(_ARC)), 2)
    means = [rise[:, arc].sum(1) / np.maximum(clear[:, arc].sum(1), 4) for arc in sides]
    return np.asarray(np.mean(means, 0))


def _height(x: np.ndarray, lid: Floats) -> np.ndarray:
    order = np.argsort(lid[:, 0], kind="stable")
    return np.asarray(np.interp(x, lid[order, 0], lid[order, 1]))


def _read(patch: Floats, at: np.ndarray) -> Floats:
    """Brightness at (C, A, 2) in radii from the patch's middle."""
    place = np.asarray(at * _RADIUS + _PATCH / 2 - 0.5, np.float32)
    found = cv2.remap(patch, place[..., 0], place[..., 1], cv2.INTER_LINEAR)
    return np.asarray(found, np.float32)
