"""Train the completion net for some minutes of wall time; go on where it stopped with --resume.

Writes OUT/completion.pt (moving average of the weights) about every half minute and appends to
OUT/log.csv.
"""

from __future__ import annotations

import argparse
import copy
import logging
import time
from collections import deque
from collections.abc import Callable
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from avatar.training.completion.config import Config
from avatar.training.completion.data import Kind, Samples
from avatar.training.completion.evaluate import figures
from avatar.training.completion.log import append_row
from avatar.training.completion.model import Filling
from avatar.training.landmarks.train import blend, rate_at

LOG = logging.getLogger(__name__)
FIELDS = (
    "seconds", "step", "loss", "photo_without", "photo_completed", "render_without",
    "render_completed",
)  # fmt: skip
SHOW = 30.0  # seconds between rows of the log


def load(path: Path, config: Config) -> Filling:
    """The net with the stored weights. Raises OSError if there are none."""
    net = Filling(config.widths)
    net.load_state_dict(torch.load(path))
    return net


def train(args: argparse.Namespace, all_samples: Samples, config: Config) -> None:
    """Train for `args.minutes`; write the checkpoint and log rows."""
    torch.manual_seed(config.seed)
    rng = np.random.default_rng(config.seed)
    stored = args.out / "completion.pt"
    again = args.resume and stored.exists()
    net = load(stored, config) if again else Filling(config.widths)
    average, recent = copy.deepcopy(net), deque[float](maxlen=100)
    optimiser = torch.optim.AdamW(net.parameters(), weight_decay=config.weight_decay)
    own, tests = all_samples.only(~all_samples.held), all_samples.only(all_samples.held)
    begun, shown, count, done = time.time(), 0.0, 0, 0.0
    while done < 1:
        count += 1
        done = (time.time() - begun) / (60 * args.minutes)
        for group in optimiser.param_groups:
            group["lr"] = rate_at(done, config.rate)
        recent.append(_step(net, optimiser, batch(own, rng, config), config))
        blend(average, net, min(config.average, count / (count + 10)))
        if time.time() - begun - shown >= SHOW or done >= 1:
            shown = time.time() - begun
            torch.save(average.state_dict(), stored)
            _log(args.out / "log.csv", (shown, count, float(np.mean(recent))), average, tests)


def _step(
    net: nn.Module, optimiser: torch.optim.Optimizer, drawn: tuple[Tensor, ...], config: Config
) -> float:
    net.train()
    loss = loss_of(net, drawn, config)
    optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(net.parameters(), 1.0)
    optimiser.step()
    return loss.item()


def loss_of(net: Callable[[Tensor], Tensor], batch: tuple[Tensor, ...], config: Config) -> Tensor:
    """Error of mean colours over small squares, where the truth is known.

    Teeth as drawn and teeth as photographed do not lie pixel by pixel on one another, and a net
    that minimised each pixel's error would blur them: it is to learn light and colour, so what it
    adds must also be smooth.
    """
    window, truth, known = batch
    change = net(window)
    error = (window[:, :3] + change - truth) * known
    total = config.quiet * change.abs().mean()
    for side in config.pools:
        inside = nn.functional.avg_pool2d(known, side)
        total = total + nn.functional.avg_pool2d(error, side).abs().sum() / (3 * inside.sum() + 1)
    mouth = window[:, 3:4]
    for axis in (2, 3):
        both = mouth * mouth.roll(1, axis)
        steps = (change - change.roll(1, axis)).square() * both
        total = total + config.smooth * steps.sum() / (3 * both.sum() + 1)
    return torch.as_tensor(total)


def batch(samples: Samples, rng: np.random.Generator, config: Config) -> tuple[Tensor, ...]:
    """Random samples, mirrored, moved, scaled, in other light."""
    shares = np.array([config.shares[kind] for kind in Kind])
    there = np.array([(samples.kind == kind).any() for kind in Kind])
    wanted = rng.choice(len(Kind), config.batch, p=shares * there / (shares * there).sum())
    picked = np.array([rng.choice(np.flatnonzero(samples.kind == kind)) for kind in wanted])
    parts = [
        torch.from_numpy(part[picked]).float() / 255
        for part in (samples.drawn, samples.truth, samples.known)
    ]
    stacked = _moved(torch.cat(parts, 1), rng, config)
    window, truth, known = torch.split(stacked, [6, 3, 1], 1)
    gain, tint, power = _light(rng, len(picked))
    lit = [(p.clamp(1e-4, 1) ** power * gain * tint).clamp(0, 1) for p in (window[:, :3], truth)]
    return torch.cat([lit[0], window[:, 3:]], 1), lit[1], known


def _light(rng: np.random.Generator, count: int) -> tuple[Tensor, Tensor, Tensor]:
    gain = torch.from_numpy(np.exp(rng.normal(0, 0.15, (count, 1, 1, 1)))).float()
    tint = torch.from_numpy(np.exp(rng.normal(0, 0.05, (count, 3, 1, 1)))).float()
    power = torch.from_numpy(np.exp(rng.normal(0, 0.12, (count, 1, 1, 1)))).float()
    return gain, tint, power


def _moved(parts: Tensor, rng: np.random.Generator, config: Config) -> Tensor:
    count = len(parts)
    matrix = np.zeros((count, 2, 3), np.float32)
    scale = np.exp(rng.uniform(-config.grow, config.grow, (count, 2)))
    matrix[:, 0, 0] = scale[:, 0] * rng.choice([-1, 1], count)
    matrix[:, 1, 1] = scale[:, 1]
    matrix[:, :, 2] = rng.uniform(-2 * config.shift, 2 * config.shift, (count, 2))
    grid = nn.functional.affine_grid(torch.from_numpy(matrix), list(parts.shape), False)
    return nn.functional.grid_sample(parts, grid, "bilinear", "border", False)


def _log(path: Path, begin: tuple[float, int, float], net: nn.Module, tests: Samples) -> None:
    """Append a row to OUT/log.csv."""
    row = [f"{begin[0]:.1f}", str(begin[1]), f"{begin[2]:.5f}"]
    for kind in (Kind.PHOTO, Kind.RENDER):
        found = figures(net, tests.only(tests.kind == kind))
        row += ["", ""] if found is None else [f"{found.without:.3f}", f"{found.completed:.3f}"]
    append_row(path, FIELDS, row)
    LOG.info("%s", row)
