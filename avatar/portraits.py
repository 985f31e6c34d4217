"""Pictures that can come alive: the built-in gallery, and anybody's own file."""

import json
import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from avatar.landmarks import COUNT, Landmarks
from avatar.types import Portrait
from emotion.errors import PortraitError

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

HERE = Path(__file__).parent
GALLERY = HERE / "gallery"
WEIGHTS = HERE / "weights" / "landmarks.onnx"
FORMATS = ("JPEG", "PNG", "WEBP")
SMALLEST = 128  # px, of the shorter side
MOST_PIXELS = 50_000_000
MOST_BYTES = 100_000_000
LARGEST = 1024  # px, of the square that is kept
BACKDROP = (190, 190, 190)  # under transparent pictures
HEAD_SHARE = 0.5  # of the height, from crown to chin
SIMILAR = 0.6  # a second face of this share of the largest one's size is no bystander

_Image = NDArray[np.uint8]


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


LandmarkFinder = Callable[[_Image], Sequence[FoundFace]]


@dataclass(frozen=True, slots=True)
class GalleryEntry:
    """One built-in portrait; `picture` is its file, `sex` as of a voice: "female" or "male"."""

    name: str
    title: str
    description: str
    picture: Path
    sex: str = ""


def gallery() -> list[GalleryEntry]:
    """The built-in portraits by name. Raises PortraitError if the gallery's files are damaged."""
    entries = []
    for path in sorted(GALLERY.glob("*.json")):
        data = _read_json(path)
        picture = path.with_suffix(".webp")
        if not {"name", "title", "landmarks"} <= data.keys() or not picture.is_file():
            continue  # some other JSON file
        name, title, about, sex = (
            str(data.get(key, "")) for key in ("name", "title", "description", "sex")
        )
        entries.append(GalleryEntry(name, title, about, picture, sex))
    return entries


def load_portrait(
    name_or_path: str | Path, landmark_finder: LandmarkFinder | None = None
) -> Portrait:
    """A gallery portrait by name, or a JPEG, PNG or WebP file.

    Landmarks come from `FILE.json` beside the picture, else from `landmark_finder` (default: the
    built-in network). Raises PortraitError: unknown name, unreadable, huge, tiny, or no one face.
    """
    for entry in gallery():
        if entry.name == str(name_or_path):
            data = _read_json(entry.picture.with_suffix(".json"))
            rgb = _read_picture(entry.picture)
            return _square(_described(entry.name, data), rgb, _given(data, rgb, entry.picture))
    path = Path(name_or_path)
    if not _is_file(path):
        names = ", ".join(entry.name for entry in gallery()) or "none are installed"
        raise PortraitError(
            f"There is no portrait {str(name_or_path)!r:.200}.",
            f"Give the path of a JPEG, PNG or WebP picture, or one of: {names}.",
        )
    return _load_file(path, landmark_finder)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name too long, or with a null character
        return False


def portrait_from_rgb(
    rgb: _Image, name: str, landmark_finder: LandmarkFinder | None = None
) -> Portrait:
    """A portrait from (H, W, 3) uint8 pixels. Raises PortraitError if it has not just one face."""
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8:
        raise PortraitError(
            f"{name} is an array of shape {rgb.shape} and type {rgb.dtype}.",
            "Give height x width x 3 of 8-bit RGB.",
        )
    _check_size(rgb.shape[1], rgb.shape[0], name)
    finder = landmark_finder or _built_in_finder()
    landmarks = Landmarks(_one_face(finder(rgb), name))
    return _square((name, _title(name), ""), rgb, landmarks)


def _load_file(path: Path, landmark_finder: LandmarkFinder | None) -> Portrait:
    rgb = _read_picture(path)
    sidecar = path.with_name(path.name + ".json")
    if sidecar.is_file():
        data = _read_json(sidecar)
        return _square(_described(path.stem, data), rgb, _given(data, rgb, path))
    finder = landmark_finder or _built_in_finder()
    landmarks = Landmarks(_one_face(finder(rgb), path.name))
    return _square((path.stem, _title(path.stem), ""), rgb, landmarks)


def _described(name: str, data: dict[str, object]) -> tuple[str, str, str]:
    title = str(data.get("title") or _title(name))
    return str(data.get("name") or name), title, str(data.get("description") or "")


def _title(name: str) -> str:
    return re.sub(r"[_\-]+", " ", name).strip().capitalize() or "Portrait"


def _read_json(path: Path) -> dict[str, object]:
    try:
        data = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise PortraitError(
            f"The landmark file {path} cannot be read: {error}.", "Delete it or write it anew."
        ) from error
    if not isinstance(data, dict):
        raise PortraitError(f"The landmark file {path} is not a JSON object.", "Write it anew.")
    return data


def _given(data: dict[str, object], rgb: _Image, path: Path) -> Landmarks:
    """Landmarks of a sidecar, in the pixels of `rgb`."""
    groups = data.get("landmarks", data)
    try:
        found = Landmarks.from_groups(groups)  # type: ignore[arg-type]
    except (ValueError, TypeError, AttributeError) as error:
        raise PortraitError(
            f"The landmarks stored for {path} are not usable: {error}.",
            "Delete the .json file beside the picture to have them found anew.",
        ) from error
    size = data.get("size")
    if isinstance(size, list) and len(size) == 2 and float(size[0]) > 0:
        found = found.scaled(rgb.shape[1] / float(size[0]))
    return found


