"""Reading a driver's video: upright pictures at 25 a second and the sound that goes with them.

Media time starts at the first picture (plus `Span.start`); phones turn pictures by metadata, record
at changing rates and start sound and pictures apart: all of that is undone here.
"""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from math import floor
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from emotion.errors import MediaError
from speech.types import FPS, PLAY_RATE

if TYPE_CHECKING:
    from av.container import InputContainer
    from av.video.frame import VideoFrame
    from av.video.stream import VideoStream

Bytes = NDArray[np.uint8]
SIDE = 720  # longer pictures are scaled down to this many pixels: a face needs no more
_REMEDY = "Choose a video file such as MP4, MOV, WebM or MKV."
_EARLY = 0.5 / FPS  # a picture stands for the moments around its own
_JUMP = PLAY_RATE // 20  # sound that is this far from where it should be is put there
_LARGEST = 8192  # px a side


@dataclass(frozen=True, slots=True)
class Span:
    """What of a video is used: from `start` seconds, for `seconds` (0: to its end), of which there
    may be `longest`."""

    start: float = 0.0
    seconds: float = 0.0
    longest: float = 600.0


class DriverVideo:
    """One video file.

    Raises MediaError when the file is missing, is no video, is broken, lasts too long or ends
    before the span starts.
    """

    def __init__(self, path: Path, span: Span) -> None:
        if span.start < 0 or span.seconds < 0:
            raise MediaError(
                f"A clip cannot start at {span.start:g} s and last {span.seconds:g} s.",
                "Give seconds from 0 on.",
            )
        self._path, self._span = path, span
        self._name = f"The video {str(path)!r:.300}"
        _check_file(path, self._name)
        with self._opened() as container:
            stream = self._pictures_of(container)
            self._zero = _seconds(stream.start_time, stream.time_base)
            known = _seconds(stream.duration, stream.time_base)
            if not known and container.duration:
                known = container.duration / 1e6
        if known:
            self._check_length(known)
        self._known = known

    @property
    def expected(self) -> int:
        """How many pictures there may be, 0 where the file does not tell."""
        left = max(0.0, self._known - self._span.start)
        wanted = min(left, self._span.seconds) if self._span.seconds else left
        return round(wanted * FPS)

    def pictures(self) -> Iterator[Bytes]:
        """(H, W, 3) uint8, upright, 25 a second: at each moment the picture then shown."""
        count, most = 0, floor(self._span.longest * FPS)
        wanted = round(self._span.seconds * FPS) or most + 1
        for rgb, until in self._spans():
            while count < wanted and count / FPS + _EARLY < until:
                if count >= most:
                    raise self._too_long()
                yield rgb
                count += 1
            if count >= wanted:
                return
        if not count:
            raise MediaError(
                f"{self._name} has no pictures from second {self._span.start:g} on.",
                "Start earlier, or choose another file.",
            )

    def sound(self, samples: int) -> NDArray[np.float32]:
        """(samples,) float32 in [-1, 1] at PLAY_RATE from where the pictures start; silence where
        there is none."""
        out = np.zeros(samples, np.float32)
        origin = self._zero + self._span.start
        with self._opened() as container:
            if not container.streams.audio:
                return out
            self._seek(container, container.streams.audio[0])
            expected: int | None = None
            for pcm, time in _resampled(container):
                at = expected
                if time is not None:
                    true = round((time - origin) * PLAY_RATE)
                    at = true if at is None or abs(true - at) > _JUMP else at
                at = at or 0
                if at >= samples:
                    break
                expected = at + len(pcm)
                first, last = max(at, 0), min(expected, samples)
                if last > first:
                    out[first:last] = pcm[first - at : last - at]
        return out.clip(-1, 1)

    def _spans(self) -> Iterator[tuple[Bytes, float]]:
        """Pictures with the time until which each is shown, in seconds of the span."""
        shown: VideoFrame | None = None
        since, origin = -1.0, self._zero + self._span.start
        with self._opened() as container:
            stream = self._pictures_of(container)
            stream.thread_type = "AUTO"
            self._seek(container, stream)
            rate = float(stream.average_rate or FPS)
            for frame in container.decode(stream):
                time = frame.time - origin if frame.time is not None else since + 1 / rate
                if shown is not None and time <= since:
                    continue  # a clock that runs back
                if shown is not None and time > _EARLY:
                    yield self._upright(shown), time
                shown, since = frame, time
            if shown is not None and (length := _shown_for(shown, rate)) + since > _EARLY:
                yield self._upright(shown), since + length

    def _upright(self, frame: "VideoFrame") -> Bytes:
        width, height = frame.width, frame.height
        if max(width, height) > _LARGEST:
            raise MediaError(f"{self._name} has pictures of {width} x {height}.", _REMEDY)
        aspect = getattr(frame, "sample_aspect_ratio", None)
        wide = width * float(aspect) if aspect and 0.2 < float(aspect) < 5 else float(width)
        scale = min(1.0, SIDE / max(wide, height))
        size = [max(16, round(scale * side / 2) * 2) for side in (wide, height)]
        rgb: Bytes = np.asarray(
            frame.to_ndarray(format="rgb24", width=size[0], height=size[1]), np.uint8
        )
        quarters = round(frame.rotation / 90) % 4
        return np.ascontiguousarray(np.rot90(rgb, quarters)) if quarters else rgb

    @contextmanager
    def _opened(self) -> Iterator["InputContainer"]:
        import av

        try:
            with av.open(str(self._path.resolve())) as container:
                yield container
        except (av.FFmpegError, OSError, ValueError) as error:
            raise MediaError(f"{self._name} cannot be read ({error}).", _REMEDY) from error

    def _pictures_of(self, container: "InputContainer") -> "VideoStream":
        from av.stream import Disposition

        for stream in container.streams.video:
            if not stream.disposition & Disposition.attached_pic:  # the cover of a song
                return stream
        raise MediaError(f"{self._name} has no moving pictures in it.", _REMEDY)

    def _seek(self, container: "InputContainer", stream: Any) -> None:
        if self._span.start > 1 and stream.time_base:
            container.seek(floor((self._zero + self._span.start) / stream.time_base), stream=stream)

    def _check_length(self, known: float) -> None:
        if known <= self._span.start:
            raise MediaError(
                f"{self._name} ends after {known:.1f} s, before second {self._span.start:g}.",
                "Start earlier.",
            )
        wanted = self._span.seconds or known - self._span.start
        if min(wanted, known - self._span.start) > self._span.longest + 1:
            raise self._too_long()

    def _too_long(self) -> MediaError:
        return MediaError(
            f"{self._name} lasts more than {self._span.longest:g} seconds.",
            "Take a part of it (--start, --seconds), or raise limits.max_clip_s.",
        )


