"""Reading a clip: its frames one by one, upright and not too large, and its sound, on one clock."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

import numpy as np
from numpy.typing import NDArray

from avatar.training.clips.config import Config
from emotion.errors import MediaError

if TYPE_CHECKING:
    from av.container import InputContainer

Bytes = NDArray[np.uint8]
Floats = NDArray[np.float32]

SUFFIXES = frozenset(
    (".mp4", ".mov", ".mkv", ".webm", ".avi", ".m4v", ".mpg", ".mpeg", ".ts", ".wmv", ".ogv")
)
SOUND_RATE = 16_000
MOST_PIXELS = 8192 * 8192  # of a frame that is decoded at all
_REMEDY = "Use a video that a player shows, such as MP4, MOV, MKV or WebM."


@dataclass(frozen=True, slots=True, eq=False)
class Picture:
    """One frame: seconds since the clip's start; rgb (H,W,3) uint8."""

    time: float
    rgb: Bytes


def clip_paths(folder: Path) -> list[Path]:
    """All files of a folder and its folders that bear a video's suffix, in order.

    Raises MediaError if the folder is missing or holds none.
    """
    if not folder.is_dir():
        raise MediaError(f"The folder {str(folder)!r} does not exist.", "Check the path of --data.")
    found = sorted(p for p in folder.rglob("*") if p.suffix.lower() in SUFFIXES and p.is_file())
    if not found:
        raise MediaError(
            f"The folder {str(folder)!r} holds no video.",
            f"Put clips into it ({', '.join(sorted(SUFFIXES))}).",
        )
    return found


def frames(path: Path, config: Config) -> Iterator[Picture]:
    """The frames of a clip up to `config.longest` seconds, sides at most `config.widest` px.

    Damaged frames are passed over. Raises MediaError where there is no picture to be had.
    """
    with _opened(path) as container:
        if not container.streams.video:
            raise MediaError(f"{path.name} has no picture in it.", _REMEDY)
        last, count = -np.inf, 0
        for time, frame in _decoded(container, 0):
            if time > config.longest:
                return
            if time - last < 1 / config.fastest:
                continue
            if frame.width * frame.height > MOST_PIXELS:
                raise MediaError(
                    f"{path.name} is too large: {frame.width} x {frame.height} pixels.",
                    "Scale it down to 4K or less.",
                )
            last, count = time, count + 1
            yield Picture(time, _upright(frame, config.widest))
    if not count:
        raise MediaError(f"{path.name} holds no frame that can be read.", _REMEDY)


def sound(path: Path, config: Config) -> Floats | None:
    """(T,) float32 mono at SOUND_RATE from the first frame's time on; None without sound."""
    from av.audio.resampler import AudioResampler

    resampler = AudioResampler(format="flt", layout="mono", rate=SOUND_RATE)
    pieces: list[Floats] = []
    with _opened(path) as container:
        if not container.streams.audio:
            return None
        begin = 0.0
        for time, frame in _decoded(container, 1):
            if not pieces:
                begin = time
            if time > config.longest:
                break
            frame.pts = None  # gaps in the clock would end the resampling
            pieces += [np.asarray(r.to_ndarray()[0], np.float32) for r in resampler.resample(frame)]
    if not pieces:
        return None
    pcm, shift = np.concatenate(pieces), round(begin * SOUND_RATE)
    return pcm[-shift:] if shift < 0 else np.pad(pcm, (min(shift, 60 * SOUND_RATE), 0))


@contextmanager
def _opened(path: Path) -> Iterator["InputContainer"]:
    """Raises MediaError for whatever FFmpeg cannot make sense of."""
    import av

    try:
        # An absolute path is never taken for a URL or a device.
        with av.open(str(path.resolve())) as container:
            yield container
    except (av.FFmpegError, OSError, ValueError, MemoryError) as error:
        reason = str(error).splitlines()[0][:160] if str(error) else type(error).__name__
        raise MediaError(f"{path.name} cannot be read ({reason}).", _REMEDY) from error


def _decoded(container: "InputContainer", kind: int) -> Iterator[tuple[float, Any]]:
    """Seconds since the first picture's time and frames; kind: 0 picture, 1 sound."""
    import av

    video = container.streams.video
    stream: Any = (video, container.streams.audio)[kind][0]
    first = video[0] if video else stream
    begin = float((first.start_time or 0) * (first.time_base or 0))
    rate, count, time = float(getattr(stream, "average_rate", None) or 25), 0, 0.0
    for packet in container.demux(stream):
        try:
            decoded = packet.decode()
        except av.error.InvalidDataError:
            continue  # a damaged packet; the next ones may be whole
        for frame in cast("list[Any]", decoded):
            time = float(frame.time) - begin if frame.time is not None else count / rate
            count += 1
            yield time, frame


def _upright(frame: Any, widest: int) -> Bytes:
    """(H,W,3) with square pixels, turned as the file asks, no side above `widest`."""
    aspect = frame.sample_aspect_ratio if hasattr(frame, "sample_aspect_ratio") else None
    width, height = frame.width * float(aspect or 1), float(frame.height)
    scale = min(1.0, widest / max(width, height))
    size = [max(2, round(side * scale)) for side in (width, height)]
    rgb = frame.reformat(width=size[0], height=size[1], format="rgb24").to_ndarray()
    quarters = round((frame.rotation or 0) / 90) % 4
    return np.ascontiguousarray(np.rot90(rgb, quarters), np.uint8)
