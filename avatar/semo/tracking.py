"""One video stream to motion tokens: the encoder follows a head from frame to frame.

The landmark net finds the face once; then every frame's crop comes from where the encoder saw the
head in the frame before. Axis legend: H, W pixels of a frame.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from typing import Protocol

import numpy as np

from avatar.landmark_net import FaceFound, Square, square_of
from avatar.rig import POSE_AT, Vector
from avatar.semo.encoder import SIDE, Encoding, MaskedMotionEncoder
from avatar.semo.facing import ANCHOR, DROP_CM, SIDE_CM, carried, facing, unsighted, upright
from avatar.semo.head_pose import HeadPose, Known
from avatar.semo.smoothing import OneEuro
from avatar.semo.surface import FaceSurface
from avatar.semo.types import Bytes, Camera, Floats

SEEN, LOST = 0.5, 0.3  # least certainty at the start, and to go on
MOVED = 0.3  # of the square's side between two frames: farther is a cut, not a motion
OFF = 0.06  # of the side: looked at again in the right place before the token is believed
TO_LANDMARKS = 1.06  # canonical side over that of the landmark net's square, frontal faces
DOWN = -0.02  # canonical centre from that square's, in its sides
AROUND, CLOSE = 1.3, 320  # of the canonical side, and px: the piece that landmarks are found in
# Of the filter on the square, in sides of it: Hz at rest, Hz more for each side a second.
REST, FOLLOW = 1.5, 25.0


class FaceFinder(Protocol):
    """What looks for faces, such as `LandmarkNet`."""

    def find(self, rgb: Bytes) -> Sequence[FaceFound]:
        """Faces of an (H, W, 3) uint8 frame, best first."""
        ...

    def follow(self, rgb: Bytes, near: Floats) -> Floats:
        """Landmarks of the face whose (150, 2) landmarks lie about `near`, px."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class _Seen:
    """square: where the head is; encoding of one look; points: (150, 2) landmarks, px."""

    square: Square
    encoding: Encoding
    points: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Person:
    """Who is followed. last: the camera of the last frame; of the first one: turn (3, 3) of the
    head, its pose (6,), and start (3,), where the anchor was in camera space."""

    known: Known
    last: Camera
    turn: Floats
    pose: Vector
    start: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Tracked:
    """token: (64,), yaw, pitch and roll towards the camera, x, y, z in cm from the first frame;
    square: where the head is in this frame; certainty in [0, 1] that a face is in sight."""

    token: Floats
    square: Square
    certainty: float


