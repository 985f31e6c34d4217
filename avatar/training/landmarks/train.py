"""Train one net (or all, one after the other) for some minutes on one core.

Writes OUT/<net>.pt (moving average of the weights, every minute) and appends to OUT/log.csv.
"""

from __future__ import annotations

import argparse
import copy
import csv
import logging
import math
import time
from collections import deque
from collections.abc import Callable, Iterator
from functools import partial
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader

from avatar.landmark_net import part_squares, square_of
from avatar.training.landmarks.config import POINTS, SIDES, Config, held_out_names
from avatar.training.landmarks.data import EYE, PARTS, Batches, Frames, find_sample, jitter
from avatar.training.landmarks.layout import GROUPS, SLICES
from avatar.training.landmarks.model import Finder, Pointer

LOG = logging.getLogger(__name__)
FIELDS = ("net", "seconds", "step", "samples", "loss", "held_out", "note")


def build(net: str, config: Config, mean: np.ndarray | None = None) -> nn.Module:
    """The untrained net; mean (n,2): a pointer's first answer."""
    if net == "find":
        return Finder(config.widths[net])
    start = np.full((POINTS[net], 2), 0.5, np.float32) if mean is None else mean
    return Pointer(SIDES[net], start.astype(np.float32), config.widths[net])


def mean_points(frames: Frames, net: str, count: int = 256) -> np.ndarray:
    """(n,2) mean of the part's points in its square."""
    rng = np.random.default_rng(0)
    drawn = [frames.draw(rng).points for _ in range(count)]
    if net == "crop":
        return np.asarray(np.mean([square_of(p).from_picture(p) for p in drawn], 0))
    k, chosen = (0, EYE) if net == "eye" else (2, PARTS[net])
    parts = [part_squares(p)[k].from_picture(p[chosen]) for p in drawn]
    return np.asarray(np.mean(parts, 0))


# -- losses


def find_loss(out: Tensor, target: Tensor) -> Tensor:
    """Focal loss of the face logit, L1 of place, size and roll where a face is."""
    truth = target[:, 0]
    p = torch.sigmoid(out[:, 0])
    miss = torch.where(truth > 0, 1 - p, p)
    cross = nn.functional.binary_cross_entropy_with_logits(
        out[:, 0], truth.clamp(min=0), reduction="none"
    )
    known, faces = truth >= 0, truth > 0
    count = faces.sum().clamp(min=1)
    focal = (torch.where(faces, 1.0, 0.5) * miss**2 * cross)[known].sum() / count
    away = (out[:, 1:] - target[:, 1:]).abs() * torch.tensor([1.0, 1, 2, 1, 1])[:, None, None]
    return focal + (away * faces[:, None]).sum() / count


def point_weights(net: str, config: Config) -> Tensor:
    """(n,) weights of mean 1."""
    weights = torch.ones(POINTS[net])
    if net == "crop":
        for name in GROUPS:
            weights[SLICES[name]] = config.weights[name]
    return weights / weights.mean()


def point_loss(out: Tensor, target: Tensor, weights: Tensor, wing: tuple[float, float]) -> Tensor:
    """Wing loss of the distances where a face is, and the face logit's cross entropy."""
    face = target[:, -1]
    away = (out[:, :-1] - target[:, :-1]).reshape(len(out), -1, 2).abs()
    width, bend = wing
    offset = width - width * math.log(1 + width / bend)
    curve = torch.where(away < width, width * torch.log(1 + away / bend), away - offset)
    points = (curve.sum(-1) * weights).mean(1)
    logit = nn.functional.binary_cross_entropy_with_logits(out[:, -1], face)
    return 10 * (points * face).sum() / face.sum().clamp(min=1) + 0.1 * logit


# -- figures while training


def held_out_error(net: str, model: nn.Module, frames: Frames) -> float:
    """On the held-out photos: mean % of the inter-ocular distance; finder: centre, % of side."""
    rng = np.random.default_rng(1)
    model.eval()
    with torch.inference_mode():
        if net == "find":
            return _find_error(model, frames, rng)
        return float(
            np.mean([_point_error(net, model, f.rgb, f.points, rng) for f in frames.sets["photos"]])
        )


def _forward(model: nn.Module, rgb: np.ndarray) -> np.ndarray:
    """The net's answer to one patch."""
    out: Tensor = model(torch.from_numpy(rgb.transpose(2, 0, 1).copy())[None].float())
    return out[0].numpy()


def _find_error(model: nn.Module, frames: Frames, rng: np.random.Generator) -> float:
    """Centre error at the best cell, % of the square's side; no face at the best cell: 100."""
    errors = []
    for _ in range(120):
        rgb, target = find_sample(rng, frames)
        out = _forward(model, rgb)
        y, x = np.unravel_index(out[0].argmax(), out[0].shape)
        if target[0].max() > 0:
            side = 4 * np.exp(target[3, y, x])
            away = np.hypot(*(out[1:3, y, x] - target[1:3, y, x])) / side
            errors.append(100.0 if target[0, y, x] < 1 else 100 * away)
    return float(np.mean(errors))


