"""Photographed people: fitted by the product's own surface, re-posed by performances, labelled.

The pictures are photographic where the photo shows the skin, and made up in mouth, lids and what
was hidden: the shard's `real` says where. Held-out photos make held-out shards. Axis legend: F
frames, S pixels of a side, N chart points.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from avatar.matte_net import MatteNet
from avatar.portrait import described, inspect
from avatar.rig import GAZE_AT, POSE_AT, Vector
from avatar.semo.appearance import appearance_of
from avatar.semo.decoder import Flow, MotionDecoder
from avatar.semo.fit import fit_portrait
from avatar.semo.loading import WEIGHTS, load_surface
from avatar.semo.neutral import target_rig
from avatar.semo.raster import Seen, rasterise
from avatar.semo.stage import Posed, Stage
from avatar.semo.surface import FaceSurface
from avatar.semo.types import Bytes, FittedPortrait, Floats, Region
from avatar.training.landmarks.config import Config as LandmarkConfig
from avatar.training.landmarks.config import held_out_names
from avatar.training.synthetic.anchor import anchor
from avatar.training.synthetic.config import Config
from avatar.training.synthetic.materials import Segment
from avatar.training.synthetic.performance import Performance, perform
from avatar.training.synthetic.shards import (
    FORMAT,
    NOTHING,
    UNKNOWN,
    Shard,
    save_shard,
    stored_points,
    stored_weights,
)
from avatar.training.synthetic.wardrobe import read_rgb
from emotion.errors import PortraitError

LOG = logging.getLogger(__name__)
MATTE = WEIGHTS / "matte.onnx"
# How far a photographed head may turn and move: beyond, too much is made up. Radians, cm.
POSE_BOUND = np.array([0.22, 0.17, 0.17, 0.6, 0.6, 0.6], np.float32)
GAZE_BOUND = 0.4
BACKGROUND = 255  # region of pixels without surface, see `Flow`
SEGMENTS = {
    Region.SKIN: Segment.SKIN,
    Region.LINING: Segment.MOUTH,
    Region.TEETH: Segment.TEETH,
    Region.GUMS: Segment.MOUTH,
    Region.TONGUE: Segment.MOUTH,
    Region.LEFT_EYE: Segment.EYES,
    Region.RIGHT_EYE: Segment.EYES,
}


@dataclass(frozen=True, slots=True, eq=False)
class Studio:
    """What all photos share; without `matte` the fit guesses head and shoulders."""

    surface: FaceSurface
    matte: MatteNet | None


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """One frame: image, its exact motion from the photo, the posed surface, what it shows."""

    image: Bytes
    flow: Flow
    posed: Posed
    seen: Seen
    rig: Vector


def open_studio() -> Studio:
    """Load the product's surface and, if it is there, its matte net. Raises ConfigError."""
    return Studio(load_surface(), MatteNet(MATTE) if MATTE.is_file() else None)


def produce_photos(portraits: Path, config: Config, out: Path, count: int) -> Iterator[Path]:
    """Write a shard for each of the first `count` photos that can be fitted; yields their paths."""
    studio = open_studio()
    held_out = set(held_out_names(portraits, LandmarkConfig()))
    for photo in sorted(portraits.glob("*.jpg"))[:count]:
        split = "held_out" if photo.stem in held_out else "train"
        path = out / f"photo_{photo.stem}_{split}.npz"
        if not path.exists():
            try:
                shard = photo_shard(photo, split, config, studio)
            except PortraitError as error:
                LOG.warning("%s is left out: %s", photo.name, error)
                continue
            save_shard(shard, path)
        yield path


def photo_shard(photo: Path, split: str, config: Config, studio: Studio) -> Shard:
    """All frames of one photo. Raises PortraitError for one that shows no usable face."""
    fitted = _fitted(photo, studio)
    seed = config.photo_seed(photo.stem)
    length = (config.frames - 1) * config.stride + 1
    performance = perform(seed, length, config.manner)
    taken = np.arange(config.frames) * config.stride
    decoder = MotionDecoder(
        studio.surface, fitted, appearance_of(fitted, studio.surface), config.size
    )
    frames = list(_frames(studio.surface, fitted, decoder, performance.rig[taken], config.size))
    source = decoder.render(decoder.rest_token)
    info = {
        "kind": "photo",
        "format": FORMAT,
        "seed": config.seed,
        "name": photo.stem,
        "performance": seed,
        "split": split,
        "emotion": performance.emotion,
        "camera": fitted.camera.rotation.tolist(),
    }
    return _shard(frames, (fitted, studio.surface), (performance, taken), source, info)


