"""Looks at a found face again: is it a human face at all, and what lies before it.

A small net of our own (CPU, no torch) on the upright square around the landmarks.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from avatar.landmark_net import LEFT, MOUTH, RIGHT, Square, square_of
from speech.onnx import session

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]

SIDE = 64  # px of the net's input
CELLS = 8  # of its answer, each way
REACH = 0.09  # of the square: radius around an eye or the mouth in which cover counts


@dataclass(frozen=True, slots=True)
class Look:
    """Shares in [0, 1]: face: certainty that it is one; covered: of the face behind something;
    eyes, mouth: of these alone (the worse eye); lenses: of the eyes behind dark or shining glasses.
    """

    face: float
    covered: float
    eyes: float
    mouth: float
    lenses: float


class FaceCheck:
    """Loaded once, used for any number of faces."""

    def __init__(self, model: bytes | Path) -> None:
        """model: the ONNX file or its bytes. Raises OSError or onnxruntime's errors if unusable."""
        self._session = session(model)

    def look(self, rgb: Bytes, points: Floats) -> Look:
        """At the face with the (150, 2) points in an (H, W, 3) uint8 sRGB picture."""
        square = square_of(points)
        patch = square.cut(rgb, SIDE)
        pair = np.stack([patch, patch[:, ::-1]]).transpose(0, 3, 1, 2).astype(np.float32)
        answers = np.asarray(self._session.run(None, {"face": pair})[0], np.float32)
        grids = answers[:, 1:].reshape(2, 2, CELLS, CELLS)
        both = (_share(grids[0]) + _share(grids[1])[..., ::-1]) * np.float32(0.5)
        cover, lens = both[0], both[1]
        right, left, mouth = (_around(square, points[part]) for part in (RIGHT, LEFT, MOUTH))
        eyes = [_mean(cover, part) for part in (right, left)]
        return Look(
            float(_share(answers[:, 0]).mean()),
            _mean(cover, weights_of(square, points)),
            max(eyes),
            _mean(cover, mouth),
            max(_mean(lens, part) for part in (right, left)),
        )


def weights_of(square: Square, points: Floats) -> Floats:
    """(CELLS, CELLS) shares of each cell within the face's contour."""
    mask = np.zeros((SIDE, SIDE), np.uint8)
    oval = np.rint(square.from_picture(points[:36]) * SIDE).astype(np.int32)
    cv2.fillPoly(mask, [oval], (255,))
    small = cv2.resize(mask, (CELLS, CELLS), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32) * np.float32(1 / 255)


def _around(square: Square, points: Floats) -> Floats:
    """(CELLS, CELLS) weights, falling off from the points' middle."""
    x, y = square.from_picture(points.mean(0)) * CELLS - 0.5
    rows, columns = np.mgrid[:CELLS, :CELLS]
    far = ((columns - x) ** 2 + (rows - y) ** 2) / (REACH * CELLS) ** 2
    return np.asarray(np.exp(-0.5 * far), np.float32)


def _mean(grid: Floats, weights: Floats) -> float:
    return float((grid * weights).sum() / max(float(weights.sum()), 1e-6))


def _share(logits: Floats) -> Floats:
    return np.asarray(1 / (1 + np.exp(-logits)), np.float32)
