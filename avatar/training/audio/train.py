"""Train the audio encoder for some minutes of wall time; go on where it stopped with --resume.

Writes OUT/audio_encoder.safetensors (moving average of the weights, float16) about every minute and
appends a row of held-out figures to OUT/log.csv. New items of the cache are used as they come.
"""

import copy
import logging
import time
from collections import deque
from collections.abc import Iterator
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import torch
from safetensors.torch import load_file, save_file
from torch import Tensor, nn

from avatar.training.audio.cache import Item, crop, is_augmented, load
from avatar.training.audio.config import Config
from avatar.training.audio.evaluate import answers, chosen, measured, retrieval
from avatar.training.audio.losses import LOOKAHEAD, Scale, loss_of
from avatar.training.audio.model import Encoder, Lessons
from avatar.training.audio.takes import ACTIVE, GAP, MOUTH
from avatar.training.completion.log import append_row

LOG = logging.getLogger(__name__)
CHECKPOINT = "audio_encoder.safetensors"
HELD = {"val": ("val", False), "real": ("real_val", False), "val_aug": ("val", True),
        "real_aug": ("real_val", True)}  # fmt: skip
LOGGED = ("correlation", "recall", "precision", "silence")
FIELDS = ("seconds", "step", "hours", "items", "loss", "mouth", "gap", "sides", "contrast",
          *(f"{name}_{key}" for name in HELD for key in LOGGED), "within", "note")  # fmt: skip
SHOW, REFRESH = 90.0, 45.0  # seconds between rows of the log, looks for new items
MOST_HELD = 10  # items of each kind measured while training
SPREAD = 0.03  # least spread of a mouth weight: those that hardly move do not count


@dataclass(slots=True)
class Corpus:
    """All items so far, by split."""

    cache: Path
    items: dict[str, list[Item]] = field(default_factory=dict)
    known: dict[str, set[str]] = field(default_factory=dict)

    def refresh(self) -> None:
        """Look for new ones."""
        for split in ("train", "real_train", "val", "real_val"):
            known = self.known.setdefault(split, set())
            self.items.setdefault(split, []).extend(load(self.cache / split, known))

    def __len__(self) -> int:
        return len(self.items["train"]) + len(self.items["real_train"])


def scale_of(items: list[Item]) -> Scale:
    """Spread of the labels while the mouth speaks."""
    some = np.concatenate([what.labels for what in items[:300]]).astype(np.float32)
    busy, silent = some[some[:, ACTIVE] > 0.5], some[some[:, ACTIVE] < 0.5]
    spread = np.maximum(busy[:, : len(MOUTH)].std(0), SPREAD)
    rest = float(np.median(silent[:, GAP])) if len(silent) else 0.08
    return Scale(torch.from_numpy(spread), float(busy[:, GAP].std()), rest)


