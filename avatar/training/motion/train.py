"""Training the motion encoder for some minutes of wall time on one core; resumable.

Writes OUT/motion_checkpoint.pt and rows of OUT/motion_encoder_log.csv every `Config.every` seconds.
"""

import copy
import csv
import logging
import math
import time
from collections import defaultdict
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from avatar.semo.loading import load_surface
from avatar.semo.surface import FaceSurface
from avatar.semo.types import Bytes, Floats
from avatar.training.landmarks.train import blend
from avatar.training.motion.batches import Batch, Batches, Looks
from avatar.training.motion.config import Config
from avatar.training.motion.frames import Frames
from avatar.training.motion.losses import Teacher, Wanted
from avatar.training.motion.model import MotionEncoder
from avatar.training.motion.probe import Encode, Seen, figures

LOG = logging.getLogger(__name__)
LIMIT = 2.0  # of the gradient's norm


@dataclass(slots=True)
class Run:
    """A training in progress; seconds: of wall time spent in all sittings."""

    model: MotionEncoder
    average: MotionEncoder
    optimiser: torch.optim.Optimizer
    step: int = 0
    seconds: float = 0.0
    sums: dict[str, float] = field(default_factory=lambda: defaultdict(float))


def begin(config: Config, checkpoint: Path | None, start: Path | None = None) -> Run:
    """A new training, or the one of the checkpoint if there is one; start: stored weights
    (safetensors, see `keep`) to begin a new one with."""
    torch.manual_seed(config.seed)
    model = MotionEncoder(config)
    if start is not None:
        model.load_state_dict({name: value.float() for name, value in load_file(start).items()})
    trunks = [p for p in model.trunks.parameters() if p.requires_grad]
    mine = {id(parameter) for parameter in model.trunks.parameters()}
    others = [p for p in model.parameters() if id(p) not in mine]
    groups = [{"params": others, "scale": 1.0}]
    groups.append({"params": trunks, "scale": config.trunk_rate if config.warm else 1.0})
    optimiser = torch.optim.AdamW(groups, lr=config.rate, weight_decay=config.weight_decay)
    run = Run(model, copy.deepcopy(model), optimiser)
    if checkpoint is not None and checkpoint.exists():
        stored = torch.load(checkpoint, weights_only=True)
        run.model.load_state_dict(stored["model"])
        run.average.load_state_dict(stored["average"])
        run.optimiser.load_state_dict(stored["optimiser"])
        run.step, run.seconds = int(stored["step"]), float(stored["seconds"])
    return run


def save(run: Run, path: Path) -> None:
    """Write the checkpoint, whole or not at all."""
    state: dict[str, object] = {
        "model": run.model.state_dict(),
        "average": run.average.state_dict(),
    }
    state |= {"optimiser": run.optimiser.state_dict(), "step": run.step, "seconds": run.seconds}
    torch.save(state, path.with_suffix(".part"))
    path.with_suffix(".part").replace(path)


def keep(model: MotionEncoder, config: Config, path: Path) -> None:
    """Write the weights in half precision, with the configuration; `begin` goes on from them."""
    halves = {name: value.half().contiguous() for name, value in model.state_dict().items()}
    save_file(halves, path, {"config": config.model_dump_json()})


def train(
    run: Run, frames: Frames, held: Mapping[str, Seen], out: Path, config: Config
) -> dict[str, float]:
    """Run to the configured minutes; returns the last held-out figures."""
    surface = load_surface()
    teacher = Teacher(surface, frames.rig.std(0), config)
    batches = Batches(frames, config, config.seed + run.step)
    found: dict[str, float] = {}
    started, shown = time.monotonic() - run.seconds, run.seconds
    while (done := _done(run, config)) < 1:
        for group in run.optimiser.param_groups:
            group["lr"] = group["scale"] * rate_after(run.step, done, config)
        _step(run, batches.draw(done), teacher, config)
        run.seconds = time.monotonic() - started
        if _due(run, shown, config):
            found = _shown(run, surface, held, out)
            shown = run.seconds
    return found


