"""Training the reasoner by steps on one core; resumable. Stage 1 the base, stage 2 the experts.

Writes OUT/reasoner_checkpoint.pt and rows of OUT/reasoner_log.csv every `Config.every` seconds.
"""

import copy
import json
import logging
import math
import time
from collections import defaultdict
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.torch import load_file, save_file
from torch import nn

from avatar.semo.loading import load_surface
from avatar.training.landmarks.train import blend
from avatar.training.motion.train import record
from avatar.training.reasoner.batches import Batches
from avatar.training.reasoner.config import Config
from avatar.training.reasoner.flow import LatentsOf, losses, problem
from avatar.training.reasoner.losses import Judge
from avatar.training.reasoner.model import Reasoner
from avatar.training.reasoner.takes import Takes

LOG = logging.getLogger(__name__)
LIMIT = 1.0  # of the gradient's norm
LEAST = 0.02  # deviation of a whitened direction, so that what hardly moves is not blown up
SOME = 60_000  # frames that statistics are taken on
Held = Callable[[Reasoner], Mapping[str, float]]


@dataclass(slots=True)
class Run:
    """A training in progress; seconds: of wall time spent in all sittings."""

    net: Reasoner
    average: Reasoner
    optimiser: torch.optim.Optimizer
    judge: Judge
    step: int = 0
    seconds: float = 0.0
    sums: dict[str, float] = field(default_factory=lambda: defaultdict(float))


