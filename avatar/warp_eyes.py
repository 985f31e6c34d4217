"""One eye: lids that close over it and an iris that turns beneath them.

Works on points q in face units, h x w of them, that the rest of the face has already moved.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numpy.typing import NDArray

from avatar.motion import INDEX, Vector, f32
from avatar.warp_fields import Array, Face, ramp
from avatar.warp_source import DENSITY, Curve, Image, Texture

LASH = 0.006  # the lash line hangs this far below the upper lid, in face units
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
        ends = points[[0, 8]]
        upper, lower = points[:9], np.concatenate([points[8:], points[:1]])
        self._upper = Curve(upper[:, 0], upper[:, 1], 4)
        self._lower = Curve(lower[:, 0], lower[:, 1], 4)
        self._left, self._right = float(ends[:, 0].min()), float(ends[:, 0].max())
        iris = face.points.group(f"{side}_iris")
        self._iris = iris[0]
        self._iris_radius = float(np.hypot(*(iris[1:] - iris[0]).T).mean())
        brow = face.points.group(f"{side}_brow")[:5, 1].mean()
        self._lid = float(np.clip(upper[:, 1].min() - brow - 0.06, 0.16, 0.34))
        self.box = (
            self._left - 0.05, float(upper[:, 1].min()) - self._lid - 0.03,
            self._right + 0.05, float(lower[:, 1].max()) + 0.25,
        )  # fmt: skip
        self._skin = texture
        self._ball = self._eyeball(texture)

    def render(self, q: Array, pose: EyePose) -> Image:
        """(h, w, 2) points to (h, w, 3) uint8."""
        x, y = q[..., 0], q[..., 1]
        upper, lower, drop, rise = self._lids(x, pose)
        sharpness = f32(self._skin.frame.unit)
        over = (0.5 + (upper + LASH - y) * sharpness).clip(0, 1)
        under = (0.5 + (y - lower) * sharpness).clip(0, 1)
        # Next to the edge the lid moves as a whole (lashes keep their width); its skin stretches.
        above = drop * (1 - ramp((upper - y) / (f32(self._lid) + np.abs(drop)), 0.05, 1.0))
        beneath = rise * (1 - ramp(y - lower, 0.01, 0.24))
        outside = np.maximum(1 - ramp(x, self._left - 0.01, self._left + 0.02),
                             ramp(x, self._right - 0.02, self._right + 0.01))  # fmt: skip
        if not pose.moves_lower_lid():
            above = np.where(y < lower, above, 0)
        skin = f32(self._skin.sample(np.dstack([x, y - above])))
        if pose.moves_lower_lid():
            below = f32(self._skin.sample(np.dstack([x, y - beneath])))
            share = under / (over + under).clip(1e-3)
            skin += (below - skin) * share[..., None]
        ball = f32(self._ball.sample(self._gazing(q, pose)))
        weight = np.maximum(over + under, outside).clip(0, 1)
        ball += (skin - ball) * weight[..., None]
        return np.asarray(ball + f32(0.5), np.uint8)

    def _lids(self, x: Array, pose: EyePose) -> tuple[Array, Array, Array, Array]:
        """Moved lid lines and by how much each moved (down positive)."""
        upper, lower = self._upper(x), self._lower(x)
        t = (x - f32((self._left + self._right) / 2)) * f32(2 / (self._right - self._left))
        arch = (1 - t * t).clip(0)
        opening = np.where(arch > 0, lower - upper, 0).clip(0)
        # A falling lid takes the skin beside the corners along.
        middle = f32((self._left + self._right) / 2)
        near = middle + (x - middle) * f32(0.86)
        beside = np.where(np.abs(t) < 1.16, self._lower(near) - self._upper(near), 0).clip(0)
        awake = 1 - pose.blink
        # The lid follows the eye: looking down lowers it.
        shift = (0.7 * REACH[1] * pose.gaze_y - 0.04 * pose.widen) * awake
        drop = opening * f32(0.18 * pose.squint * awake) + beside * f32(0.86 * pose.blink)
        drop += arch * f32(shift + 0.008 * pose.blink)
        rise = opening * f32(-0.14 * pose.blink - 0.28 * pose.squint * awake)
        rise += arch * f32(0.010 * pose.widen * awake)
        return f32(upper + drop), f32(lower + rise), f32(drop), f32(rise)

    def _gazing(self, q: Array, pose: EyePose) -> Array:
        turn = f32([pose.gaze_x * REACH[0], pose.gaze_y * REACH[1]])
        away = q - (self._iris + turn)
        distance = np.hypot(away[..., 0], away[..., 1]) * f32(1 / self._iris_radius)
        return f32(q - turn * (1 - ramp(distance, 1.15, 2.7))[..., None])

    def _eyeball(self, texture: Texture) -> Texture:
        """The eye as if it had no lids, in a texture of its own."""
        frame = texture.frame
        corners = f32([[[self.box[i], self.box[j]] for i in (0, 2)] for j in (1, 3)])
        texels = texture.texels(corners).reshape(-1, 2)
        low = np.maximum(np.floor(texels.min(0)).astype(int) - 4, 0)
        high = np.ceil(texels.max(0)).astype(int) + 4
        crop = texture.rgb[low[1] : high[1], low[0] : high[0]]
        own = replace(frame, origin=frame.origin - f32(low / DENSITY))
        return Texture(self._without_lids(crop, Texture(crop, own).grid()), own)

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
