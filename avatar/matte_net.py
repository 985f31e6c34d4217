"""Which pixels of a picture belong to the person: a small net of our own (CPU, no torch).

The picture is made square (edge pixels repeated), shrunk to the net's input, and the net's answer
is fitted to the picture's own edges by a guided filter, so that it follows hair and shoulders at
full size.
"""

from pathlib import Path
from typing import Any, TypeVar

import cv2
import numpy as np
from numpy.typing import NDArray

from speech.onnx import session

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]
Pixels = TypeVar("Pixels", Floats, Bytes)

SIDE = 192  # of the net's input, pixels
GUIDE = 512  # longer side of the picture in which edges are looked for
RADIUS, SMOOTH = 8, 1e-4  # of the guided filter: px at GUIDE, variance of colours in 0..1
LOW, HIGH = 0.08, 0.92  # the filter's ringing: what lies beyond is surely beside or on the person


class MatteNet:
    """Loaded once, used for any number of pictures."""

    def __init__(self, model: bytes | Path) -> None:
        """model: the ONNX file or its bytes. Raises OSError or onnxruntime's errors if unusable."""
        self._session = session(model)

    def find(self, rgb: Bytes) -> Floats:
        """(H, W) float32 in [0, 1], the person's share in each pixel of (H, W, 3) uint8 sRGB.

        Raises ValueError for an array that is no such picture.
        """
        if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8 or 0 in rgb.shape:
            raise ValueError(f"a picture is (H, W, 3) uint8, not {rgb.shape} {rgb.dtype}")
        return refined(rgb, self.coarse(rgb))

    def coarse(self, rgb: Bytes) -> Floats:
        """(h, w) float32 in [0, 1], the longer side SIDE: the net's own answer for (H, W, 3)."""
        height, width = rgb.shape[:2]
        scale = SIDE / max(height, width)
        h, w = max(1, round(height * scale)), max(1, round(width * scale))
        top, left = (SIDE - h) // 2, (SIDE - w) // 2
        edges = (top, SIDE - h - top, left, SIDE - w - left)
        square = cv2.copyMakeBorder(resized(rgb, h, w), *edges, cv2.BORDER_REPLICATE)
        feed = square.transpose(2, 0, 1)[None].astype(np.float32)
        answer = np.asarray(self._session.run(None, {"picture": feed})[0], np.float32)[0, 0]
        return np.ascontiguousarray(answer[top : top + h, left : left + w])


def resized(image: Pixels, height: int, width: int) -> Pixels:
    """(height, width, ...) of an image: area means when it shrinks, linear when it grows."""
    how = cv2.INTER_AREA if height < image.shape[0] else cv2.INTER_LINEAR
    out = cv2.resize(image, (width, height), interpolation=how)
    return np.asarray(out, image.dtype)


def refined(rgb: Bytes, matte: Floats) -> Floats:
    """(H, W) the matte of any size on the edges of the (H, W, 3) picture; values in [0, 1]."""
    height, width = rgb.shape[:2]
    scale = min(1.0, GUIDE / max(height, width))
    h, w = max(1, round(height * scale)), max(1, round(width * scale))
    guide = resized(rgb, h, w).astype(np.float32) * np.float32(1 / 255)
    slope, level = (resized(part, height, width) for part in _fitted(guide, resized(matte, h, w)))
    out = cv2.transform(cv2.multiply(slope, rgb, dtype=cv2.CV_32F), np.full((1, 3), 1 / 255))
    out = (out + level - np.float32(LOW)) * np.float32(1 / (HIGH - LOW))
    return np.asarray(np.clip(out, 0, 1), np.float32)


def _fitted(guide: Floats, matte: Floats) -> tuple[Floats, Floats]:
    """Slopes (h, w, 3) and level (h, w) of the matte as a linear function of nearby colours.

    The guided filter with a colour guide (He, Sun, Tang: "Guided image filtering", eqs. 19-21).
    """
    mean, mean_matte = _box(guide), _box(matte)
    shared = _box(guide * matte[..., None]) - mean * mean_matte[..., None]
    r, g, b = cv2.split(guide)
    m_r, m_g, m_b = cv2.split(mean)
    pairs = ((r, r), (g, g), (b, b), (r, g), (r, b), (g, b))
    means = ((m_r, m_r), (m_g, m_g), (m_b, m_b), (m_r, m_g), (m_r, m_b), (m_g, m_b))
    spread: list[Floats] = [
        np.asarray(_box(x * y) - m * n, np.float32)
        for (x, y), (m, n) in zip(pairs, means, strict=True)
    ]
    slope = _solved([s + SMOOTH if k < 3 else s for k, s in enumerate(spread)], shared)
    level = mean_matte - cv2.transform(slope * mean, np.ones((1, 3)))
    return _box(slope), _box(np.asarray(level, np.float32))


def _solved(covariance: list[Floats], shared: Floats) -> Floats:
    """(h, w, 3) solution of the symmetric 3 x 3 system of each pixel, by cofactors."""
    rr, gg, bb, rg, rb, gb = covariance
    c_rr, c_rg, c_rb = gg * bb - gb * gb, gb * rb - rg * bb, rg * gb - gg * rb
    c_gg, c_gb, c_bb = rr * bb - rb * rb, rb * rg - rr * gb, rr * gg - rg * rg
    over = 1 / (rr * c_rr + rg * c_rg + rb * c_rb)
    x, y, z = cv2.split(shared)
    out = (c_rr * x + c_rg * y + c_rb * z, c_rg * x + c_gg * y + c_gb * z)
    last = c_rb * x + c_gb * y + c_bb * z
    return np.asarray(cv2.merge([out[0] * over, out[1] * over, last * over]), np.float32)


def _box(image: NDArray[Any]) -> Floats:
    """Means over squares of 2 RADIUS + 1 pixels."""
    n = 2 * RADIUS + 1
    return np.asarray(cv2.blur(image, (n, n), borderType=cv2.BORDER_REPLICATE), np.float32)
