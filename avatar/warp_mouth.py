"""The parting mouth: two lips cut along their seam and what shows between them.

Works on points q in face units, h x w of them, that the rest of the face has already moved.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from avatar.warp_fields import Array, Face, lip_fields
from avatar.warp_source import Curve, Image, Texture
from avatar.warp_teeth import MouthInterior

GAP = 0.55  # aperture at gap 1, in face units
JAW = 0.30  # drop of the chin at jaw 1
STEP = 0.02  # of the local grid of fields


@dataclass(frozen=True, slots=True)
class Opening:
    """How far lips and jaw have moved, in face units (down positive for lower and jaw)."""

    upper: float
    lower: float
    jaw: float
    aperture: float

    def moves(self) -> Array:
        """(3,) strengths of the fields of `lip_fields`."""
        return np.float32([self.upper, self.lower, self.jaw])

    def rests(self) -> bool:
        """Whether the mouth is as in the portrait."""
        return max(abs(self.upper), abs(self.lower), abs(self.jaw)) < 1e-4


class Mouth:
    """The mouth of one portrait."""

    def __init__(self, texture: Texture, face: Face) -> None:
        self._skin = texture
        inner = face.points.group("lips_inner")
        upper, lower = inner[:11], np.concatenate([inner[10:], inner[:1]])
        thick = float(np.clip((lower[:, 1] - np.interp(lower[:, 0], upper[:, 0], upper[:, 1])).max(), 0, None))
        self.rest_gap = thick if thick > 0.035 else 0.0
        self._face = face
        self._upper, self._lower = self._edges(texture, upper, lower)
        fx, (mx, my) = face.half, face.mouth
        self.box = (mx - fx - 0.32, my - 0.42, mx + fx + 0.32, my + 0.42 + GAP)
        self._fields = self._local_fields()
        self._interior = MouthInterior(texture, face)

    def opening(self, gap: float, jaw: float, lift: float, tuck: float, close: float) -> Opening:
        """Resolve motion parameters: the lips part by `gap` alone, and not at all at close 1."""
        extra = 0.10 * max(lift, 0.0)
        free = 1.0 - min(max(close, 0.0), 1.0)
        wanted = self.rest_gap + GAP * max(gap, 0.0) + extra + 0.055 * tuck
        aperture = wanted * free
        rise = 0.22 * GAP * max(gap, 0.0) + extra + 0.05 * tuck
        # More than the aperture would drag the lower lip up along with it.
        rise = min(rise, 0.9 * aperture) * free
        drop = aperture - self.rest_gap - rise
        return Opening(rise, drop - JAW * jaw, JAW * jaw, aperture)

    def _edges(self, texture: Texture, upper: Array, lower: Array) -> tuple[Curve, Curve]:
        if self.rest_gap > 0:
            return Curve(upper[:, 0], upper[:, 1], 4), Curve(lower[:, 0], lower[:, 1], 4)
        x = np.linspace(upper[0, 0], upper[-1, 0], 33).astype(np.float32)
        order = lower[:, 0].argsort()
        middle = np.interp(x, upper[:, 0], upper[:, 1]) + np.interp(x, lower[order, 0], lower[order, 1])
        seam = self._darkest(texture, x, np.float32(middle / 2))
        curve = Curve(x, seam, 6)
        return curve, curve

    @staticmethod
    def _darkest(texture: Texture, x: Array, y: Array) -> Array:
        """Move the seam onto the dark line between the lips, where there is one."""
        offsets = np.linspace(-0.05, 0.05, 41).astype(np.float32)
        at = np.stack(np.broadcast_arrays(x, y + offsets[:, None]), -1).astype(np.float32)
        grey = cv2.cvtColor(texture.sample(at), cv2.COLOR_RGB2GRAY).astype(np.float32)
        cost = cv2.GaussianBlur(grey, (5, 3), 0) + 40 * (offsets[:, None] / 0.05) ** 2 * grey.std()
        return np.asarray(y + offsets[cost.argmin(0)], np.float32)

    def seam(self, x: Array) -> Array:
        """y of the middle of the lip line."""
        return (self._upper(x) + self._lower(x)) / 2

    def _local_fields(self) -> Array:
        x = np.arange(self.box[0] - 0.1, self.box[2] + 0.1, STEP, np.float32)
        y = np.arange(self.box[1] - 0.1, self.box[3] + 0.1, STEP, np.float32)
        at = np.stack(np.meshgrid(x, y), -1).astype(np.float32)
        self._corner = at[0, 0]
        return np.stack(lip_fields(self._face, self.seam(at[..., 0]), at), 0)

    def _moves(self, q: Array, opening: Opening) -> tuple[Array, Array]:
        """Vertical movement of the upper and of the lower lip at each point."""
        upper, lower, jaw = self._fields
        both = np.stack(
            [upper * np.float32(opening.upper),
             lower * np.float32(opening.lower) + jaw * np.float32(opening.jaw)], -1,
        )  # fmt: skip
        at = (q - self._corner) / np.float32(STEP)
        found = cv2.remap(both, at, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE)
        return found[..., 0], found[..., 1]

    def outer_fields(self, at: Array) -> Array:
        """(3, ...) `lip_fields` for the face around the lips, each on its own side of the seam."""
        seam = self.seam(at[..., 0])
        upper, lower, jaw = lip_fields(self._face, seam, at)
        above = at[..., 1] < seam
        parts = (np.where(above, upper, 0), np.where(above, 0, lower), np.where(above, 0, jaw))
        return np.stack(parts).astype(np.float32)

    def render(self, q: Array, opening: Opening, tongue: float) -> Image:
        """(h, w, 2) points to (h, w, 3) uint8; tongue in [0, 1] lifts its tip."""
        x, y = q[..., 0], q[..., 1]
        sharpness = np.float32(self._skin.frame.unit)
        up, down = self._moves(q, opening)
        y_upper, y_lower = y - up, y - down
        above = np.clip(0.5 + (self._upper(x) - y_upper) * sharpness, 0, 1)
        below = np.clip(0.5 + (y_lower - self._lower(x)) * sharpness, 0, 1)
        inside = np.clip(1 - above - below, 0, 1)
        inside *= min(1.0, opening.aperture / 0.015)
        share = above / np.maximum(above + below, 1e-3)
        skin = self._lips(q, (y_upper, y_lower), share)
        if opening.aperture <= 0:
            return np.asarray(skin + 0.5, np.uint8)
        depth = y_upper - self._upper(x)  # how far beneath the upper lip
        between = self._interior.render(q, depth, (opening.jaw + opening.lower, tongue, opening.aperture))
        mixed = skin + (between - skin) * inside[..., None]
        return np.asarray(np.clip(mixed + 0.5, 0, 255), np.uint8)

    def _lips(self, q: Array, rows: tuple[Array, Array], share: Array) -> Array:
        upper = self._skin.sample(np.stack([q[..., 0], rows[0]], -1)).astype(np.float32)
        lower = self._skin.sample(np.stack([q[..., 0], rows[1]], -1)).astype(np.float32)
        return np.asarray(lower + (upper - lower) * share[..., None], np.float32)
