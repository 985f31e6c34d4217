"""How bright the teeth are that a portrait shows, against the same teeth as they would be drawn.

What is told from the white of the eyes, and how much light passes the lips, are guesses; a smile in
the picture knows better. Axis legend: I points inside the mouth, n samples.
"""

import cv2
import numpy as np

from avatar.semo.imaging import LUMINANCE
from avatar.semo.shading import to_linear
from avatar.semo.types import Floats

_SURE = 0.3  # cm^2 of teeth that are fully believed
_HALF = 2.0  # cm from the middle of the arch to where the lips' corners are
_STIFF = (0.0, 0.6, 0.6)  # against darker sides, and one side darker than the other
_BOUNDS = (-1.3, 0.7)  # of the logarithm
_TINT = 0.35  # of the logarithm, between channels
_PALE = 0.62  # of the brightest sRGB: what is darker is not teeth
_FLOOR = 0.004  # linear light


def own_gain(shown: Floats, drawn: Floats, aside: Floats, area: float) -> tuple[Floats, Floats]:
    """From samples of teeth: shown and drawn (n, 3) sRGB 0..255, aside (n,) cm from the middle of
    the arch, area cm^2 that they cover. What the drawn linear colours are to be multiplied by:
    exponents for `gain_at` (3,) and (3,) of red, green, blue."""
    # Gaps, gums and lips that lie where teeth are drawn are no teeth.
    pale = shown @ LUMINANCE
    pale = pale > _PALE * np.percentile(pale, 90)
    shown, drawn, aside = shown[pale], drawn[pale], aside[pale]
    now, wanted = (to_linear(colours) + np.float32(_FLOOR) for colours in (drawn, shown))
    log = np.log((wanted @ LUMINANCE) / (now @ LUMINANCE))
    columns = _columns(aside)
    stiff = np.diag(_STIFF) * len(log)
    weight, found = np.ones(len(log)), np.zeros(3)
    for _ in range(4):
        weighted = columns * weight[:, None]
        found = np.linalg.solve(weighted.T @ columns + stiff + 1e-6 * np.eye(3), weighted.T @ log)
        off = log - columns @ found
        weight = 1 / (1 + (off / 0.5) ** 2)
    tint = np.median(np.log(wanted / now) - log[:, None], axis=0).clip(-_TINT, _TINT)
    trust = min(1.0, area / _SURE)
    return np.asarray(found * trust, np.float32), np.asarray(np.exp(tint * trust), np.float32)


def gain_at(aside: Floats, exponents: Floats) -> Floats:
    """(I,) of points aside (I,) cm from the middle of the arch."""
    log = (_columns(aside) @ exponents).clip(*_BOUNDS)
    return np.asarray(np.exp(log), np.float32)


def _columns(aside: Floats) -> np.ndarray:
    share = np.clip(np.asarray(aside, np.float64) / _HALF, -1.2, 1.2)
    return np.stack([np.ones_like(share), share**2, share], 1)


def picked(picture: np.ndarray, at: Floats) -> Floats:
    """(n, 3) colours of a square picture at (n, 2) shares, blurred a little: edges between teeth
    do not lie where they are drawn."""
    side = picture.shape[0]
    soft = cv2.GaussianBlur(picture, (0, 0), max(0.6, side / 512))
    pixels = np.clip(np.round(at * side - 0.5), 0, side - 1).astype(np.int32)
    return np.asarray(soft[pixels[:, 1], pixels[:, 0]], np.float32)
