"""Train the nets of folds for some minutes; go on where it stopped with --resume.

Writes OUT/folds.pt (moving average of the weights) about every half minute and appends to
OUT/folds_log.csv.
"""

from __future__ import annotations

import copy
import logging
import time
from collections import deque
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from avatar.rig import EXPRESSIONS, INDEX, RIG
from avatar.semo.face_map import SIDE
from avatar.training.completion.config import FoldConfig
from avatar.training.completion.fold_data import FACE_STEPS, STEPS, FoldSamples
from avatar.training.completion.fold_model import FoldModel, begin, ridge
from avatar.training.completion.log import append_row
from avatar.training.landmarks.train import blend, rate_at

LOG = logging.getLogger(__name__)
FIELDS = ("seconds", "step", "loss", "without", "mean_maps", "with_net", "edges_without", "edges")
STIFF = (0.01, 0.03, 0.1)  # of the linear beginning's ridge, tried
SHOW = 30.0  # seconds between rows of the log
_PAIRS = (("jawLeft", "jawRight"), ("mouthLeft", "mouthRight"))
_OPPOSITE = ("gaze_x", "yaw", "roll", "x")


def mirror() -> tuple[np.ndarray, np.ndarray]:
    """Order (63,) and signs (63,) that make a rig its mirror image."""
    order, signs = np.arange(len(RIG)), np.ones(len(RIG), np.float32)
    for at, name in enumerate(RIG):
        if name[-2:] in ("_L", "_R"):
            order[at] = INDEX[name[:-1] + ("R" if name[-1] == "L" else "L")]
    for one, other in _PAIRS:
        order[INDEX[one]], order[INDEX[other]] = INDEX[other], INDEX[one]
    for name in _OPPOSITE:
        signs[INDEX[name]] = -1
    return order, signs


def rig_scale() -> np.ndarray:
    """(63,) typical sizes; so large for gaze and pose that folds do not depend on them."""
    out = np.full(len(RIG), 0.5, np.float32)
    out[len(EXPRESSIONS) :] = 1e4
    return out


def load(path: Path, config: FoldConfig) -> FoldModel:
    """The stored nets. Raises OSError if there are none."""
    model = FoldModel(config, SIDE, rig_scale())
    model.load_state_dict(torch.load(path))
    return model


def started(samples: FoldSamples, config: FoldConfig) -> FoldModel:
    """The linear beginning, from frames and their mirror images; of people whose folds run alike
    if there are any: the mean of others is a blur."""
    samples = samples.facing(config.turn)
    model = FoldModel(config, SIDE, rig_scale())
    own = samples.of(np.flatnonzero(~samples.held & (samples.alike | ~samples.alike.any())))
    order, signs = mirror()
    rigs = torch.from_numpy(samples.rig[own])
    rests = torch.from_numpy(samples.rest[samples.owner[own]])
    truth = samples.truth[own].astype(np.float32) / np.float32(STEPS)
    flipped = [r[:, order] * torch.from_numpy(signs) for r in (rigs, rests)]
    change = [
        (model.strengths.features(now) - model.strengths.features(rest)).numpy()
        for now, rest in ((rigs, rests), flipped)
    ]
    both = np.concatenate([truth, truth[:, :, ::-1]]).reshape(2 * len(truth), -1)
    features = np.concatenate(change)
    begin(model, features, both, _stiffness(features, both, np.tile(samples.owner[own], 2)))
    return model


def _stiffness(features: np.ndarray, truth: np.ndarray, owner: np.ndarray) -> float:
    """The ridge that answers best for every fifth person's portraits from the others'."""
    kept = np.unique(owner) // 2 % 5 == 0
    tested = np.isin(owner, np.unique(owner)[kept])
    if not tested.any() or tested.all():
        return 0.01
    some = truth[:, ::37]
    errors = []
    for stiff in STIFF:
        answer = ridge(features[~tested], some[~tested], stiff)[1]
        errors.append(float(np.sqrt(((some[tested] - features[tested] @ answer) ** 2).mean())))
    LOG.info("ridge: %s", dict(zip(STIFF, np.round(errors, 5).tolist(), strict=True)))
    return STIFF[int(np.argmin(errors))]