def batches(corpus: Corpus, config: Config, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Endless samples of the training splits, hops (B, 4 (F + 2), C) and labels (B, F, L)."""
    rng = np.random.default_rng(seed)
    while True:
        samples = [_sample(corpus, config, rng) for _ in range(config.batch)]
        hops, labels = zip(*samples, strict=True)
        yield torch.from_numpy(np.stack(hops)), torch.from_numpy(np.stack(labels))


def _sample(
    corpus: Corpus, config: Config, rng: np.random.Generator
) -> tuple[np.ndarray, np.ndarray]:
    real = corpus.items["real_train"] and rng.random() < config.real
    items = corpus.items["real_train" if real else "train"]
    augmented = rng.random() < config.augmented
    what = items[int(rng.integers(len(items)))]
    for _ in range(20):  # of the wanted kind, with some speech, usually
        first = int(rng.integers(max(1, len(what.labels) - config.crop)))
        busy = what.labels[first : first + config.crop, ACTIVE].mean()
        fits = is_augmented(what.name) == augmented and len(what.labels) >= config.crop
        if fits and (busy > 0.3 or rng.random() < 0.15):
            break
        what = items[int(rng.integers(len(items)))]
    first = min(first, max(0, len(what.labels) - config.crop))
    return crop(what, first, config.crop, LOOKAHEAD)


@dataclass(slots=True)
class Nets:
    """What is trained, and the moving average of it that is kept."""

    encoder: Encoder
    lessons: Lessons
    kept: nn.ModuleDict

    @property
    def both(self) -> nn.ModuleDict:
        """The trained nets in one."""
        return nn.ModuleDict({"encoder": self.encoder, "lessons": self.lessons})


def build(stored: Path | None) -> Nets:
    """New nets, or those of a checkpoint."""
    both = nn.ModuleDict({"encoder": Encoder(), "lessons": Lessons()})
    if stored is not None:
        state = {name: value.float() if value.is_floating_point() else value
                 for name, value in load_file(stored).items()}  # fmt: skip
        both.load_state_dict(state)
    encoder, lessons = both["encoder"], both["lessons"]
    assert isinstance(encoder, Encoder) and isinstance(lessons, Lessons)
    return Nets(encoder, lessons, copy.deepcopy(both))


def save(nets: Nets, path: Path) -> None:
    """Store the average as float16, whole or not at all."""
    state = {name: (value.half() if value.is_floating_point() else value).contiguous()
             for name, value in nets.kept.state_dict().items()}  # fmt: skip
    part = path.with_suffix(".part")
    save_file(state, part)
    part.rename(path)


@torch.no_grad()
def blend(nets: Nets, decay: float) -> None:
    """Move the average a little towards the trained nets."""
    for kept, now in zip(nets.kept.state_dict().values(), nets.both.state_dict().values(),
                         strict=True):  # fmt: skip
        if kept.is_floating_point():
            kept.lerp_(now, 1 - decay)
        else:
            kept.copy_(now)


def rate_at(done: float, peak: float) -> float:
    """Warm-up over 3 %, then a cosine to 2 % of the peak; done in 0..1."""
    if done < 0.03:
        return peak * (0.05 + 0.95 * done / 0.03)
    return peak * (0.02 + 0.49 * (1 + float(np.cos(np.pi * min(1.0, (done - 0.03) / 0.97)))))


@dataclass(frozen=True, slots=True)
class Run:
    """Where a training reads and writes, and for how long."""

    cache: Path
    out: Path
    minutes: float
    resume: bool = False
    note: str = ""
    steps: int = 0  # above 0: so many instead of minutes


def train(run: Run, config: Config) -> Path:
    """Train; returns the checkpoint. Raises ValueError when the cache holds no takes."""
    torch.manual_seed(config.seed)
    run.out.mkdir(parents=True, exist_ok=True)
    stored = run.out / CHECKPOINT
    again = run.resume and stored.exists()
    nets, corpus = build(stored if again else None), Corpus(run.cache)
    corpus.refresh()
    if not corpus.items["train"]:
        raise ValueError(f"no takes in {run.cache}")
    scale = scale_of(corpus.items["train"])
    kept = nets.kept["encoder"]
    assert isinstance(kept, Encoder)
    for encoder in (nets.encoder, kept):
        encoder.rest_gap.fill_(scale.rest)
    seed = config.seed + (stored.stat().st_mtime_ns % 10**6 if again else 0)
    _loop(run, config, nets, corpus, scale, seed)
    return stored


def _loop(run: Run, config: Config, nets: Nets, corpus: Corpus, scale: Scale, seed: int) -> None:
    optimiser = torch.optim.AdamW(nets.both.parameters(), weight_decay=config.weight_decay)
    recent: deque[dict[str, float]] = deque(maxlen=100)
    begun = time.monotonic()
    shown = looked = 0.0
    for count, (hops, labels) in enumerate(batches(corpus, config, seed), 1):
        now = time.monotonic() - begun
        done = count / run.steps if run.steps else now / (60 * run.minutes)
        for group in optimiser.param_groups:
            group["lr"] = rate_at(done, config.rate)
        recent.append(step(nets, optimiser, hops, labels, scale, config))
        blend(nets, min(config.average, count / (count + 10)))
        if now - looked >= REFRESH:
            looked = now
            corpus.refresh()
        if now - shown >= SHOW or done >= 1:
            shown = now
            save(nets, run.out / CHECKPOINT)
            _log(run, config, nets, corpus, scale, (now, count, recent))
        if done >= 1:
            return


def step(
    nets: Nets,
    optimiser: torch.optim.Optimizer,
    hops: Tensor,
    labels: Tensor,
    scale: Scale,
    config: Config,
) -> dict[str, float]:
    """One step down the gradient; returns the parts of the loss."""
    nets.encoder.train()
    nets.lessons.train()
    loss, parts = loss_of((nets.encoder, nets.lessons), hops, labels, scale, config)
    optimiser.zero_grad()
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(nets.both.parameters(), 2.0)
    optimiser.step()
    return parts | {"loss": float(loss.detach())}


def held_out_figures(nets: Nets, corpus: Corpus, scale: Scale, most: int) -> dict[str, float]:
    """Figures of the average on held-out takes."""
    encoder, lessons = nets.kept["encoder"].eval(), nets.kept["lessons"].eval()
    assert isinstance(encoder, Encoder) and isinstance(lessons, Lessons)
    figures: dict[str, float] = {}
    for name, (split, augmented) in HELD.items():
        items = chosen(corpus.items[split], augmented=augmented, most=most)
        if items:
            found = measured(answers(encoder), items)
            figures |= {f"{name}_{key}": value for key, value in found.items()}
    some = chosen(corpus.items["val"], augmented=False, most=most)
    return figures | (retrieval(encoder, lessons, some, scale) if some else {})


def _log(
    run: Run,
    config: Config,
    nets: Nets,
    corpus: Corpus,
    scale: Scale,
    state: tuple[float, int, deque[dict[str, float]]],
) -> None:
    seconds, count, recent = state
    means = {name: float(np.mean([row[name] for row in recent])) for name in recent[-1]}
    hours = count * config.batch * (config.crop - config.warm) / 25 / 3600
    values = means | held_out_figures(nets, corpus, scale, MOST_HELD) | {"hours": hours}
    row = [f"{seconds:.0f}", str(count)]
    row += [str(len(corpus)) if name == "items" else f"{values.get(name, 0.0):.4f}"
            for name in FIELDS[2:-1]]  # fmt: skip
    append_row(run.out / "log.csv", FIELDS, [*row, run.note])
    LOG.info("%s", dict(zip(FIELDS, row, strict=False)))
