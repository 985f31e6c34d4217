"""Folds of the skin: light and shade that a warp alone does not bring.

Painted in face units once for each portrait; they stick to the skin and come with the expression.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from avatar.motion import INDEX, Vector, f32
from avatar.warp_fields import Array, Face, bump, lattice
from avatar.warp_source import Image, look_up_lattice

STEP = 0.02
# How much light each fold takes at full strength.
DEPTH = {"smile": 0.18, "furrow": 0.27, "worry": 0.13}
TINT = (0.78, 1.0, 1.05)  # shade on skin is warm


@dataclass(frozen=True, slots=True, eq=False)
class Crease:
    """One zone of folds; shade: (h, w) share of light taken on a lattice from `box`'s corner."""

    box: tuple[float, float, float, float]
    shade: Array

    def darken(self, rgb: Image, q: Array, strength: float) -> None:
        """Lay the fold over the picture (h, w, 3) uint8 of points q (h, w, 2)."""
        shade = look_up_lattice(self.shade, q, self.box[:2], STEP)
        light = cv2.merge([1 - shade * f32(strength * tint) for tint in TINT])
        cv2.multiply(rgb, light, dst=rgb, dtype=cv2.CV_8U)


def creases(face: Face) -> dict[str, Crease]:
    """The folds of a face by name; see `strengths`."""
    return {"smile": _smile(face), "furrow": _furrow(face), "worry": _worry(face)}


def strengths(motion: Vector) -> dict[str, float]:
    """How strongly each fold shows, in [0, 1]."""

    def mean(*names: str) -> float:
        return sum(max(0.0, float(motion[INDEX[name]])) for name in names) / len(names)

    wanted = {
        "smile": mean("smile_r", "smile_l") + 0.7 * mean("sneer_r", "sneer_l"),
        "furrow": mean("brow_down") + 0.3 * mean("sneer_r", "sneer_l"),
        "worry": 0.6 * mean("brow_in") + 0.6 * mean("brow_out"),
    }
    # Slight movements leave no fold.
    return {name: min(1.0, max(0.0, value - 0.06)) for name, value in wanted.items()}


def _crease(box: tuple[float, float, float, float], shade: Array) -> Crease:
    # Nothing at the rim: outside the lattice its edge goes on.
    shade[[0, -1]] = 0
    shade[:, [0, -1]] = 0
    return Crease(box, shade)


def _stroke(at: Array, path: Array, width: float) -> Array:
    """1 on a curve through `path` (n, 2), fading sideways and towards its ends."""
    shade = np.zeros(at.shape[:2], np.float32)
    for share, (x, y) in zip(np.linspace(0, 1, len(path)), path, strict=True):
        spot = np.exp(-((at[..., 0] - x) ** 2 + (at[..., 1] - y) ** 2) / width**2)
        shade = np.maximum(shade, f32(spot * np.sin(np.pi * (0.12 + 0.80 * share)) ** 0.7))
    return shade


def _bend(start: tuple[float, float], over: tuple[float, float], end: tuple[float, float]) -> Array:
    """(40, 2) points of a quadratic Bezier curve."""
    t = np.linspace(0, 1, 40)[:, None]
    return f32((1 - t) ** 2 * f32(start) + 2 * t * (1 - t) * f32(over) + t**2 * f32(end))


def _smile(face: Face) -> Crease:
    """From the nose's wings around the corners of the mouth; full cheeks; lifted lower lids."""
    mx, my = (float(v) for v in face.mouth)
    box = (mx - 0.85, face.nose_base - 0.45, mx + 0.85, my + 0.25)
    at = lattice(box, STEP)
    shade = np.zeros(at.shape[:2], np.float32)
    for side in (-1, 1):
        reach = face.half + 0.20
        path = _bend(
            (mx + side * 0.25, face.nose_base - 0.14),
            (mx + side * (reach + 0.02), face.nose_base + 0.02),
            (mx + side * reach, my + 0.03),
        )
        shade += _stroke(at, path, 0.05) + 0.45 * _stroke(at, path + f32([-side * 0.05, 0.02]), 0.1)
        shade -= 0.35 * bump(at, f32([mx + side * 0.58, face.nose_base - 0.14]), 0.20, 0.15)
    return _crease(box, shade * f32(DEPTH["smile"]))


def _furrow(face: Face) -> Crease:
    """Two upright lines between the brows."""
    brows = [face.points.group(f"{side}_brow")[[4, 9]].mean(0) for side in ("right", "left")]
    x, y = (float(v) for v in np.mean(brows, axis=0))
    box = (x - 0.2, y - 0.25, x + 0.2, y + 0.2)
    at = lattice(box, STEP)
    shade = np.zeros(at.shape[:2], np.float32)
    for side in (-1, 1):
        path = _bend((x + side * 0.10, y + 0.10), (x + side * 0.06, y), (x + side * 0.09, y - 0.16))
        shade += _stroke(at, path, 0.032)
    shade -= 0.25 * bump(at, f32([x, y - 0.02]), 0.04, 0.10)
    return _crease(box, shade * f32(DEPTH["furrow"]))


def _worry(face: Face) -> Crease:
    """Lines across the forehead."""
    brows = np.concatenate([face.points.group(f"{side}_brow") for side in ("right", "left")])
    x, top = float(brows[:, 0].mean()), float(brows[:, 1].min())
    room = max(0.2, top - float(face.points.group("face_oval")[0, 1]))
    box = (x - 0.8, top - 0.95 * room, x + 0.8, top + 0.1)
    at = lattice(box, STEP)
    shade = np.zeros(at.shape[:2], np.float32)
    for share in (0.28, 0.50, 0.72):
        y = top - share * room
        wide = 0.62 - 0.5 * abs(share - 0.40)
        path = _bend((x - wide, y + 0.05), (x + 0.1, y - 0.05), (x + wide, y + 0.04))
        shade += _stroke(at, path, 0.030) - 0.5 * _stroke(at, path + f32([0, 0.06]), 0.04)
    return _crease(box, shade * f32(DEPTH["worry"]))
