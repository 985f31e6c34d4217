"""Training of the text encoder onto the frozen space of feeling; resumable, one core.

The terms: what is felt (cross-entropy over six feelings and neutral), how strongly (where known),
what the frozen read-out says of the text's latent, and a contrastive term that pulls it to the
label latent of the same feeling. Writes OUT/text_checkpoint.pt and rows of OUT/text_log.csv.
"""

import copy
import csv
import logging
import math
import time
from collections import defaultdict
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from emotion.embedding import MiniLM
from emotion.latent_net import LatentNet, load_latent_net
from emotion.text_net import LOWER, TextNet, TextOut
from emotion.training.cache import Cache
from emotion.training.corpus import SPLITS, Corpus
from emotion.training.measures import best_thresholds, macro_f1
from emotion.training.space import contrast

LOG = logging.getLogger(__name__)
_POOL = 32  # batches that are sorted by length together
_SAVE = 100  # steps
LIMIT = 1.0  # of the gradient's norm


@dataclass(frozen=True, slots=True)
class TextConfig:
    """Settings of the text encoder's training. layers: how many upper ones learn."""

    seed: int = 5
    epochs: float = 1.6
    common: float = 0.5  # share of the texts that are only happy, or only neutral, in each epoch
    batch: int = 64
    rate: float = 1.5e-4  # of the layers; the heads learn ten times as fast
    layer_decay: float = 0.85  # per layer downwards
    weight_decay: float = 0.01
    dropout: float = 0.1
    average: float = 0.998
    practice: int = 14_000
    rare: int = 4  # times that foreign sentences and questions are shown each epoch
    degree: float = 0.5
    reading: float = 0.5
    contrast: float = 0.1
    temperature: float = 0.1
    features: bool = True
    practised: bool = True  # whether practice sentences are shown
    layers: int = 3


@dataclass(slots=True)
class Run:
    """A training in progress; seconds: of wall time in all sittings."""

    net: TextNet
    average: TextNet
    optimiser: torch.optim.Optimizer
    step: int = 0
    seconds: float = 0.0
    sums: dict[str, float] = field(default_factory=lambda: defaultdict(float))


@dataclass(frozen=True, slots=True, eq=False)
class Material:
    """What is learned from and onto."""

    corpus: Corpus
    cache: Cache
    space: LatentNet


def begin(config: TextConfig, checkpoint: Path | None) -> Run:
    """A new training, or the one of the checkpoint where there is one."""
    torch.manual_seed(config.seed)
    net = TextNet(config.dropout)
    net.layers.load_state_dict(MiniLM().upper(LOWER))
    for layer in list(net.layers)[: len(net.layers) - config.layers]:
        layer.requires_grad_(False)
    run = Run(net, copy.deepcopy(net).requires_grad_(False), _optimiser(net, config))
    if checkpoint is not None and checkpoint.is_file():
        stored = torch.load(checkpoint, weights_only=True)
        run.net.load_state_dict(stored["net"])
        run.average.load_state_dict(stored["average"])
        run.optimiser.load_state_dict(stored["optimiser"])
        run.step, run.seconds = int(stored["step"]), float(stored["seconds"])
    return run