def train(
    samples: FoldSamples, out: Path, minutes: float, config: FoldConfig, *, resume: bool
) -> None:
    """Train for some minutes; write the checkpoint and log rows."""
    torch.manual_seed(config.seed)
    samples = samples.facing(config.turn)
    rng = np.random.default_rng(config.seed)
    stored = out / "folds.pt"
    model = load(stored, config) if resume and stored.exists() else started(samples, config)
    average, recent = copy.deepcopy(model), deque[float](maxlen=60)
    optimiser = torch.optim.AdamW(_groups(model, config), weight_decay=config.weight_decay)
    begun, shown, count, done = time.time(), -SHOW, 0, 0.0
    while done < 1:
        count += 1
        done = (time.time() - begun) / (60 * minutes)
        for group in optimiser.param_groups:
            group["lr"] = group["share"] * rate_at(done, config.rate)
        recent.append(_step(model, optimiser, batch(samples, rng, config), config))
        blend(average, model, min(config.average, count / (count + 10)))
        if time.time() - begun - shown >= SHOW or done >= 1:
            shown = time.time() - begun
            torch.save(average.state_dict(), stored)
            _log(out / "folds_log.csv", (shown, count, float(np.mean(recent))), average, samples)


def _groups(model: FoldModel, config: FoldConfig) -> list[dict[str, object]]:
    """What began as the linear answer moves slowly, for its values are hundredths, and so does the
    last layer, whose every step changes whole maps."""
    maps = model.maps
    slow = [maps.mean, *model.strengths.parameters()]
    last = list(maps.gain.parameters())
    special = {id(p) for p in (*slow, *last)}
    fast = [p for p in model.parameters() if id(p) not in special]
    return [
        {"params": fast, "share": 1.0},
        {"params": last, "share": config.last},
        {"params": slow, "share": config.slow},
    ]


def _step(
    model: FoldModel,
    optimiser: torch.optim.Optimizer,
    drawn: tuple[Tensor, ...],
    config: FoldConfig,
) -> float:
    model.train()
    face, rest, rig, owner, truth, known = drawn
    loss = loss_of(model(face, rest, rig, owner), truth, known, config)
    optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(model.parameters(), 1.0)
    optimiser.step()
    return loss.item()


def loss_of(found: Tensor, truth: Tensor, known: Tensor, config: FoldConfig) -> Tensor:
    """Error of the logarithms (T,M,M), of their differences between neighbours, of the worst
    pixels; where nothing is known, nothing should be added."""
    error = torch.sqrt((found - truth) ** 2 + 4e-6) * known
    total = error.sum() / known.sum()
    for axis in (1, 2):
        both = known * known.roll(1, axis)
        steps = (found - found.roll(1, axis)) - (truth - truth.roll(1, axis))
        total = total + config.edges * (torch.sqrt(steps**2 + 4e-6) * both).sum() / both.sum()
    worst = error.flatten(1).topk(int(config.worst * error[0].numel()), 1).values
    total = total + config.hardest * worst.mean()
    return torch.as_tensor(total + config.quiet * (found.abs() * (1 - known)).mean())


def batch(samples: FoldSamples, rng: np.random.Generator, config: FoldConfig) -> tuple[Tensor, ...]:
    """Some portraits in changed colours and some frames of each, mirrored or not."""
    portraits = _drawn(samples, rng, config.portraits)
    frames, owner = [], []
    for at, portrait in enumerate(portraits):
        of = samples.of(np.array([portrait]))
        frames += list(rng.choice(of, min(config.frames, len(of)), replace=False))
        owner += [at] * min(config.frames, len(of))
    face = torch.from_numpy(samples.face[portraits]).float() / FACE_STEPS
    rest, rig = torch.from_numpy(samples.rest[portraits]), torch.from_numpy(samples.rig[frames])
    truth = torch.from_numpy(samples.truth[frames]).float() / STEPS
    known = torch.from_numpy(samples.known[frames]).float()
    if rng.random() < 0.5:
        order, signs = mirror()
        face, truth, known = face.flip(-1), truth.flip(-1), known.flip(-1)
        rest, rig = (r[:, order] * torch.from_numpy(signs) for r in (rest, rig))
    return coloured(face, rng), rest, rig, torch.tensor(owner), truth, known


