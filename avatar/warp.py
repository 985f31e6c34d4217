"""The weight-free avatar: one portrait moved by warping it.

Each output pixel is traced back: first through the turn of the head, then through the smooth
deformation of the face, last (near eyes and mouth) through lids and lips. All but the last is done
on a coarse grid. Pixels the head never reaches are copied.
"""

from collections.abc import Iterator

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
from avatar.warp_mouth import Mouth, Opening
from avatar.warp_region import Region
from avatar.warp_rig import motion_of
from avatar.warp_source import Image, Texture, densify, look_up, look_up_lattice
from emotion.errors import PortraitError
from emotion.types import EmotionState
from speech.types import SpeechChunk

SIZES = (64, 2048)
_EYES = ("right_eye", "left_eye")

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
        self._texture = Texture.of(densify(self._base), frame)
        self._eyes = tuple(Eye(self._texture, face, side) for side in ("right", "left"))
        self._mouth = Mouth(self._texture, face)
        self._creases = creases(face)
        self._region = Region.around(face, frame, size)
        self._points = frame.local(self._region.centres())
        self._head = head_fields(face, self._points).reshape(len(HEAD), -1)
        at = grid()
        self._grid_shape = at.shape[:2]
        fields = np.stack([*expression_fields(face, at), jaw_pull(face, at)])
        self._expression = fields.reshape(len(fields), -1)
        self._lips = self._mouth.outer_fields(at).reshape(3, -1)

    def render(self, motion: Vector) -> Image:
        """(D,) motion to (H, W, 3) uint8."""
        out = self._base.copy()
        turn = _sum(motion[-len(HEAD) :], self._head).reshape(self._points.shape)
        opening = self._mouth.opening(*(float(motion[INDEX[name]]) for name in _OPENING))
        source, parted = self._sources(motion, opening, self._points - turn)
        whole = self._region.whole()
        whole.paint(out, look_up(self._texture.rgba, whole.refine(self._texture.texels(source))))
        for eye, pose in zip(self._eyes, eye_poses(motion), strict=True):
            if not pose.rests():
                window = self._region.window(self._frame, eye.box(pose), turn)
                window.paint(out, eye.render(window.refine(source), pose))
        if not opening.rests():
            shape = (float(motion[INDEX["tongue"]]), float(motion[INDEX["round"]]))
            window = self._region.window(self._frame, self._mouth.box(opening), turn)
            window.paint(out, self._mouth.render(window.refine(parted), opening, shape))
        for name, strength in strengths(motion).items():
            if strength > 0:
                crease = self._creases[name]
                window = self._region.window(self._frame, crease.box, turn)
                crease.darken(window.cut(out), window.refine(source), strength)
        return out

    def _sources(self, motion: Vector, opening: Opening, turned: Array) -> tuple[Array, Array]:
        """Where in the portrait the points (h, w, 2) of the turned face come from: with what the
        lips do to the face around them, and without."""
        pulls = np.append(motion[: len(EXPRESSION)], f32(opening.stretch))
        if opening.rests() and not pulls.any():
            return turned, turned
        deformed = np.zeros((*self._grid_shape, 4), np.float32)
        deformed[..., :2] = _sum(pulls, self._expression).reshape(*self._grid_shape, 2)
        deformed[..., 2] = _sum(opening.moves, self._lips).reshape(self._grid_shape)
        found = _lookup(deformed, turned)
        parted = turned - found[..., :2]
        source = parted.copy()
        source[..., 1] -= found[..., 2]
        return source, parted


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

    def adjust(self, rig: Vector) -> None:
        """See `AvatarStream.adjust`."""
        self._performer.adjust(motion_of(rig))

    def feel(self, emotion: EmotionState | None) -> None:
        """See `AvatarStream.feel`."""
        self._performer.feel(emotion)


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
    total = np.zeros(fields.shape[1], np.float32)
    for at in np.flatnonzero(strengths):
        total += strengths[at] * fields[at]
    return total


def _lookup(field: Array, at: Array) -> Array:
    """(gh, gw, C) field on the expression grid, read at points (h, w, 2) in face units."""
    return look_up_lattice(field, at, (GRID_X[0], GRID_Y[0]), GRID_STEP, repeat=False)


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
    inner = np.concatenate([portrait.landmarks.group(g) for g in ("lips_outer", *_EYES)])
    if inner.min() < 0 or inner.max() > shape[0]:
        raise PortraitError(
            f"The face in {name!r} is cut off at the edge of the picture.",
            "Use a picture that shows the whole face.",
        )