def train_text(run: Run, material: Material, config: TextConfig, out: Path, minutes: float) -> bool:
    """Train until the epochs are over (then true) or the minutes are; a later call goes on."""
    per_epoch = len(shown_rows(material.corpus, config, 0)) // config.batch
    total = round(config.epochs * per_epoch)
    start, before, every = time.monotonic(), run.seconds, max(per_epoch // 2, 1)
    while run.step < total and time.monotonic() - start < 60 * minutes:
        batches = epoch_batches(material, config, run.step // per_epoch)
        for rows in batches[run.step % per_epoch : per_epoch]:
            _step(run, material, config, rows, total)
            run.seconds = before + time.monotonic() - start
            if run.step % every == 0 or (run.step == total and total > every):
                _note(run, material, config, out)
            elif run.step % _SAVE == 0:
                _save(run, out / "text_checkpoint.pt")
            if run.step >= total or time.monotonic() - start >= 60 * minutes:
                break
    _save(run, out / "text_checkpoint.pt")
    return run.step >= total


def shown_rows(corpus: Corpus, config: TextConfig, epoch: int) -> NDArray[np.int64]:
    """Rows that an epoch shows: a share of the commonest texts, rare kinds several times. Every
    epoch shows as many, whichever they are."""
    rng = np.random.default_rng((config.seed, epoch, 1))
    comments = corpus.split == SPLITS.index("train")
    alone = corpus.presence.sum(1) == 1
    often = comments & alone & (corpus.presence[:, [0, -1]].sum(1) == 1)
    some = np.flatnonzero(often)
    kept = rng.permutation(some)[: round(config.common * len(some))]
    practised = np.flatnonzero(corpus.split == SPLITS.index("practice"))
    if not config.practised:
        return np.concatenate([np.flatnonzero(comments & ~often), kept])
    rare = practised[np.isin([corpus.kinds[i] for i in practised], ["foreign", "question"])]
    again = np.repeat(rare, config.rare - 1)
    return np.concatenate([np.flatnonzero(comments & ~often), kept, practised, again])


def epoch_batches(material: Material, config: TextConfig, epoch: int) -> list[NDArray[np.int64]]:
    """Batches of texts of like length, in an order that the seed and the epoch fix."""
    rng = np.random.default_rng((config.seed, epoch))
    order = rng.permutation(shown_rows(material.corpus, config, epoch))
    lengths = material.cache.lengths()
    batches = []
    for at in range(0, len(order), _POOL * config.batch):
        pool = order[at : at + _POOL * config.batch]
        pool = pool[np.argsort(lengths[pool], kind="stable")]
        batches += [pool[i : i + config.batch] for i in range(0, len(pool), config.batch)]
    whole = [batch for batch in batches if len(batch) == config.batch]
    return [whole[i] for i in rng.permutation(len(whole))]


def predict(net: TextNet, material: Material, rows: NDArray[np.int64], features: bool) -> TextOut:
    """The net's answers for `rows`, in their order."""
    lengths = material.cache.lengths()
    order = rows[np.argsort(lengths[rows], kind="stable")]
    parts = []
    net.eval()
    with torch.inference_mode():
        for at in range(0, len(order), 128):
            picked = order[at : at + 128]
            parts.append(net(*_inputs(material, picked, features)))
    back = np.argsort(np.argsort(lengths[rows], kind="stable"), kind="stable")
    whole = [torch.cat([getattr(p, n) for p in parts])[back] for n in TextOut.__slots__]
    return TextOut(*whole)


def nearest_label(out: TextOut, material: Material, rows: NDArray[np.int64]) -> float:
    """How often the label latent next to a text's latent is one that people said, mean over the
    classes of texts with a single label."""
    labels = torch.cat([0.6 * torch.eye(6), torch.zeros(1, 6)])
    known = material.space.label_latents(labels).flatten(1)
    near = torch.cdist(material.space.attend(out.query.float()).flatten(1), known).argmin(1).numpy()
    presence = material.corpus.presence[rows]
    single, meant = presence.sum(1) == 1, presence.argmax(1)
    shares = [(near[single & (meant == c)] == c).mean() for c in range(presence.shape[1])]
    return float(np.mean(shares))


def _optimiser(net: TextNet, config: TextConfig) -> torch.optim.Optimizer:
    groups = []
    for depth, layer in enumerate(net.layers):
        rate = config.rate * config.layer_decay ** (len(net.layers) - 1 - depth)
        parameters = [p for p in layer.parameters() if p.requires_grad]
        groups.append({"params": parameters, "lr": rate, "full": rate})
    mine = {id(p) for p in net.layers.parameters()}
    heads = [p for p in net.parameters() if id(p) not in mine]
    groups.append({"params": heads, "lr": 10 * config.rate, "full": 10 * config.rate})
    kept = [group for group in groups if group["params"]]
    return torch.optim.AdamW(kept, weight_decay=config.weight_decay)


def _step(
    run: Run, material: Material, config: TextConfig, rows: NDArray[np.int64], total: int
) -> None:
    share = run.step / total
    scale = min(share / 0.06, 1.0) * (0.02 + 0.98 * 0.5 * (1 + math.cos(math.pi * share)))
    for group in run.optimiser.param_groups:
        group["lr"] = group["full"] * scale
    run.net.train()
    with torch.autocast("cpu", torch.bfloat16):
        out = run.net(*_inputs(material, rows, config.features))
    terms = _terms(out, material, rows, config)
    run.optimiser.zero_grad()
    torch.stack(list(terms.values())).sum().backward()  # type: ignore[no-untyped-call]
    torch.nn.utils.clip_grad_norm_(run.net.parameters(), LIMIT)
    run.optimiser.step()
    run.step += 1
    _blend(run.average, run.net, min(config.average, run.step / (run.step + 10)))
    run.sums["steps"] += 1
    for name, value in terms.items():
        run.sums[name] += value.item()


def _inputs(
    material: Material, rows: NDArray[np.int64], features: bool
) -> tuple[Tensor, Tensor, Tensor]:
    hidden, mask = material.cache.batch(rows)
    beside = torch.from_numpy(material.corpus.features[rows])
    return hidden, mask, beside if features else torch.zeros_like(beside)


def _terms(
    out: TextOut, material: Material, rows: NDArray[np.int64], config: TextConfig
) -> dict[str, Tensor]:
    corpus, space = material.corpus, material.space
    presence = torch.from_numpy(corpus.presence[rows])
    strengths = torch.from_numpy(corpus.strengths[rows])
    graded = torch.from_numpy(corpus.graded[rows]) * (strengths.amax(1) > 0)
    latents = space.attend(out.query.float())
    target = torch.cat([strengths, 1 - strengths.amax(1, keepdim=True)], 1)
    off = F.smooth_l1_loss(
        out.degree.float().sigmoid(), strengths.amax(1), beta=0.1, reduction="none"
    )
    terms = {
        "presence": F.binary_cross_entropy_with_logits(out.presence.float(), presence) * 4,
        "degree": config.degree * (off * graded).sum() / graded.sum().clamp(min=1),
        "reading": config.reading
        * F.binary_cross_entropy_with_logits(space.read_out(latents), target),
    }
    if config.contrast:
        known = space.label_latents(strengths)
        terms["contrast"] = config.contrast * contrast(
            latents, known, strengths, config.temperature
        )
    return terms


@torch.no_grad()
def _blend(average: TextNet, net: TextNet, keep: float) -> None:
    for old, new in zip(average.parameters(), net.parameters(), strict=True):
        old.lerp_(new, 1 - keep)


def _note(run: Run, material: Material, config: TextConfig, out: Path) -> None:
    """Held-out figures of the averaged weights into the log, and a checkpoint."""
    rows = np.flatnonzero(material.corpus.split == SPLITS.index("dev"))
    said = predict(run.average, material, rows, config.features).presence.sigmoid().numpy()
    true = material.corpus.presence[rows]
    count = max(run.sums.pop("steps", 0.0), 1.0)
    line: dict[str, float] = {"step": run.step, "seconds": round(run.seconds)}
    line |= {"dev_f1_half": round(macro_f1(said > 0.5, true > 0), 4)}
    line |= {"dev_f1_best": round(macro_f1(said > best_thresholds(said, true > 0), true > 0), 4)}
    line |= {name: round(total / count, 4) for name, total in run.sums.items()}
    run.sums.clear()
    LOG.info("text %s", line)
    _append(out / "text_log.csv", line)
    _save(run, out / "text_checkpoint.pt")


def _append(path: Path, row: dict[str, float]) -> None:
    fresh = not path.is_file()
    with path.open("a", newline="") as stream:
        writer = csv.DictWriter(stream, list(row))
        if fresh:
            writer.writeheader()
        writer.writerow(row)


def _save(run: Run, path: Path) -> None:
    state: dict[str, object] = {"net": run.net.state_dict(), "average": run.average.state_dict()}
    state |= {"optimiser": run.optimiser.state_dict(), "step": run.step, "seconds": run.seconds}
    torch.save(state, path.with_suffix(".part"))
    path.with_suffix(".part").replace(path)


def load_material(corpus: Corpus, cache: Cache) -> Material:
    """With the shipped space, frozen."""
    return Material(corpus, cache, load_latent_net())
