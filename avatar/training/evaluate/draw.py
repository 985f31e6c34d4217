"""Renderers write their answers into an album; what is there already stays.

A photo that a renderer cannot take (a LimnerError) is recorded with the reason, and counts.
"""

import logging
import shutil
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from avatar.landmarks import Landmarks
from avatar.portraits import load_portrait
from avatar.training.evaluate.album import (
    REFUSED,
    Album,
    Floats,
    read_rgb,
    write_json,
    write_rgb,
)
from avatar.training.evaluate.renderers import Renderer
from avatar.types import Portrait
from emotion.errors import LimnerError, PortraitError

LOG = logging.getLogger(__name__)


def prepare(album: Album, portraits: Path) -> None:
    """Write the square portraits every renderer starts from, with our own net's landmarks.

    A photo that the intake refuses gets none: no renderer can take it.
    """
    for photo in album.asked:
        if album.source(photo).exists():
            continue
        try:
            portrait = load_portrait(portraits / f"{photo}.jpg")
        except PortraitError as error:
            LOG.warning("%s is refused: %s", photo, error)
            continue
        # The landmarks first: a picture says that both are there.
        album.source(photo).parent.mkdir(parents=True, exist_ok=True)
        np.save(album.source(photo).with_suffix(".npy"), portrait.landmarks.points)
        write_rgb(album.source(photo), portrait.rgb)


def portrait_of(album: Album, photo: str) -> Portrait:
    """The prepared portrait."""
    points = np.load(album.source(photo).with_suffix(".npy"))
    return Portrait(photo, photo, "", read_rgb(album.source(photo)), Landmarks(points))


def draw(album: Album, name: str, renderer: Renderer, photos: Iterable[str]) -> None:
    """Let a renderer answer what is asked of some photos, where it has not yet."""
    for photo in photos:
        if album.state(name, photo):
            continue
        place = album.place(name, photo)
        shutil.rmtree(place, ignore_errors=True)
        place.mkdir(parents=True)
        try:
            done = _draw_one(album, name, renderer, photo)
        except LimnerError as error:
            LOG.warning("%s cannot take %s: %s", name, photo, error)
            done = {"failed": str(error)}
        write_json(place / "done.json", done)


def _draw_one(album: Album, name: str, renderer: Renderer, photo: str) -> dict[str, object]:
    if not album.source(photo).exists():
        return {"failed": REFUSED}
    portrait = portrait_of(album, photo)
    begun = time.perf_counter()
    sitter = renderer(portrait, album.size)
    open_ms = (time.perf_counter() - begun) * 1e3
    points: list[Floats] = []
    frame_ms: list[float] = []
    for at, asked in enumerate(album.asked[photo]):
        begun = time.perf_counter()
        shot = sitter.shoot(asked)
        frame_ms.append((time.perf_counter() - begun) * 1e3)
        write_rgb(album.frame(name, photo, at), shot.rgb)
        if shot.points is not None:
            points.append(shot.points)
    if points:
        np.save(album.place(name, photo) / "points.npy", np.stack(points))
    return {"open_ms": round(open_ms, 1), "frame_ms": [round(ms, 2) for ms in frame_ms]}
