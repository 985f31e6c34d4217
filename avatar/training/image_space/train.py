"""Train the image-space variant for some minutes of CPU time; go on where it stopped.

Writes OUT/image_space.pt (moving average of the weights) about every minute and appends to
OUT/log.csv what held-out people's pairs say.
"""

from __future__ import annotations

import copy
import csv
import logging
import time
from collections import deque
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from avatar.training.image_space.config import Config
from avatar.training.image_space.data import Batch, Pairs, batch_of
from avatar.training.image_space.model import Drawn, ImageSpaceDecoder
from avatar.training.landmarks.train import blend, rate_at

LOG = logging.getLogger(__name__)
STORED, TABLE = "image_space.pt", "log.csv"
FIELDS = ("seconds", "pairs", "loss", "flow_px", "zero_flow_px", "psnr", "copy_psnr")
SHOW = 30.0  # seconds between rows of the log; CPU time, for machines have other things to do
PIXELS = 128.0  # at which flow is told, whatever the size


@dataclass(frozen=True, slots=True)
class Run:
    """out: where checkpoint and log go; minutes of CPU time, of wall time and steps: what comes
    first ends it; resume: from the checkpoint; device: of torch."""

    out: Path
    minutes: float
    wall: float
    steps: int
    resume: bool
    device: str = "cpu"


def load(path: Path, config: Config) -> ImageSpaceDecoder:
    """The net with the stored weights. Raises OSError if there are none."""
    net = ImageSpaceDecoder(config)
    net.load_state_dict(torch.load(path))
    return net


def train(own: Pairs, tests: Pairs, config: Config, run: Run) -> ImageSpaceDecoder:
    """The moving average of the trained weights."""
    torch.manual_seed(config.seed)
    rng = np.random.default_rng(config.seed)
    net = load(run.out / STORED, config) if run.resume else ImageSpaceDecoder(config)
    net.to(run.device)
    average, recent = copy.deepcopy(net), deque[float](maxlen=200)
    before = _so_far(run.out / TABLE) if run.resume else (0.0, 0.0)
    optimiser = torch.optim.AdamW(net.parameters(), weight_decay=config.weight_decay)
    begun, shown, count, done = time.process_time(), 0.0, 0, 0.0
    clock = time.monotonic()
    while done < 1:
        count += 1
        done = max(
            (time.process_time() - begun) / (60 * run.minutes),
            (time.monotonic() - clock) / (60 * run.wall),
            count / run.steps,
        )
        for group in optimiser.param_groups:
            group["lr"] = rate_at(done, config.rate)
        drawn = drawn_batch(own, rng, config).to(run.device)
        recent.append(_step(net, optimiser, drawn, config))
        blend(average, net, min(config.average, count / (count + 10)))
        if time.process_time() - begun - shown >= SHOW or done >= 1:
            shown = time.process_time() - begun
            torch.save(average.state_dict(), run.out / STORED)
            spent = (before[0] + shown, before[1] + count * config.batch)
            row = (*spent, float(np.mean(recent)), *held(average, tests, run.device))
            _log(run.out / TABLE, row)
    return average.to("cpu")


def _so_far(log: Path) -> tuple[float, float]:
    """CPU seconds and pairs of the log's last row."""
    with log.open(newline="") as stream:
        last = list(csv.DictReader(stream))[-1]
    return float(last["seconds"]), float(last["pairs"])


def drawn_batch(pairs: Pairs, rng: np.random.Generator, config: Config) -> Batch:
    """Random pairs in random light."""
    picked = rng.integers(len(pairs.source), size=config.batch)
    light = np.exp(rng.normal(0, 0.12, (config.batch, 1)) + rng.normal(0, 0.05, (config.batch, 3)))
    return batch_of(pairs, picked, light)


def _step(
    net: ImageSpaceDecoder, optimiser: torch.optim.Optimizer, batch: Batch, config: Config
) -> float:
    net.train()
    loss = loss_of(net(batch.source, batch.source_token, batch.token), batch, config)
    optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(net.parameters(), 1.0)
    optimiser.step()
    return loss.item()


def loss_of(drawn: Drawn, batch: Batch, config: Config) -> Tensor:
    """Flow where it is known, moved pixels where they are visible, the picture and its edges."""
    away = (drawn.flow - batch.flow).norm(dim=1, keepdim=True) * (PIXELS / 2)
    moving = (batch.flow.norm(dim=1, keepdim=True) > 1e-4).float()
    weight = batch.known * (config.still + (1 - config.still) * moving)
    flow = (away * weight).sum() / (weight.sum() + 1)
    known = F.interpolate(batch.known, scale_factor=2.0)
    warp = ((drawn.warped - batch.target).abs() * known).sum() / (3 * known.sum() + 1)
    picture = (drawn.picture - batch.target).abs().mean()
    error = drawn.picture - batch.target
    edges = torch.diff(error, dim=2).abs().mean() + torch.diff(error, dim=3).abs().mean()
    return torch.as_tensor(config.flow * flow + config.warp * warp + picture + config.edge * edges)


@torch.no_grad()
def held(
    net: ImageSpaceDecoder, tests: Pairs, device: str = "cpu"
) -> tuple[float, float, float, float]:
    """Mean flow error and zero flow's on moving pixels, px at 128; PSNR and copying's, dB."""
    net.eval()
    rows = []
    for at in range(len(tests.source)):
        batch = batch_of(tests, np.array([at])).to(device)
        drawn = net(batch.source, batch.source_token, batch.token)
        moving = (batch.known > 0) & (batch.flow.norm(dim=1, keepdim=True) > 1e-4)
        if not moving.any():
            continue
        off, length = (
            float((flow.norm(dim=1, keepdim=True)[moving]).mean()) * PIXELS / 2
            for flow in (drawn.flow - batch.flow, batch.flow)
        )
        errors = (float((p - batch.target).square().mean()) for p in (drawn.picture, batch.source))
        rows.append((off, length, *(-10 * np.log10(max(e, 1e-9)) for e in errors)))
    a, b, c, d = np.mean(rows, 0)
    return float(a), float(b), float(c), float(d)


def _log(path: Path, row: tuple[float, ...]) -> None:
    new = not path.exists()
    with path.open("a", newline="") as stream:
        writer = csv.writer(stream)
        if new:
            writer.writerow(FIELDS)
        writer.writerow([f"{value:.4g}" if k > 1 else round(value) for k, value in enumerate(row)])
    LOG.info("%s", dict(zip(FIELDS, row, strict=True)))
