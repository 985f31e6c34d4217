"""The portrait as a texture that can be sampled anywhere without losing sharpness."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from avatar.warp_fields import Array, Frame2D

Image = NDArray[np.uint8]
DENSITY = 2  # texels per pixel


def densify(rgb: Image) -> Image:
    """Twice the resolution by Lanczos, the original pixels staying what they are.

    Bilinear sampling of this costs as much as of the original, and a slow drift neither blurs nor
    shimmers.
    """
    height, width = rgb.shape[:2]
    halves = np.float32([[1 / DENSITY, 0, 0], [0, 1 / DENSITY, 0]])
    flags = cv2.INTER_LANCZOS4 | cv2.WARP_INVERSE_MAP
    size = (width * DENSITY, height * DENSITY)
    dense = cv2.warpAffine(rgb, halves, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    dense[::DENSITY, ::DENSITY] = rgb
    return np.asarray(dense, np.uint8)


@dataclass(frozen=True, slots=True, eq=False)
class Texture:
    """rgb: (H, W, C) uint8 of a picture at DENSITY; `frame` places the face in output pixels."""

    rgb: Image
    frame: Frame2D

    def texels(self, local: Array) -> Array:
        """(h, w, 2) face units to texel coordinates."""
        axes = self.frame.axes * np.float32(DENSITY)
        return np.asarray(local @ axes + self.frame.origin * np.float32(DENSITY), np.float32)

    def sample(self, local: Array) -> Image:
        """(h, w, 2) face units to (h, w, C) uint8."""
        found = cv2.remap(
            self.rgb, self.texels(local), None, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        return np.asarray(found, np.uint8)

    def grid(self) -> Array:
        """(H, W, 2) face units of every texel."""
        height, width = self.rgb.shape[:2]
        x, y = np.meshgrid(np.arange(width), np.arange(height))
        return self.frame.local(np.stack([x, y], -1).astype(np.float32) / DENSITY)


class Curve:
    """y over x, tabulated; outside its ends it stays constant."""

    def __init__(self, x: Array, y: Array, degree: int) -> None:
        """Fit a polynomial to points (n,) in face units."""
        self._start, self._end = float(x.min()), float(x.max())
        self._scale = 255 / (self._end - self._start)
        fit = np.polynomial.Polynomial.fit(x, y, degree)
        self._table = fit(np.linspace(self._start, self._end, 256)).astype(np.float32)

    def index(self, x: Array) -> NDArray[np.intp]:
        """Where each x (...,) stands in the table; one index serves curves of equal ends."""
        return np.clip((x - self._start) * self._scale, 0, 255).astype(np.intp)

    def __call__(self, x: Array) -> Array:
        """y at each x, (...,)."""
        return np.asarray(self._table[self.index(x)], np.float32)
