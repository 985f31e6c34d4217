"""The renderers that are judged, behind one door: a portrait goes in, asked rigs become pictures.

`photofit`, the reference, is no package and runs elsewhere: `avatar.training.evaluate.photofit`.
Each adapter is given what `avatar.portraits.load_portrait` gives.
"""

from collections.abc import Callable
from typing import Protocol

import cv2
import numpy as np

from avatar.rig import Vector
from avatar.training.evaluate.album import Bytes
from avatar.training.evaluate.shot import Shot
from avatar.types import Portrait


class Sitter(Protocol):
    """One portrait, ready to be moved."""

    def shoot(self, asked: Vector) -> Shot:
        """The answer to a (63,) rig; 0 is the person's own neutral face in the portrait's pose."""
        ...


Renderer = Callable[[Portrait, int], Sitter]  # portrait and side of the answers in px


class StillSitter:
    """The portrait itself, whatever is asked: the floor of every figure."""

    def __init__(self, portrait: Portrait, size: int) -> None:
        self._rgb = scaled(portrait.rgb, size)
        self._points = portrait.landmarks.points / portrait.rgb.shape[0]

    def shoot(self, asked: Vector) -> Shot:
        """See `Sitter.shoot`."""
        return Shot(self._rgb, self._points)


class WarpSitter:
    """The warp baseline."""

    def __init__(self, portrait: Portrait, size: int) -> None:
        from avatar.warp import WarpRenderer

        self._renderer = WarpRenderer(portrait, size)

    def shoot(self, asked: Vector) -> Shot:
        """See `Sitter.shoot`."""
        from avatar.training.evaluate.warp_rig import warp_motion

        return Shot(self._renderer.render(warp_motion(asked)))


def semo_sitter(portrait: Portrait, size: int) -> Sitter:
    """The learned decoder; its weights are loaded with the first portrait."""
    from avatar.training.evaluate.semo import SemoSitter

    return SemoSitter(portrait, size)


RENDERERS: dict[str, Renderer] = {
    "still": StillSitter,
    "warp": WarpSitter,
    "semo": semo_sitter,
}


def scaled(rgb: Bytes, size: int) -> Bytes:
    """(H, H, 3) to (size, size, 3)."""
    how = cv2.INTER_AREA if rgb.shape[0] > size else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(rgb, (size, size), interpolation=how), np.uint8)
