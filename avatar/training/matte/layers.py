"""Taking pictures apart: the person's own colours, and the ground without the person."""

from __future__ import annotations

import cv2
import numpy as np


def filled(rgb: np.ndarray, known: np.ndarray) -> np.ndarray:
    """(H,W,3) uint8: where `known` (H,W), in 0..1, falls short, colours from around it.

    Push-pull: means of known colours at ever coarser scales fill what the finer ones lack.
    """
    weight = known.astype(np.float32)[..., None]
    levels = [(rgb.astype(np.float32) * weight, weight)]
    while min(levels[-1][0].shape[:2]) > 1:
        levels.append(tuple(_halved(part) for part in levels[-1]))  # type: ignore[arg-type]
    total, weight = levels.pop()
    colour = total / np.maximum(weight, 1e-6)
    for total, weight in reversed(levels):
        h, w = weight.shape[:2]
        behind = cv2.resize(colour, (w, h), interpolation=cv2.INTER_LINEAR)
        colour = total + (1 - weight) * behind
    return np.asarray(np.clip(np.rint(colour), 0, 255), np.uint8)


def _halved(image: np.ndarray) -> np.ndarray:
    """(h/2, w/2, C) means; channels kept even if there is one."""
    h, w = (max(1, (n + 1) // 2) for n in image.shape[:2])
    small = cv2.resize(image, (w, h), interpolation=cv2.INTER_AREA)
    return small.reshape(h, w, image.shape[2])
