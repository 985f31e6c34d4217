"""Pictures that kernels sample: twice as dense as the frames, four bytes a pixel.

With twice the pixels along each side, bilinear samples stay sharp. Four bytes are read as one
uint32; the fourth is the person's share, or whatever else belongs to the pixel.
"""

from typing import Any

import cv2
import numpy as np
from numba import njit
from numpy.typing import NDArray

from avatar.semo.raster import INLINE
from avatar.semo.types import Bytes, Floats

DENSITY = 2
_NO_MAP: Any = None  # both coordinates are in the first map
_f = np.float32
_ONE_256 = _f(1 / 256)


def dense(rgb: Bytes, alpha: Bytes) -> NDArray[np.uint32]:
    """(S, S, 3) and (S, S) to (2 S, 2 S) uint32; original pixels stay as they are.

    Those between are Lanczos-windowed (4 lobes) sums of 8 pixels along each side.
    """
    rgba = np.dstack([rgb, alpha])
    side = DENSITY * rgb.shape[0]
    out = np.empty((side, side, 4), np.uint8)
    out[::DENSITY, ::DENSITY] = rgba
    out[::DENSITY, 1::DENSITY] = across = _between(rgba, along=1)
    out[1::DENSITY, ::DENSITY] = _between(rgba, along=0)
    out[1::DENSITY, 1::DENSITY] = _between(across, along=0)
    return packed(out)


def _between(picture: Bytes, along: int) -> Bytes:
    """The picture half a pixel further along its rows (1) or columns (0)."""
    at = np.arange(-3, 5) - 0.5
    taps = np.sinc(at) * np.sinc(at / 4)
    taps /= taps.sum()
    kernel = taps[None] if along else taps[:, None]
    anchor = (3, 0) if along else (0, 3)
    border = cv2.BORDER_REPLICATE
    return np.asarray(cv2.filter2D(picture, -1, kernel, anchor=anchor, borderType=border), np.uint8)


def sampled(picture: NDArray[np.uint32], at: Floats) -> Bytes:
    """(H, W) picture at pixels (h, w, 2), bilinear, the edge repeated: (h, w, 4) uint8."""
    rgba = picture.view(np.uint8).reshape(*picture.shape, 4)
    border = cv2.BORDER_REPLICATE
    return np.asarray(cv2.remap(rgba, at, _NO_MAP, cv2.INTER_LINEAR, borderMode=border), np.uint8)


def packed(rgba: Bytes) -> NDArray[np.uint32]:
    """(H, W, 4) uint8 to (H, W) uint32 of the same memory."""
    return np.ascontiguousarray(rgba).view(np.uint32)[..., 0]


@njit(**INLINE)
def _spread(colour):  # type: ignore[no-untyped-def]
    """Four bytes to four lanes of 16 bits, in the order 0, 2, 1, 3."""
    c = np.uint64(colour)
    even, odd = c & np.uint64(0x00FF00FF), c & np.uint64(0xFF00FF00)
    return even | (odd << np.uint64(24))


@njit(**INLINE)
def tap(image, x, y):  # type: ignore[no-untyped-def]
    """Bilinear at pixel (x, y) of a (H, W) uint32 picture, the edge repeated: four floats."""
    height, width = image.shape
    x = min(max(x, _f(0)), _f(width) - _f(1.01))
    y = min(max(y, _f(0)), _f(height) - _f(1.01))
    left, top = np.int64(x), np.int64(y)
    fx, fy = np.int64((x - _f(left)) * _f(256)), np.int64((y - _f(top)) * _f(256))
    both = (fx * fy) >> 8
    total = _spread(image[top, left]) * np.uint64(256 - fx - fy + both)
    total += _spread(image[top, left + 1]) * np.uint64(fx - both)
    total += _spread(image[top + 1, left]) * np.uint64(fy - both)
    total += _spread(image[top + 1, left + 1]) * np.uint64(both)
    lane = np.uint64(0xFFFF)
    red = _f(np.int64(total & lane)) * _ONE_256
    blue = _f(np.int64((total >> np.uint64(16)) & lane)) * _ONE_256
    green = _f(np.int64((total >> np.uint64(32)) & lane)) * _ONE_256
    return red, green, blue, _f(np.int64(total >> np.uint64(48))) * _ONE_256


@njit(**INLINE)
def bilinear(field, x, y):  # type: ignore[no-untyped-def]
    """Bilinear of a (G, G, 2) grid at grid position (x, y) with cell centres at +.5."""
    side = field.shape[0]
    x = min(max(x - _f(0.5), _f(0)), _f(side) - _f(1.01))
    y = min(max(y - _f(0.5), _f(0)), _f(side) - _f(1.01))
    left, top = np.int64(x), np.int64(y)
    fx, fy = x - _f(left), y - _f(top)
    a, b = _f(1) - fx, _f(1) - fy
    w00, w01, w10, w11 = a * b, fx * b, a * fy, fx * fy
    found0 = w00 * field[top, left, 0] + w01 * field[top, left + 1, 0]
    found0 += w10 * field[top + 1, left, 0] + w11 * field[top + 1, left + 1, 0]
    found1 = w00 * field[top, left, 1] + w01 * field[top, left + 1, 1]
    found1 += w10 * field[top + 1, left, 1] + w11 * field[top + 1, left + 1, 1]
    return found0, found1


@njit(**INLINE)
def byte(value):  # type: ignore[no-untyped-def]
    """A float to the nearest uint8."""
    return np.uint8(min(max(value + _f(0.5), _f(0)), _f(255)))
