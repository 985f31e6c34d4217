"""Reading any sound or video file as plain samples, by PyAV."""

import io
from collections.abc import Iterator
from pathlib import Path
from typing import TYPE_CHECKING, cast

import numpy as np
from numpy.typing import NDArray

from emotion.errors import MediaError

if TYPE_CHECKING:
    from av.audio.frame import AudioFrame
    from av.audio.resampler import AudioResampler
    from av.container import InputContainer

LONGEST = 600.0  # seconds
_REMEDY = "Choose a sound or video file such as WAV, MP3, M4A, OGG, FLAC, MP4 or WebM."


def read_audio(
    source: str | Path | bytes, rate: int, longest: float = LONGEST
) -> NDArray[np.float32]:
    """The sound of a file (a path, or its bytes) as (T,) float32 in [-1, 1], mono, at `rate` Hz.

    Raises MediaError when the file is missing, is not sound, is broken or empty, or lasts more
    than `longest` seconds.
    """
    import av

    name = _name(source)
    try:
        with av.open(_opened(source, name)) as container:
            pieces = list(_samples(cast("InputContainer", container), name, rate, longest))
    except (av.FFmpegError, OSError, ValueError) as error:
        raise MediaError(f"{name} cannot be read as sound ({error}).", _REMEDY) from error
    pcm = np.concatenate(pieces) if pieces else np.zeros(0, np.float32)
    if pcm.size == 0:
        raise MediaError(f"{name} holds no sound: it is empty or broken.", _REMEDY)
    return np.clip(pcm, -1.0, 1.0)


def _name(source: str | Path | bytes) -> str:
    return "The sound" if isinstance(source, bytes) else f"The file {str(source)!r:.300}"


def _opened(source: str | Path | bytes, name: str) -> io.BytesIO | str:
    if isinstance(source, bytes):
        if not source:
            raise MediaError(f"{name} is empty.", _REMEDY)
        return io.BytesIO(source)
    # PyAV would also open URLs and devices; only files are meant here.
    path = Path(source)
    if not path.exists():
        raise MediaError(f"{name} does not exist.", "Check the path.")
    if not path.is_file():
        raise MediaError(f"{name} is not a file.", _REMEDY)
    if path.stat().st_size == 0:
        raise MediaError(f"{name} is empty.", _REMEDY)
    return str(path.resolve())


def _samples(
    container: "InputContainer", name: str, rate: int, longest: float
) -> Iterator[NDArray[np.float32]]:
    from av.audio.resampler import AudioResampler

    if not container.streams.audio:
        raise MediaError(f"{name} has no sound in it.", _REMEDY)
    # The channels stay: FFmpeg's own way to mono sums them up and may clip.
    resampler = AudioResampler(format="fltp", rate=rate)
    total = 0
    for frame in _frames(container, resampler):
        pcm = frame.to_ndarray().mean(axis=0, dtype=np.float32)
        total += len(pcm)
        if total > longest * rate:
            raise MediaError(
                f"{name} lasts more than {longest:g} seconds.", "Cut it into shorter files."
            )
        yield pcm


def _frames(container: "InputContainer", resampler: "AudioResampler") -> "Iterator[AudioFrame]":
    for frame in container.decode(audio=0):
        yield from resampler.resample(frame)
    yield from resampler.resample(None)