def _fitted(photo: Path, studio: Studio) -> FittedPortrait:
    rgb = read_rgb(photo)
    faces = inspect(rgb).faces
    if not faces:
        raise PortraitError(f"{photo.name} shows no face.", "Use another photo.")
    portrait = described((photo.stem, photo.stem, ""), rgb, faces[0].landmarks)
    matte = studio.matte.find(portrait.rgb) if studio.matte else None
    return fit_portrait(portrait, studio.surface, matte)


def _frames(
    surface: FaceSurface,
    fitted: FittedPortrait,
    decoder: MotionDecoder,
    rigs: Vector,
    size: int,
) -> Iterator[Shown]:
    stage = Stage(surface, fitted, size)
    for asked in rigs:
        within = asked.copy()
        within[POSE_AT] = np.clip(asked[POSE_AT], -POSE_BOUND, POSE_BOUND)
        within[GAZE_AT] = np.clip(asked[GAZE_AT], -GAZE_BOUND, GAZE_BOUND)
        rig = target_rig(fitted, within)
        token = surface.rig_to_token(rig)
        posed, seen = stage.pose(token), Seen.empty(size, size)
        whole = np.array([0, 0, 1], np.float32)
        rasterise(posed.screen, surface.chart.triangles, whole, tuple(seen))
        yield Shown(decoder.render(token), decoder.flow(token), posed, seen, rig)


def _shard(
    frames: list[Shown],
    person: tuple[FittedPortrait, FaceSurface],
    played: tuple[Performance, NDArray[np.int_]],
    source: Bytes,
    info: dict[str, Any],
) -> Shard:
    (fitted, surface), (performance, taken) = person, played
    size, chart = len(source), surface.chart
    stored = [stored_points(frame.posed.screen, size) for frame in frames]
    hit = np.stack([frame.seen.hit for frame in frames])
    near = np.stack([frame.seen.near for frame in frames])
    weights = np.stack([np.nan_to_num(frame.seen.weights) for frame in frames])
    alpha = np.stack([_alpha(fitted, frame.flow) for frame in frames])
    depth = np.where(hit >= 0, 1 / np.maximum(near, 1e-6), 0)
    return Shard(
        images=np.stack([frame.image for frame in frames]),
        alpha=alpha,
        segmentation=np.stack([_segments(*pair) for pair in zip(frames, alpha, strict=True)]),
        depth=depth.astype(np.float16),
        surface=np.where(hit < 0, NOTHING, hit).astype(np.uint16),
        weights=stored_weights(np.where(hit[..., None] < 0, 0, weights).astype(np.float32)),
        points=np.stack([points for points, _ in stored]),
        distance=np.array([distance for _, distance in stored], np.float32),
        focal=np.full(len(frames), fitted.camera.focal * size, np.float32),
        anchor=np.stack(
            [anchor(fitted.eye_centres, f.posed.rig, fitted.camera, size) for f in frames]
        ),
        triangles=chart.triangles.astype(np.uint16),
        landmarks=np.stack([chart.at_landmarks(f.posed.screen[:, :2]) for f in frames]),
        rig=np.stack([frame.rig for frame in frames]),
        time=(taken / 25).astype(np.float32),
        shot=np.zeros(len(frames), np.int32),
        strength=performance.strength[taken].astype(np.float32),
        identity=fitted.identity,
        semantics=np.zeros(0, np.float32),
        closure=np.array(0, np.float32),
        source=source,
        to_source=np.stack([frame.flow.flow * size for frame in frames]).astype(np.float16),
        real=np.stack([_byte(frame.flow.visible) for frame in frames]),
        info=info,
    )


def _byte(share: Floats) -> Bytes:
    return np.asarray(np.round(share * 255).clip(0, 255), np.uint8)


def _alpha(fitted: FittedPortrait, flow: Flow) -> Bytes:
    """(S,S) the photo's matte, moved as the picture is."""
    size = len(flow.flow)
    matte = cv2.resize(fitted.matte, (size, size), interpolation=cv2.INTER_AREA)
    y, x = np.mgrid[0:size, 0:size].astype(np.float32)
    there = flow.flow * np.float32(size)
    moved = cv2.remap(matte, x + there[..., 0], y + there[..., 1], cv2.INTER_LINEAR,
                      borderMode=cv2.BORDER_REPLICATE)  # fmt: skip
    inside = (flow.region != BACKGROUND) & (flow.region != Region.SKIN)
    return _byte(np.where(inside, 1, moved).astype(np.float32))


def _segments(frame: Shown, alpha: Bytes) -> Bytes:
    """(S,S) of `Segment`; the person beside the surface is UNKNOWN."""
    region = frame.flow.region
    table = np.full(256, Segment.BACKGROUND, np.uint8)
    for part, segment in SEGMENTS.items():
        table[part] = segment
    out = table[region]
    out[(region == BACKGROUND) & (alpha > 127)] = UNKNOWN
    return np.asarray(out, np.uint8)
