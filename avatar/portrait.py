"""From any picture to a portrait: which faces it shows, what is wrong with them, and the crop.

`read_picture` opens a file, `inspect` tells what is in it, `crop_box` where the square will be,
`prepare` cuts it. Pixel coordinates are continuous: (0, 0) is the top left corner of the top left
pixel.
"""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from avatar.face_check import FaceCheck, Look
from avatar.landmark_net import LandmarkNet
from avatar.landmarks import COUNT, Landmarks
from avatar.portrait_checks import (
    TINY,
    Finding,
    Severity,
    blocks,
    findings_of,
    height_of,
    warns,
    yaw_of,
)
from avatar.portrait_files import SMALLEST, read_picture
from avatar.portraits import WEIGHTS, titled
from avatar.types import Portrait
from emotion.errors import PortraitError

__all__ = [
    "Crop",
    "Face",
    "Finding",
    "Intake",
    "Severity",
    "crop_box",
    "inspect",
    "prepare",
    "read_picture",
]

CHECK_WEIGHTS = WEIGHTS.with_name("face_check.onnx")
HUMAN = 0.15  # least certainty of the second look: drawn faces from 0.2, things up to 0.05
LARGEST = 1024  # px, of the square that is kept
HEAD_SHARE = 0.5  # of the height, from crown to chin
LEAST_SHARE = 0.2  # the same in a square that somebody wishes
CROWN = 1.33  # head over face: the crown is above the hairline
SIMILAR = 0.6  # a second face of this share of the largest one's size is no bystander

Bytes = NDArray[np.uint8]


class FoundFace(Protocol):
    """What a finder returns for each face."""

    @property
    def points(self) -> NDArray[np.float32]:
        """(150, 2) float32 pixels, in the order of `GROUPS`."""
        ...

    @property
    def score(self) -> float:
        """Certainty in [0, 1]."""
        ...


LandmarkFinder = Callable[[Bytes], Sequence[FoundFace]]


@dataclass(frozen=True, slots=True)
class Crop:
    """A square of a picture: its centre and its side, pixels."""

    x: float
    y: float
    side: float


@dataclass(frozen=True, slots=True, eq=False)
class Face:
    """A face in a picture.

    landmarks in the picture's pixels; score in 0..1; box: x0, y0, x1, y1 around the landmarks;
    size: pixels from hairline to chin; yaw: degrees, above 0 towards the picture's right;
    findings: what may be wrong, blocking ones first.
    """

    landmarks: Landmarks
    score: float
    box: tuple[float, float, float, float]
    size: float
    yaw: float
    findings: tuple[Finding, ...]

    @property
    def usable(self) -> bool:
        """Whether nothing blocks."""
        return _usable(self.findings)


@dataclass(frozen=True, slots=True, eq=False)
class Intake:
    """What a picture shows: its size, its faces, the largest first, and what is to be said."""

    width: int
    height: int
    faces: tuple[Face, ...]
    findings: tuple[Finding, ...]

    @property
    def usable(self) -> bool:
        """Whether some face can become a portrait."""
        return _usable(self.findings) and any(face.usable for face in self.faces)

    @property
    def best(self) -> int:
        """Index of the largest usable face; 0 if there is none."""
        return next((k for k, face in enumerate(self.faces) if face.usable), 0)


def _usable(findings: Sequence[Finding]) -> bool:
    return all(finding.severity is not Severity.BLOCKS for finding in findings)


def inspect(rgb: Bytes, finder: LandmarkFinder | None = None) -> Intake:
    """All faces of an (H, W, 3) uint8 sRGB picture, and what may be wrong with them.

    finder: what finds faces (default: the built-in network). Raises ValueError for an array that
    is no such picture, PortraitError if the network is not installed.
    """
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8 or 0 in rgb.shape:
        raise ValueError(f"a picture is (H, W, 3) uint8, not {rgb.shape} {rgb.dtype}")
    find = finder or built_in_finder()
    faces = [_face(rgb, found) for found in find(rgb)] if finder else _checked(rgb, find(rgb))
    faces.sort(key=lambda face: -face.size)
    height, width = rgb.shape[:2]
    return Intake(width, height, tuple(faces), _about_all(rgb, faces, find))


