"""`limner train motion --shards`: the encoder from rendered and re-posed people, labels known."""

import argparse
import json
import logging
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path

import cv2
import numpy as np
import torch

from avatar.semo.loading import load_surface
from avatar.training.landmarks.config import Config as LandmarkConfig
from avatar.training.landmarks.config import held_out_names
from avatar.training.motion.config import Config
from avatar.training.motion.data import load_rendered, load_reposed
from avatar.training.motion.export import export
from avatar.training.motion.frames import Frames
from avatar.training.motion.plot import plot
from avatar.training.motion.probe import Seen, seen
from avatar.training.motion.reposed import reposed_frames
from avatar.training.motion.train import begin, keep, train
from emotion.errors import PortraitError

LOG = logging.getLogger(__name__)
TOGETHER = 4  # photos that play the same performance
ALONE, HELD = 100_000, 900_000  # seeds of a photo's own and of held-out photos' performances
EACH, HELD_EACH = 48, 16  # frames of a performance
HELD_FRAMES = 240  # of each kind that figures are taken on while training
JITTER = 3  # seed of how held-out cuts are off


@dataclass(frozen=True, slots=True, eq=False)
class Data:
    """Frames to train on, and held-out ones by name."""

    train: Frames
    held: dict[str, Seen]


def parser() -> argparse.ArgumentParser:
    """Options of the supervised training."""
    out = argparse.ArgumentParser(prog="limner train motion", description=__doc__)
    out.add_argument("--shards", type=Path, action="append", default=[], help="folder of renders")
    out.add_argument("--portraits", type=Path, help="folder of photos to be re-posed")
    out.add_argument("--cache", type=Path, help="where re-posed frames are kept")
    out.add_argument("--start", type=Path, help="weights to begin with: motion.safetensors")
    out.add_argument("--out", type=Path, required=True, help="checkpoint, log, curve, net")
    out.add_argument("--config", type=Path, help="JSON of settings that differ from the defaults")
    out.add_argument("--minutes", type=float, help="of training in all, sittings before included")
    out.add_argument("--threads", type=int, default=1)
    return out


def repose_photos(portraits: Path, cache: Path) -> Iterator[Path]:
    """Re-posed frames of every photo, where there are none yet; yields their paths."""
    surface = load_surface()
    held = set(held_out_names(portraits, LandmarkConfig()))
    photos = sorted(portraits.glob("*.jpg"))
    cache.mkdir(parents=True, exist_ok=True)
    for split in ("held_out", "train"):
        mine = [p for p in photos if (p.stem in held) == (split == "held_out")]
        for at, photo in enumerate(mine):
            path = cache / f"{photo.stem}_{split}.npz"
            seeds = [at // TOGETHER, ALONE + at] if split == "train" else [HELD + at // TOGETHER]
            each = EACH if split == "train" else HELD_EACH
            if not path.exists():
                try:
                    reposed_frames(photo, surface, iter(seeds), each).save(path)
                except PortraitError as error:
                    LOG.warning("%s is left out: %s", photo.name, error)
                    continue
            yield path


def load(
    shards: list[Path],
    cache: Path | None,
    config: Config,
    limits: tuple[int | None, int] = (None, HELD_FRAMES),
) -> Data:
    """Everything into memory; limits: people of each folder to train on, held-out frames."""
    most, count = limits
    found = (load_rendered(folder, "train", cache) for folder in shards)
    parts = [part for people in found for part in islice(people, most)]
    held: dict[str, Seen] = {}
    rendered = [part for folder in shards for part in load_rendered(folder, "held_out", cache)]
    if rendered:
        held["render"] = seen(_thinned(Frames.joined(rendered), count), JITTER)
    if cache is not None and config.photos:
        parts += islice(load_reposed(cache, "train"), most)
    if cache is not None:
        photos = list(load_reposed(cache, "held_out"))
        if photos:
            held["photo"] = seen(_thinned(Frames.joined(photos), count), JITTER)
    return Data(Frames.joined(parts), held)


def _thinned(frames: Frames, most: int) -> Frames:
    return frames.only(np.arange(0, len(frames), max(1, len(frames) // most)))


def configured(path: Path | None, minutes: float | None) -> Config:
    """The settings asked for. Raises pydantic's ValidationError for unknown ones."""
    given = {} if path is None else json.loads(path.read_text())
    if minutes is not None:
        given["minutes"] = minutes
    return Config(**given)


def main(arguments: list[str]) -> None:
    """Prepare, train, store."""
    given = parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO)
    torch.set_num_threads(given.threads)
    cv2.setNumThreads(given.threads)
    config = configured(given.config, given.minutes)
    given.out.mkdir(parents=True, exist_ok=True)
    if given.portraits is not None:
        made = list(repose_photos(given.portraits, given.cache))
        LOG.info("%d photos re-posed", len(made))
    data = load(given.shards, given.cache, config)
    LOG.info("%d frames of %d people", len(data.train), len(np.unique(data.train.person)))
    run = begin(config, given.out / "motion_checkpoint.pt", given.start)
    figures = train(run, data.train, data.held, given.out, config)
    export(run.average, given.out / "motion_encoder.onnx")
    keep(run.average, config, given.out / "motion.safetensors")
    plot(given.out / "motion_encoder_log.csv", given.out / "motion_encoder_curve.png")
    sys.stdout.write(json.dumps(figures, indent=1) + "\n")
