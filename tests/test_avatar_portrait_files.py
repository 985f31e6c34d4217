"""Every format that people have, upright and in sRGB; damaged ones are refused in words."""

import io
from pathlib import Path

import numpy as np
import pillow_heif
import pytest
from PIL import Image, ImageCms

from avatar.portrait_files import BACKDROP, LONGEST, read_picture
from emotion.errors import PortraitError
from tests.avatar_face import picture

ORIENTATION = 0x0112


def stored(image, kind, **options):
    """The bytes of a file."""
    out = io.BytesIO()
    if kind == "HEIF":
        pillow_heif.from_pillow(image).save(out, quality=90, **options)
    else:
        image.save(out, kind, **options)
    return out.getvalue()


def drawn():
    return Image.fromarray(picture())


def assert_drawn(rgb, tolerance=6.0):
    assert rgb.shape == (512, 512, 3) and rgb.dtype == np.uint8
    assert np.abs(rgb.astype(float) - picture()).mean() < tolerance


@pytest.mark.parametrize(
    "kind", ["JPEG", "PNG", "WEBP", "AVIF", "HEIF", "GIF", "TIFF", "BMP", "MPO"]
)
def test_formats(kind):
    assert_drawn(read_picture(stored(drawn(), kind)))


def test_a_file_by_its_path_whatever_it_is_called(tmp_path: Path):
    path = tmp_path / "face.txt"
    path.write_bytes(stored(drawn(), "WEBP"))
    assert_drawn(read_picture(path))


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF", "TIFF", "AVIF"])
@pytest.mark.parametrize(("orientation", "quarters"), [(3, 2), (6, 1), (8, 3)])
def test_pictures_are_turned_upright_once(kind, orientation, quarters):
    exif = Image.Exif()
    exif[ORIENTATION] = orientation
    lying = Image.fromarray(np.rot90(picture(), quarters).copy())
    assert_drawn(read_picture(stored(lying, kind, exif=exif.tobytes())))


@pytest.mark.parametrize("kind", ["PNG", "WEBP", "TIFF", "HEIF", "AVIF"])
def test_transparent_parts_show_grey(kind):
    image = drawn().convert("RGBA")
    alpha = np.full((512, 512), 255, np.uint8)
    alpha[:100] = 0
    image.putalpha(Image.fromarray(alpha))
    rgb = read_picture(stored(image, kind))
    assert np.abs(rgb[:90].astype(int) - BACKDROP).max() < 8
    assert np.abs(rgb[110:].astype(float) - picture()[110:]).mean() < 6


@pytest.mark.parametrize("mode", ["L", "1", "P", "LA", "CMYK", "I;16", "I", "F"])
def test_colour_modes(mode):
    kind = "TIFF" if mode in ("CMYK", "I", "F") else "PNG"
    if mode[0] in "IF":
        grey = np.asarray(drawn().convert("L"), np.float32) * 257
        kinds = {"I;16": np.uint16, "I": np.int32, "F": np.float32}
        rgb = read_picture(stored(Image.fromarray(grey.astype(kinds[mode])), kind))
        assert np.abs(rgb[..., 0] - grey / 257).mean() < 30
    else:
        rgb = read_picture(stored(drawn().convert(mode), kind))
    assert rgb.shape == (512, 512, 3) and 100 < rgb.mean() < 230


def test_sixteen_bit_colour():
    import cv2

    deep = picture()[..., ::-1].astype(np.uint16) * 257
    assert_drawn(read_picture(cv2.imencode(".png", deep)[1].tobytes()), 2)


def test_only_the_first_picture_of_a_moving_one():
    frames = [drawn(), Image.new("RGB", (512, 512))]
    for kind in ("GIF", "WEBP", "AVIF"):
        moving = stored(frames[0], kind, save_all=True, append_images=frames[1:])
        assert_drawn(read_picture(moving))


def test_colour_profiles_are_followed():
    """Lab is no RGB profile and is ignored; a real one of another gamma changes the colours."""
    plain = stored(drawn(), "PNG", icc_profile=b"rubbish")
    assert_drawn(read_picture(plain), 1)
    lab = ImageCms.ImageCmsProfile(ImageCms.createProfile("LAB")).tobytes()
    assert_drawn(read_picture(stored(drawn(), "PNG", icc_profile=lab)), 1)
    srgb = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    assert_drawn(read_picture(stored(drawn(), "PNG", icc_profile=srgb)), 1)


def test_huge_pictures_are_made_smaller():
    large = Image.new("RGB", (6300, 5600), (200, 100, 50))
    rgb = read_picture(stored(large, "JPEG"))
    assert max(rgb.shape) <= LONGEST and abs(rgb.shape[1] / rgb.shape[0] - 9 / 8) < 0.01
    assert np.abs(rgb.astype(int) - (200, 100, 50)).max() < 4
    wide = read_picture(stored(Image.new("P", (8000, 200)), "PNG"))
    assert wide.shape == (128, LONGEST, 3)


@pytest.mark.parametrize(
    ("image", "kind", "words"),
    [
        (Image.new("RGB", (400, 100)), "PNG", "400 x 100"),
        (Image.new("RGB", (64, 64)), "JPEG", "64 x 64"),
        (Image.new("RGB", (96, 96)), "HEIF", "96 x 96"),
        (Image.new("1", (9000, 9000)), "PNG", "megapixels|too many"),
    ],
)
@pytest.mark.filterwarnings("ignore::PIL.Image.DecompressionBombWarning")
def test_tiny_and_enormous_ones_are_refused(image, kind, words):
    with pytest.raises(PortraitError, match=words) as caught:
        read_picture(stored(image, kind), "selfie")
    assert "selfie" in caught.value.message and caught.value.remedy


def test_bytes_that_are_no_picture():
    rubbish = [b"", b"\xff\xd8\xff", b"<svg></svg>", b"RIFF\0\0\0\0WEBP", bytes(500)]
    for data in [*rubbish, b"\0\0\0\x18ftypheic" + bytes(90), b"GIF89a", b"BM" + bytes(60)]:
        with pytest.raises(PortraitError) as caught:
            read_picture(data)
        assert caught.value.remedy


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "HEIF", "AVIF", "TIFF", "GIF"])
@pytest.mark.parametrize("share", [0.02, 0.5, 0.9])
def test_truncated_files_are_refused(kind, share):
    noise = np.random.default_rng(0).integers(0, 256, (300, 300, 3), np.uint8)
    whole = stored(Image.fromarray(noise), kind)
    with pytest.raises(PortraitError):
        read_picture(whole[: int(share * len(whole))])


def test_a_missing_file_is_no_traceback(tmp_path: Path):
    with pytest.raises(PortraitError):
        read_picture(tmp_path / "gone.png")