class MotionTracker:
    """Follows one head through one stream. Keeps state; one stream at a time."""

    def __init__(
        self,
        encoder: MaskedMotionEncoder,
        finder: FaceFinder,
        surface: FaceSurface,
        fps: float = 25.0,
    ) -> None:
        """fps: of the stream, for smoothing."""
        self._encoder, self._finder, self._surface = encoder, finder, surface
        self._square: Square | None = None
        self._place = OneEuro(fps, REST, FOLLOW)
        self._unit = 1.0
        self._heads = HeadPose(surface)
        self._person: Person | None = None

    def reset(self) -> None:
        """Forget the stream: the next frame is the first."""
        self._square, self._person = None, None
        self._place.reset()

    def track(self, rgb: Bytes) -> Tracked | None:
        """The next frame (H, W, 3) uint8 of any size; None while no face is in sight.

        After a cut or a loss the face is looked for anew; x, y, z stay relative to the first
        tracked frame of the stream.
        """
        seen = None if self._square is None else self._look(rgb, self._square, LOST)
        if seen is None:
            seen = self._begin(rgb)
        if seen is None:
            self._square = None
            return None
        self._square = self._steady(seen.square)
        return self._told(rgb, seen)

    def _begin(self, rgb: Bytes) -> "_Seen | None":
        """Looks for a face with the landmark net; the one nearest to the last, else the best."""
        self._place.reset()
        faces = list(self._finder.find(rgb))
        last = self._square
        if last is not None:
            faces.sort(key=lambda face: np.hypot(*(face.points.mean(0) - (last.x, last.y))))
        for face in faces:
            seen = self._look(rgb, _around(face), SEEN)
            if seen is not None:
                return seen
        return None

    def _look(self, rgb: Bytes, square: Square, least: float) -> "_Seen | None":
        """What the encoder says of the square, and where the head is; None if there is none."""
        encoding, looked = self._encoder.encode(square.cut(rgb, SIDE)[None]), square
        if float(encoding.present[0]) < least:
            return None
        found = placed(square, encoding.placement[0])
        off = np.hypot(found.x - square.x, found.y - square.y) / square.side
        if off > MOVED:
            return None
        if off > OFF or abs(encoding.placement[0, 2]) > OFF:
            encoding, looked = self._encoder.encode(found.cut(rgb, SIDE)[None]), found
            if float(encoding.present[0]) < least:
                return None
            found = placed(found, encoding.placement[0])
        return _Seen(found, encoding, looked.to_picture(encoding.points[0]))

    def _told(self, rgb: Bytes, seen: "_Seen") -> Tracked:
        token = seen.encoding.token[0]
        rig = self._surface.token_to_rig(token)
        middle = np.array([rgb.shape[1], rgb.shape[0]], np.float32) / 2
        found = (self._landmarks(rgb, seen) - middle) / max(rgb.shape[:2]) + 0.5
        pose = self._pose(np.asarray(found, np.float32), rig)
        certainty = float(seen.encoding.present[0])
        assert self._square is not None
        return Tracked(self._moved(token, rig, pose), self._square, certainty)

    def _landmarks(self, rgb: Bytes, seen: "_Seen") -> Floats:
        """(150, 2) px, looked at more closely in a piece of the frame."""
        square = replace(seen.square, side=AROUND * seen.square.side)
        near = square.from_picture(seen.points) * np.float32(CLOSE)
        found = self._finder.follow(square.cut(rgb, CLOSE), near)
        return square.to_picture(found / np.float32(CLOSE))

    def _steady(self, square: Square) -> Square:
        """Smoothed where it rests, in units of its own side."""
        if self._square is None or not self._place.started:
            self._unit = square.side
        unit = self._unit
        value = np.array([square.x / unit, square.y / unit, np.log(square.side)], np.float32)
        x, y, side = (float(v) for v in self._place(value))
        return Square(x * unit, y * unit, float(np.exp(side)))

    def _pose(self, points: Floats, rig: Vector) -> Vector:
        """(6,) head pose: angles towards the camera, then cm from the first frame."""
        if self._person is None:
            self._person = self._met(points, rig)
        known = self._person.known
        camera = self._heads.follow(known, self._person.last, points, rig)
        self._person = person = replace(self._person, last=camera)
        turn = person.turn @ known.state.camera.rotation.T @ camera.rotation
        angles, at = facing(np.asarray(turn, np.float32)), camera.to_camera(ANCHOR) - person.start
        pose = np.concatenate([angles, np.zeros(3, np.float32)]).astype(np.float32)
        # What the turn itself does to the anchor is not a shift of the head.
        swung = carried(ANCHOR, pose) - carried(ANCHOR, person.pose)
        pose[3:] = (at - swung) * np.array([1, -1, 1], np.float32)
        return pose

    def _met(self, points: Floats, rig: Vector) -> "Person":
        """Who the first frame shows. Which way is straight ahead says the encoder: a fit takes a
        person's proportions for a turn."""
        known = self._heads.begin(points, rig)
        camera = known.state.camera
        start = camera.to_camera(ANCHOR)
        off = start[:2] * np.array([1, -1], np.float32) / -start[2]
        turn = unsighted(upright(rig[POSE_AT][:3]), off, 1.0)
        pose = np.concatenate([facing(turn), np.zeros(3, np.float32)]).astype(np.float32)
        return Person(known, camera, turn, pose, start)

    def _moved(self, token: Floats, rig: Vector, pose: Vector) -> Floats:
        """(64,) the token with another pose, expression and gaze as they are."""
        before, after = np.array(rig), np.array(rig)
        after[POSE_AT] = pose
        change = self._surface.rig_to_token(after) - self._surface.rig_to_token(before)
        return np.asarray(token + change, np.float32)


def placed(square: Square, placement: Floats) -> Square:
    """The canonical square that the encoder saw inside another one."""
    side = square.side * float(np.exp(placement[2]))
    x = square.x + float(placement[0]) * square.side
    # The anchor is where it is; its canonical place depends on the square's size.
    anchor = square.y + (float(placement[1]) - DROP_CM / SIDE_CM) * square.side
    return Square(x, anchor + DROP_CM / SIDE_CM * side, side)


def _around(face: FaceFound) -> Square:
    """A face's canonical square, roughly."""
    square = square_of(face.points)
    return Square(square.x, square.y + DOWN * square.side, TO_LANDMARKS * square.side)
