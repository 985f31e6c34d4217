"""How well frames of a clip are made from one of them: through tokens and the product's decoder.

Axis legend: F frames, S px of a side.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from avatar.semo.decoder import MotionDecoder
from avatar.semo.prepared import PART
from avatar.semo.surface import FaceSurface
from avatar.semo.types import Appearance, Bytes, FittedPortrait, Floats
from avatar.training.clips.store import ClipShard

_FACE = 1.0  # of the landmarks' hull; hair is judged elsewhere
_MOUTH = 1.25


@dataclass(frozen=True, slots=True)
class Figures:
    """psnr: of the face (the landmarks' hull), dB, and copy_psnr of the unmoved source; mouth: mean
    absolute error inside the lips' hull, grey levels, and copy_mouth; frames: how many."""

    psnr: float
    copy_psnr: float
    mouth: float
    copy_mouth: float
    frames: int


def measure(
    shard: ClipShard,
    shown: tuple[FaceSurface, FittedPortrait, Appearance],
    tokens: dict[int, Floats],
    source: int,
) -> tuple[Figures, dict[int, Bytes]]:
    """tokens: by frame; returns the figures and what was rendered."""
    surface, fitted, appearance = shown
    decoder = MotionDecoder(surface, fitted, appearance, shard.images.shape[1])
    rows, drawn = [], {}
    for at, token in tokens.items():
        drawn[at] = decoder.render(token)
        target, copy = shard.images[at], shard.images[source]
        face, mouth = masks(shard.points[at], len(target))
        rows.append(
            [_squared(drawn[at], target, face), _squared(copy, target, face),
             _absolute(drawn[at], target, mouth), _absolute(copy, target, mouth)]
        )  # fmt: skip
    mean = np.mean(rows, 0)
    made, copied = (float(10 * np.log10(255**2 / max(value, 1e-6))) for value in mean[:2])
    return Figures(made, copied, float(mean[2]), float(mean[3]), len(rows)), drawn


def masks(points: Floats, size: int) -> tuple[np.ndarray, np.ndarray]:
    """(S,S) bool each: the face and the mouth around (150,2) px."""
    return _hull(points, _FACE, size), _hull(points[PART["lips_outer"]], _MOUTH, size)


def _hull(points: Floats, grown: float, size: int) -> np.ndarray:
    middle = points.mean(0)
    hull = cv2.convexHull(np.asarray(middle + (points - middle) * grown, np.float32))
    out = np.zeros((size, size), np.uint8)
    cv2.fillConvexPoly(out, np.rint(hull).astype(np.int32), (1,))
    return np.asarray(out > 0)


def _squared(a: Bytes, b: Bytes, mask: np.ndarray) -> float:
    return float(((a[mask].astype(np.float32) - b[mask]) ** 2).mean())


def _absolute(a: Bytes, b: Bytes, mask: np.ndarray) -> float:
    return float(np.abs(a[mask].astype(np.float32) - b[mask]).mean())
