"""Loading pictures: gallery, files, and everything that can be wrong with them."""

import json
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from avatar.landmarks import GROUPS, Landmarks
from avatar.portraits import BACKDROP, gallery, load_portrait, portrait_from_rgb
from avatar.types import Portrait
from emotion.errors import PortraitError
from tests.avatar_face import landmarks, picture


@dataclass(frozen=True)
class Face:
    points: np.ndarray
    score: float = 0.9


def finder(*faces: Face):
    return lambda rgb: list(faces)


def as_groups(found: Landmarks) -> dict[str, list]:
    return {name: found.group(name).tolist() for name in GROUPS}


@pytest.fixture
def drawn(tmp_path: Path) -> Path:
    path = tmp_path / "my_face.png"
    Image.fromarray(picture()).save(path)
    return path


ONE = finder(Face(landmarks().points))


def test_file_with_a_finder(drawn: Path) -> None:
    portrait = load_portrait(drawn, ONE)
    assert portrait.name == "my_face"
    assert portrait.title == "My face"
    height, width, _ = portrait.rgb.shape
    assert height == width
    assert_on_the_face(portrait)


def assert_on_the_face(portrait: Portrait) -> None:
    """The irises lie where the picture has them."""
    for side in ("right", "left"):
        x, y = portrait.landmarks.group(f"{side}_iris")[0]
        assert portrait.rgb[int(y), int(x)].tolist() == pytest.approx([60, 90, 70], abs=25)


def test_sidecar_is_used_before_any_finder(drawn: Path) -> None:
    about = {"title": "Ada", "landmarks": as_groups(landmarks()), "size": [512, 512]}
    Path(f"{drawn}.json").write_text(json.dumps(about))
    portrait = load_portrait(drawn, finder())
    assert portrait.title == "Ada"
    assert_on_the_face(portrait)


def test_broken_sidecars(drawn: Path) -> None:
    sidecar = Path(f"{drawn}.json")
    for text in ("{", "[1]", '{"landmarks": {"nose": [[1, 2]]}}', '{"landmarks": 5}'):
        sidecar.write_text(text)
        with pytest.raises(PortraitError):
            load_portrait(drawn)


def test_head_gets_half_the_height(drawn: Path) -> None:
    large = np.asarray(Image.fromarray(picture()).resize((2048, 2048)))
    wide = np.full((2600, 3600, 3), 200, np.uint8)
    wide[200:2248, 900:2948] = large
    points = landmarks().scaled(4).points + np.float32([900, 200])
    portrait = portrait_from_rgb(wide, "wide", finder(Face(points)))
    assert portrait.rgb.shape == (1024, 1024, 3)
    oval = portrait.landmarks.group("face_oval")
    assert 0.33 < np.ptp(oval[:, 1]) / 1024 < 0.45
    assert abs(oval[:, 0].mean() - 512) < 10


def test_largest_face_speaks(drawn: Path) -> None:
    small = Face(landmarks().scaled(0.4).points)
    assert_on_the_face(load_portrait(drawn, finder(small, Face(landmarks().points))))


def test_faces_of_similar_size(drawn: Path) -> None:
    second = Face(landmarks().scaled(0.9).points)
    with pytest.raises(PortraitError, match="2 faces") as caught:
        load_portrait(drawn, finder(second, Face(landmarks().points)))
    assert "Crop" in caught.value.remedy


def test_two_people_are_not_chosen_from_by_a_difference_in_size(drawn: Path) -> None:
    second = Face(landmarks().scaled(0.7).points)  # measured on two portraits side by side
    with pytest.raises(PortraitError, match="2 faces"):
        load_portrait(drawn, finder(second, Face(landmarks().points)))


@pytest.mark.parametrize("name", ["x" * 5_000, "a\0b"])
def test_names_that_no_file_can_have(name: str) -> None:
    with pytest.raises(PortraitError, match="no portrait") as caught:
        load_portrait(name)
    assert len(str(caught.value)) < 1_000


