"""Training of the space of feeling: bank, label and action-unit encoders, read-out. Seconds.

The terms: what was felt is read out of either latent, of their mean, of noisy latents and of the
mean of two different feelings (so that averaging inputs averages what they say); the two latents
of one feeling lie together and those of unlike feelings apart (contrastive); distances of latents
follow distances of feelings; every bank row is used.
"""

import csv
import logging
from dataclasses import asdict, dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor
from torch.nn import functional as F

from emotion.latent_net import LatentNet
from emotion.latent_space import FORMAT
from emotion.training.space_data import Sampler
from emotion.weight_files import write_arrays

LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class SpaceConfig:
    """Settings of the space's training; seconds of noise-free arithmetic on one core."""

    seed: int = 5
    steps: int = 4000
    batch: int = 256
    rate: float = 3e-3
    noise: float = 0.1  # of a latent's entries, whose scale is 1
    contrast: float = 0.1
    temperature: float = 0.1
    isometry: float = 1.0
    use: float = 0.02  # of every bank row


@dataclass(frozen=True, slots=True, eq=False)
class Draw:
    """One batch: felt (B, 6), two latents of it (B, 4, 64), and their shares of bank rows."""

    felt: Tensor
    labelled: Tensor
    shown: Tensor
    shares: Tensor


def train_space(config: SpaceConfig, out: Path) -> dict[str, float]:
    """Train, write OUT/latents.safetensors and OUT/latents_log.csv; the held-out figures."""
    torch.manual_seed(config.seed)
    net = LatentNet()
    sampler = Sampler(torch.Generator().manual_seed(config.seed))
    optimiser = torch.optim.AdamW(net.parameters(), lr=config.rate, weight_decay=1e-3)
    schedule = torch.optim.lr_scheduler.CosineAnnealingLR(optimiser, config.steps)
    rows = []
    for step in range(1, config.steps + 1):
        terms = _terms(net, _draw(net, sampler, config.batch), config)
        optimiser.zero_grad()
        torch.stack(list(terms.values())).sum().backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        schedule.step()
        if step % 200 == 0:
            rows.append({"step": step} | {n: round(t.item(), 5) for n, t in terms.items()})
    held = space_figures(net)
    LOG.info("space of feeling: %s", held)
    _write_log(rows, out / "latents_log.csv")
    arrays = {name: tensor.numpy() for name, tensor in net.state_dict().items()}
    write_arrays(arrays, out / "latents.safetensors", FORMAT, {**asdict(config), **held})
    return held


@torch.no_grad()
def space_figures(net: LatentNet, seed: int = 77, count: int = 4000) -> dict[str, float]:
    """Errors of what is read out, on feelings that were never drawn in training."""
    sampler = Sampler(torch.Generator().manual_seed(seed))
    draw = _draw(net, sampler, count)
    known = net.read_out(draw.labelled).sigmoid()[:, :6]
    seen = net.read_out(draw.shown).sigmoid()[:, :6]
    both = net.read_out((draw.labelled + draw.shown) / 2).sigmoid()[:, :6]
    share = draw.shares.mean((0, 1))
    usage = -(share * share.clamp(min=1e-9).log()).sum()
    felt = draw.felt.amax(1) > 0.3
    same = (seen.argmax(1) == draw.felt.argmax(1))[felt].float().mean()
    return {
        "label_error": round((known - draw.felt).abs().mean().item(), 4),
        "label_error_p99": round(float(np.quantile((known - draw.felt).abs(), 0.99)), 4),
        "unit_error": round((seen - draw.felt).abs().mean().item(), 4),
        "unit_dominant": round(same.item(), 4),
        "mean_error": round((both - draw.felt).abs().mean().item(), 4),
        "rows_used": round(usage.exp().item(), 1),
    }


def _draw(net: LatentNet, sampler: Sampler, count: int) -> Draw:
    felt = sampler.strengths(count)
    named, seen = net.label(felt), net.units(sampler.units(felt))
    return Draw(felt, net.attend(named), net.attend(seen), net.weights(named))


def _terms(net: LatentNet, draw: Draw, config: SpaceConfig) -> dict[str, Tensor]:
    a, b, felt = draw.labelled, draw.shown, draw.felt
    noisy = a + config.noise * torch.randn_like(a)
    other = torch.randperm(len(felt))
    between = (felt + felt[other]) / 2
    return {
        "label": 4 * _reading(net, a, felt) + _reading(net, noisy, felt),
        "units": _reading(net, b, felt),
        "mean": _reading(net, (a + b) / 2, felt) + _reading(net, (a + a[other]) / 2, between),
        "contrast": config.contrast * contrast(a, b, felt, config.temperature),
        "isometry": config.isometry * _isometry(a, felt),
        "use": config.use * _unused(draw.shares),
        "scale": 0.1 * (a.square().mean() - 1).square(),
    }


def _reading(net: LatentNet, latents: Tensor, felt: Tensor) -> Tensor:
    """Cross-entropy of what the latents say, with strengths as soft targets."""
    target = torch.cat([felt, 1 - felt.amax(1, keepdim=True)], 1)
    return F.binary_cross_entropy_with_logits(net.read_out(latents), target)


def contrast(a: Tensor, b: Tensor, felt: Tensor, temperature: float) -> Tensor:
    """InfoNCE of two latents (B, N, E) of the same feelings (B, 6), softened: feelings that are
    nearly the same are no negatives of one another."""
    x, y = F.normalize(a.flatten(1), dim=1), F.normalize(b.flatten(1), dim=1)
    wanted = (-torch.cdist(felt, felt).square() / 0.02).softmax(1)
    scores = x @ y.T / temperature
    loss: Tensor = (F.cross_entropy(scores, wanted) + F.cross_entropy(scores.T, wanted)) / 2
    return loss


def _isometry(latents: Tensor, felt: Tensor) -> Tensor:
    """Distances between latents, per entry, follow distances between feelings."""
    flat = latents.flatten(1)
    apart = torch.cdist(flat, flat) / flat.shape[1] ** 0.5
    off: Tensor = (apart - torch.cdist(felt, felt)).square().mean()
    return off


def _unused(shares: Tensor) -> Tensor:
    """How far the mean use of the bank's rows is from even, in nats."""
    share = shares.mean((0, 1))
    unused: Tensor = (share * (share * len(share)).clamp(min=1e-9).log()).sum()
    return unused


def _write_log(rows: list[dict[str, float]], path: Path) -> None:
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