def some_tokens(takes: Takes) -> NDArray[np.float32]:
    """(F,64) tokens of frames with and without feeling, evenly over all takes."""
    every = slice(None, None, max(1, 2 * len(takes.rig) // SOME))
    return np.concatenate([takes.neutral[every], takes.rig[every]]).astype(np.float32)


def some_stretches(takes: Takes) -> NDArray[np.float32]:
    """(S,50,64) tokens of stretches with and without feeling, evenly over all takes."""
    starts = np.linspace(0, len(takes.rig) - 50, SOME // 100).astype(np.int64)
    at = starts[:, None] + np.arange(50)
    return np.concatenate([takes.neutral[at], takes.rig[at]]).astype(np.float32)


def whitened_by(net: Reasoner, tokens: NDArray[np.float32]) -> None:
    """Set the net's whitening so that these tokens have unit variance in every direction."""
    mean = tokens.mean(0)
    values, vectors = np.linalg.eigh(np.cov((tokens - mean).T))
    deviation = np.maximum(np.sqrt(values.clip(0)), LEAST)
    stored = {"mean": mean, "whiten": vectors / deviation, "colour": (vectors * deviation).T}
    for name, value in stored.items():
        getattr(net.base, name).copy_(torch.from_numpy(np.asarray(value, np.float32)))


def begin(config: Config, takes: Takes, start: Path | None = None) -> Run:
    """A new training; start: a checkpoint or kept weights to go on from; stage 2 adds
    experts to its base."""
    torch.manual_seed(config.seed)
    net = Reasoner(config.shape, config.parts)
    if start is None:
        whitened_by(net, some_tokens(takes))
    else:
        adopt(net, stored_weights(start))
    if config.stage == 2:
        net.base.requires_grad_(False)
    trained = [p for p in net.parameters() if p.requires_grad]
    optimiser = torch.optim.AdamW(
        trained, config.rate, (0.9, 0.98), weight_decay=config.weight_decay
    )
    judge = Judge(load_surface(), some_stretches(takes), config.weights)
    return Run(net, copy.deepcopy(net), optimiser, judge)


def stored_weights(path: Path) -> dict[str, torch.Tensor]:
    """The averaged weights of a checkpoint (.pt), or those that `keep` wrote (.safetensors)."""
    if path.suffix == ".safetensors":
        return {name: value.float() for name, value in load_file(path).items()}
    stored: dict[str, torch.Tensor] = torch.load(path, weights_only=True)["average"]
    return stored


def keep(net: Reasoner, config: Config, path: Path) -> None:
    """Write the weights in half precision with the configuration; training goes on from them."""
    halves = {name: value.half().contiguous() for name, value in net.state_dict().items()}
    save_file(halves, path, {"config": config.model_dump_json()})


def adopt(net: Reasoner, stored: Mapping[str, torch.Tensor]) -> None:
    """Take over the base, and of the experts what fits (an ablation's may not)."""
    mine = net.state_dict()
    net.load_state_dict({**mine, **{k: v for k, v in stored.items() if v.shape == mine[k].shape}})


def resume(run: Run, path: Path) -> None:
    """In place: go on from a checkpoint of the same configuration."""
    stored = torch.load(path, weights_only=True)
    run.net.load_state_dict(stored["net"])
    run.average.load_state_dict(stored["average"])
    run.optimiser.load_state_dict(stored["optimiser"])
    run.step, run.seconds = int(stored["step"]), float(stored["seconds"])


def save(run: Run, config: Config, path: Path) -> None:
    """Write the checkpoint, whole or not at all."""
    state: dict[str, object] = {"net": run.net.state_dict(), "average": run.average.state_dict()}
    state |= {"optimiser": run.optimiser.state_dict(), "step": run.step, "seconds": run.seconds}
    torch.save(state | {"config": config.model_dump_json()}, path.with_suffix(".part"))
    path.with_suffix(".part").replace(path)


def train(
    run: Run, takes: Takes, config: Config, out: Path, tools: tuple[LatentsOf | None, Held]
) -> None:
    """Run to the configured end; tools: latents of labels (stage 2), held-out figures."""
    latents, held = tools
    torch.manual_seed(config.seed + run.step)
    batches = Batches(takes, config, run.step)
    started, shown = time.monotonic() - run.seconds, run.seconds
    while done(run, config) < 1:
        for group in run.optimiser.param_groups:
            group["lr"] = rate_after(run.step, done(run, config), config)
        _step(run, batches, config, latents)
        run.seconds = time.monotonic() - started
        if run.seconds - shown >= config.every or done(run, config) >= 1:
            _shown(run, config, held, out)
            shown = time.monotonic() - started


def done(run: Run, config: Config) -> float:
    """Share of the training that is behind, by its steps or its minutes."""
    if config.minutes is not None:
        return run.seconds / (60 * config.minutes)
    return run.step / config.steps


def rate_after(step: int, behind: float, config: Config) -> float:
    """Learning rate: warm-up by steps, then a cosine to a fiftieth over the share `behind`."""
    wave = 0.51 + 0.49 * math.cos(math.pi * min(behind, 1.0))
    return config.rate * min(1.0, (step + 1) / config.warm_up) * wave


def _step(run: Run, batches: Batches, config: Config, latents: LatentsOf | None) -> None:
    run.net.train()
    batch = batches.draw()
    asked = problem(run.net, batch, config, latents if config.stage == 2 else None)
    with torch.autocast("cpu", torch.bfloat16, enabled=config.precision == "bf16"):
        found = losses(run.net, run.judge, asked, batch)
    total = torch.stack(list(found.values())).sum()
    run.optimiser.zero_grad()
    total.backward()  # type: ignore[no-untyped-call]
    norm = nn.utils.clip_grad_norm_(run.net.parameters(), LIMIT)
    run.optimiser.step()
    run.step += 1
    blend(run.average, run.net, min(config.average, run.step / (run.step + 20)))
    for name, loss in found.items():
        run.sums[name] += float(loss.detach())
    run.sums["norm"] += float(norm)
    run.sums["count"] += 1


def _shown(run: Run, config: Config, held: Held, out: Path) -> None:
    """Losses and held-out figures into the log, and a checkpoint."""
    count = max(run.sums.pop("count", 1.0), 1.0)
    row = {"seconds": run.seconds, "step": float(run.step)}
    row |= {f"loss_{name}": value / count for name, value in run.sums.items()}
    run.sums.clear()
    row |= held(run.average)
    record(out / "reasoner_log.csv", row)
    save(run, config, out / "reasoner_checkpoint.pt")
    LOG.info("%s", json.dumps({key: round(value, 4) for key, value in row.items()}))