def _check_file(path: Path, name: str) -> None:
    # PyAV would also open URLs and devices; only files are meant here.
    if not path.exists():
        raise MediaError(f"{name} does not exist.", "Check the path.")
    if not path.is_file():
        raise MediaError(f"{name} is not a file.", _REMEDY)
    if path.stat().st_size == 0:
        raise MediaError(f"{name} is empty.", _REMEDY)


def _seconds(ticks: int | None, base: Any) -> float:
    return float(ticks * base) if ticks is not None and base else 0.0


def _shown_for(frame: "VideoFrame", rate: float) -> float:
    length = _seconds(frame.duration, frame.time_base)
    return length if 0 < length < 1 else 1 / rate


def _resampled(container: "InputContainer") -> Iterator[tuple[NDArray[np.float32], float | None]]:
    """Mono pieces at PLAY_RATE, each with the time at which it starts."""
    from av.audio.resampler import AudioResampler

    # The channels stay: FFmpeg's own way to mono sums them up and may clip.
    resampler = AudioResampler(format="fltp", rate=PLAY_RATE)
    for frame in container.decode(audio=0):
        for piece in resampler.resample(frame):
            yield piece.to_ndarray().mean(axis=0, dtype=np.float32), piece.time
    for piece in resampler.resample(None):
        yield piece.to_ndarray().mean(axis=0, dtype=np.float32), piece.time
