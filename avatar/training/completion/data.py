"""Mouths as drawn beside the same mouths as photographed.

A picture with an open mouth is fitted, and its own expression is drawn with the mouth's inside
taken from the surface: pixel by pixel, the picture itself says what should be there. Each picture
is drawn at every size of the configuration, and with the colour of its own teeth or, as for a
portrait with a closed mouth, a guess. Axis legend: K samples, h w of the net's picture.
"""

from __future__ import annotations

import logging
from collections.abc import Iterator
from dataclasses import dataclass, replace
from enum import IntEnum
from pathlib import Path

import cv2
import numpy as np

from avatar.landmarks import Landmarks
from avatar.matte_net import MatteNet
from avatar.portrait import described
from avatar.portraits import load_portrait
from avatar.rig import rig
from avatar.semo.appearance import appearance_of
from avatar.semo.completion import HEIGHT, WIDTH, net_input
from avatar.semo.decoder import MotionDecoder
from avatar.semo.fit import fit_portrait
from avatar.semo.imaging import polygon
from avatar.semo.loading import WEIGHTS, load_surface
from avatar.semo.mouth import Own
from avatar.semo.neutral import target_rig
from avatar.semo.surface import FaceSurface
from avatar.semo.types import Appearance, FittedPortrait, Region
from avatar.semo.window import group
from avatar.training.completion.config import Config
from avatar.training.landmarks.config import Config as LandmarkConfig
from avatar.training.landmarks.config import held_out_names
from avatar.training.synthetic.shards import load_shard, shard_paths
from emotion.errors import LimnerError

LOG = logging.getLogger(__name__)
_OPEN = (
    {"jawOpen": 0.15},
    {"jawOpen": 0.3},
    {"jawOpen": 0.55},
    {"jawOpen": 0.25, "mouthPucker": 0.6, "mouthFunnel": 0.4},
    {"jawOpen": 0.25, "mouthStretch_L": 0.5, "mouthStretch_R": 0.5},
    {"jawOpen": 0.3, "mouthSmile_L": 0.7, "mouthSmile_R": 0.7},
)
_ENAMEL = np.array([1.0, 0.97, 0.86], np.float32)  # of white, where teeth are not seen


class Kind(IntEnum):
    """Where a sample's truth comes from. ASKED: another expression of a photo, whose throat and
    tongue are right as drawn, for no photo shows them."""

    RENDER = 0
    PHOTO = 1
    ASKED = 2


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """drawn: (K,6,h,w) uint8, the net's input in 0..255; truth: (K,3,h,w) uint8; known: (K,1,h,w)
    uint8, where the truth holds; kind: (K,) `Kind`; held: (K,) bool; name: (K,) str."""

    drawn: np.ndarray
    truth: np.ndarray
    known: np.ndarray
    kind: np.ndarray
    held: np.ndarray
    name: np.ndarray

    def only(self, chosen: np.ndarray) -> Samples:
        """Those samples."""
        return Samples(*(getattr(self, field)[chosen] for field in Samples.__slots__))


def samples(portraits: Path, shards: Path | None, cache: Path, config: Config) -> Samples:
    """All samples; made once and stored in cache (.npz), then read from there."""
    if not cache.exists():
        rows = [row for source in _sources(portraits, shards, config) for row in source]
        columns = {
            field: np.stack([row[k] for row in rows]) for k, field in enumerate(Samples.__slots__)
        }
        with cache.open("wb") as stream:
            np.savez_compressed(stream, allow_pickle=False, **columns)
    with np.load(cache) as stored:
        return Samples(*(stored[field] for field in Samples.__slots__))


Drawn = tuple[np.ndarray, np.ndarray, np.ndarray]
Row = tuple[np.ndarray, np.ndarray, np.ndarray, int, bool, str]


def _sources(portraits: Path, shards: Path | None, config: Config) -> Iterator[list[Row]]:
    surface, matte = load_surface(), MatteNet(WEIGHTS / "matte.onnx")
    yield from _photos(portraits, surface, matte, config)
    if shards is not None:
        yield from _renders(shards, surface, config)


def _photos(
    folder: Path, surface: FaceSurface, matte: MatteNet, config: Config
) -> Iterator[list[Row]]:
    held = set(held_out_names(folder, LandmarkConfig()))
    for path in sorted(folder.glob("*.jpg")):
        try:
            portrait = load_portrait(path)
            if _gap(portrait.landmarks) < config.least_gap:
                continue
            fitted = fit_portrait(portrait, surface, matte.find(portrait.rgb))
        except LimnerError as error:
            LOG.warning("%s is left out: %s", path.name, error)
            continue
        kinds = {
            Kind.PHOTO: _rows(surface, fitted, config),
            Kind.ASKED: _asked(surface, fitted, config),
        }
        LOG.info("%s: %s", path.stem, {kind.name: len(rows) for kind, rows in kinds.items()})
        yield [
            (*row, int(kind), path.stem in held, path.stem)
            for kind, rows in kinds.items()
            for row in rows
        ]


