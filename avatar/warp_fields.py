"""Displacement fields of one face, precomputed from its landmarks.

Everything here is in face units: origin between the eyes, x along the eye line to the right of the
picture, y down the face, 1 = the distance of the eye centres. G grid points, E fields.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from avatar.landmarks import Landmarks
from avatar.motion import EXPRESSION, f32

Array = NDArray[np.float32]

GRID_X = (-1.8, 1.8)  # extent of the expression grid around the eyes
GRID_Y = (-1.2, 2.8)
GRID_STEP = 0.05


def ramp(x: Array, start: float, end: float) -> Array:
    """Smooth step from 0 at `start` to 1 at `end`."""
    t = ((x - start) * (1 / (end - start))).clip(0.0, 1.0)
    return np.asarray(t * t * (3 - 2 * t), np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Frame2D:
    """Face units <-> pixels of the picture.

    origin: (2,) px; axes: (2, 2) px, rows are the face's x and y unit.
    """

    origin: Array
    axes: Array
    unit: float  # px

    @classmethod
    def of(cls, landmarks: Landmarks) -> "Frame2D":
        """The face's frame from its eyes and mouth."""
        right, left = (landmarks.group(f"{side}_eye").mean(0) for side in ("right", "left"))
        mouth = landmarks.group("lips_outer").mean(0)
        centre, along = (right + left) / 2, left - right
        distance = float(np.hypot(*along))
        # A turned head brings the eyes together; the height of the face does not shrink with it.
        unit = max(distance, 0.9 * float(np.hypot(*(mouth - centre))))
        x = along / distance * unit
        return cls(f32(centre), f32(np.array([[x[0], x[1]], [-x[1], x[0]]])), unit)

    def local(self, points: Array) -> Array:
        """(..., 2) px to face units."""
        return np.asarray((points - self.origin) @ self.axes.T / self.unit**2, np.float32)

    def picture(self, points: Array) -> Array:
        """(..., 2) face units to px."""
        return np.asarray(points @ self.axes + self.origin, np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """Landmarks in face units with the places that fields refer to."""

    points: Landmarks
    mouth: Array  # (2,) middle of the lip seam
    corners: Array  # (2, 2) right and left outer lip corner
    half: float  # half the width of the mouth, to the inner corners
    nose_base: float  # y
    chin: float  # y
    centre: Array  # (2,) of the head
    radius: Array  # (2,) half width and half height of the head

    @classmethod
    def of(cls, points: Landmarks) -> "Face":
        """Measure a face given in face units."""
        inner, outer = points.group("lips_inner"), points.group("lips_outer")
        oval = points.group("face_oval")
        top, chin = float(oval[0, 1]), float(oval[18, 1])
        crown = top - 0.33 * (chin - top)
        sides = oval[[27, 9], 0]
        centre = f32([float(sides.mean()), (crown + chin) / 2])
        radius = f32([1.13 * float(np.ptp(sides)) / 2, 1.04 * (chin - crown) / 2])
        return cls(
            points,
            f32((inner[5] + inner[15]) / 2),
            outer[[0, 10]],
            float(np.ptp(inner[[0, 10], 0])) / 2,
            float(points.group("nose")[9, 1]),
            chin,
            centre,
            radius,
        )


def grid() -> Array:
    """(H, W, 2) face units of the expression grid."""
    return lattice((GRID_X[0], GRID_Y[0], GRID_X[1], GRID_Y[1]), GRID_STEP)


def lattice(box: tuple[float, float, float, float], step: float) -> Array:
    """(h, w, 2) face units of the points `step` apart in a box of left, top, right, bottom."""
    x, y = np.arange(box[0], box[2], step), np.arange(box[1], box[3], step)
    return np.stack(np.meshgrid(x, y), -1).astype(np.float32)


def bump(at: Array, place: Array, width: float, height: float) -> Array:
    """(...,) Gaussian of the points `at` (..., 2) around a place."""
    offset = (at - f32(place)) / f32([width, height])
    return np.asarray(np.exp(-0.5 * (offset**2).sum(-1)), np.float32)


def _push(at: Array, place: Array, size: tuple[float, float], by: tuple[float, float]) -> Array:
    """Move the surroundings (a Gaussian of `size`) of a place by a vector."""
    return bump(at, place, *size)[..., None] * f32(by)


def expression_fields(face: Face, at: Array) -> Array:
    """(E, ..., 2) displacement at full strength of each of `EXPRESSION`."""
    made = {**_lip_fields(face, at), **_upper_fields(face, at)}
    return np.stack([made[name] for name in EXPRESSION])


def jaw_pull(face: Face, at: Array) -> Array:
    """(..., 2) what a dropped jaw does to the lip corners: down and towards the middle."""
    right, left = face.corners
    return _push(at, right, (0.22, 0.24), (0.05, 0.08)) + _push(
        at, left, (0.22, 0.24), (-0.05, 0.08)
    )


def _lip_fields(face: Face, at: Array) -> dict[str, Array]:
    mx, my = face.mouth
    right, left = face.corners
    outer = face.points.group("lips_outer")[:, 1]
    above, below = float(outer[5]) - 0.01, float(outer[15]) + 0.01
    fields = {}
    for name, corner, side in (("smile_r", right, -1), ("smile_l", left, 1)):
        cheek = f32([mx + side * 0.66, my - 0.48])
        fields[name] = (
            _push(at, corner, (0.27, 0.26), (side * 0.12, -0.135))
            + _push(at, cheek, (0.30, 0.24), (side * 0.02, -0.06))
            + _push(at, f32([mx, my]), (0.18, 0.16), (0, 0.012))
        )
    fields["frown"] = (
        _push(at, right, (0.22, 0.21), (-0.02, 0.12))
        + _push(at, left, (0.22, 0.21), (0.02, 0.12))
        + _push(at, f32([mx, my + 0.26]), (0.28, 0.14), (0, -0.04))
        + _push(at, f32([mx, my]), (0.18, 0.15), (0, -0.02))
    )
    fields["wide"] = _push(at, right, (0.30, 0.34), (-0.12, 0)) + _push(
        at, left, (0.30, 0.34), (0.12, 0)
    )
    fields["round"] = (
        _push(at, right, (0.26, 0.34), (0.16, 0))
        + _push(at, left, (0.26, 0.34), (-0.16, 0))
        + _push(at, f32([mx, above]), (0.22, 0.09), (0, -0.03))
        + _push(at, f32([mx, below]), (0.22, 0.10), (0, 0.04))
    )
    lip = (1.2 * face.half, 0.08)
    fields["press"] = _push(at, f32([mx, above]), lip, (0, 0.045)) + _push(
        at, f32([mx, below]), lip, (0, -0.05)
    )
    for name, side in (("sneer_r", -1), ("sneer_l", 1)):
        wing = f32([mx + side * 0.22, face.nose_base - 0.06])
        lip_top = f32([mx + side * 0.26, above + 0.02])
        fields[name] = _push(at, wing, (0.15, 0.17), (0, -0.08)) + _push(
            at, lip_top, (0.19, 0.16), (side * 0.01, -0.09)
        )
    return fields


def _upper_fields(face: Face, at: Array) -> dict[str, Array]:
    fields = {name: np.zeros_like(at) for name in ("brow_in", "brow_out", "brow_down", "cheek")}
    for side, sign in (("right", -1), ("left", 1)):
        brow = face.points.group(f"{side}_brow")
        eye = face.points.group(f"{side}_eye")
        inner, middle, outer = brow[[4, 9]].mean(0), brow[[2, 7]].mean(0), brow[[0, 5]].mean(0)
        # A brow leaves the lid where it is. Fields are read where things arrive, so a rising brow
        # needs them to reach higher.
        lid, edge = float(eye[:, 1].min()), float(brow[:5, 1].mean())
        lifted = (1 - ramp(at[..., 1], min(edge, lid - 0.12) - 0.18, lid))[..., None]
        still = (1 - ramp(at[..., 1], min(edge, lid - 0.12), lid + 0.02))[..., None]
        up, down, out = f32([sign * -0.02, -0.13]), f32([sign * -0.06, 0.115]), f32([0, -0.11])
        fields["brow_in"] += bump(at, inner, 0.19, 0.22)[..., None] * lifted * up
        far = (middle + outer) / 2
        fields["brow_out"] += bump(at, far, 0.27, 0.22)[..., None] * lifted * out
        fields["brow_down"] += bump(at, inner, 0.18, 0.17)[..., None] * still * down
        fields["brow_down"] += _push(at, middle, (0.20, 0.13), (0, 0.04)) * still
        below = f32([eye[:, 0].mean(), eye[:, 1].max() + 0.20])
        fields["cheek"] += _push(at, below, (0.30, 0.15), (0, -0.07))
    return fields


def head_fields(face: Face, at: Array) -> Array:
    """(6, ..., 2) displacement for one unit of each of `HEAD`, zero on the background."""
    x, y = at[..., 0] - face.centre[0], at[..., 1] - face.centre[1]
    # The neck carries the movement further down than hair and background may.
    height = np.where(y > 0, face.radius[1] * 1.12, face.radius[1] * 1.02)
    reach = np.sqrt((x / face.radius[0]) ** 2 + (y / height) ** 2)
    moves = 1 - ramp(reach, 1.02, 1.5)
    # A paraboloid: unlike an ellipsoid its slope stays finite at the rim, so nothing folds.
    depth = 0.9 * np.clip(1 - (reach / 1.05) ** 2, 0, None)
    nose = face.points.group("nose")[5]
    depth = (depth + 0.16 * bump(at, nose, 0.22, 0.30)).astype(np.float32)
    none = np.zeros_like(depth)
    pivot = at[..., 1] - (face.chin + 0.2)
    made = (
        (depth, none),
        (none, depth),
        (-pivot * moves, x * moves),
        (moves, none),
        (none, moves),
        (x * moves, pivot * moves),
    )
    return np.stack([np.stack(pair, -1) for pair in made]).astype(np.float32)


def lip_fields(face: Face, seam: Array, at: Array) -> tuple[Array, Array, Array]:
    """Vertical movement (content, down positive) around the parting lips, each (...,).

    seam: (...,) y of the lip line at the points' x. Returns `upper` lip up by 1 (negative), lower
    lip down by 1, jaw down by 1. Above the seam the last two, below it the first go on constant,
    so that each lip can be sampled past its own edge.
    """
    x, below = at[..., 0] - face.mouth[0], at[..., 1] - seam
    nose, chin = face.mouth[1] - face.nose_base, face.chin - face.mouth[1]
    shape = np.clip(1 - (x / face.half) ** 2, 0, None) ** f32(1.2)
    upper = -shape * (1 - ramp(-below, 0.35 * nose, 1.0 * nose))
    lower = shape * (1 - ramp(below, 0.3 * chin, 0.95 * chin))
    side = 1 - ramp(np.abs(x), face.half + 0.04, max(0.95, face.half + 0.4))
    lateral = shape + (1 - shape) * ramp(below, 0.0, 0.95 * chin)
    jaw = side * lateral * (1 - ramp(below, chin, chin + 0.75))
    return upper.astype(np.float32), lower.astype(np.float32), jaw.astype(np.float32)
