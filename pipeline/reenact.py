"""Reenactment: a person in a video drives a portrait, into an MP4 file.

The video is looked at once and its motion kept (63 numbers a frame); then the portrait is rendered
from it, so that the driver's rest is known before the first frame.
"""

from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from emotion.errors import MediaError
from pipeline.driver_video import DriverVideo, Span
from pipeline.encoders import check_size
from pipeline.movie import Movie
from pipeline.worker_main import load
from speech.types import FPS, SAMPLES_PER_FRAME

if TYPE_CHECKING:
    from avatar.semo.reenactor import Performance, Reenactor
    from avatar.types import Portrait

Progress = Callable[[int, int], None]  # steps done, steps in all: a step looks at or renders one
ENGINE = "avatar.semo.reenactor:Reenactor"
PORTRAITS = "avatar.portraits:load_portrait"


@dataclass(frozen=True, slots=True)
class ReenactOptions:
    """portrait: gallery name or path; relative: the driver's changes are added to the portrait's
    own expression; size: pixels a side; span: what of the video; person: what a clip
    has taught about who is in the portrait; engine, portraits: "module:name"."""

    portrait: str
    relative: bool = False
    size: int = 512
    span: Span = field(default_factory=Span)
    person: Path | None = None
    engine: str = ENGINE
    portraits: str = PORTRAITS


@dataclass(frozen=True, slots=True)
class Reenacted:
    """out: the clip; frames in it; unseen: those for which the video shows no face."""

    out: Path
    frames: int
    unseen: int


def reenact_clip(
    video: Path,
    options: ReenactOptions,
    out: Path,
    progress: Progress = lambda done, total: None,
) -> Reenacted:
    """Render the portrait doing what the person in the video does, with the video's sound.

    Raises MediaError (no video, no face in it, broken, too long; size; a file that cannot be
    written), PortraitError, ConfigError (weights missing). Nothing is left behind then.
    """
    _check(options.size)
    Movie.check(out)
    portrait: Portrait = load(options.portraits)(options.portrait)
    driver = DriverVideo(video, options.span)
    engine: Reenactor = load(options.engine)()
    sitter = engine.sit(portrait, options.person)
    done = watch(driver, engine, progress)
    if not done.seen.any():
        raise MediaError(
            f"No face was found in the {len(done.seen) / FPS:.1f} seconds of {video}.",
            "Use a video of one person who looks towards the camera, large enough in the picture.",
        )
    count = len(done.rigs)
    sound = driver.sound(count * SAMPLES_PER_FRAME)
    pictures = engine.render(sitter, done, options.size, options.relative)
    with Movie(out, options.size) as movie:
        for at, rgb in enumerate(ahead(pictures)):
            first = at * SAMPLES_PER_FRAME
            movie.add(rgb, sound[first : first + SAMPLES_PER_FRAME])
            progress(count + at + 1, 2 * count)
    return Reenacted(out, count, done.unseen)


def watch(driver: DriverVideo, engine: "Reenactor", progress: Progress) -> "Performance":
    """What the person in a video does; reading and looking run side by side."""
    from avatar.semo.reenactor import performance_of

    rigs, expected = [], driver.expected
    for at, rig in enumerate(engine.watch(ahead(driver.pictures()))):
        rigs.append(rig)
        progress(at + 1, 2 * max(expected, at + 1))
    return performance_of(rigs)


def ahead(pictures: Iterator[NDArray[np.uint8]]) -> Iterator[NDArray[np.uint8]]:
    """The same, each made in another thread while the one before is used."""
    end = np.empty(0, np.uint8)

    def following() -> NDArray[np.uint8]:
        rgb = next(pictures, end)
        return rgb if rgb is end else rgb.copy()  # the maker may use its buffer again

    with ThreadPoolExecutor(1, "maker") as maker:
        coming = maker.submit(following)
        while (rgb := coming.result()) is not end:
            coming = maker.submit(following)
            yield rgb


def _check(size: int) -> None:
    try:
        check_size(size)
    except ValueError as error:
        raise MediaError(f"A clip cannot have {size} pixels a side.", f"{error}.") from error