def _renders(folder: Path, surface: FaceSurface, config: Config) -> Iterator[list[Row]]:
    for path in shard_paths(folder):
        if not path.stem.startswith("person_"):
            continue
        shard = load_shard(path)
        held = int(path.stem.split("_")[1]) % config.held_every == 0
        marks = [Landmarks(points) for points in shard.landmarks]
        gaps = np.array([_gap(of_frame) for of_frame in marks])
        for frame in np.argsort(-gaps)[: config.frames]:
            if gaps[frame] < config.least_gap:
                continue
            name = f"{path.stem}/{frame}"
            try:
                portrait = described((name, name, ""), shard.images[frame], marks[frame])
                fitted = fit_portrait(portrait, surface)
            except LimnerError as error:
                LOG.warning("%s is left out: %s", name, error)
                continue
            rows = _rows(surface, fitted, replace(config, sizes=config.sizes[:1]))
            yield [(*row, int(Kind.RENDER), held, name) for row in rows]
        LOG.info("%s", path.stem)


def _gap(marks: Landmarks) -> float:
    lips = marks.points[group("lips_inner")]
    wide = float(np.linalg.norm(lips[0] - lips[10]))
    return float(np.linalg.norm(lips[5] - lips[15])) / max(wide, 1e-6)


def _rows(surface: FaceSurface, fitted: FittedPortrait, config: Config) -> list[Drawn]:
    told = appearance_of(fitted, surface)
    found = []
    for appearance, own in ((told, Own.COLOUR), (_guessed(surface, told), Own.NOTHING)):
        for size in config.sizes:
            row = _row(surface, fitted, appearance, size, own)
            if row is not None and (row[2] > 127).sum() >= config.least_pixels:
                found.append(row)
    return found


def _asked(surface: FaceSurface, fitted: FittedPortrait, config: Config) -> list[Drawn]:
    """Open mouths as drawn, right but for the teeth."""
    decoder = MotionDecoder(surface, fitted, appearance_of(fitted, surface), config.sizes[0])
    found = []
    for values in _OPEN:
        token = surface.rig_to_token(target_rig(fitted, rig(values)))
        at = decoder.mouth(token)
        if at is None:
            continue
        window, covered = at
        frame = decoder.render(token)[window.top : window.bottom, window.left : window.right]
        drawn = np.round(net_input(frame, covered)[0] * 255).astype(np.uint8)
        flesh = np.where((drawn[3] > 200) & (drawn[4] < 30), 255, 0).astype(np.uint8)
        if (flesh > 127).sum() >= config.least_pixels:
            found.append((drawn, drawn[:3].copy(), flesh[None]))
    return found


def _guessed(surface: FaceSurface, appearance: Appearance) -> Appearance:
    """The same with teeth coloured as where none are seen."""
    colours = appearance.inside_colour.copy()
    teeth = surface.chart.points_of(Region.TEETH)
    own = colours[teeth]
    fading = own.max(1, keepdims=True) / max(float(own.max()), 1e-4)  # keeps back teeth dark
    colours[teeth] = appearance.white * _ENAMEL * fading
    return replace(appearance, inside_colour=colours)


def _row(
    surface: FaceSurface, fitted: FittedPortrait, appearance: Appearance, size: int, own: Own
) -> Drawn | None:
    decoder = MotionDecoder.with_drawn_mouth(surface, fitted, appearance, size, own)
    token = decoder.rest_token
    at = decoder.mouth(token)
    if at is None:
        return None
    window, covered = at
    part = np.s_[window.top : window.bottom, window.left : window.right]
    side = fitted.rgb.shape[0]
    how = cv2.INTER_AREA if side > size else cv2.INTER_CUBIC
    picture = cv2.resize(fitted.rgb, (size, size), interpolation=how)
    opening = polygon(fitted.landmarks[group("lips_inner")], size)[part]
    drawn = np.round(net_input(decoder.render(token)[part], covered)[0] * 255).astype(np.uint8)
    truth, known = (_fitted(np.ascontiguousarray(p)) for p in (picture[part], opening))
    known = np.where(drawn[3] > 127, known, 0).astype(np.uint8)
    return drawn, truth.transpose(2, 0, 1).copy(), known[None]


def _fitted(picture: np.ndarray) -> np.ndarray:
    how = cv2.INTER_AREA if picture.shape[1] > WIDTH else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, (WIDTH, HEIGHT), interpolation=how))