def _read_picture(path: Path) -> _Image:
    if path.stat().st_size > MOST_BYTES:
        raise PortraitError(
            f"{path} has {path.stat().st_size // 1_000_000} MB.", "Use a picture under 100 MB."
        )
    from PIL import Image, ImageOps, UnidentifiedImageError

    try:
        with Image.open(path, formats=FORMATS) as picture:
            _check_size(*picture.size, str(path))
            return _flatten(ImageOps.exif_transpose(picture) or picture)
    except UnidentifiedImageError as error:
        raise PortraitError(f"{path} is not a picture.", "Use a JPEG, PNG or WebP file.") from error
    except Image.DecompressionBombError as error:
        raise PortraitError(f"{path} has too many pixels.", "Use at most 50 megapixels.") from error
    # Decoders meet damaged files with any of these.
    except (OSError, ValueError, SyntaxError, EOFError) as error:
        raise PortraitError(
            f"{path} is damaged: {error}.", "Save it again from its source, or use another picture."
        ) from error


def _flatten(picture: "Picture") -> _Image:
    from PIL import Image

    if picture.mode.startswith("I"):  # 16-bit grey, which Pillow would clip
        grey = np.asarray(picture).astype(np.float32)
        return np.repeat((grey / 257).clip(0, 255).astype(np.uint8)[..., None], 3, axis=2)
    if picture.mode == "P" or "A" in picture.getbands() or "transparency" in picture.info:
        layer = picture.convert("RGBA")
        under = Image.new("RGBA", layer.size, (*BACKDROP, 255))
        picture = Image.alpha_composite(under, layer)
    return np.asarray(picture.convert("RGB"), np.uint8)


def _check_size(width: int, height: int, name: str) -> None:
    if min(width, height) < SMALLEST:
        raise PortraitError(
            f"{name} is only {width} x {height} px.", f"Use a picture of {SMALLEST} px or more."
        )
    if width * height > MOST_PIXELS:
        raise PortraitError(
            f"{name} has {width * height / 1e6:.0f} megapixels.", "Use at most 50 megapixels."
        )


@cache
def _built_in_finder() -> LandmarkFinder:
    """The built-in network, loaded once: it holds nothing of any session."""
    if not WEIGHTS.is_file():
        raise PortraitError(
            "Own pictures need the landmark network, which is not installed here.",
            "Use a portrait of the gallery, or put landmarks in FILE.json beside the picture.",
        )
    from avatar.landmark_net import LandmarkNet

    finder: LandmarkFinder = LandmarkNet(WEIGHTS).find
    return finder


def _one_face(found: Sequence[FoundFace], name: str) -> NDArray[np.float32]:
    if not found:
        raise PortraitError(
            f"No face was found in {name}.",
            "Use a picture of one person who looks at the camera, well lit, with the face free.",
        )
    faces = sorted(found, key=lambda face: -float(np.ptp(face.points[:, 1])))
    heights = [float(np.ptp(face.points[:, 1])) for face in faces]
    if len(faces) > 1 and heights[1] > SIMILAR * heights[0]:
        raise PortraitError(
            f"{name} shows {len(faces)} faces of similar size.",
            "Crop the picture to the one person who shall speak.",
        )
    points = np.asarray(faces[0].points, np.float32)
    if points.shape != (COUNT, 2) or not np.isfinite(points).all():
        raise PortraitError(f"The face in {name} could not be measured.", "Use a sharper picture.")
    return points


def _square(about: tuple[str, str, str], rgb: _Image, landmarks: Landmarks) -> Portrait:
    """Crop to a square in which the head has HEAD_SHARE of the height; at most LARGEST px."""
    left, top, side = _crop_box(rgb, landmarks)
    cut = rgb[top : top + side, left : left + side]
    placed = landmarks.scaled(1.0, (left, top))
    if side > LARGEST:
        import cv2

        cut = np.asarray(cv2.resize(cut, (LARGEST, LARGEST), interpolation=cv2.INTER_AREA))
        placed = placed.scaled(LARGEST / side)
    return Portrait(*about, np.ascontiguousarray(cut, np.uint8), placed)


def _crop_box(rgb: _Image, landmarks: Landmarks) -> tuple[int, int, int]:
    """left, top, side of the square; never beyond the picture."""
    height, width = rgb.shape[:2]
    oval = landmarks.group("face_oval")
    chin, forehead = float(oval[:, 1].max()), float(oval[:, 1].min())
    head = (chin - forehead) * 1.33  # the crown is above the hairline
    if head < 0.12 * min(height, width) and head < SMALLEST / 2:
        raise PortraitError(
            "The face in the picture is too small.", "Crop it, or use a picture taken closer."
        )
    side = int(min(max(head / HEAD_SHARE, SMALLEST), height, width))
    # The head a little above the middle leaves room for the shoulders.
    middle_x, middle_y = float(oval[:, 0].mean()), chin - head / 2 + 0.06 * side
    left = int(np.clip(middle_x - side / 2, 0, width - side))
    top = int(np.clip(middle_y - side / 2, 0, height - side))
    return left, top, side