def _done(run: Run, config: Config) -> float:
    """Share of the training that is behind."""
    if config.steps is not None:
        return run.step / config.steps
    return run.seconds / (60 * config.minutes)


def _due(run: Run, shown: float, config: Config) -> bool:
    """Whether it is time for figures: a quarter of a run by steps, else so many seconds."""
    if config.steps is not None:
        return run.step % max(1, config.steps // 4) == 0
    return run.seconds - shown >= config.every or _done(run, config) >= 1


def rate_after(step: int, done: float, config: Config) -> float:
    """Learning rate: warm-up by steps, then a cosine over the share `done` of the time."""
    wave = 0.5 + 0.5 * math.cos(math.pi * min(done, 1.0))
    return config.rate * min(1.0, (step + 1) / config.warm_up) * wave + 1e-6


def _step(run: Run, batch: Batch, teacher: Teacher, config: Config) -> None:
    run.model.train()
    token, placement, present = run.model(*fed(batch.looks))
    losses = teacher(token, placement, present, wanted(batch))
    total = torch.stack(list(losses.values())).sum()
    run.optimiser.zero_grad()
    total.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(run.model.parameters(), LIMIT)
    run.optimiser.step()
    run.step += 1
    blend(run.average, run.model, min(config.average, run.step / (run.step + 20)))
    for name, loss in losses.items():
        run.sums[name] += float(loss.detach())
    run.sums["steps"] += 1


def fed(looks: Looks) -> tuple[Tensor, ...]:
    """What is looked at as the net takes it."""
    parts = (looks.whole, looks.right, looks.left, looks.mouth)
    return (*(pictures(part) for part in parts), torch.from_numpy(looks.places))


def pictures(images: Bytes) -> Tensor:
    """(B,S,S,3) uint8 to (B,3,S,S) float32 in 0..255."""
    return torch.from_numpy(images).permute(0, 3, 1, 2).float()


def wanted(batch: Batch) -> Wanted:
    """A batch's labels as tensors."""
    columns = (batch.rig, batch.placement, batch.present, batch.person, batch.scene)
    return Wanted(*(torch.from_numpy(np.ascontiguousarray(column)) for column in columns))


def encoder_of(model: MotionEncoder) -> Encode:
    """The net as figures take it."""

    def encode(looks: Looks) -> tuple[Floats, Floats, Floats]:
        model.eval()
        parts, whole = [], fed(looks)
        with torch.inference_mode():
            for start in range(0, len(whole[0]), 64):
                parts.append(model(*(part[start : start + 64] for part in whole)))
        token, placement, present = (torch.cat(part).numpy() for part in zip(*parts, strict=True))
        return token, placement, present

    return encode


def _shown(run: Run, surface: FaceSurface, held: Mapping[str, Seen], out: Path) -> dict[str, float]:
    """Held-out figures into the log, and a checkpoint."""
    steps = max(run.sums.pop("steps", 1.0), 1.0)
    row = {"seconds": run.seconds, "step": float(run.step)}
    row |= {f"loss_{name}": value / steps for name, value in run.sums.items()}
    run.sums.clear()
    found: dict[str, float] = {}
    for name, some in held.items():
        measured = figures(encoder_of(run.average), surface, some)
        found |= {f"{name}_{key}": value for key, value in measured.items()}
    record(out / "motion_encoder_log.csv", row | found)
    save(run, out / "motion_checkpoint.pt")
    LOG.info("%s", {key: round(value, 3) for key, value in (row | found).items()})
    return found


def record(path: Path, row: Mapping[str, float]) -> None:
    """Append a row to a csv file; its first row decides the columns."""
    if path.exists():
        with path.open(newline="") as stream:
            names = next(csv.reader(stream))
    else:
        names = list(row)
        path.write_text(",".join(names) + "\n")
    with path.open("a", newline="") as stream:
        csv.writer(stream).writerow([f"{row.get(name, float('nan')):.5g}" for name in names])