def _point_error(
    net: str, model: nn.Module, rgb: np.ndarray, points: np.ndarray, rng: np.random.Generator
) -> float:
    """One photo, square a little off."""
    k, chosen = {"crop": (-1, np.arange(150)), "eye": (0, EYE), "mouth": (2, np.r_[36:76])}[net]
    square = square_of(points) if net == "crop" else part_squares(points)[k]
    square = jitter(rng, square, 0.02, 0.03, 2)
    found = square.to_picture(_forward(model, square.cut(rgb, SIDES[net]))[:-1].reshape(-1, 2))
    eyes = np.linalg.norm(points[76] - points[92])
    return float(100 * np.linalg.norm(found - points[chosen], axis=1).mean() / eyes)


# -- the loop


def blend(average: nn.Module, model: nn.Module, decay: float) -> None:
    """Move the averaged weights and statistics towards the model's."""
    with torch.no_grad():
        for a, b in zip(average.state_dict().values(), model.state_dict().values(), strict=True):
            if a.dtype.is_floating_point:
                a.lerp_(b, 1 - decay)


def rate_at(done: float, peak: float) -> float:
    """Learning rate after a share `done` of the time: warm-up, then cosine."""
    return peak * min(1.0, done / 0.03) * (0.5 + 0.5 * math.cos(math.pi * min(done, 1.0))) + 1e-6


def prepared(net: str, args: argparse.Namespace, config: Config, frames: Frames) -> nn.Module:
    """The net to train: new, or with the weights of OUT/<net>.pt."""
    model = build(net, config, None if net == "find" else mean_points(frames, net))
    if args.resume and (args.out / f"{net}.pt").exists():
        model.load_state_dict(torch.load(args.out / f"{net}.pt"))
    return model.to(memory_format=torch.channels_last)  # type: ignore[call-overload,no-any-return]


def stream(net: str, frames: Frames, config: Config, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Endless (images, target) batches, made by one process beside this one."""
    batches = Batches(frames, net, SIDES[net], config.batch, seed)
    for images, target in DataLoader(batches, None, num_workers=1, prefetch_factor=8):
        yield images.float().contiguous(memory_format=torch.channels_last), target


def loss_of(net: str, config: Config) -> Callable[[Tensor, Tensor], Tensor]:
    """(answer, target) to the net's loss."""
    if net == "find":
        return find_loss
    return partial(point_loss, weights=point_weights(net, config), wing=config.wing)


def train(net: str, args: argparse.Namespace, config: Config) -> None:
    """Train one net for its minutes; write its checkpoint and log rows."""
    torch.manual_seed(config.seed)
    held = set(held_out_names(args.portraits, config))
    frames, tests = Frames(args.cache, held), Frames(args.cache, held, only_held=True)
    model, loss_function = prepared(net, args, config, frames), loss_of(net, config)
    average, recent = copy.deepcopy(model), deque[float](maxlen=100)
    optimiser = torch.optim.AdamW(model.parameters(), weight_decay=config.weight_decay)
    seconds, start, shown = 60 * (args.minutes or config.minutes[net]), time.time(), 0.0
    batches = stream(net, frames, config, config.seed + 1000 * args.resume)
    for step, (images, target) in enumerate(batches, 1):
        now = time.time() - start
        for group in optimiser.param_groups:
            group["lr"] = rate_at(now / seconds, args.rate or config.rate)
        recent.append(train_step(model, optimiser, images, target, loss_function))
        blend(average, model, min(config.average, step / (step + 10)))
        if now - shown >= 45 or now >= seconds:
            shown, error = now, held_out_error(net, average, tests)
            torch.save(average.state_dict(), args.out / f"{net}.pt")
            loss = float(np.mean(recent))
            log(args.out, net, now, step, step * config.batch, loss, error, args.note)
        if now >= seconds:
            return


def train_step(
    model: nn.Module,
    optimiser: torch.optim.Optimizer,
    images: Tensor,
    target: Tensor,
    loss_function: Callable[[Tensor, Tensor], Tensor],
) -> float:
    """One step down the gradient; returns the loss."""
    model.train()
    loss = loss_function(model(images), target)
    optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(model.parameters(), 5.0)
    optimiser.step()
    return loss.item()


def log(out: Path, *row: object) -> None:
    """Print the row and append it to OUT/log.csv."""
    path = out / "log.csv"
    new = not path.exists()
    with path.open("a", newline="") as stream:
        writer = csv.writer(stream)
        if new:
            writer.writerow(FIELDS)
        writer.writerow([f"{v:.4f}" if isinstance(v, float) else v for v in row])
    LOG.info("%s", row)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--net", choices=[*SIDES, "all"], default="all")
    parser.add_argument("--portraits", type=Path, required=True, help="photos (names: hold-out)")
    parser.add_argument("--cache", type=Path, required=True, help="frames made by prepare.py")
    parser.add_argument("--out", type=Path, required=True, help="checkpoints and log")
    parser.add_argument("--minutes", type=float, default=0.0, help="0: as configured")
    parser.add_argument("--rate", type=float, default=0.0, help="peak rate; 0: as configured")
    parser.add_argument("--resume", action="store_true", help="go on from OUT/<net>.pt")
    parser.add_argument("--note", default="", help="last column of the log")
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO)
    args.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    for net in SIDES if args.net == "all" else (args.net,):
        train(net, args, Config())


if __name__ == "__main__":
    main()
