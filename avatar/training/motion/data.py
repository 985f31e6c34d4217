"""Where the encoder's training takes its frames from. Axis legend: F frames."""

import logging
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from avatar.rig import GAZE_AT, POSE_AT
from avatar.semo.facing import sighted, turned
from avatar.semo.types import Floats
from avatar.training.motion.frames import RENDER, Frames, cut_around
from avatar.training.motion.locate import located
from avatar.training.motion.reposed import labelled
from avatar.training.synthetic.camera import draw_camera
from avatar.training.synthetic.config import Config as WorldConfig
from avatar.training.synthetic.shards import Shard, load_shard, shard_paths

LOG = logging.getLogger(__name__)
_PERSONS = 1 << 30  # numbers of rendered people begin behind this, those of photos before


def rendered_frames(path: Path) -> Frames:
    """All frames of one rendered person. Raises ValueError for another format or kind of shard."""
    shard = load_shard(path)
    if shard.info["kind"] != "render":
        raise ValueError(f"{path} holds no rendered person")
    count = len(shard.rig)
    turns = np.stack([_turn(shard, at) for at in range(count)])
    images = [cut_around(shard.images[k], shard.anchor[k], shard.focal[k]) for k in range(count)]
    rigs = [labelled(rig, rig[GAZE_AT], turn) for rig, turn in zip(shard.rig, turns, strict=True)]
    moment = np.round(shard.time * 25).astype(np.int64)
    scene = (int(shard.info["performance"]) * 1009 + moment) & 0x7FFFFFFF
    person = _PERSONS + int(shard.info["seed"]) * 100_000 + int(shard.info["person"])
    return Frames(
        np.stack(images),
        np.stack(rigs),
        turns,
        np.full(count, person, np.int32),
        scene.astype(np.int32),
        np.full(count, RENDER, np.uint8),
        located(np.stack(images)),
    )


def _turn(shard: Shard, at: int) -> Floats:
    """(3,3) the head as the camera sees it along its line of sight."""
    world = WorldConfig(seed=int(shard.info["seed"]))
    seed = world.shot_seed(int(shard.info["person"]), int(shard.shot[at]))
    camera = draw_camera(np.random.default_rng([seed, 6]))
    size = shard.images.shape[1]
    if abs(camera.focal * size / shard.focal[at] - 1) > 1e-3:
        raise ValueError("the camera of this shard was not drawn from its seed")
    centre = np.full(2, size / 2, np.float32)
    turn = camera.rotation @ turned(shard.rig[at][POSE_AT])
    return sighted(turn, shard.anchor[at, :2] - centre, float(shard.focal[at]))


def load_rendered(folder: Path, split: str, cache: Path | None = None) -> Iterator[Frames]:
    """Of every rendered person of a split; cache: folder where what was read is kept."""
    for path in shard_paths(folder, split):
        if path.stem.startswith("person_"):
            yield rendered_frames(path) if cache is None else _kept(path, cache)


def _kept(path: Path, cache: Path) -> Frames:
    kept = cache / "rendered" / f"{path.parent.name}_{path.stem}.npz"
    if not kept.exists():
        kept.parent.mkdir(parents=True, exist_ok=True)
        rendered_frames(path).save(kept)
    return Frames.load(kept)


def load_reposed(folder: Path, split: str) -> Iterator[Frames]:
    """Of every photo that `avatar.training.motion.reposed` has stored."""
    for path in sorted(folder.glob(f"*_{split}.npz")):
        yield Frames.load(path)