def test_no_face(drawn: Path) -> None:
    with pytest.raises(PortraitError, match="No face was found in my_face.png"):
        load_portrait(drawn, finder())


def test_face_too_small(drawn: Path) -> None:
    with pytest.raises(PortraitError, match="too small"):
        load_portrait(drawn, finder(Face(landmarks().scaled(0.12).points)))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_formats(tmp_path: Path, kind: str) -> None:
    path = tmp_path / f"face.{kind.lower()}"
    Image.fromarray(picture()).save(path, kind, quality=95)
    assert_on_the_face(load_portrait(path, ONE))


def test_exif_rotation(tmp_path: Path) -> None:
    path = tmp_path / "turned.jpg"
    exif = Image.Exif()
    exif[0x0112] = 6  # to be turned clockwise for viewing
    Image.fromarray(np.rot90(picture()).copy()).save(path, quality=95, exif=exif)
    assert_on_the_face(load_portrait(path, ONE))


def test_transparency_is_laid_on_grey(tmp_path: Path) -> None:
    path = tmp_path / "clear.png"
    alpha = np.zeros((512, 512), np.uint8)
    alpha[80:440, 120:400] = 255
    Image.fromarray(np.dstack([picture(), alpha])).save(path)
    portrait = load_portrait(path, ONE)
    assert tuple(portrait.rgb[0, 0]) == BACKDROP
    assert_on_the_face(portrait)


@pytest.mark.parametrize("mode", ["L", "P", "CMYK", "LA", "I;16"])
def test_unusual_colour_modes(tmp_path: Path, mode: str) -> None:
    path = tmp_path / ("face.jpg" if mode == "CMYK" else "face.png")
    if mode == "I;16":
        Image.fromarray(picture()[..., 0].astype(np.uint16) * 257).save(path)
    else:
        Image.fromarray(picture()).convert(mode).save(path)
    rgb = load_portrait(path, ONE).rgb
    assert rgb.dtype == np.uint8
    assert 60 < rgb.mean() < 240


def test_bytes_that_are_no_picture(tmp_path: Path) -> None:
    for name, data in {"a.png": b"", "b.jpg": b"<html>", "c.webp": b"RIFF\0\0\0\0WEBP"}.items():
        path = tmp_path / name
        path.write_bytes(data)
        with pytest.raises(PortraitError) as caught:
            load_portrait(path, ONE)
        assert caught.value.remedy


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
def test_truncated(tmp_path: Path, kind: str) -> None:
    path = tmp_path / "cut"
    Image.fromarray(picture()).save(path, kind)
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(PortraitError):
        load_portrait(path, ONE)


def test_too_small_and_too_large(tmp_path: Path) -> None:
    tiny, huge = tmp_path / "tiny.png", tmp_path / "huge.png"
    Image.new("RGB", (400, 100)).save(tiny)
    Image.new("L", (9000, 9000)).save(huge)
    with pytest.raises(PortraitError, match="400 x 100"):
        load_portrait(tiny, ONE)
    with pytest.raises(PortraitError, match="megapixels|too many pixels"):
        load_portrait(huge, ONE)


def test_no_such_file_lists_the_gallery() -> None:
    with pytest.raises(PortraitError) as caught:
        load_portrait("nobody.png")
    assert all(entry.name in caught.value.remedy for entry in gallery())


def test_directory_is_no_portrait(tmp_path: Path) -> None:
    with pytest.raises(PortraitError):
        load_portrait(tmp_path)


def test_wrong_array() -> None:
    with pytest.raises(PortraitError, match="shape"):
        portrait_from_rgb(np.zeros((300, 300), np.uint8), "grey", ONE)


def test_gallery_portraits_load() -> None:
    entries = gallery()
    assert len({entry.name for entry in entries}) == len(entries) > 0
    for entry in entries[:3]:
        portrait = load_portrait(entry.name)
        assert portrait.title == entry.title
        height, width, _ = portrait.rgb.shape
        assert height == width >= 700
        inner = portrait.landmarks.points
        assert (inner > 0).all() and (inner < height).all()
