"""One eye: lids that close over it and an iris that turns beneath them.

Works on points q in face units, h x w of them, that the rest of the face has already moved.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from avatar.motion import INDEX, Vector, f32
from avatar.warp_fields import Array, Face, ramp
from avatar.warp_source import DENSITY, Curve, Image, Texture, blend, bounds

LASH = 0.006  # the lash line hangs this far below the upper lid, in face units
FINE, ASIDE = 4, 102  # columns per entry of a lid's `Curve`, columns beside each of its ends
REACH = (0.09, 0.05)  # how far the iris travels at gaze 1, in face units


@dataclass(frozen=True, slots=True)
class EyePose:
    """blink, widen, squint in [0, 1]; gaze in [-1, 1]."""

    blink: float
    widen: float
    squint: float
    gaze_x: float
    gaze_y: float

    def rests(self) -> bool:
        """Whether the eye is as in the portrait."""
        moves = (self.blink, self.widen, self.squint, self.gaze_x, self.gaze_y)
        return max(abs(move) for move in moves) < 1e-3

    def moves_lower_lid(self) -> bool:
        """Whether the lower lid leaves its place."""
        return max(abs(self.blink), abs(self.squint), abs(self.widen)) > 1e-3


def eye_poses(motion: Vector) -> tuple[EyePose, EyePose]:
    """The poses of the right and the left eye."""

    def pose(side: str) -> EyePose:
        names = (f"blink_{side}", f"widen_{side}", f"squint_{side}", "gaze_x", "gaze_y")
        return EyePose(*(float(motion[INDEX[name]]) for name in names))

    return pose("r"), pose("l")


class Eye:
    """The eye of one side of one portrait."""

    def __init__(self, texture: Texture, face: Face, side: str) -> None:
        points = face.points.group(f"{side}_eye")
        upper, lower = points[:9], np.concatenate([points[8:], points[:1]])
        self._upper = Curve(upper[:, 0], upper[:, 1], 4)
        self._lower = Curve(lower[:, 0], lower[:, 1], 4)
        self._left, self._right = sorted(points[[0, 8], 0].tolist())
        iris = face.points.group(f"{side}_iris")
        self._iris = iris[0]
        self._iris_radius = float(np.hypot(*(iris[1:] - iris[0]).T).mean())
        brow = face.points.group(f"{side}_brow")[:5, 1].mean()
        self._lid = float(np.clip(upper[:, 1].min() - brow - 0.06, 0.16, 0.34))
        self._top, self._bottom = float(upper[:, 1].min()), float(lower[:, 1].max())
        self._skin = texture
        self._ball = self._eyeball(texture)
        self._columns = self._tabulate()

    def box(self, pose: EyePose | None = None) -> tuple[float, float, float, float]:
        """left, top, right, bottom of what `render` must draw (in any pose)."""
        beneath = 0.25 if pose is None or pose.moves_lower_lid() else 0.0
        top = self._top - self._lid - 0.03
        return self._left - 0.05, top, self._right + 0.05, self._bottom + beneath

    def render(self, q: Array, pose: EyePose) -> Image:
        """(h, w, 2) points to (h, w, 4) uint8."""
        x, y = q[..., 0].copy(), q[..., 1].copy()
        # Whatever depends on x alone was worked out for columns of them.
        at = ((x - f32(self._upper.start)) * f32(self._upper.scale * FINE)).astype(np.intp) + ASIDE
        upper, lower, drop, rise, outside = (
            column.take(at, mode="clip") for column in self._lids(pose)
        )
        sharpness = f32(self._skin.frame.unit)
        over = ((upper + f32(LASH) - y) * sharpness + f32(0.5)).clip(0, 1)
        depth = y - lower
        under = (depth * sharpness + f32(0.5)).clip(0, 1)
        # Next to the edge the lid moves as a whole (lashes keep their width); its skin stretches.
        above = drop * (1 - ramp((upper - y) / (f32(self._lid) + np.abs(drop)), 0.05, 1.0))
        if not pose.moves_lower_lid():
            above *= depth < 0
        skin = self._skin.sample_at(x, y - above)
        if pose.moves_lower_lid():
            beneath = rise * (1 - ramp(depth, 0.01, 0.24))
            share = under / np.maximum(over + under, f32(1e-3))
            skin = blend(skin, self._skin.sample_at(x, y - beneath), share)
        bare = 1 - np.minimum(np.maximum(over + under, outside), 1)
        part = bounds(bare)
        if part:
            ball = self._ball.sample_at(*self._gazing(x[part], y[part], pose))
            skin[part] = blend(skin[part], ball, bare[part])
        return skin

    def _tabulate(self) -> tuple[Array, ...]:
        """Both lid lines at rest, eye opening, opening as the skin beside it feels it, arch and
        what no eyeball may cover, each (columns,) along x."""
        middle, half = (self._left + self._right) / 2, (self._right - self._left) / 2
        count = np.arange(-ASIDE, 255 * FINE + ASIDE) + 0.5
        x = f32(count / (self._upper.scale * FINE) + self._upper.start)
        t = (x - middle) / half
        upper, lower = self._upper(x), self._lower(x)
        arch = (1 - t * t).clip(0)
        opening = np.where(arch > 0, lower - upper, 0).clip(0)
        # A falling lid takes the skin beside the corners along.
        near = middle + (x - middle) * f32(0.86)
        beside = np.where(np.abs(t) < 1.16, self._lower(near) - self._upper(near), 0).clip(0)
        outside = np.maximum(1 - ramp(x, self._left - 0.01, self._left + 0.02),
                             ramp(x, self._right - 0.02, self._right + 0.01))  # fmt: skip
        return upper, lower, opening, beside, arch, outside

    def _lids(self, pose: EyePose) -> tuple[Array, ...]:
        """Moved lid lines, by how much each moved (down positive), and what is outside."""
        upper, lower, opening, beside, arch, outside = self._columns
        awake = 1 - pose.blink
        # The lid follows the eye: looking down lowers it.
        shift = (0.7 * REACH[1] * pose.gaze_y - 0.04 * pose.widen) * awake
        drop = opening * f32(0.18 * pose.squint * awake) + beside * f32(0.86 * pose.blink)
        drop += arch * f32(shift + 0.008 * pose.blink)
        rise = opening * f32(-0.14 * pose.blink - 0.28 * pose.squint * awake)
        rise += arch * f32(0.010 * pose.widen * awake)
        return upper + drop, lower + rise, drop, rise, outside

    def _gazing(self, x: Array, y: Array, pose: EyePose) -> tuple[Array, Array]:
        """Where on the eyeball the points lie."""
        turn_x, turn_y = f32(pose.gaze_x * REACH[0]), f32(pose.gaze_y * REACH[1])
        away = cv2.magnitude(x - (self._iris[0] + turn_x), y - (self._iris[1] + turn_y))
        turned = 1 - ramp(f32(away), 1.15 * self._iris_radius, 2.7 * self._iris_radius)
        return x - turn_x * turned, y - turn_y * turned

    def _eyeball(self, texture: Texture) -> Texture:
        """The eye as if it had no lids, in a texture of its own."""
        frame = texture.frame
        box = self.box()
        corners = f32([[[box[i], box[j]] for i in (0, 2)] for j in (1, 3)])
        texels = texture.texels(corners).reshape(-1, 2)
        low = np.maximum(np.floor(texels.min(0)).astype(int) - 4, 0)
        high = np.ceil(texels.max(0)).astype(int) + 4
        crop = texture.rgba[low[1] : high[1], low[0] : high[0], :3]
        own = replace(frame, origin=frame.origin - f32(low / DENSITY))
        return Texture.of(self._without_lids(crop, Texture(crop, own).grid()), own)

    def _without_lids(self, crop: Image, local: Array) -> Image:
        x, y = local[..., 0], local[..., 1]
        inside = (x > self._left + 0.01) & (x < self._right - 0.01)
        # What lashes cover is not the eye; seen pixels stay as they are.
        seen = inside & (y > self._upper(x) + 3 * LASH) & (y < self._lower(x) - LASH)
        distance = f32(np.hypot(*np.moveaxis(local - self._iris, -1, 0)) / self._iris_radius)
        white = crop[seen & (distance > 1.2)]
        tone = np.percentile(white if len(white) > 12 else crop[seen], 60, axis=0)
        full = f32(crop).copy()
        below = ramp(y - self._iris[1], -0.06, 0.06)[..., None]
        full[~seen] = (f32(tone) * (0.78 + 0.17 * below))[~seen]
        self._complete_iris(full, seen, distance)
        soft = cv2.GaussianBlur(full, (0, 0), 1.2)
        keep = cv2.GaussianBlur(f32(seen), (0, 0), 0.8)[..., None]
        keep[seen] = 1.0
        return np.asarray((full * keep + soft * (1 - keep)).clip(0, 255), np.uint8)

    def _complete_iris(self, full: Array, seen: NDArray[np.bool_], distance: Array) -> None:
        """Fill what the lids hide of the iris with the median of what is seen at that radius."""
        rings = np.minimum((distance * 12).astype(np.intp), 13)
        hidden = ~seen & (distance < 1.08)
        for ring in range(14):
            fill = hidden & (rings == ring)
            sample = full[seen & (rings == ring)]
            if len(sample) >= 3 and fill.any():
                full[fill] = np.median(sample, 0) * 0.85
