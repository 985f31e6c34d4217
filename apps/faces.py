"""Portraits as the page shows them: small square pictures, their names and descriptions."""

from base64 import b64encode
from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from avatar.types import Portrait

THUMBNAIL = 144  # pixels a side


@dataclass(frozen=True, slots=True)
class Face:
    """One portrait of the gallery; `picture` is a data URI, so that no request is needed."""

    name: str
    title: str
    description: str
    picture: str


def gallery_faces() -> tuple[Face, ...]:
    """All portraits of the gallery, in its order."""
    from avatar.portraits import gallery, load_portrait

    return tuple(as_face(load_portrait(entry.name)) for entry in gallery())


def as_face(portrait: "Portrait") -> Face:
    """The head of a portrait, cut to a square and made small."""
    import cv2

    top, left, side = _head(portrait)
    head = portrait.rgb[top : top + side, left : left + side]
    small = cv2.resize(head, (THUMBNAIL, THUMBNAIL), interpolation=cv2.INTER_AREA)
    coded = cv2.imencode(".webp", small[:, :, ::-1], [cv2.IMWRITE_WEBP_QUALITY, 82])[1]
    picture = f"data:image/webp;base64,{b64encode(coded.tobytes()).decode()}"
    return Face(portrait.name, portrait.title, portrait.description, picture)


def face_named(faces: Sequence[Face], name: str) -> Face | None:
    """The face of a gallery name, or None."""
    return next((face for face in faces if face.name == name), None)


def _head(portrait: "Portrait") -> tuple[int, int, int]:
    """Top, left and side of the square around the face, inside the picture."""
    height, width = portrait.rgb.shape[:2]
    oval = portrait.landmarks.group("face_oval")
    (x0, y0), (x1, y1) = oval.min(axis=0), oval.max(axis=0)
    side = int(min(1.75 * max(x1 - x0, y1 - y0), height, width))
    left = int(min(max((x0 + x1 - side) / 2, 0), width - side))
    top = int(min(max((y0 + y1) / 2 - 0.56 * side, 0), height - side))
    return top, left, side