def _checked(rgb: Bytes, found: Sequence[FoundFace]) -> list[Face]:
    """Those that a second net takes for human faces, too, with what it sees before them."""
    looks = [built_in_check().look(rgb, face.points) for face in found]
    pairs = zip(found, looks, strict=True)
    return [_face(rgb, face, look) for face, look in pairs if look.face >= HUMAN]


def _face(rgb: Bytes, found: FoundFace, look: Look | None = None) -> Face:
    points = np.asarray(found.points, np.float32)
    if points.shape != (COUNT, 2) or not np.isfinite(points).all():
        raise ValueError(f"a face has (150, 2) finite points, not {points.shape}")
    marks = Landmarks(points)
    (x0, y0), (x1, y1) = points.min(0).tolist(), points.max(0).tolist()
    findings = findings_of(rgb, marks, look)
    size = height_of(marks)
    return Face(marks, float(found.score), (x0, y0, x1, y1), size, yaw_of(marks), findings)


def _about_all(rgb: Bytes, faces: list[Face], find: LandmarkFinder) -> tuple[Finding, ...]:
    """No face, or several."""
    if not faces:
        return (_no_face(rgb, find),)
    alike = sum(face.size > SIMILAR * faces[0].size for face in faces)
    if alike > 1:
        return (
            warns(
                "several",
                f"The picture shows {alike} faces of similar size.",
                "Choose the one that shall come alive.",
            ),
        )
    return ()


def _no_face(rgb: Bytes, find: LandmarkFinder) -> Finding:
    """Why there may be none: too dark, lying on its side, or nobody there."""
    if float(np.percentile(rgb, 95)) < 40:
        return blocks(
            "no_face",
            "No face can be seen: the picture is nearly black.",
            "Use a picture taken in better light.",
        )
    for quarters, how in ((1, "on its side"), (3, "on its side"), (2, "upside down")):
        if find(np.ascontiguousarray(np.rot90(rgb, -quarters))):
            return blocks("no_face", f"The face is {how}.", "Turn the picture upright first.")
    return blocks(
        "no_face",
        "No human face was found in the picture.",
        "People can come alive here, photographed, painted or drawn, if the face is free, well lit "
        "and looks at the camera; animals and things cannot.",
    )


def crop_box(intake: Intake, choice: int = 0, crop: Crop | None = None) -> Crop:
    """The square that `prepare` cuts around the face `choice`, on whole pixels.

    Without a wish it lies inside the picture, the head with HEAD_SHARE of the height. A wished one
    is moved and sized so that the face stays inside and does not become too small; it may reach
    beyond the picture. Raises PortraitError if there is no such face.
    """
    marks = _chosen(intake, choice).landmarks
    if crop is None:
        return _automatic(intake.width, intake.height, marks)
    return _wished(intake.width, intake.height, marks, crop)


def _automatic(width: int, height: int, marks: Landmarks) -> Crop:
    oval = marks.group("face_oval")
    chin, head = float(oval[:, 1].max()), height_of(marks) * CROWN
    side = int(min(max(head / HEAD_SHARE, SMALLEST), height, width))
    # The head a little above the middle leaves room for the shoulders.
    middle_x, middle_y = float(oval[:, 0].mean()), chin - head / 2 + 0.06 * side
    left = int(np.clip(middle_x - side / 2, 0, width - side))
    top = int(np.clip(middle_y - side / 2, 0, height - side))
    return Crop(left + side / 2, top + side / 2, float(side))


def _wished(width: int, height: int, marks: Landmarks, crop: Crop) -> Crop:
    low, high = marks.points.min(0), marks.points.max(0)
    face, head = float((high - low).max()), height_of(marks) * CROWN
    least = max(1.15 * face, float(SMALLEST))
    most = max(min(head / LEAST_SHARE, 1.5 * max(width, height)), least)
    side = round(float(np.clip(crop.side if np.isfinite(crop.side) else least, least, most)))
    corner = []
    for k, centre in enumerate((crop.x, crop.y)):
        margin = 0.02 * side
        first, last = float(high[k]) + margin - side, float(low[k]) - margin
        wished = centre - side / 2 if np.isfinite(centre) else (first + last) / 2
        corner.append(round(float(np.clip(wished, first, last))))
    return Crop(corner[0] + side / 2, corner[1] + side / 2, float(side))


