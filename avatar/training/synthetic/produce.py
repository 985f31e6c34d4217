"""Making a set of shards: people, their performances, their frames."""

import dataclasses
import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from avatar.rig import Vector
from avatar.training.synthetic.background import draw_background
from avatar.training.synthetic.camera import draw_camera
from avatar.training.synthetic.config import Config
from avatar.training.synthetic.labels import LandmarkMap
from avatar.training.synthetic.light import draw_light
from avatar.training.synthetic.performance import Performance, perform
from avatar.training.synthetic.person import Person, build_person
from avatar.training.synthetic.rendering import SAMPLES, Frame, Renderer, Setting
from avatar.training.synthetic.shards import (
    FORMAT,
    NOTHING,
    Shard,
    no_source,
    save_shard,
    stored_points,
    stored_weights,
)
from avatar.training.synthetic.traits import Traits, draw_traits
from avatar.training.synthetic.turning import turned
from avatar.training.synthetic.world import World

LOG = logging.getLogger(__name__)


def draw_setting(seed: int, size: int) -> Setting:
    """Camera, light and background of a shot of `size` px."""
    rng = np.random.default_rng([seed, 6])
    camera, light = draw_camera(rng), draw_light(rng)
    background = draw_background(rng, SAMPLES * size) / np.float32(light.exposure)
    return Setting(camera, light, background)


def produce(world: World, landmarks: LandmarkMap, config: Config, out: Path) -> Iterator[Path]:
    """Write the set's shards one by one; those already there are kept. Yields their paths."""
    renderer = Renderer(config.size)
    for number in config.numbers():
        path = out / f"person_{number:05d}_{config.split(number)}.npz"
        if not path.exists():
            shard = make_shard(world, landmarks, config, number, renderer)
            save_shard(shard, path)
            LOG.info("%s: %d frames", path.name, len(shard.images))
        yield path


def make_shard(
    world: World, landmarks: LandmarkMap, config: Config, number: int, renderer: Renderer
) -> Shard:
    """All frames of one person, by number."""
    person = build_person(world, draw_traits(world.wardrobe, config.person_seed(number)))
    length = (config.frames - 1) * config.stride + 1
    performance = perform(config.performance_seed(number), length, config.manner)
    taken = np.arange(config.frames) * config.stride
    shots = np.arange(config.frames) // config.frames_per_shot
    if config.turn:
        performance = _with_turns(performance, config, number)
    frames = list(_frames(person, performance.rig[taken], shots, number, (config, renderer)))
    return _shard(person, performance, config, (number, taken, shots), frames, landmarks)


def _with_turns(performance: Performance, config: Config, number: int) -> Performance:
    starts = list(range(0, len(performance.rig), config.frames_per_shot * config.stride))
    seed, reach = config.performance_seed(number), float(np.radians(config.turn))
    rig = turned(performance.rig, starts, seed, reach, config.turn_share)
    return dataclasses.replace(performance, rig=rig)


def _frames(
    person: Person,
    rigs: Vector,
    shots: np.ndarray,
    number: int,
    studio: tuple[Config, Renderer],
) -> Iterator[Frame]:
    config, renderer = studio
    setting, current = None, -1
    for rig, shot in zip(rigs, shots, strict=True):
        if setting is None or shot != current:
            setting = draw_setting(config.shot_seed(number, int(shot)), config.size)
            current = shot
        yield renderer.render(person, rig, setting)


def _shard(
    person: Person,
    performance: Performance,
    config: Config,
    at: tuple[int, np.ndarray, np.ndarray],
    frames: list[Frame],
    landmarks: LandmarkMap,
) -> Shard:
    number, taken, shots = at
    stored = [stored_points(frame.screen, config.size) for frame in frames]
    surface = np.stack([frame.labels.triangle for frame in frames])
    weights = np.stack([frame.labels.weights for frame in frames])
    return Shard(
        images=np.stack([frame.image for frame in frames]),
        alpha=np.stack([frame.alpha for frame in frames]),
        segmentation=np.stack([frame.labels.segment for frame in frames]),
        depth=np.stack([frame.labels.depth for frame in frames]).astype(np.float16),
        surface=np.where(surface < 0, NOTHING, surface).astype(np.uint16),
        weights=stored_weights(weights),
        points=np.stack([points for points, _ in stored]),
        distance=np.array([distance for _, distance in stored], np.float32),
        focal=np.array([frame.focal for frame in frames], np.float32),
        anchor=np.stack([frame.anchor for frame in frames]),
        triangles=person.scene.mesh.triangles.astype(np.uint16),
        landmarks=np.stack([landmarks.at(frame.screen) for frame in frames]),
        rig=np.stack([frame.rig for frame in frames]),
        time=(taken / 25).astype(np.float32),
        shot=shots.astype(np.int32),
        strength=performance.strength[taken].astype(np.float32),
        identity=person.traits.codes,
        semantics=person.traits.semantics,
        closure=np.array(person.closure, np.float32),
        **no_source(config.size),
        info=_info(person.traits, performance, config, number),
    )


def _info(
    traits: Traits, performance: Performance, config: Config, number: int
) -> dict[str, object]:
    fields = dataclasses.asdict(traits)
    described = {k: v for k, v in fields.items() if not isinstance(v, np.ndarray)}
    return {
        "kind": "render",
        "format": FORMAT,
        "seed": config.seed,
        "person": number,
        "performance": config.performance_seed(number),
        "split": config.split(number),
        "emotion": performance.emotion,
        "traits": described,
    }
