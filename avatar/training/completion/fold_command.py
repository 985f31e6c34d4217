"""Train the nets of folds, measure them on held-out people and store them.

Sittings are rendered and compared first and kept in OUT/folds.npz; delete that after a change of
the world or of the fit. With --resume the training goes on from OUT/folds.pt.
"""

from __future__ import annotations

import dataclasses
import logging
from collections.abc import Iterator
from itertools import chain
from pathlib import Path

import numpy as np

from avatar.semo.decoder import MotionDecoder
from avatar.semo.folds import FoldNet, load_folds
from avatar.semo.loading import load_surface
from avatar.training.completion.config import FoldConfig, Sittings
from avatar.training.completion.fold_data import FoldSamples, fold_samples
from avatar.training.completion.fold_export import export, tint_of
from avatar.training.completion.fold_train import held_out, load, train
from avatar.training.completion.plot import FOLDS, plot
from avatar.training.completion.regions import Make, Shot, errors, summary
from avatar.training.completion.renders import ShardSitting, Sitting, shard_sittings, sittings
from emotion.errors import LimnerError

LOG = logging.getLogger(__name__)


@dataclasses.dataclass(frozen=True, slots=True)
class Task:
    """pack: the face pack, with landmark_map as `limner synthesize` takes it: close sittings are
    rendered; shards: those of a folder are used, too. out: samples, checkpoint, log and nets;
    minutes: wall time of training, 0 only measures and stores."""

    pack: Path | None
    landmark_map: Path | None
    shards: Path | None
    out: Path
    minutes: float
    resume: bool = False

    def sittings(
        self, made: Sittings, *, held_out_only: bool = False
    ) -> Iterator[Sitting | ShardSitting]:
        """All that the task names."""
        close: Iterator[Sitting] = iter(())
        if self.pack is not None and self.landmark_map is not None:
            close = sittings(self.pack, self.landmark_map, made, held_out_only=held_out_only)
        stored: Iterator[ShardSitting] = iter(())
        if self.shards is not None:
            stored = shard_sittings(self.shards)
        both: Iterator[Sitting | ShardSitting] = chain[Sitting | ShardSitting](close, stored)
        return (one for one in both if one.held or not held_out_only)


def run(task: Task, config: FoldConfig, made: Sittings) -> dict[str, object]:
    """All of it; the report."""
    samples = made_samples(task, made)
    if task.minutes > 0:
        train(samples, task.out, task.minutes, config, resume=task.resume)
    model = load(task.out / "folds.pt", config)
    found = held_out(model, samples, most=1000)
    story: dict[str, object] = {
        "config": dataclasses.asdict(config),
        "sittings": dataclasses.asdict(made),
        "held out": found,
    }
    export(model, tint_of(samples), config.shown, task.out, story)
    if (task.out / "folds_log.csv").exists():
        plot(task.out / "folds_log.csv", task.out / "folds_curve.png", FOLDS)
    return {
        "portraits": len(samples.face),
        "held out portraits": int(samples.held.sum()),
        "frames": len(samples.rig),
        "held out, mean |log| that is missing": {k: round(v, 5) for k, v in found.items()},
    }


def made_samples(task: Task, made: Sittings) -> FoldSamples:
    """From OUT/folds.npz, which is written first if it is not there."""
    cache = task.out / "folds.npz"
    if not cache.exists():
        samples = fold_samples(task.sittings(made), load_surface(), made)
        columns = {name: getattr(samples, name) for name in FoldSamples.__slots__}
        with cache.open("wb") as stream:
            np.savez(stream, allow_pickle=False, **columns)
    with np.load(cache) as stored:
        return FoldSamples(**{name: stored[name] for name in FoldSamples.__slots__})


def region_figures(task: Task, made: Sittings) -> dict[str, object]:
    """Mouth and brow regions of held-out people, with and without; renders sittings anew."""
    surface, makes = load_surface(), _makes(load_folds(task.out))
    rows: list[dict[str, float]] = []
    for sitting in task.sittings(made, held_out_only=True):
        try:
            rows += errors(shot_of(sitting), surface, makes)
        except LimnerError as error:
            LOG.warning("%s is left out: %s", sitting.name, error)
    return {"frames": len(rows), **summary(rows)}


def _makes(net: FoldNet) -> dict[str, Make]:
    return {
        "off": MotionDecoder,
        "on": lambda *parts: MotionDecoder(*parts, folds=net),
    }


def shot_of(sitting: Sitting | ShardSitting) -> Shot:
    """A sitting as the figures take it; its first frame is the portrait."""
    frames = range(len(sitting.frames))
    images = np.stack([sitting.image(at) for at in frames])
    skin = np.stack([sitting.skin(at) for at in frames])
    rigs = np.stack([sitting.rig(at) for at in frames])
    return Shot(sitting.name, images, skin, sitting.landmarks, rigs, 0)
