"""The inside of a mouth, painted once for each portrait: cavity, tongue, two rows of teeth."""

import cv2
import numpy as np

from avatar.warp_fields import Array, Face, ramp
from avatar.warp_source import Image, Texture

PAINT = 160  # texels per face unit
# Width of each tooth from the middle outwards, as share of half the mouth.
UPPER_TEETH = (0.27, 0.21, 0.20, 0.15, 0.12, 0.10)
LOWER_TEETH = (0.17, 0.18, 0.19, 0.16, 0.14, 0.12)
ENAMEL = (236.0, 226.0, 210.0)
GUM = (150.0, 82.0, 80.0)
TONGUE = (168.0, 88.0, 86.0)
CAVITY = (52.0, 22.0, 22.0)


class MouthInterior:
    """What shows between the lips of one portrait, lit like its face."""

    def __init__(self, texture: Texture, face: Face) -> None:
        self._mouth, self._half = face.mouth, face.half
        self._light = self._brightness(texture, face)
        self._extent = np.float32([1.3 * face.half, 0.62])
        self._upper = self._paint_upper()
        self._lower = self._paint_lower()
        self._tongue = self._paint_tongue()

    @staticmethod
    def _brightness(texture: Texture, face: Face) -> Array:
        """(3,) tint: the light on the face, from the brighter skin around the mouth."""
        mx, my = face.mouth
        cheeks = np.float32([[[mx + dx, my + dy] for dx in np.linspace(-0.5, 0.5, 9)]
                             for dy in np.linspace(-0.5, -0.2, 5)])  # fmt: skip
        skin = texture.sample(cheeks).reshape(-1, 3).astype(np.float32)
        bright = float(np.percentile(skin.mean(1), 80)) / 255
        # Dark skin is dark by pigment too: light falls off far less than its tone.
        return np.full(3, np.clip(0.42 + 0.62 * bright, 0.45, 0.95), np.float32)

    def _canvas(self) -> tuple[Array, Array, Array]:
        width, height = (int(v) for v in 2 * self._extent * PAINT)
        x, y = np.meshgrid(np.arange(width), np.arange(height))
        at_x = (x / PAINT - self._extent[0]) / self._half
        return at_x.astype(np.float32), (y / PAINT - self._extent[1]).astype(np.float32), np.zeros(
            (height, width, 4), np.float32
        )

    def _row(self, widths: tuple[float, ...], edge: float, length: float, up: bool) -> Image:
        """One row of teeth; edge: y of the biting edge, length: of the crowns."""
        x, y, out = self._canvas()
        along, start = np.abs(x), 0.0
        y = y if up else -y
        edge = edge if up else -edge
        alpha = np.zeros_like(x)
        shade = np.ones_like(x)
        for number, width in enumerate(widths):
            middle, half = start + width / 2, width / 2
            t = (along - middle) / half
            # Corners are round, canines a little longer; rows bend up towards the sides.
            bite = edge - 0.018 * start**2 + (0.006 if number == 2 else 0.0) - 0.016 * np.abs(t) ** 4
            inside = (np.abs(t) <= 1) & (y < bite) & (y > bite - length)
            alpha = np.where(inside, 1.0, alpha)
            body = 1 - 0.10 * np.abs(t) ** 3
            shade = np.where(np.abs(t) <= 1, body * (1 - 0.55 * ramp(np.abs(middle + 0 * t), 0.25, 1.05)), shade)
            start += width
        gum = ramp(edge - length * 0.8 - y, -0.01, 0.05)[..., None]
        colour = np.float32(ENAMEL) * (1 - gum) + np.float32(GUM) * gum
        out[..., :3] = colour * shade[..., None] * self._light
        alpha = np.where((y <= edge - length) & (along < start), 1.0, alpha)
        out[..., 3] = alpha * 255 * (1 - ramp(along, 0.75, 1.0))
        soft = cv2.GaussianBlur(out, (0, 0), 1.1)
        return np.asarray(np.clip(soft, 0, 255), np.uint8)

    def _paint_upper(self) -> Image:
        return self._row(UPPER_TEETH, 0.055, 0.16, True)

    def _paint_lower(self) -> Image:
        return self._row(LOWER_TEETH, -0.01, 0.12, False)

    def _paint_tongue(self) -> Image:
        x, y, out = self._canvas()
        top = 0.06 + 0.16 * (x / 0.8) ** 2
        groove = 1 - 0.18 * np.exp(-((x / 0.08) ** 2))
        light = groove * (0.55 + 0.35 * ramp(y - top, 0.0, 0.12))
        out[..., :3] = np.float32(TONGUE) * light[..., None] * self._light * 0.85
        out[..., 3] = 255 * ramp(y - top, -0.01, 0.03) * (1 - ramp(np.abs(x), 0.6, 0.85))
        return np.asarray(np.clip(cv2.GaussianBlur(out, (0, 0), 2), 0, 255), np.uint8)

    def _look(self, image: Image, q: Array, shift: float) -> tuple[Array, Array]:
        at = (q - self._mouth + self._extent - np.float32([0, shift])) * np.float32(PAINT)
        found = cv2.remap(image, at, None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_CONSTANT)
        pixels = found.astype(np.float32)
        return pixels[..., :3], pixels[..., 3:] * np.float32(1 / 255)

    def render(self, q: Array, depth: Array, state: tuple[float, float, float]) -> Array:
        """(h, w, 3) float32 colours at points q (h, w, 2).

        depth: (h, w) how far each point lies beneath the edge of the upper lip, in face units.
        state: drop of the lower lip (face units), lift of the tongue, aperture (face units).
        """
        across = np.abs(q[..., 0] - self._mouth[0]) / self._half
        hollow = (1 - 0.5 * ramp(depth, 0.05, 0.3)) * (1 - 0.5 * across)
        colour = np.float32(CAVITY) * (hollow[..., None] * self._light)
        floor, tongue, aperture = state
        layers = (
            (self._tongue, 0.75 * floor + 0.05 - 0.12 * tongue),
            (self._lower, floor + 0.055),
            (self._upper, 0.0),
        )
        for image, shift in layers:
            pixels, alpha = self._look(image, q, shift)
            colour = colour + (pixels - colour) * alpha
        # The lips keep the light out: dark right beneath the upper lip and in a narrow slit.
        shadow = 0.5 + 0.5 * ramp(depth, -0.01, 0.09)
        slit = 0.62 + 0.38 * min(1.0, aperture / 0.16)
        return np.asarray(colour * (shadow * slit)[..., None], np.float32)
