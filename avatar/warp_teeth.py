"""The inside of a mouth, painted once for each portrait: cavity, tongue, two rows of teeth."""

from dataclasses import dataclass

import cv2
import numpy as np

from avatar.motion import f32
from avatar.warp_fields import Array, Face, ramp
from avatar.warp_source import Image, Texture, blend, look_up_lattice

PAINT = 160  # texels per face unit
# Width of each tooth from the middle outwards, as share of half the mouth.
UPPER_TEETH = (0.29, 0.22, 0.20, 0.13, 0.10, 0.08)
LOWER_TEETH = (0.18, 0.18, 0.19, 0.15, 0.12, 0.10)
ENAMEL = f32([242, 234, 220])
GUM = f32([168, 96, 92])
TONGUE = f32([178, 92, 90])
CAVITY = f32([58, 24, 24])


@dataclass(frozen=True, slots=True)
class Look:
    """State of the mouth that matters inside: drop of the lower lip and aperture in face units,
    tip of the tongue raised and lips rounded in [0, 1]."""

    drop: float
    aperture: float
    tongue: float
    rounded: float


class MouthInterior:
    """What shows between the lips of one portrait, lit like its face."""

    def __init__(self, texture: Texture, face: Face) -> None:
        self._mouth, self._half = face.mouth, f32(face.half)
        self._light = self._lighting(texture, face)
        self._extent = f32([1.15 * face.half, 0.45])
        self._upper = self._paint_row(UPPER_TEETH, 0.05, 0.17)
        self._lower = self._paint_row(LOWER_TEETH, 0.02, 0.13)[::-1].copy()
        self._tongue = self._paint_tongue()

    def render(self, q: Array, depth: Array, look: Look) -> Image:
        """(h, w, 4) uint8 at points q (h, w, 2).

        depth: (h, w) how far each point lies beneath the edge of the upper lip, in face units.
        """
        across = np.abs(q[..., 0] - self._mouth[0]) / self._half
        hollow = (1 - 0.55 * ramp(depth, 0.04, 0.28)) * (1 - 0.5 * across.clip(0, 1))
        dark = cv2.merge([hollow * tone for tone in (*(CAVITY * self._light), 0)])
        colour = np.asarray(dark, np.uint8)
        # The tongue rests behind the lower lip; rounded lips reach out beyond the teeth.
        lift = 0.085 + 0.09 * look.tongue
        layers = (
            (self._tongue, look.drop - lift),
            (self._lower, look.drop + 0.045),
            (self._upper, -0.06 * max(look.rounded, 0.0)),
        )
        for image, shift in layers:
            pixels = self._look(image, q, shift)
            colour = blend(colour, pixels, pixels[..., 3] * f32(1 / 255))
        # The lips keep the light out: dark beneath the upper lip, in a slit and far aside.
        shade = 0.5 + 0.5 * ramp(depth, -0.012, 0.075)
        slit = 0.78 + 0.22 * min(1.0, look.aperture / 0.14) - 0.22 * max(look.rounded, 0.0)
        shade *= f32(slit) * (1 - 0.45 * ramp(across, 0.45, 1.0))
        return np.asarray(cv2.multiply(colour, cv2.merge([shade] * 4), dtype=cv2.CV_8U), np.uint8)

    @staticmethod
    def _lighting(texture: Texture, face: Face) -> Array:
        """(3,) light on the face, from the brighter skin around the mouth."""
        mx, my = face.mouth
        x, y = np.meshgrid(np.linspace(mx - 0.5, mx + 0.5, 9), np.linspace(my - 0.5, my - 0.2, 5))
        skin = f32(texture.sample(f32(np.stack([x, y], -1)))[..., :3]).reshape(-1, 3)
        tone = np.percentile(skin, 80, axis=0)
        bright = float(tone.mean()) / 255
        # Dark skin is dark by pigment: the light on it differs far less than its tone.
        warm = 1 + 0.12 * (tone / tone.mean().clip(1) - 1)
        return f32(np.clip(0.62 + 0.42 * bright, 0.6, 1.0) * warm)

    def _canvas(self) -> tuple[Array, Array]:
        """x in halves of the mouth and y in face units of each texel."""
        width, height = (int(v) for v in 2 * self._extent * PAINT)
        x, y = np.meshgrid(np.arange(width), np.arange(height))
        across = (x / PAINT - self._extent[0]) / self._half
        return f32(across), f32(y / PAINT - self._extent[1])

    def _paint_row(self, widths: tuple[float, ...], edge: float, length: float) -> Image:
        """A row of upper teeth; edge: y of the biting edge, length: of the crowns."""
        x, y = self._canvas()
        along = np.abs(x)
        borders = np.cumsum((0.0, *widths))
        number = np.clip(np.searchsorted(borders, along, side="right") - 1, 0, len(widths) - 1)
        width = f32(widths)[number]
        t = (along - f32(borders)[number]) / width * 2 - 1
        # Rounded corners; laterals a little shorter; the row rises towards the sides.
        bite = edge - 0.02 * along**2 - 0.02 * np.abs(t) ** 3.5 - 0.008 * (number == 1)
        crown = 1 - 0.12 * np.abs(t) ** 4 - 0.10 * ramp(y - bite, -0.05, 0.0)
        crown *= 1 - 0.14 * ramp(bite - length * 0.5 - y, -0.02, 0.08)
        gum = ramp(edge - length - 0.03 * np.abs(t) ** 2 - y, -0.012, 0.012)[..., None]
        colour = (ENAMEL * (1 - gum) + GUM * gum) * crown[..., None]
        alpha = ramp(bite - y, -0.006, 0.006) * (1 - ramp(along, 0.85, 1.1))
        return self._finish(colour, alpha)

    def _paint_tongue(self) -> Image:
        x, y = self._canvas()
        top = 0.14 * (x / 0.8) ** 2
        groove = 1 - 0.15 * np.exp(-((x / 0.09) ** 2))
        light = groove * (0.5 + 0.32 * ramp(y - top, -0.02, 0.10))
        alpha = ramp(y - top, -0.03, 0.03) * (1 - ramp(np.abs(x), 0.55, 0.85))
        return self._finish(TONGUE * light[..., None], alpha)

    def _finish(self, colour: Array, alpha: Array) -> Image:
        layer = np.dstack([colour * self._light, alpha * 255])
        return np.asarray(cv2.GaussianBlur(layer, (0, 0), 1.0).clip(0, 255), np.uint8)

    def _look(self, image: Image, q: Array, shift: float) -> Image:
        x, y = (self._mouth - self._extent).tolist()
        return look_up_lattice(image, q, (x, y + shift), 1 / PAINT)
