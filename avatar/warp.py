"""The weight-free avatar: one portrait moved by warping it.

Each output pixel is traced back: first through the turn of the head, then through the smooth
deformation of the face, last (near eyes and mouth) through lids and lips. All but the last is done
on a coarse grid. Pixels the head never reaches are copied.
"""

from collections.abc import Iterator
from functools import partial

import cv2
import numpy as np

from avatar.landmarks import Landmarks
from avatar.motion import EXPRESSION, HEAD, INDEX, Vector, f32
from avatar.performer import Performer
from avatar.types import Activity, Frame, Portrait
from avatar.warp_creases import creases, strengths
from avatar.warp_eyes import Eye, eye_poses
from avatar.warp_fields import (
    GRID_STEP,
    GRID_X,
    GRID_Y,
    Array,
    Face,
    Frame2D,
    expression_fields,
    grid,
    head_fields,
    jaw_pull,
)
from avatar.warp_mouth import Mouth
from avatar.warp_region import Region
from avatar.warp_source import Image, Texture, densify, look_up
from emotion.errors import PortraitError
from emotion.types import EmotionState
from speech.types import SpeechChunk

SIZES = (64, 2048)


# What `Mouth.opening` takes, in order.
_OPENING = ("gap", "jaw", "upper", "tuck", "close")


class WarpRenderer:
    """Draws one portrait in any pose; holds nothing that changes."""

    def __init__(self, portrait: Portrait, size: int) -> None:
        """Raises PortraitError for a size out of range or landmarks that make no face."""
        _check(portrait, size)
        self._base = _resized(portrait.rgb, size)
        landmarks = portrait.landmarks.scaled(size / portrait.rgb.shape[0])
        frame = Frame2D.of(landmarks)
        face = Face.of(Landmarks(frame.local(landmarks.points)))
        self._frame = frame
        self._texture = Texture(densify(self._base), frame)
        self._eyes = tuple(Eye(self._texture, face, side) for side in ("right", "left"))
        self._mouth = Mouth(self._texture, face)
        self._creases = creases(face)
        self._region = Region.around(face, frame, size)
        self._points = frame.local(self._region.centres())
        self._head = head_fields(face, self._points).reshape(len(HEAD), -1)
        at = grid()
        self._grid_shape = at.shape
        fields = [*expression_fields(face, at), jaw_pull(face, at)]
        self._expression = np.stack(fields).reshape(len(fields), -1)
        self._lips = self._mouth.outer_fields(at).reshape(3, -1)

    def render(self, motion: Vector) -> Image:
        """(D,) motion to (H, W, 3) uint8."""
        out = self._base.copy()
        turn = _sum(motion[-len(HEAD) :], self._head).reshape(self._points.shape)
        turned = self._points - turn
        opening = self._mouth.opening(*(float(motion[INDEX[name]]) for name in _OPENING))
        pulls = np.append(motion[: len(EXPRESSION)], f32(opening.stretch))
        smooth = _sum(pulls, self._expression).reshape(self._grid_shape)
        full = smooth.copy()
        full[..., 1] += _sum(opening.moves, self._lips).reshape(self._grid_shape[:2])
        source = turned - _lookup(full, turned)
        self._region.whole().fill(out, source, self._texture.sample)
        for eye, pose in zip(self._eyes, eye_poses(motion), strict=True):
            if not pose.rests():
                window = self._region.window(self._frame, eye.box, turn)
                window.fill(out, source, partial(eye.render, pose=pose))
        if not opening.rests():
            shape = (float(motion[INDEX["tongue"]]), float(motion[INDEX["round"]]))
            window = self._region.window(self._frame, self._mouth.box(opening), turn)
            window.fill(
                out,
                turned - _lookup(smooth, turned),
                partial(self._mouth.render, opening=opening, shape=shape),
            )
        self._fold(out, source, turn, motion)
        return out

    def _fold(self, out: Image, source: Array, turn: Array, motion: Vector) -> None:
        for name, strength in strengths(motion).items():
            if strength > 0:
                crease = self._creases[name]
                window = self._region.window(self._frame, crease.box, turn)
                window.blend(out, source, partial(crease.darken, strength=strength))


class WarpStream:
    """One living portrait of one session (an `AvatarStream`)."""

    def __init__(self, renderer: WarpRenderer, performer: Performer) -> None:
        self._renderer = renderer
        self._performer = performer

    def push(self, speech: SpeechChunk | None, emotion: EmotionState, activity: Activity) -> None:
        """See `AvatarStream.push`."""
        self._performer.push(speech, emotion, activity)

    def frames(self, count: int) -> Iterator[Frame]:
        """See `AvatarStream.frames`."""
        for _ in range(count):
            index, turn = self._performer.frame, self._performer.turn
            yield Frame(turn, self._renderer.render(self._performer.step()), index)

    def skip(self, count: int) -> None:
        """See `AvatarStream.skip`."""
        for _ in range(count):
            self._performer.step()

    def clear(self, frame: int) -> None:
        """See `AvatarStream.clear`."""
        self._performer.clear(frame)


class WarpAvatar:
    """Warps portraits (an `Avatar`); needs no weights."""

    def __init__(self) -> None:
        # Frames are small and sessions many: threads would cost more than they bring.
        cv2.setNumThreads(1)

    def open(self, portrait: Portrait, size: int, seed: int) -> WarpStream:
        """See `Avatar.open`. size: 64 to 2048 px."""
        return WarpStream(WarpRenderer(portrait, size), Performer(seed))


def _sum(strengths: Array, fields: Array) -> Array:
    """(E,) and (E, P) to (P,). Not by BLAS, whose threads fight for the core."""
    return np.asarray(np.einsum("e,ep->p", strengths, fields), np.float32)


def _lookup(field: Array, at: Array) -> Array:
    """(gh, gw, 2) field on the expression grid, read at points (h, w, 2) in face units."""
    cells = (at - f32([GRID_X[0], GRID_Y[0]])) * f32(1 / GRID_STEP)
    return look_up(field, cells, repeat_edge=False)


def _resized(rgb: Image, size: int) -> Image:
    if rgb.shape[0] == size:
        return rgb.copy()
    how = cv2.INTER_AREA if rgb.shape[0] > size else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(rgb, (size, size), interpolation=how), np.uint8)


def _check(portrait: Portrait, size: int) -> None:
    low, high = SIZES
    if not low <= size <= high:
        raise PortraitError(f"A picture of {size} px cannot be drawn.", f"Use {low} to {high} px.")
    shape, points = portrait.rgb.shape, portrait.landmarks.points
    name = portrait.name
    if len(shape) != 3 or shape[0] != shape[1] or shape[2] != 3 or portrait.rgb.dtype != np.uint8:
        raise PortraitError(
            f"The picture of {name!r} is {shape}, not square 8-bit RGB.",
            "Load it with avatar.portraits.load_portrait, which crops it.",
        )
    spread = np.ptp(points[np.isfinite(points).all(1)], axis=0) if np.isfinite(points).any() else 0
    if not np.isfinite(points).all() or np.min(spread) < 0.05 * shape[0]:
        raise PortraitError(
            f"The landmarks of {name!r} make no face.",
            "Use a sharper picture in which one face fills at least a fifth of the height.",
        )
