"""The dark line of the upper lid's lashes, which travels with the lid as it closes.

Axis legend: S the side of a frame, W that of the picture with closed eyes, pixels.
"""

import cv2
import numpy as np

from avatar.semo.imaging import LUMINANCE, sample
from avatar.semo.shading import smoothly, smoothstep
from avatar.semo.types import Bytes, Floats
from avatar.semo.window import SAMPLES, Window

_WIDTH = (0.045, 0.055)  # cm: of the faintest line, and more with its darkness
_TAPER = 0.35  # share of the line's length over which it comes and goes
_ABOVE = np.linspace(-0.01, 0.06, 6)  # cm above the rim of an open lid: where lashes are looked for
_DARKNESS = (0.4, 0.75)  # of lashes, share of the skin's light they take away
_DRAWN = (0.12, 0.5)  # share of the way to closed over which the line appears
_FAINT = 0.4  # strength of the line at the eye's corners
_ROUNDS = 2  # of corner cutting


class Lashes:
    """The lashes of one upper lid."""

    def __init__(
        self, pictures: tuple[Bytes, Bytes], rim: Floats, pixels: float, size: int
    ) -> None:
        """pictures: the portrait as it is and with closed eyes; rim: (9, 2) of the open lid, corner
        to corner, pixels of a frame of `size`; pixels: how many make a cm."""
        at = (rim[1:-1, None] - np.array([0, pixels]) * _ABOVE[:, None]) / size
        flat = at.reshape(-1, 2).astype(np.float32)
        shown, skin = (sample(picture, flat) @ LUMINANCE for picture in pictures)
        ratio = (shown / np.maximum(skin, 4)).reshape(at.shape[:2]).min(1)
        self._darkness = float(np.clip(1 - np.median(ratio), *_DARKNESS))
        width = _WIDTH[0] + _WIDTH[1] * self._darkness
        self._width = max(1, round(width * pixels * SAMPLES))

    def draw(self, rim: Floats, closed: float, window: Window, out: Bytes) -> None:
        """Into a window of out (S, S, 3); rim: (k, 2) `rounded`, pixels; closed: in [0, 1]."""
        strength = self._darkness * smoothly(closed, *_DRAWN)
        if strength <= 0:
            return
        line = np.round((rim - window.corner()) * SAMPLES * 16).astype(np.int32)
        mask = np.zeros(window.shape, np.uint8)
        shades = np.round(255 * _taper(len(line) - 1)).astype(int).tolist()
        for start, end, shade in zip(line[:-1].tolist(), line[1:].tolist(), shades, strict=True):
            cv2.line(mask, start, end, shade, self._width, cv2.LINE_AA, shift=4)
        soft = cv2.GaussianBlur(mask, (0, 0), max(0.8, 0.5 * self._width))
        part = out[window.top : window.bottom, window.left : window.right]
        small = cv2.resize(soft, part.shape[1::-1], interpolation=cv2.INTER_AREA)
        keep = 1 - small.astype(np.float32) * np.float32(strength / 255)
        part[:] = np.round(part * keep[..., None]).astype(np.uint8)


def _taper(count: int) -> Floats:
    """(count,) how strong the line is along its way."""
    along = (np.arange(count, dtype=np.float32) + 0.5) / count
    nearest = np.asarray(np.minimum(along, 1 - along), np.float32)
    return _FAINT + (1 - _FAINT) * smoothstep(nearest, 0, _TAPER)


def rounded(line: Floats) -> Floats:
    """(n, 2) to a smoother line with the same ends, by corner cutting (Chaikin, 1974)."""
    for _ in range(_ROUNDS):
        before, after = line[:-1], line[1:]
        cut = np.stack([0.75 * before + 0.25 * after, 0.25 * before + 0.75 * after], 1)
        line = np.concatenate([line[:1], cut.reshape(-1, 2)[1:-1], line[-1:]])
    return np.asarray(line, np.float32)
