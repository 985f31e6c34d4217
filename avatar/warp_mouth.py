"""The parting mouth: two lips cut along their seam and what shows between them.

Works on points q in face units, h x w of them, that the rest of the face has already moved.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from avatar.motion import f32
from avatar.warp_fields import Array, Face, lattice, lip_fields
from avatar.warp_source import Curve, Image, Texture, blend, bounds, look_up_lattice
from avatar.warp_teeth import Look, MouthInterior

GAP = 0.55  # aperture at gap 1, in face units
JAW = 0.30  # drop of the chin at jaw 1
STEP = 0.02  # of the local grid of fields
OPEN_AT_REST = 0.035  # lips further apart than this show an open mouth in the portrait


@dataclass(frozen=True, slots=True)
class Opening:
    """How far the lips have moved, in face units: upper up, lower and jaw down."""

    upper: float
    lower: float
    jaw: float
    aperture: float

    @property
    def moves(self) -> Array:
        """(3,) strengths of the fields of `lip_fields`."""
        return f32([self.upper, self.lower, self.jaw])

    @property
    def stretch(self) -> float:
        """How far jaw or lips pull the corners along, 1 being as far as they go."""
        return min(1.0, max(self.aperture / GAP, 0.8 * self.jaw / JAW))

    def rests(self) -> bool:
        """Whether the mouth is as in the portrait."""
        return max(abs(self.upper), abs(self.lower), abs(self.jaw)) < 1e-4


class Mouth:
    """The mouth of one portrait."""

    def __init__(self, texture: Texture, face: Face) -> None:
        self._skin, self._face = texture, face
        inner = face.points.group("lips_inner")
        upper, lower = inner[:11], np.concatenate([inner[10:], inner[:1]])[::-1]
        apart = np.interp(upper[:, 0], lower[:, 0], lower[:, 1]) - upper[:, 1]
        self._rest_gap = float(apart.max()) if apart.max() > OPEN_AT_REST else 0.0
        self._upper, self._lower = self._edges(upper, lower)
        half, (mx, my) = face.half, (float(v) for v in face.mouth)
        self._box = (mx - half - 0.28, my - 0.42, mx + half + 0.28, my + 0.36)
        left, top, right, bottom = self._box
        at = lattice((left - 0.3, top - 0.3, right + 0.3, bottom + GAP + JAW), STEP)
        self._corner = (left - 0.3, top - 0.3)
        upper_lip, lower_lip, jaw = lip_fields(face, self.seam(at[..., 0]), at)
        self._fields = np.stack([upper_lip, lower_lip, jaw, np.zeros_like(jaw)], -1)
        self._interior = MouthInterior(texture, face)

    def opening(self, gap: float, jaw: float, upper: float, tuck: float, close: float) -> Opening:
        """Resolve motion parameters: the lips part by `gap` alone, and not at all at close 1."""
        free = 1.0 - min(max(close, 0.0), 1.0)
        lift = 0.10 * max(upper, 0.0)
        parted = GAP * max(gap, 0.0)
        aperture = (self._rest_gap + parted + lift + 0.045 * max(tuck, 0.0)) * free
        rise = (0.26 * parted + lift + 0.06 * max(tuck, 0.0)) * free
        return Opening(rise, aperture - self._rest_gap - rise - JAW * jaw, JAW * jaw, aperture)

    def box(self, opening: Opening) -> tuple[float, float, float, float]:
        """left, top, right, bottom of what `render` must draw."""
        left, top, right, bottom = self._box
        return left, top, right, bottom + max(opening.aperture, opening.jaw)

    def seam(self, x: Array) -> Array:
        """y of the middle of the lip line."""
        return f32((self._upper(x) + self._lower(x)) / 2)

    def outer_fields(self, at: Array) -> Array:
        """(3, ...) `lip_fields` for the face around the lips, each on its own side of the seam."""
        seam = self.seam(at[..., 0])
        upper, lower, jaw = lip_fields(self._face, seam, at)
        above = at[..., 1] < seam
        return f32([np.where(above, upper, 0), np.where(above, 0, lower), np.where(above, 0, jaw)])

    def render(self, q: Array, opening: Opening, shape: tuple[float, float]) -> Image:
        """(h, w, 2) points to (h, w, 4) uint8; shape: tip of the tongue up, lips rounded."""
        sharpness = f32(self._skin.frame.unit)
        x, y = q[..., 0].copy(), q[..., 1].copy()
        up, down = self._moves(q, opening)
        raised, lowered = y - up, y - down
        edge_upper = self._upper(x)
        edge_lower = edge_upper if self._lower is self._upper else self._lower(x)
        above = ((edge_upper - raised) * sharpness + f32(0.5)).clip(0, 1)
        below = ((lowered - edge_lower) * sharpness + f32(0.5)).clip(0, 1)
        covered = above + below
        upper, lower = (self._skin.sample_at(x, moved) for moved in (raised, lowered))
        out = blend(lower, upper, above / np.maximum(covered, f32(1e-3)))
        # Nearly shut, a slit fades instead of narrowing below a pixel.
        inside = (1 - covered).clip(0, 1) * f32(min(1.0, opening.aperture / 0.015))
        part = bounds(inside)
        if part:
            depth = (raised - edge_upper)[part]
            look = Look(opening.jaw + opening.lower, opening.aperture, *shape)
            between = self._interior.render(q[part], depth, look)
            if self._rest_gap > 0:
                between = self._keep_own_teeth(between, x[part], y[part])
            out[part] = blend(out[part], between, inside[part])
        return out

    def _keep_own_teeth(self, between: Image, x: Array, y: Array) -> Image:
        """A mouth open in the portrait shows what is there, not what we paint."""
        sharpness = f32(self._skin.frame.unit)
        own = (0.5 + (y - self._upper(x)) * sharpness).clip(0, 1)
        own *= (0.5 + (self._lower(x) - 0.02 - y) * sharpness).clip(0, 1)
        return blend(between, self._skin.sample_at(x, y), own)

    def _edges(self, upper: Array, lower: Array) -> tuple[Curve, Curve]:
        if self._rest_gap > 0:
            return Curve(upper[:, 0], upper[:, 1], 4), Curve(lower[:, 0], lower[:, 1], 4)
        x = f32(np.linspace(upper[0, 0], upper[-1, 0], 33))
        middle = np.interp(x, upper[:, 0], upper[:, 1]) + np.interp(x, lower[:, 0], lower[:, 1])
        seam = Curve(x, self._darkest(x, f32(middle / 2)), 6)
        return seam, seam

    def _darkest(self, x: Array, y: Array) -> Array:
        """Move the seam onto the dark line between the lips, where there is one."""
        offsets = f32(np.linspace(-0.05, 0.05, 41))[:, None]
        at = f32(np.stack(np.broadcast_arrays(x, y + offsets), -1))
        grey = f32(cv2.cvtColor(self._skin.sample(at), cv2.COLOR_RGBA2GRAY))
        cost = cv2.GaussianBlur(grey, (5, 3), 0) + grey.std() * (offsets / f32(0.05)) ** 2
        best: Array = y + offsets[cost.argmin(0), 0]
        return best

    def _moves(self, q: Array, opening: Opening) -> tuple[Array, Array]:
        """Vertical movement of the upper and of the lower lip at each point."""
        found = look_up_lattice(self._fields, q, self._corner, STEP)
        upper, lower, jaw, _ = cv2.split(found)
        down = lower * f32(opening.lower) + jaw * f32(opening.jaw)
        return upper * f32(opening.upper), down
