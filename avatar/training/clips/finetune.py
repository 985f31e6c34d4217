"""Self-supervised fine-tuning: one frame of a clip from another, through the encoder's token.

No label is used: the encoder looks at source and target, the surface moves the source's skin, the
target's pixels judge. The encoder and the surface's movements change a little at a time and are
pulled to what they were; the rig's nets stay, so that tokens go on meaning what they mean.

Writes OUT/finetune_checkpoint.pt and rows of OUT/finetune_log.csv every `Settings.every` seconds.
Axis legend: B batch, D token dims, S px of a crop's side.
"""

import copy
import logging
import math
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from avatar.training.clips.driving import driven, heads
from avatar.training.clips.films import Batch, Filmed, batch_of, drawn
from avatar.training.clips.settings import Settings
from avatar.training.landmarks.train import blend
from avatar.training.motion.model import MotionEncoder
from avatar.training.motion.reconstruction import (
    Pyramid,
    reconstruction_loss,
    sampled_at,
)
from avatar.training.motion.train import fed, record
from avatar.training.motion.twin import StageTwin
from avatar.training.surface.model import SurfaceModel

LOG = logging.getLogger(__name__)
LIMIT = 1.0  # of the gradient's norm


@dataclass(slots=True)
class Tuning:
    """A fine-tuning in progress; seconds: of all sittings."""

    model: MotionEncoder
    average: MotionEncoder
    twin: StageTwin
    optimiser: torch.optim.Optimizer
    step: int = 0
    seconds: float = 0.0
    sums: dict[str, float] = field(default_factory=lambda: defaultdict(float))


def begin(model: MotionEncoder, twin: StageTwin, settings: Settings, checkpoint: Path) -> Tuning:
    """A new fine-tuning, or the one of the checkpoint if there is one."""
    torch.manual_seed(settings.seed)
    trunks = {id(p) for p in model.trunks.parameters()}
    net = twin.model
    rated = [
        ([p for p in model.parameters() if id(p) not in trunks], settings.rate),
        (list(model.trunks.parameters()), settings.rate * settings.trunk_rate),
        (list(net.shape.parameters()), settings.surface_rate),
        ([net.basis], settings.basis_rate),
    ]
    for frozen in (net.encode, net.probe):
        frozen.requires_grad_(False)
    groups = [{"params": params, "lr": rate, "peak": rate} for params, rate in rated]
    tuning = Tuning(model, copy.deepcopy(model), twin, torch.optim.Adam(groups))
    if checkpoint.exists():
        stored = torch.load(checkpoint, weights_only=True)
        tuning.model.load_state_dict(stored["model"])
        tuning.average.load_state_dict(stored["average"])
        tuning.twin.load_state_dict(stored["twin"])
        tuning.optimiser.load_state_dict(stored["optimiser"])
        tuning.step, tuning.seconds = int(stored["step"]), float(stored["seconds"])
    return tuning


def save(tuning: Tuning, path: Path) -> None:
    """Write the checkpoint, whole or not at all."""
    state = {
        "model": tuning.model.state_dict(),
        "average": tuning.average.state_dict(),
        "twin": tuning.twin.state_dict(),
        "optimiser": tuning.optimiser.state_dict(),
        "step": tuning.step,
        "seconds": tuning.seconds,
    }
    torch.save(state, path.with_suffix(".part"))
    path.with_suffix(".part").replace(path)


def finetune(
    tuning: Tuning, train: list[Filmed], held: list[Filmed], out: Path, settings: Settings
) -> None:
    """Run to the configured minutes."""
    first = copy.deepcopy(tuning.model).eval().requires_grad_(False)
    before = copy.deepcopy(tuning.twin.model).requires_grad_(False)
    rng = np.random.default_rng([settings.seed, tuning.step])
    started, shown = time.monotonic() - tuning.seconds, tuning.seconds
    pyramid = Pyramid()
    if tuning.step == 0:
        _log(tuning, held, out, pyramid)
    while (done := tuning.seconds / (60 * settings.minutes)) < 1:
        for group in tuning.optimiser.param_groups:
            wave = 0.5 + 0.5 * math.cos(math.pi * done)
            group["lr"] = group["peak"] * min(1.0, (tuning.step + 1) / 20) * wave
        batch = drawn(train, settings, rng)
        level = settings.finest[0] if done < 0.3 else settings.finest[1]
        _step(tuning, batch, (first, before), (pyramid, level), settings)
        tuning.seconds = time.monotonic() - started
        if tuning.seconds - shown >= settings.every or tuning.seconds >= 60 * settings.minutes:
            shown = tuning.seconds
            _log(tuning, held, out, pyramid)
            save(tuning, out / "finetune_checkpoint.pt")


