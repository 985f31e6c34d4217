"""Coding the live picture for the page: H.264 for WebCodecs, JPEG for all others.

An encoder belongs to one connection: H.264 refers to the pictures before.
Axis legend: H W pixels.
"""

from dataclasses import dataclass
from fractions import Fraction
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from emotion.errors import ProviderError
from speech.types import FPS

if TYPE_CHECKING:
    from av.video.frame import VideoFrame

SIZES = range(64, 2049, 2)  # edges of square pictures, in pixels: 4:2:0 wants even ones
BT709 = 1  # primaries, transfer and matrix of H.273, as the page's decoder expects for sRGB
BT601 = 6  # matrix of H.273 (SMPTE 170M)
LIMITED = 1  # luma 16..235 (AVCOL_RANGE_MPEG)
# superfast without what a face at rest gains nothing from: at 512 pixels a quarter less time for
# the same PSNR, still 16 % fewer bits than ultrafast.
_LEAN = (
    "subme=0:me=dia:trellis=0:aq-mode=0:deblock=0,0:mixed-refs=0:weightp=0:rc-lookahead=0:"
    "sync-lookahead=0:mbtree=0:scenecut=0"
)


@dataclass(frozen=True, slots=True)
class EncodedPicture:
    """data: one coded picture; key: it can be decoded without the ones before."""

    data: bytes
    key: bool


class VideoEncoder(Protocol):
    """Codes the pictures of one connection, one at a time, in order."""

    def encode(self, rgb: NDArray[np.uint8], pts: int) -> EncodedPicture:
        """rgb: (H, W, 3) uint8; pts: media-clock sample (24 kHz)."""
        ...

    def force_key(self) -> None:
        """Make the next picture a key frame; may be called from any thread."""
        ...


def check_size(size: int) -> int:
    """The size itself. Raises ValueError unless it is even and within `SIZES`."""
    if size not in SIZES:
        raise ValueError(f"size must be even and in {SIZES[0]}..{SIZES[-1]}, got {size}")
    return size


def _check_shape(rgb: NDArray[np.uint8], size: int) -> None:
    if rgb.shape != (size, size, 3):
        raise ValueError(f"this encoder takes ({size}, {size}, 3) pictures, got {rgb.shape}")


class JpegEncoder:
    """JPEG pictures, quality 1..100; every one is a key frame."""

    def __init__(self, size: int, quality: int = 85) -> None:
        if not 1 <= quality <= 100:
            raise ValueError(f"quality must be in 1..100, got {quality}")
        self._size = check_size(size)
        self._quality = quality

    def encode(self, rgb: NDArray[np.uint8], pts: int) -> EncodedPicture:
        """As `VideoEncoder.encode`. Raises ValueError if the picture has another size."""
        import cv2

        _check_shape(rgb, self._size)
        options = [cv2.IMWRITE_JPEG_QUALITY, self._quality]
        done, data = cv2.imencode(".jpg", cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), options)
        if not done:
            raise ProviderError("A picture could not be coded as JPEG.", "Reload the page.")
        return EncodedPicture(data.tobytes(), True)

    def force_key(self) -> None:
        """Nothing to do: every picture is one."""


class Yuv420:
    """RGB to 4:2:0 in BT.709, limited range. Keeps its scaler; one thread at a time."""

    def __init__(self) -> None:
        from av.video.reformatter import VideoReformatter

        self._reformatter = VideoReformatter()

    def __call__(self, rgb: NDArray[np.uint8]) -> "VideoFrame":
        """rgb: (H, W, 3) uint8 -> a yuv420p frame, flagged accordingly."""
        from av import VideoFrame
        from av.video.reformatter import ColorRange, Colorspace

        frame = self._reformatter.reformat(
            VideoFrame.from_ndarray(rgb, "rgb24"),
            format="yuv420p",
            dst_colorspace=Colorspace.ITU709,
            dst_color_range=ColorRange.MPEG,
            # One thread: a pool costs milliseconds on a busy machine, the work takes one.
            threads=1,
        )
        assert frame is not None
        frame.color_primaries = frame.color_trc = BT709
        return frame


def _live_yuv(rgb: NDArray[np.uint8]) -> "VideoFrame":
    """As `Yuv420` in BT.601: OpenCV has that in a third of the time, and live pictures are many."""
    import cv2
    from av import VideoFrame

    planes = np.asarray(cv2.cvtColor(rgb, cv2.COLOR_RGB2YUV_I420), np.uint8)
    frame = VideoFrame.from_ndarray(planes, "yuv420p")
    frame.color_primaries = frame.color_trc = BT709
    frame.colorspace, frame.color_range = BT601, LIMITED
    return frame


class H264Encoder:
    """H.264 as Annex B: one packet for each picture at once, parameter sets in every key frame.

    A key frame comes every `key_seconds`, and on demand. About 400 kbit/s for a speaking face of
    512 pixels at a quality (crf) where coding hardly shows; a ceiling of 4 bits a pixel and second
    bounds what a slow link must carry.
    """

    def __init__(
        self, size: int, fps: int = FPS, *, crf: float = 23.0, key_seconds: float = 2.0
    ) -> None:
        from av import CodecContext
        from av.video.codeccontext import VideoCodecContext

        context = CodecContext.create("libx264", "w")
        assert isinstance(context, VideoCodecContext)
        self._size = context.width = context.height = check_size(size)
        context.pix_fmt = "yuv420p"
        context.framerate, context.time_base = Fraction(fps), Fraction(1, fps)
        context.gop_size = max(1, round(key_seconds * fps))
        context.max_b_frames = 0
        context.thread_count = 1
        context.color_primaries = context.color_trc = BT709
        context.colorspace, context.color_range = BT601, LIMITED
        ceiling = str(4 * size * size)
        context.options = {
            "preset": "superfast",
            "tune": "zerolatency",
            "crf": str(crf),
            "maxrate": ceiling,
            "bufsize": ceiling,
            "x264-params": f"repeat-headers=1:annexb=1:{_LEAN}",
            "forced-idr": "1",
        }
        self._context = context
        self._count = 0
        self._key_wanted = False

    def encode(self, rgb: NDArray[np.uint8], pts: int) -> EncodedPicture:
        """As `VideoEncoder.encode`. Raises ValueError if the picture has another size."""
        from av.video.frame import PictureType

        _check_shape(rgb, self._size)
        frame = _live_yuv(rgb)
        # The encoder counts pictures; where they stand in time is the packet's affair.
        frame.pts, frame.time_base = self._count, self._context.time_base
        self._count += 1
        key_wanted, self._key_wanted = self._key_wanted, False
        frame.pict_type = PictureType.I if key_wanted else PictureType.NONE
        packets = self._context.encode(frame)
        if len(packets) != 1:
            raise ProviderError("The H.264 encoder gave no picture.", "Reload the page.")
        return EncodedPicture(bytes(packets[0]), packets[0].is_keyframe)

    def force_key(self) -> None:
        """As `VideoEncoder.force_key`."""
        self._key_wanted = True
