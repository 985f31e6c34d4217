"""Reading picture files of any usual format to upright 8-bit sRGB pixels."""

from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from emotion.errors import PortraitError

if TYPE_CHECKING:
    from PIL.Image import Image as Picture

Bytes = NDArray[np.uint8]

FORMATS = ("PNG", "WEBP", "AVIF", "GIF", "TIFF", "BMP")
FORMATS_IN_WORDS = "JPEG, PNG, WebP, HEIC, AVIF, GIF, TIFF or BMP"
SMALLEST = 128  # px, of the shorter side
MOST_PIXELS = 50_000_000
MOST_JPEG_PIXELS = 250_000_000  # these are decoded at a fraction of their size
MOST_BYTES = 100_000_000
LONGEST = 4096  # px: longer sides are scaled down to it
BACKDROP = (190, 190, 190)  # under transparent pictures
_HEIF_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")


def read_picture(source: Path | bytes, name: str = "The picture") -> Bytes:
    """(H, W, 3) uint8 sRGB of a file or its bytes, upright, sides of 128 to 4096 px.

    Transparent parts show grey; of moving pictures the first frame is taken. `name` is how errors
    call it. Raises PortraitError: not a picture, damaged, tiny or huge.
    """
    name = str(source) if isinstance(source, Path) else name
    from PIL import Image, UnidentifiedImageError

    try:
        data = _content(source, name)
        with _opened(data, name) as picture:
            return _pixels(picture)
    except UnidentifiedImageError as error:
        raise PortraitError(
            f"{name} is not a picture that can be read here.", f"Use a {FORMATS_IN_WORDS} file."
        ) from error
    except Image.DecompressionBombError as error:
        raise PortraitError(f"{name} has too many pixels.", "Use at most 50 megapixels.") from error
    # Decoders meet damaged files with any of these.
    except (OSError, ValueError, SyntaxError, EOFError, RuntimeError) as error:
        raise PortraitError(
            f"{name} is damaged: {error}.", "Save it again from its source, or use another picture."
        ) from error


def _content(source: Path | bytes, name: str) -> bytes:
    size = len(source) if isinstance(source, bytes) else source.stat().st_size
    if size > MOST_BYTES:
        raise PortraitError(f"{name} has {size // 1_000_000} MB.", "Use a picture under 100 MB.")
    return source if isinstance(source, bytes) else source.read_bytes()


def _opened(data: bytes, name: str) -> "Picture":
    """The picture, not decoded yet; its size is checked."""
    from PIL import Image
    from PIL.JpegImagePlugin import JpegImageFile

    if data[4:8] == b"ftyp" and data[8:12] in _HEIF_BRANDS and b"avif" not in data[8:40]:
        return _heif(data, name)
    if data[:3] == b"\xff\xd8\xff":  # not by Image.open, which warns of what phones make today
        picture = JpegImageFile(BytesIO(data))
        _check_size(*picture.size, name, MOST_JPEG_PIXELS)
        picture.draft("RGB" if picture.mode == "RGB" else picture.mode, (LONGEST, LONGEST))
        return picture
    opened = Image.open(BytesIO(data), formats=FORMATS)
    _check_size(*opened.size, name, MOST_PIXELS)
    return opened


def _heif(data: bytes, name: str) -> "Picture":
    """What iPhones make; the library turns it upright and reduces it to 8 bits itself."""
    import pillow_heif

    stored = pillow_heif.open_heif(data)
    width, height = stored.size
    _check_size(width, height, name, MOST_PIXELS)
    picture: Picture = stored.to_pillow()
    return picture


def _check_size(width: int, height: int, name: str, most: int) -> None:
    if min(width, height) < SMALLEST:
        raise PortraitError(
            f"{name} is only {width} x {height} px.", f"Use a picture of {SMALLEST} px or more."
        )
    if width * height > most:
        raise PortraitError(
            f"{name} has {width * height / 1e6:.0f} megapixels.",
            f"Use at most {most // 1_000_000} megapixels.",
        )


def _pixels(picture: "Picture") -> Bytes:
    from PIL import Image, ImageOps

    profile = picture.info.get("icc_profile")
    upright = ImageOps.exif_transpose(picture) or picture
    if upright.mode == "F" or upright.mode.startswith("I"):  # Pillow would clip these
        return _shades(np.asarray(upright, np.float32), upright.mode)
    longest = max(upright.size)
    if longest > LONGEST:
        size = [max(SMALLEST, round(n * LONGEST / longest)) for n in upright.size]
        if upright.mode in ("P", "1"):  # colour numbers cannot be averaged
            upright = upright.convert("RGBA")
        upright = upright.resize((size[0], size[1]), Image.Resampling.LANCZOS, reducing_gap=2.0)
    return _flatten(upright, profile)


def _shades(grey: NDArray[np.float32], mode: str) -> Bytes:
    """Grey of 16 bits, or of any range, as 8-bit RGB."""
    if mode == "F" or grey.max() > 65535:
        low, high = float(grey.min()), float(grey.max())
        grey = (grey - low) * (65535 / max(high - low, 1e-9))
    return np.repeat((grey / 257).clip(0, 255).astype(np.uint8)[..., None], 3, axis=2)


def _flatten(picture: "Picture", profile: bytes | None) -> Bytes:
    from PIL import Image

    if picture.mode == "P" or "A" in picture.getbands() or "transparency" in picture.info:
        layer = picture.convert("RGBA")
        solid = _in_srgb(layer.convert("RGB"), profile).convert("RGBA")
        solid.putalpha(layer.getchannel("A"))
        under = Image.new("RGBA", layer.size, (*BACKDROP, 255))
        picture = Image.alpha_composite(under, solid)
    else:
        picture = _in_srgb(picture, profile)
    return np.asarray(picture.convert("RGB"), np.uint8)


def _in_srgb(picture: "Picture", profile: bytes | None) -> "Picture":
    """Colours of phones and print shops (Display P3, CMYK) as sRGB.

    A profile that cannot be read, or that is made for other channels than the picture has, says
    nothing about its colours: the picture is then taken as it is.
    """
    if not profile or picture.mode not in ("RGB", "CMYK"):
        return picture
    from PIL import ImageCms

    try:
        given = ImageCms.ImageCmsProfile(BytesIO(profile))
        space = given.profile.xcolor_space.strip()
        if space != picture.mode or "sRGB" in (given.profile.profile_description or ""):
            return picture
        target = ImageCms.createProfile("sRGB")
        made = ImageCms.profileToProfile(picture, given, target, outputMode="RGB")
    except (ImageCms.PyCMSError, OSError):
        return picture
    return made or picture