def tokens_of(model: nn.Module, batch: Batch, twin: StageTwin) -> tuple[Tensor, Tensor]:
    """(B,64) tokens that drive the sources, and what the encoder said of targets and sources."""
    size, count = batch.pairs.source.shape[1], len(batch.of)
    token, placement, _ = model(*fed(batch.looks))
    again = count + batch.of  # each target's own source
    sitters, squares = batch.pairs.sitters, batch.squares
    target = heads((token[:count], placement[:count]), squares[0], sitters, twin, size)
    at_source = squares[1][batch.of]
    source = heads((token[again], placement[again]), at_source, sitters, twin, size)
    return driven(target, source, batch.persons, sitters, twin), token


def loss_of(tokens: Tensor, batch: Batch, twin: StageTwin, pyramid: Pyramid, finest: int) -> Tensor:
    """() difference of the targets and the sources moved by (B,64) tokens."""
    pairs = batch.pairs
    source = [level[batch.of] for level in pyramid(pairs.source[batch.firsts])]
    there = sampled_at(twin(tokens, pairs.sitters), pairs.samples)
    places = (pairs.samples.at, there)
    return reconstruction_loss(source, pyramid(pairs.target), places, batch.visible, finest)


def _step(
    tuning: Tuning,
    batch: Batch,
    before: tuple[nn.Module, SurfaceModel],
    look: tuple[Pyramid, int],
    settings: Settings,
) -> None:
    tuning.model.train()
    tokens, said = tokens_of(tuning.model, batch, tuning.twin)
    losses = {"picture": loss_of(tokens, batch, tuning.twin, *look)}
    with torch.no_grad():
        known = before[0](*fed(batch.looks))
    losses["token"] = settings.hold_token * (said - known[0]).square().mean()
    old = before[1]
    drift = (tuning.twin.model.basis - old.basis).square().mean()
    losses["surface"] = settings.hold_surface * drift
    total = torch.stack(list(losses.values())).sum()
    tuning.optimiser.zero_grad()
    total.backward()  # type: ignore[no-untyped-call]
    groups = [group["params"] for group in tuning.optimiser.param_groups]
    nn.utils.clip_grad_norm_([p for group in groups for p in group], LIMIT)
    tuning.optimiser.step()
    tuning.step += 1
    blend(tuning.average, tuning.model, min(settings.average, tuning.step / (tuning.step + 10)))
    for name, loss in losses.items():
        tuning.sums[name] += float(loss.detach())
    tuning.sums["steps"] += 1


def _log(tuning: Tuning, held: list[Filmed], out: Path, pyramid: Pyramid) -> None:
    steps = max(tuning.sums.pop("steps", 1.0), 1.0)
    row = {"seconds": tuning.seconds, "step": float(tuning.step)}
    for name in ("picture", "token", "surface"):
        row[f"loss_{name}"] = tuning.sums.get(name, 0.0) / steps
    tuning.sums.clear()
    row |= held_figures(tuning.average, held, tuning.twin, pyramid)
    record(out / "finetune_log.csv", row)
    LOG.info("%s", {key: round(value, 4) for key, value in row.items()})


def held_figures(
    model: nn.Module, held: list[Filmed], twin: StageTwin, pyramid: Pyramid, most: int = 12
) -> dict[str, float]:
    """Over `most` frames of each held-out film: the loss of pictures, the same of the unmoved
    source, and the landmarks' distance to those our net finds, px of the crop."""
    model.eval()
    found = defaultdict(list)
    for film in held:
        targets = film.scene.targets()
        some = [
            targets[k]
            for k in np.linspace(0, len(targets) - 1, min(most, len(targets))).astype(int)
        ]
        batch = batch_of([film], [(0, at) for at in some])
        with torch.inference_mode():
            tokens, _ = tokens_of(model, batch, twin)
            rest = film.scene.sitter.rest_token.expand(len(some), -1)
            found["held_picture"].append(float(loss_of(tokens, batch, twin, pyramid, 0)))
            found["held_unmoved"].append(float(loss_of(rest, batch, twin, pyramid, 0)))
            found["held_landmarks"].append(_landmark_error(tokens, rest, film, some, twin))
    return {name: float(np.mean(values)) for name, values in found.items()}


def _landmark_error(
    tokens: Tensor, rest: Tensor, film: Filmed, frames: list[int], twin: StageTwin
) -> float:
    """Mean px; what the fit leaves in the source does not count."""
    shard, many = film.scene.shard, torch.zeros(len(frames), dtype=torch.int64)
    sitters = film.scene.sitter.take(many)
    moved = (twin.landmarks(tokens, sitters) - twin.landmarks(rest, sitters)).numpy()
    wanted = (shard.points[frames] - shard.points[film.scene.source]) / shard.images.shape[1]
    return float(np.linalg.norm(moved - wanted, axis=-1).mean() * shard.images.shape[1])
