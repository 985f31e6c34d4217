"""Figures of the matte net on held-out photos (against the teacher) and renders (exact)."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from avatar.matte_net import SIDE, MatteNet
from avatar.training.landmarks.data import texture
from avatar.training.matte.data import Cutout, Cutouts, composed

Finder = Callable[[np.ndarray], np.ndarray]


@dataclass(frozen=True, slots=True)
class Figures:
    """Intersection over union at 0.5 and mean absolute errors, all in %."""

    photo_iou: float
    photo_error: float
    render_iou: float
    render_error: float
    world_iou: float
    world_error: float


def compared(found: np.ndarray, truth: np.ndarray) -> tuple[float, float]:
    """IoU at 0.5 and mean absolute error, % , of two (H,W) mattes in 0..1."""
    a, b = found > 0.5, truth > 0.5
    both, any_ = int((a & b).sum()), int((a | b).sum())
    return 100 * both / max(any_, 1), 100 * float(np.abs(found - truth).mean())


def figures(find: Finder, tests: Cutouts, every: int = 1, side: int = SIDE) -> Figures:
    """Of `find`, a function from (side,side,3) uint8 to a matte in 0..1; each `every`-th picture.

    Renders stand before textures that depend on their number only; frames of shards (`world`) as
    they are.
    """
    photos = [_one(find, c.rgb, c.matte, side) for c in tests.photos[::every]]
    renders = [
        _one(find, _before_texture(cutout, k), cutout.matte, side)
        for k, cutout in enumerate(tests.renders[::every])
    ]
    worlds = [_one(find, c.rgb, c.matte, side) for c in tests.worlds[::every]]
    values: list[float] = []
    for rows in (photos, renders, worlds):
        values += np.mean(rows, axis=0).tolist() if rows else [float("nan")] * 2
    return Figures(*values)


def _one(find: Finder, rgb: np.ndarray, matte: np.ndarray, side: int) -> tuple[float, float]:
    """One picture at `side`."""
    small, truth = (
        np.asarray(cv2.resize(part, (side, side), interpolation=cv2.INTER_AREA))
        for part in (rgb, matte)
    )
    return compared(find(np.ascontiguousarray(small)), truth.astype(np.float32) / 255)


def _before_texture(cutout: Cutout, number: int) -> np.ndarray:
    """A render before a blurred texture."""
    rng = np.random.default_rng(number)
    ground = cv2.GaussianBlur(texture(rng, len(cutout.matte)), (0, 0), 4)
    return composed(cutout.own, ground, cutout.matte)


def draw(net: MatteNet, tests: Cutouts, png: Path, side: int = 256, columns: int = 8) -> None:
    """All held-out photos, each beside the person on green."""
    cells = []
    for cutout in tests.photos:
        rgb = np.asarray(cv2.resize(cutout.rgb, (2 * side,) * 2), np.uint8)
        matte = (255 * net.find(rgb)).astype(np.uint8)
        green = np.full_like(rgb, (60, 200, 60))
        pair = np.hstack([rgb, composed(rgb, green, matte)])
        cells.append(cv2.resize(pair, (2 * side, side), interpolation=cv2.INTER_AREA))
    cells += [np.zeros_like(cells[0])] * (-len(cells) % columns)
    rows = [np.hstack(cells[k : k + columns]) for k in range(0, len(cells), columns)]
    cv2.imwrite(str(png), cv2.cvtColor(np.vstack(rows), cv2.COLOR_RGB2BGR))
