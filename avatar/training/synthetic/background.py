"""Backgrounds: plain, rooms with straight edges, out of focus or sharp, textured."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from avatar.training.synthetic.buffers import Floats

SIDE = 256  # px at which backgrounds are made


def draw_background(rng: np.random.Generator, size: int) -> Floats:
    """(size,size,3) linear float32."""
    image = _gradient(rng)
    kind = rng.random()
    if kind < 0.45:
        image = _boxes(rng, image)
    elif kind < 0.7:
        image = _lines(rng, image)
    if rng.random() < 0.5:
        image = _textured(rng, image)
    if rng.random() < 0.65:
        image = _float(cv2.GaussianBlur(image, (0, 0), float(rng.uniform(0.8, 12))))
    large = cv2.resize(image, (size, size), interpolation=cv2.INTER_LINEAR)
    return np.ascontiguousarray(large.clip(0, 1.2), np.float32)


def _float(image: NDArray[Any]) -> Floats:
    return np.asarray(image, np.float32)


def _colour(rng: np.random.Generator) -> Floats:
    return np.asarray(rng.uniform(0.02, 0.8) * np.exp(rng.normal(0, 0.25, 3)), np.float32)


def _gradient(rng: np.random.Generator) -> Floats:
    y, x = np.mgrid[0:SIDE, 0:SIDE].astype(np.float32) / SIDE - 0.5
    angle = rng.uniform(0, 2 * np.pi)
    share = np.clip(0.5 + x * np.cos(angle) + y * np.sin(angle), 0, 1)[..., None]
    return np.asarray(_colour(rng) * (1 - share) + _colour(rng) * share, np.float32)


def _boxes(rng: np.random.Generator, image: Floats) -> Floats:
    """Furniture, pictures, people: rectangles and ellipses."""
    for _ in range(int(rng.integers(3, 26))):
        overlay = image.copy()
        colour = tuple(map(float, _colour(rng)))
        at = tuple(map(int, rng.integers(-20, SIDE, 2)))
        extent = tuple(map(int, rng.integers(6, 130, 2)))
        if rng.random() < 0.75:
            cv2.rectangle(overlay, at, (at[0] + extent[0], at[1] + extent[1]), colour, -1)
        else:
            cv2.ellipse(overlay, at, extent, float(rng.uniform(0, 180)), 0, 360, colour, -1)
        share = float(rng.uniform(0.3, 1))
        image = _float(cv2.addWeighted(overlay, share, image, 1 - share, 0))
    return image


def _lines(rng: np.random.Generator, image: Floats) -> Floats:
    """Shelves, door frames, blinds, tiles: straight edges, at times many."""
    lean = float(rng.normal(0, 0.05))
    for across in (True, False):
        if rng.random() < 0.3:
            continue
        step, at = rng.uniform(8, 90), rng.uniform(-20, 20)
        width, colour = int(rng.integers(1, 10)), tuple(map(float, _colour(rng)))
        while at < SIDE + 20:
            ends = [(-9, at), (SIDE + 9, at + lean * SIDE)]
            a, b = [(int(x), int(y)) if across else (int(y), int(x)) for x, y in ends]
            cv2.line(image, a, b, colour, width, cv2.LINE_AA)
            at += step * rng.uniform(0.7, 1.4)
    return image


def _textured(rng: np.random.Generator, image: Floats) -> Floats:
    """Walls, leaves, cloth: noise of several sizes."""
    total = np.zeros((SIDE, SIDE, 3), np.float32)
    for octave in range(6):
        side = 4 * 2**octave
        coarse = rng.normal(0, 1, (side, side, 1)) + 0.3 * rng.normal(0, 1, (side, side, 3))
        large = cv2.resize(coarse.astype(np.float32), (SIDE, SIDE), interpolation=cv2.INTER_CUBIC)
        total += large * rng.uniform(0.1, 1) / (octave + 1)
    return np.asarray(image * np.exp(total * rng.uniform(0.05, 0.5)), np.float32)