def _drawn(samples: FoldSamples, rng: np.random.Generator, count: int) -> np.ndarray:
    """(count,) portraits, half of them of people whose folds run alike."""
    there = np.unique(samples.owner)
    own = there[~samples.held[there]]
    groups = [own[samples.alike[own]], own[~samples.alike[own]]]
    if not all(len(group) >= (count + 1) // 2 for group in groups):
        return np.asarray(rng.choice(own, count, replace=False))
    half = (count + 1) // 2
    parts = [rng.choice(groups[0], half, False), rng.choice(groups[1], count - half, False)]
    return np.concatenate(parts)


def coloured(face: Tensor, rng: np.random.Generator) -> Tensor:
    """Other colours, contrast, sharpness and noise; coverage stays."""
    count, rgb = len(face), face[:, :3]
    tint = np.exp(rng.normal(0, 0.1, (count, 3, 1, 1))).astype(np.float32)
    power = np.exp(rng.normal(0, 0.2, (count, 1, 1, 1))).astype(np.float32)
    rgb = rgb.clamp(1e-3, 1.6) ** torch.from_numpy(power) * torch.from_numpy(tint)
    if rng.random() < 0.4:
        rgb = nn.functional.avg_pool2d(nn.functional.pad(rgb, (1, 1, 1, 1), "replicate"), 3, 1)
    noise = rng.uniform(0, 0.05) * rng.standard_normal(rgb.shape).astype(np.float32)
    rgb = (rgb + torch.from_numpy(noise)) * (face[:, 3:4] > 0)
    return torch.cat([rgb.clamp(0, 1.6), face[:, 3:]], 1)


def held_out(model: FoldModel, samples: FoldSamples, most: int = 24) -> dict[str, float]:
    """Mean absolute logarithms that are missing on held-out people: without folds, with the mean
    maps alone, with the net; and the same of differences between neighbours."""
    model.eval()
    sums = {"without": 0.0, "mean_maps": 0.0, "with_net": 0.0, "edges_without": 0.0, "edges": 0.0}
    total = both = 0.0
    there = np.unique(samples.owner)
    held = there[samples.held[there]]
    for portrait in held[:: max(1, len(held) // most)]:
        frames = samples.of(np.array([portrait]))
        with torch.inference_mode():
            face = torch.from_numpy(samples.face[[portrait]]).float() / FACE_STEPS
            change = model.strengths(torch.from_numpy(samples.rig[frames]))
            change = (change - model.strengths(torch.from_numpy(samples.rest[[portrait]]))).numpy()
            mean = (model.maps.mean * face[:, 4:5])[0].numpy()
            own = model.maps(face)[0].numpy()
        truth = samples.truth[frames].astype(np.float32) / np.float32(STEPS)
        known = samples.known[frames] > 0
        found = np.tensordot(change, own, 1)
        sums["without"] += float(np.abs(truth)[known].sum())
        sums["mean_maps"] += float(np.abs(truth - np.tensordot(change, mean, 1))[known].sum())
        sums["with_net"] += float(np.abs(truth - found)[known].sum())
        near = known[..., 1:] & known[..., :-1]
        sums["edges_without"] += float(np.abs(np.diff(truth))[near].sum())
        sums["edges"] += float(np.abs(np.diff(truth - found))[near].sum())
        total, both = total + known.sum(), both + near.sum()
    return {
        name: float(value / max(both if name.startswith("edges") else total, 1))
        for name, value in sums.items()
    }


def _log(
    path: Path, begin_: tuple[float, int, float], model: FoldModel, samples: FoldSamples
) -> None:
    found = held_out(model, samples)
    row = [f"{begin_[0]:.1f}", str(begin_[1]), f"{begin_[2]:.5f}"]
    row += [f"{found[name]:.5f}" for name in FIELDS[3:]]
    append_row(path, FIELDS, row)
    LOG.info("%s", row)