def prepare(
    rgb: Bytes,
    choice: int = 0,
    crop: Crop | None = None,
    *,
    name: str = "Portrait",
    intake: Intake | None = None,
) -> Portrait:
    """The square portrait of one face of an (H, W, 3) uint8 sRGB picture, at most LARGEST px.

    choice: index into the faces of `inspect`; crop: a wish, see `crop_box`; intake: what `inspect`
    returned for this picture, to save its time. Raises PortraitError if the face is not there or
    something blocks, with the finding's words; ValueError as `inspect`.
    """
    seen = intake or inspect(rgb)
    face = _chosen(seen, choice)
    for finding in face.findings:
        if finding.severity is Severity.BLOCKS:
            raise PortraitError(finding.message, finding.remedy)
    box = crop_box(seen, choice, crop)
    return _cut((name, titled(name), ""), rgb, face.landmarks, box)


def described(about: tuple[str, str, str], rgb: Bytes, marks: Landmarks) -> Portrait:
    """The portrait of a picture whose landmarks are known: cropped, but not judged.

    about: name, title and description. Raises PortraitError if the face is too small.
    """
    size = height_of(marks)
    if size < TINY:
        raise PortraitError(
            f"The face is too small: {size:.0f} pixels high.", "Use a picture taken closer."
        )
    return _cut(about, rgb, marks, _automatic(rgb.shape[1], rgb.shape[0], marks))


def _chosen(intake: Intake, choice: int) -> Face:
    if not intake.faces:
        finding = next(iter(intake.findings), blocks("no_face", "No face was found.", ""))
        raise PortraitError(finding.message, finding.remedy)
    if not 0 <= choice < len(intake.faces):
        raise PortraitError(
            f"There is no face number {choice + 1}.",
            f"The picture shows {len(intake.faces)}: choose one of these.",
        )
    return intake.faces[choice]


def _cut(about: tuple[str, str, str], rgb: Bytes, marks: Landmarks, box: Crop) -> Portrait:
    """The portrait in a square on whole pixels; beyond the picture its edge pixels are repeated."""
    import cv2

    side = round(box.side)
    left, top = round(box.x - box.side / 2), round(box.y - box.side / 2)
    height, width = rgb.shape[:2]
    inside = rgb[max(top, 0) : max(top + side, 0), max(left, 0) : max(left + side, 0)]
    edges = (max(-top, 0), max(top + side - height, 0), max(-left, 0), max(left + side - width, 0))
    square = cv2.copyMakeBorder(inside, *edges, cv2.BORDER_REPLICATE) if any(edges) else inside
    placed = marks.scaled(1.0, (left, top))
    if side > LARGEST:
        square = cv2.resize(square, (LARGEST, LARGEST), interpolation=cv2.INTER_AREA)
        placed = placed.scaled(LARGEST / side)
    return Portrait(*about, np.ascontiguousarray(square, np.uint8), placed)


@cache
def built_in_finder() -> LandmarkFinder:
    """The built-in network, loaded once: it holds nothing of any session.

    Raises PortraitError if it is not installed.
    """
    finder: LandmarkFinder = LandmarkNet(_installed(WEIGHTS)).find
    return finder


@cache
def built_in_check() -> FaceCheck:
    """The built-in second look, loaded once. Raises PortraitError if it is not installed."""
    return FaceCheck(_installed(CHECK_WEIGHTS))


def _installed(weights: Path) -> Path:
    if not weights.is_file():
        raise PortraitError(
            f"Own pictures need {weights.name}, which is not installed here.",
            "Use a portrait of the gallery, or put landmarks in FILE.json beside the picture.",
        )
    return weights
