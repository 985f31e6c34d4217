"""Train the matte net for some minutes of wall time; go on where it stopped with --resume.

Writes OUT/matte.pt (moving average of the weights, float16) about every minute and appends to
OUT/log.csv.
"""

from __future__ import annotations

import argparse
import copy
import csv
import logging
import time
from collections import deque
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from avatar.training import landmarks
from avatar.training.landmarks.config import Config as LandmarkConfig
from avatar.training.landmarks.config import held_out_names
from avatar.training.landmarks.train import blend, build, rate_at
from avatar.training.matte.config import Config
from avatar.training.matte.data import Batches, Cutouts, held_people
from avatar.training.matte.evaluate import Figures, figures
from avatar.training.matte.model import Matte

FINDER = Path(landmarks.__file__).parent / "checkpoints" / "find.pt"
LOG = logging.getLogger(__name__)
FIELDS = ("seconds", "step", "samples", "loss", "photo_iou", "photo_error", "render_error", "note")
SHOW = 60.0  # seconds between rows of the log


def loss_of(logits: Tensor, target: Tensor, rim: float) -> Tensor:
    """Cross entropy and absolute error, heavier where a pixel is partly person, and of edges."""
    share, truth = torch.sigmoid(logits), target.float() / 255
    partly = 1 + rim * 4 * truth * (1 - truth)
    cross = nn.functional.binary_cross_entropy_with_logits(logits, truth, reduction="none")
    away = (share - truth).abs()
    edges = sum(
        ((share - share.roll(1, axis)) - (truth - truth.roll(1, axis))).abs().mean()
        for axis in (2, 3)
    )
    return (partly * (cross + away)).sum() / partly.sum() + edges


def load(path: Path, config: Config) -> Matte:
    """The net with the stored weights. Raises OSError if there are none."""
    net = Matte(config.widths)
    stored = torch.load(path)
    net.load_state_dict({k: v.float() if v.is_floating_point() else v for k, v in stored.items()})
    return net


def fresh(config: Config) -> Matte:
    """A new net with the first layers of the committed face finder."""
    finder = build("find", LandmarkConfig())
    finder.load_state_dict(torch.load(FINDER))
    net = Matte(config.widths)
    net.begin_as(finder)  # type: ignore[arg-type]
    return net


def save(net: nn.Module, path: Path) -> None:
    """Store the weights as float16."""
    state = net.state_dict()
    torch.save({k: v.half() if v.is_floating_point() else v for k, v in state.items()}, path)


def held_out(cache: Path, portraits: Path, config: Config) -> set[str]:
    """Names of photos and synthetic people that are never trained on."""
    return set(held_out_names(portraits, LandmarkConfig())) | held_people(cache, config)


def step(
    net: nn.Module, optimiser: torch.optim.Optimizer, batch: list[Tensor], rim: float
) -> float:
    """One step down the gradient; returns the loss."""
    net.train()
    images = batch[0].float().contiguous(memory_format=torch.channels_last)
    loss = loss_of(net(images), batch[1], rim)
    optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(net.parameters(), 3.0)
    optimiser.step()
    return loss.item()


def train(args: argparse.Namespace, config: Config) -> None:
    """Train for `args.minutes`; write the checkpoint and log rows."""
    cv2.setNumThreads(0)  # its threads would not survive the fork of the data process
    torch.manual_seed(config.seed)
    args.out.mkdir(parents=True, exist_ok=True)
    stored, held = args.out / "matte.pt", held_out(args.cache, args.portraits, config)
    again = args.resume and stored.exists()
    net = load(stored, config) if again else fresh(config)
    net = net.to(memory_format=torch.channels_last)  # type: ignore[call-overload]
    average, recent = copy.deepcopy(net), deque[float](maxlen=50)
    optimiser = torch.optim.AdamW(net.parameters(), weight_decay=config.weight_decay)
    tests = Cutouts(args.cache, held, True, args.shards)
    seed = config.seed + (stored.stat().st_mtime_ns % 10**6 if again else 0)
    batches = Batches(Cutouts(args.cache, held, False, args.shards), config, seed)
    begun, shown = time.time(), 0.0
    for count, batch in enumerate(DataLoader(batches, None, num_workers=1, prefetch_factor=6), 1):
        done = (time.time() - begun) / (60 * args.minutes)
        for group in optimiser.param_groups:
            group["lr"] = rate_at(done, args.rate or config.rate)
        recent.append(step(net, optimiser, batch, config.rim))
        blend(average, net, min(config.average, count / (count + 10)))
        if time.time() - begun - shown >= SHOW or done >= 1:
            shown = time.time() - begun
            save(average, stored)
            measured = figures(_answer(average), tests, every=4)
            _log(args, shown, count, count * config.batch, float(np.mean(recent)), measured)
        if done >= 1:
            return


def _answer(net: nn.Module):  # type: ignore[no-untyped-def]
    """A function from (SIDE,SIDE,3) uint8 to the net's own matte."""
    net.eval()

    def coarse(rgb: np.ndarray) -> np.ndarray:
        with torch.inference_mode():
            picture = torch.from_numpy(np.ascontiguousarray(rgb.transpose(2, 0, 1)))[None].float()
            return np.asarray(torch.sigmoid(net(picture))[0, 0])

    return coarse


def _log(
    args: argparse.Namespace, seconds: float, steps: int, samples: int, loss: float, found: Figures
) -> None:
    """Append a row to OUT/log.csv."""
    path = args.out / "log.csv"
    new = not path.exists()
    values = (seconds, steps, samples, loss, found.photo_iou, found.photo_error, found.render_error)
    row = [f"{v:.4f}" if isinstance(v, float) else v for v in values]
    with path.open("a", newline="") as stream:
        writer = csv.writer(stream)
        if new:
            writer.writerow(FIELDS)
        writer.writerow([*row, args.note])
    LOG.info("%s", row)
