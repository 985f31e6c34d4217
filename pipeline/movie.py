"""Writing an MP4 file (H.264 and AAC) that appears only when it is whole."""

import errno
import os
import secrets
from collections.abc import Iterator
from contextlib import contextmanager
from fractions import Fraction
from pathlib import Path
from typing import TYPE_CHECKING, Self

import numpy as np
from numpy.typing import NDArray

from emotion.errors import MediaError
from pipeline.encoders import BT709, LIMITED, Yuv420, check_size
from speech.types import FPS, PLAY_RATE

if TYPE_CHECKING:
    from av.audio.stream import AudioStream
    from av.container import OutputContainer
    from av.video.stream import VideoStream

_SUFFIXES = ("", ".mp4", ".m4v")
_AAC_BITS = 96_000


class Movie:
    """A clip of square pictures at 25 fps with mono sound; use it in a `with`.

    Written beside `out` and moved there at the end; after an error nothing is left. Raises
    MediaError when the file cannot be written.
    """

    def __init__(self, out: Path, size: int) -> None:
        self.check(out)
        self._out = out
        self._size = check_size(size)
        self._part = out.with_name(f".{out.name}.{secrets.token_hex(4)}.part")
        self._yuv = Yuv420()
        self._frames = self._samples = 0

    @staticmethod
    def check(out: Path) -> None:
        """Raises MediaError if there can be no clip of that name."""
        if out.suffix.lower() not in _SUFFIXES:
            raise MediaError(f"{out.name} would be no MP4 file.", "Let its name end in .mp4.")
        if out.is_dir():
            raise MediaError(f"{out} is a folder.", "Name a file, such as clip.mp4.")
        if not out.parent.is_dir():
            raise MediaError(f"There is no folder {out.parent}.", "Make it first.")
        if not os.access(out.parent, os.W_OK):
            raise MediaError(f"The folder {out.parent} cannot be written.", "Choose another.")

    def __enter__(self) -> Self:
        import av

        with self._told():
            self._container: OutputContainer = av.open(
                str(self._part), "w", format="mp4", options={"movflags": "faststart"}
            )
        self._video = self._add_video()
        self._audio: AudioStream = self._container.add_stream("aac", rate=PLAY_RATE, layout="mono")
        self._audio.bit_rate = _AAC_BITS
        return self

    def _add_video(self) -> "VideoStream":
        video: VideoStream = self._container.add_stream("libx264", rate=FPS)
        context = video.codec_context
        context.width = context.height = self._size
        context.pix_fmt = "yuv420p"
        context.gop_size = 2 * FPS
        context.color_primaries = context.color_trc = context.colorspace = BT709
        context.color_range = LIMITED
        context.options = {"preset": "veryfast", "crf": "19"}
        return video

    def add(self, rgb: NDArray[np.uint8], pcm: NDArray[np.float32]) -> None:
        """The next frame, rgb (H, W, 3) uint8, and its sound, (960,) float32 in [-1, 1]."""
        from av import AudioFrame

        picture = self._yuv(rgb)
        picture.pts, picture.time_base = self._frames, Fraction(1, FPS)
        sound = AudioFrame.from_ndarray(np.clip(pcm, -1, 1)[None], "fltp", "mono")
        sound.rate, sound.pts, sound.time_base = PLAY_RATE, self._samples, Fraction(1, PLAY_RATE)
        self._frames += 1
        self._samples += len(pcm)
        with self._told():
            self._container.mux(self._video.encode(picture))
            self._container.mux(self._audio.encode(sound))

    def __exit__(self, kind: type[BaseException] | None, *_: object) -> None:
        try:
            with self._told():
                if kind is None:
                    self._container.mux(self._video.encode(None))
                    self._container.mux(self._audio.encode(None))
                    self._container.close()  # a full disk may show only here
                    os.replace(self._part, self._out)
                else:
                    self._abandon()
        finally:
            self._part.unlink(missing_ok=True)

    def _abandon(self) -> None:
        try:
            self._container.close()
        except OSError:
            return  # the first error is the one to tell

    @contextmanager
    def _told(self) -> Iterator[None]:
        """Turn what the system says into an error with a remedy."""
        try:
            yield
        except OSError as error:
            full = error.errno in (errno.ENOSPC, errno.EDQUOT, errno.EFBIG)
            remedy = "Free some space" if full else "Check the folder"
            raise MediaError(
                f"{self._out} could not be written: {error.strerror}.",
                f"{remedy} or choose another place.",
            ) from error
