"""What a small net adds to the drawn inside of the mouth: light and colour that the surface misses.

The net sees the mouth's window as drawn and what covers it, and says how much to add to each
colour; skin is never touched. Axis legend: h w pixels of the window.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from avatar.semo.types import Bytes, Floats, Region
from speech.onnx import session

WIDTH, HEIGHT = 96, 64  # of the net's pictures, pixels
CHANNELS = 6  # red, green, blue in 0..1, then inside, teeth and tongue


@dataclass(frozen=True, slots=True, eq=False)
class Covered:
    """Shares (h, w) in [0, 1] of a window's pixels: `inside` of the mouth at all, of it `teeth` and
    `tongue`; `drawn`: how far the inside is not the portrait's own pixels."""

    inside: Floats
    teeth: Floats
    tongue: Floats
    drawn: Floats

    @classmethod
    def of(cls, kind: Bytes, own: Floats, size: tuple[int, int]) -> "Covered":
        """kind: (H, W) `Region` of samples, SKIN for nothing; own: (H, W) share of the portrait's
        own pixel; size: width and height of the window in pixels."""
        inside = (kind >= Region.LINING) & (kind <= Region.TONGUE)
        parts = (inside, kind == Region.TEETH, kind == Region.TONGUE, inside * (1 - own))
        stack = np.stack(parts, -1).astype(np.float32)
        small = cv2.resize(stack, size, interpolation=cv2.INTER_AREA)
        return cls(*(np.ascontiguousarray(small[..., k], np.float32) for k in range(4)))


def net_input(rgb: Bytes, covered: Covered) -> Floats:
    """(1, 6, HEIGHT, WIDTH) of a window (h, w, 3)."""
    parts = np.dstack([rgb * np.float32(1 / 255), covered.inside, covered.teeth, covered.tongue])
    how = cv2.INTER_AREA if rgb.shape[1] > WIDTH else cv2.INTER_LINEAR
    small = cv2.resize(parts, (WIDTH, HEIGHT), interpolation=how)
    return np.ascontiguousarray(small.transpose(2, 0, 1)[None], np.float32)


class Completion:
    """Loaded once, used for any number of portraits."""

    def __init__(self, model: bytes | Path) -> None:
        """model: the ONNX file or its bytes. Raises OSError or onnxruntime's errors if unusable."""
        self._session = session(model)

    def added(self, rgb: Bytes, covered: Covered) -> Floats:
        """(h, w, 3) to add to the window rgb (h, w, 3), 0..255; 0 where no inside is drawn."""
        answer = self._session.run(None, {"window": net_input(rgb, covered)})[0]
        change = np.ascontiguousarray(np.asarray(answer, np.float32)[0].transpose(1, 2, 0))
        change = cv2.resize(change, rgb.shape[1::-1], interpolation=cv2.INTER_LINEAR)
        return np.asarray(change * (255 * covered.drawn[..., None]), np.float32)

    def complete(self, rgb: Bytes, covered: Covered, strength: float) -> None:
        """Add it to the window rgb (h, w, 3), a view that is written; strength in [0, 1]."""
        if strength <= 0 or not covered.drawn.any():
            return
        changed = rgb + np.float32(strength) * self.added(rgb, covered)
        rgb[:] = np.clip(np.round(changed), 0, 255).astype(np.uint8)
