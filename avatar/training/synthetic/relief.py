"""The skin's relief: folds as a height field on the face's map, added up as they come and go.

Axis legend: R texels of the map's side, K folds, C points of a curve, h w of a fold's part of it.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from avatar.rig import Vector
from avatar.training.synthetic.buffers import Floats
from avatar.training.synthetic.folds import FAMILIES, Fold, Line, Points, activations

SIDE = 384
SCALE = 28.0  # cm that the map's side spans on the pack's mean face; it hardly varies
MARGIN = 0.9  # cm around a line in which it bends the skin
RIDGE_AT, RIDGE_WIDTH = 2.3, 1.4  # of the ridges beside a valley, in its widths
SHADE = 5.0  # darkening in a valley by its depth, per cm
DARKEST = 0.55
UNEVEN = 1.1  # cm over which a line gets deeper or shallower

Doubles = NDArray[np.float64]


@dataclass(frozen=True, slots=True, eq=False)
class Patch:
    """One fold's relief: top, left texel; values (h,w,3): slope along u and v (cm per map side),
    and how far the valley shades itself."""

    top: int
    left: int
    values: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Relief:
    """A person's folds with their patches."""

    folds: tuple[Fold, ...]
    patches: tuple[Patch, ...]

    def at(self, rig: Vector) -> Floats:
        """(R,R,3) slopes and shade of the whole map for a rig (63,)."""
        out = np.zeros((SIDE, SIDE, 3), np.float32)
        amounts = activations(self.folds, rig)
        for amount, patch in zip(amounts, self.patches, strict=True):
            if amount > 0:
                height, width = patch.values.shape[:2]
                rows = slice(patch.top, patch.top + height)
                out[rows, patch.left : patch.left + width] += amount * patch.values
        np.minimum(out[..., 2], DARKEST, out=out[..., 2])
        return out


def make_relief(folds: Sequence[Fold]) -> Relief:
    """Bake a person's folds (some hundredths of a second)."""
    return Relief(tuple(folds), tuple(_patch(fold) for fold in folds))


def _patch(fold: Fold) -> Patch:
    points = np.concatenate([line.points for line in fold.lines])
    margin = MARGIN / SCALE
    left, right = _texels(points[:, 0].min() - margin, points[:, 0].max() + margin)
    top, bottom = _texels(1 - points[:, 1].max() - margin, 1 - points[:, 1].min() + margin)
    y, x = np.mgrid[top:bottom, left:right] + 0.5
    where = np.stack([x / SIDE, 1 - y / SIDE], -1) * SCALE
    height = np.zeros(x.shape)
    valley = np.zeros(x.shape)
    for line in fold.lines:
        bump, floor = _profile(fold, line, where)
        height += fold.depth * bump
        valley = np.maximum(valley, floor)
    down, along = np.gradient(height * SIDE)
    shade = np.clip(valley * fold.depth * SHADE, 0, DARKEST)
    return Patch(top, left, np.stack([along, -down, shade], -1).astype(np.float32))


def _texels(low: float, high: float) -> tuple[int, int]:
    return max(int(low * SIDE), 0), min(int(np.ceil(high * SIDE)), SIDE)


def _profile(fold: Fold, line: Line, where: Doubles) -> tuple[Doubles, Doubles]:
    """(h,w) height and valley of one line, per depth of the fold: where (h,w,2) cm."""
    family = FAMILIES[fold.family]
    # A mirrored curve has its ridges on the other sides.
    left, right = family.bulge[::-1] if fold.side < 0 else family.bulge
    distance, along = _from_curve(line.points * SCALE, where)
    length = np.linalg.norm(np.diff(line.points, axis=0), axis=1).sum() * SCALE
    strength = line.depth * _taper(along, float(length), line.seed)
    across = distance / (family.width * line.width)
    valley = np.exp(-0.5 * across**2)
    ridge = np.exp(-0.5 * ((np.abs(across) - RIDGE_AT) / RIDGE_WIDTH) ** 2)
    # Ridges fade in from the valley's floor, else they would fill it.
    ridge *= 1 - np.exp(-0.5 * (across / RIDGE_AT) ** 2 * 2)
    bump = np.where(across > 0, left, right) * ridge - valley
    return strength * bump, strength * valley


def _from_curve(curve: Points, where: Doubles) -> tuple[Doubles, Doubles]:
    """(h,w) signed distance to a polyline (C,2), positive on its left, and place along it 0..1."""
    best = np.full(where.shape[:2], np.inf)
    signed, along = np.zeros_like(best), np.zeros_like(best)
    last = len(curve) - 1
    for k in range(last):
        step = curve[k + 1] - curve[k]
        offset = where - curve[k]
        share = np.clip(offset @ step / max(step @ step, 1e-12), 0, 1)
        away = offset - share[..., None] * step
        distance = np.hypot(away[..., 0], away[..., 1])
        nearer = distance < best
        best[nearer] = distance[nearer]
        side = np.sign(step[0] * offset[..., 1] - step[1] * offset[..., 0])
        signed[nearer] = (distance * side)[nearer]
        along[nearer] = ((k + share) / last)[nearer]
    return signed, along


def _taper(along: Doubles, length: float, seed: int) -> Doubles:
    """Depth along a line of so many cm: fades at both ends, deeper and shallower between."""
    rng = np.random.default_rng(seed)
    knots = 2 + int(length / UNEVEN)
    place = along * (knots - 1)
    low = np.minimum(place.astype(int), knots - 2)
    share = place - low
    share = share * share * (3 - 2 * share)
    value = rng.uniform(0.65, 1.15, knots)
    ends = np.clip(np.minimum(along, 1 - along) / 0.25, 0, 1)
    taper = ends * ends * (3 - 2 * ends)
    return np.asarray((value[low] * (1 - share) + value[low + 1] * share) * taper)
