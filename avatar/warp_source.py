"""The portrait as a texture that can be sampled anywhere without losing sharpness.

Textures have a fourth channel that means nothing: OpenCV samples four bytes at once more than
twice as fast as three.
"""

from dataclasses import dataclass
from typing import Any, TypeVar, cast

import cv2
import numpy as np
from numpy.typing import NDArray

from avatar.motion import f32
from avatar.warp_fields import Array, Frame2D

Image = NDArray[np.uint8]
_T = TypeVar("_T", np.uint8, np.float32)
DENSITY = 2  # texels per pixel
_NO_MAP: Any = None  # both coordinates are in the first map


def densify(rgb: Image) -> Image:
    """Twice the resolution by Lanczos, the original pixels staying what they are.

    Bilinear sampling of this costs as much as of the original, and a slow drift neither blurs nor
    shimmers.
    """
    height, width = rgb.shape[:2]
    halves = f32([[1 / DENSITY, 0, 0], [0, 1 / DENSITY, 0]])
    flags = cv2.INTER_LANCZOS4 | cv2.WARP_INVERSE_MAP
    size = (width * DENSITY, height * DENSITY)
    dense = cv2.warpAffine(rgb, halves, size, flags=flags, borderMode=cv2.BORDER_REPLICATE)
    dense[::DENSITY, ::DENSITY] = rgb
    return np.asarray(dense, np.uint8)


def look_up(image: NDArray[_T], at: Array, *, repeat_edge: bool = True) -> NDArray[_T]:
    """Bilinear (H, W, C) at pixel coordinates (h, w, 2); beyond the edge it repeats or is 0."""
    border = cv2.BORDER_REPLICATE if repeat_edge else cv2.BORDER_CONSTANT
    found = cv2.remap(image, at, _NO_MAP, cv2.INTER_LINEAR, borderMode=border)
    return cast("NDArray[_T]", found)


def look_up_lattice(
    image: NDArray[_T], at: Array, corner: tuple[float, float], step: float, *, repeat: bool = True
) -> NDArray[_T]:
    """As `look_up` for points `step` apart from `corner`, in the units of `at`."""
    x, y = corner
    cells = cv2.transform(at, f32([[1, 0, -x], [0, 1, -y]]) / f32(step))
    return look_up(image, f32(cells), repeat_edge=repeat)


def blend(first: Image, second: Image, share: Array) -> Image:
    """(h, w, 4) of two pictures; share: (h, w) in [0, 1] of the second."""
    return np.asarray(cv2.blendLinear(second, first, share, 1 - share), np.uint8)


def bounds(share: Array) -> tuple[slice, slice] | None:
    """Rows and columns that hold all of (h, w) that is not 0; None if nothing is."""
    rows, columns = np.flatnonzero(share.any(1)), np.flatnonzero(share.any(0))
    if not len(rows):
        return None
    return slice(rows[0], rows[-1] + 1), slice(columns[0], columns[-1] + 1)


@dataclass(frozen=True, slots=True, eq=False)
class Texture:
    """rgba: (H, W, 4) uint8 of a picture at DENSITY; `frame` places the face in output pixels."""

    rgba: Image
    frame: Frame2D

    @classmethod
    def of(cls, rgb: Image, frame: Frame2D) -> "Texture":
        """From (H, W, 3)."""
        return cls(np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2RGBA), np.uint8), frame)

    def texels(self, local: Array) -> Array:
        """(h, w, 2) face units to texel coordinates."""
        affine = np.column_stack([self.frame.axes.T, self.frame.origin]) * DENSITY
        return f32(cv2.transform(local, affine))

    def sample(self, local: Array) -> Image:
        """(h, w, 2) face units to (h, w, 4) uint8."""
        return look_up(self.rgba, self.texels(local))

    def sample_at(self, x: Array, y: Array) -> Image:
        """As `sample`, of coordinates (h, w) each."""
        return self.sample(f32(cv2.merge([x, y])))

    def grid(self) -> Array:
        """(H, W, 2) face units of every texel."""
        height, width = self.rgba.shape[:2]
        x, y = np.meshgrid(np.arange(width), np.arange(height))
        return self.frame.local(f32(np.stack([x, y], -1)) / f32(DENSITY))


class Curve:
    """y over x, tabulated; outside its ends it stays constant."""

    def __init__(self, x: Array, y: Array, degree: int) -> None:
        """Fit a polynomial to points (n,) in face units."""
        self.start, end = float(x.min()), float(x.max())
        self.scale = 255 / max(end - self.start, 1e-3)
        fit = np.polynomial.Polynomial.fit(x, y, degree)
        self._table = fit(np.linspace(self.start, end, 256)).astype(np.float32)

    def __call__(self, x: Array) -> Array:
        """y at each x, (...,)."""
        place = ((x - f32(self.start)) * f32(self.scale)).astype(np.intp)
        return self._table.take(place, mode="clip")
