"""Pictures that can come alive: the built-in gallery, and anybody's own file."""

import json
import re
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from avatar.landmarks import Landmarks
from avatar.portrait_files import BACKDROP, FORMATS_IN_WORDS, SMALLEST, read_picture
from avatar.types import Portrait
from emotion.errors import PortraitError

if TYPE_CHECKING:
    from avatar.portrait import Intake, LandmarkFinder

__all__ = ["BACKDROP", "WEIGHTS", "GalleryEntry", "gallery", "load_portrait", "portrait_from_rgb"]

HERE = Path(__file__).parent
GALLERY = HERE / "gallery"
WEIGHTS = HERE / "weights" / "landmarks.onnx"

_Image = NDArray[np.uint8]


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
    name_or_path: str | Path, landmark_finder: "LandmarkFinder | None" = None
) -> Portrait:
    """A gallery portrait by name, or a picture file of any format of `avatar.portrait_files`.

    Landmarks come from `FILE.json` beside the picture, else from `landmark_finder` (default: the
    built-in network). Raises PortraitError: unknown name, unreadable, huge, tiny, no face, several
    alike, or one that something blocks (see `avatar.portrait.inspect`).
    """
    for entry in gallery():
        if entry.name == str(name_or_path):
            return _described(entry.picture, entry.picture.with_suffix(".json"), entry.name)
    path = Path(name_or_path)
    if not _is_file(path):
        names = ", ".join(entry.name for entry in gallery()) or "none are installed"
        raise PortraitError(
            f"There is no portrait {str(name_or_path)!r:.200}.",
            f"Give the path of a {FORMATS_IN_WORDS} picture, or one of: {names}.",
        )
    sidecar = path.with_name(path.name + ".json")
    if sidecar.is_file():
        return _described(path, sidecar, path.stem)
    return _only_face(read_picture(path), (path.name, path.stem), landmark_finder)


def _is_file(path: Path) -> bool:
    try:
        return path.is_file()
    except (OSError, ValueError):  # a name too long, or with a null character
        return False


def portrait_from_rgb(
    rgb: _Image, name: str, landmark_finder: "LandmarkFinder | None" = None
) -> Portrait:
    """A portrait from (H, W, 3) uint8 pixels. Raises PortraitError if it has not just one face."""
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8:
        raise PortraitError(
            f"{name} is an array of shape {rgb.shape} and type {rgb.dtype}.",
            "Give height x width x 3 of 8-bit RGB.",
        )
    if min(rgb.shape[:2]) < SMALLEST:
        raise PortraitError(
            f"{name} is only {rgb.shape[1]} x {rgb.shape[0]} px.",
            f"Use a picture of {SMALLEST} px or more.",
        )
    return _only_face(rgb, (name, name), landmark_finder)


def _only_face(rgb: _Image, names: tuple[str, str], finder: "LandmarkFinder | None") -> Portrait:
    """names: of the file, for errors, and of the portrait."""
    from avatar.portrait import inspect, prepare

    seen = inspect(rgb, finder)
    _refuse(seen, names[0])
    return prepare(rgb, name=names[1], intake=seen)


def _refuse(seen: "Intake", name: str) -> None:
    """Raises PortraitError where nobody can be asked which face is meant."""
    for finding in seen.findings:
        if finding.code == "no_face":
            raise PortraitError(f"No face was found in {name}: {finding.message}", finding.remedy)
        if finding.code == "several":
            raise PortraitError(
                f"{name}: {finding.message}", "Crop it to the one person who shall speak."
            )


def _described(path: Path, sidecar: Path, name: str) -> Portrait:
    """A picture whose landmarks are in a JSON file."""
    from avatar.portrait import described

    data, rgb = _read_json(sidecar), read_picture(path)
    title = str(data.get("title") or titled(name))
    about = (str(data.get("name") or name), title, str(data.get("description") or ""))
    return described(about, rgb, _given(data, rgb, path))


def titled(name: str) -> str:
    """A file's stem in words."""
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
