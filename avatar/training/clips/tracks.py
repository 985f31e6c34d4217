"""Face tracks: stretches of a clip in which one face is seen without a cut.

Axis legend: F frames of a track.
"""

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field
from typing import Protocol

import cv2
import numpy as np
from numpy.typing import NDArray

from avatar.landmarks import Landmarks
from avatar.portrait import HUMAN, SIMILAR, FoundFace, LandmarkFinder
from avatar.portrait_checks import eye_opening, height_of, mouth_gap, yaw_of
from avatar.training.clips.config import Config
from avatar.training.clips.quality import fault_of
from avatar.training.clips.reading import Bytes, Floats, Picture

_THUMB = 32  # px, side of the small pictures that show a cut
_AGAIN = 12  # frames after which a face is looked at again whether it is one


class Checker(Protocol):
    """`avatar.face_check.FaceCheck`: a second look at a face."""

    def look(self, rgb: Bytes, points: Floats) -> "Looked":
        """At the face with the (150, 2) points."""
        ...


class Looked(Protocol):
    """What `avatar.face_check.Look` says and is used here."""

    @property
    def face(self) -> float:
        """Certainty that it is a human face."""
        ...


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """One face through F frames.

    times (F,) s; points (F,150,2) px of the clip's (scaled) picture; scores (F,); faults: (F,) ""
    or why a frame is no good for training; ended: why the track ended; size: width, height px.
    """

    times: Floats
    points: Floats
    scores: Floats
    faults: NDArray[np.str_]
    ended: str
    size: tuple[int, int]

    @property
    def good(self) -> NDArray[np.bool_]:
        """(F,) frames without fault."""
        return np.asarray(self.faults == "")

    @property
    def gaps(self) -> Floats:
        """(F,) opening of the lips over the mouth's width."""
        return np.array([mouth_gap(Landmarks(p)) for p in self.points], np.float32)

    def calm(self, frame: int) -> float:
        """How far a frame is from a face that rests and looks ahead: lower is calmer."""
        marks = Landmarks(self.points[frame])
        shut = max(0.0, 0.2 - eye_opening(marks))
        return abs(yaw_of(marks)) / 20 + 3 * mouth_gap(marks) + 8 * shut


@dataclass(slots=True)
class _Open:
    """A track while it grows."""

    times: list[float] = field(default_factory=list)
    points: list[Floats] = field(default_factory=list)
    scores: list[float] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)

    def closed(self, ended: str, size: tuple[int, int]) -> Track:
        times, scores = (np.asarray(a, np.float32) for a in (self.times, self.scores))
        points = np.stack(self.points).astype(np.float32)
        return Track(times, points, scores, np.array(self.faults), ended, size)


def tracks(
    pictures: Iterable[Picture], finder: LandmarkFinder, checker: Checker, config: Config
) -> list[Track]:
    """All tracks of a clip. A track ends at a cut, a second face of similar size, a lost face."""
    done: list[Track] = []
    now = _Open()
    before: Floats | None = None
    size = (0, 0)
    again = -1.0
    for picture in pictures:
        if picture.time < again:
            continue
        size = picture.rgb.shape[1], picture.rgb.shape[0]
        thumb = _thumb(picture.rgb)
        known = bool(len(now.times) % _AGAIN)
        faces = _faces(picture.rgb, finder(picture.rgb), checker, known)
        end = _end(now, before, thumb, faces, config)
        before = thumb
        if end and now.times:
            done.append(now.closed(end, size))
            now = _Open()
        if len(faces) == 1:
            _add(now, picture, faces[0], config)
        elif not faces:
            again = picture.time + config.pause
    if now.times:
        done.append(now.closed("end of the clip", size))
    return done


def _add(now: _Open, picture: Picture, face: FoundFace, config: Config) -> None:
    points = np.asarray(face.points, np.float32)
    now.times.append(picture.time)
    now.points.append(points)
    now.scores.append(float(face.score))
    now.faults.append(fault_of(picture.rgb, points, float(face.score), config))


def _faces(
    rgb: Bytes, found: Sequence[FoundFace], checker: Checker, known: bool
) -> list[FoundFace]:
    """Human faces that are not small beside the largest; known: a single one needs no check."""
    found = sorted(found, key=lambda face: -height_of(Landmarks(face.points)))
    if not known or len(found) > 1:
        found = [face for face in found if checker.look(rgb, face.points).face >= HUMAN]
    if not found:
        return []
    least = SIMILAR * height_of(Landmarks(found[0].points))
    return [face for face in found if height_of(Landmarks(face.points)) > least]


def _end(
    now: _Open, before: Floats | None, thumb: Floats, faces: list[FoundFace], config: Config
) -> str:
    """Why a growing track ends before this frame, or ""."""
    if before is not None and float(np.abs(thumb - before).mean()) > config.cut:
        return "cut"
    if not faces:
        return "no face"
    if len(faces) > 1:
        return "second face"
    if now.points:
        moved = np.linalg.norm(faces[0].points.mean(0) - now.points[-1].mean(0))
        if moved > config.jump * height_of(Landmarks(now.points[-1])):
            return "jump"
    return ""


def _thumb(rgb: Bytes) -> Floats:
    """(_THUMB, _THUMB, 3) in 0..1."""
    small = cv2.resize(rgb, (_THUMB, _THUMB), interpolation=cv2.INTER_AREA)
    return np.asarray(small, np.float32) / np.float32(255)
