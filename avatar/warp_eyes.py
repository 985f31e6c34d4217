"""One eye: lids that close over it and an iris that turns beneath them.

Works on points q in face units, h x w of them, that the rest of the face has already moved.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np

from avatar.motion import INDEX, Vector
from avatar.warp_fields import Array, Face, ramp
from avatar.warp_source import DENSITY, Curve, Image, Texture

LASH = 0.02  # the lash line hangs this far below the upper lid, in face units
REACH = (0.105, 0.055)  # how far the iris travels at gaze 1, in face units


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


def eye_poses(motion: Vector) -> tuple[EyePose, EyePose]:
    """The poses of the right and the left eye."""
    at = INDEX
    return tuple(  # type: ignore[return-value]
        EyePose(
            *(float(motion[at[f"{name}_{side}"]]) for name in ("blink", "widen", "squint")),
            float(motion[at["gaze_x"]]),
            float(motion[at["gaze_y"]]),
        )
        for side in ("r", "l")
    )


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
            self._left - 0.05, float(upper[:, 1].min()) - self._lid - 0.12,
            self._right + 0.05, float(lower[:, 1].max()) + 0.28,
        )  # fmt: skip
        self._skin = texture
        self._ball = self._eyeball(texture)

    def render(self, q: Array, pose: EyePose) -> Image:
        """(h, w, 2) points to (h, w, 3) uint8."""
        x, y = q[..., 0], q[..., 1]
        sharpness = np.float32(self._skin.frame.unit)
        upper, lower, drop, rise = self._lids(x, pose)
        over = np.clip(0.5 + (upper + LASH - y) * sharpness, 0, 1)
        under = np.clip(0.5 + (y - lower) * sharpness, 0, 1) * (1 - over)
        skin = self._skin.sample(self._skin_source(q, (upper, lower, drop, rise), over))
        ball = self._ball.sample(self._gazing(q, pose))
        weight = (over + under)[..., None]
        return np.asarray(ball + (skin - ball.astype(np.float32)) * weight + 0.5, np.uint8)

    def _lids(self, x: Array, pose: EyePose) -> tuple[Array, Array, Array, Array]:
        """Moved lid lines and by how much each moved (down positive)."""
        upper, lower = self._upper(x), self._lower(x)
        inside = (x > self._left) & (x < self._right)
        opening = np.where(inside, np.maximum(lower - upper, 0), 0).astype(np.float32)
        t = (2 * x - self._left - self._right) / (self._right - self._left)
        arch = np.clip(1 - t * t, 0, None)
        # The lid follows the eye: looking down lowers it.
        follow = REACH[1] * pose.gaze_y * 0.7 * (1 - pose.blink)
        narrow = 0.16 * pose.squint * (1 - pose.blink)
        drop = opening * (0.86 * pose.blink + narrow)
        drop += arch * (follow - 0.055 * pose.widen * (1 - pose.blink))
        rest = opening - drop
        rise = -np.minimum(opening * (0.14 * pose.blink + 0.26 * pose.squint), np.maximum(rest, 0))
        rise += arch * 0.012 * pose.widen
        return upper + drop, lower + rise, drop, rise

    def _skin_source(self, q: Array, lids: tuple[Array, Array, Array, Array], over: Array) -> Array:
        upper, lower, drop, rise = lids
        y = q[..., 1]
        # Next to the edge the lid moves as a whole (lashes keep their width); its skin stretches.
        above = drop * (1 - ramp((upper - y) / (self._lid + np.abs(drop)), 0.06, 1.0))
        beneath = rise * (1 - ramp(y - lower, 0.01, 0.24))
        return np.stack([q[..., 0], y - np.where(over > 0.5, above, beneath)], -1)

    def _gazing(self, q: Array, pose: EyePose) -> Array:
        turn = np.float32([pose.gaze_x * REACH[0], pose.gaze_y * REACH[1]])
        away = q - (self._iris + turn)
        distance = np.sqrt((away**2).sum(-1)) / self._iris_radius
        return np.asarray(q - turn * (1 - ramp(distance, 1.15, 2.7))[..., None], np.float32)

    def _eyeball(self, texture: Texture) -> Texture:
        """The eye as if it had no lids, in a texture of its own."""
        frame = texture.frame
        corners = np.float32([[self.box[i], self.box[j]] for i in (0, 2) for j in (1, 3)])
        texels = texture.texels(corners)
        low = np.maximum(np.floor(texels.min(0)).astype(int) - 4, 0)
        high = np.ceil(texels.max(0)).astype(int) + 4
        crop = texture.rgb[low[1] : high[1], low[0] : high[0]].copy()
        own = replace(frame, origin=frame.origin - low.astype(np.float32) / DENSITY)
        local = Texture(crop, own).grid()
        crop = self._without_lids(crop, local)
        return Texture(crop, own)

    def _without_lids(self, crop: Image, local: Array) -> Image:
        x, y = local[..., 0], local[..., 1]
        inside = (x > self._left + 0.01) & (x < self._right - 0.01)
        seen = inside & (y > self._upper(x) + LASH) & (y < self._lower(x) - 0.012)
        distance = np.hypot(x - self._iris[0], y - self._iris[1]) / self._iris_radius
        white = seen & (distance > 1.2)
        pixels = crop[white] if white.sum() > 12 else crop[seen]
        tone = np.median(pixels, 0) if len(pixels) else np.float32([200, 195, 190])
        full = crop.astype(np.float32)
        full[~seen] = tone * 0.82
        self._complete_iris(full, seen, distance)
        soft = cv2.GaussianBlur(full, (0, 0), 1.5)
        keep = cv2.GaussianBlur(seen.astype(np.float32), (0, 0), 0.8)[..., None]
        keep[seen] = 1.0
        return np.asarray(np.clip(crop * keep + soft * (1 - keep), 0, 255), np.uint8)

    def _complete_iris(self, full: Array, seen: Array, distance: Array) -> None:
        """Fill what the lids hide of the iris with the mean of what is seen at that radius."""
        rings = np.minimum((distance * 12).astype(np.intp), 13)
        hidden = ~seen & (distance < 1.08)
        for ring in range(14):
            here = rings == ring
            sample = full[here & seen]
            fill = hidden & here
            if len(sample) >= 3 and fill.any():
                full[fill] = sample.mean(0) * 0.85
