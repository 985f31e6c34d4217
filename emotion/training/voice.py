"""Training of the voice encoder onto the frozen space of feeling; a minute on one core.

It learns the prosody of our own synthetic voices (`speech.prosody`), and that real people who
read aloud feel nothing in particular. Writes OUT/voice_checkpoint.pt and OUT/voice_log.csv.
"""

import csv
import logging
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn import functional as F

from emotion.latent_net import LatentNet
from emotion.training.space import contrast
from emotion.training.voice_data import Clip
from emotion.voice_features import MANNER, WIDTH
from emotion.voice_net import VoiceNet, VoiceOut

LOG = logging.getLogger(__name__)
_SHOWS = 0.1


@dataclass(frozen=True, slots=True)
class VoiceConfig:
    """Settings of the voice encoder's training."""

    seed: int = 5
    epochs: int = 10
    batch: int = 32
    rate: float = 1.5e-3
    weight_decay: float = 0.02
    dropout: float = 0.25
    reading: float = 0.5
    contrast: float = 0.1
    temperature: float = 0.1
    longest: int = 150  # frames of 20 ms in training


def train_voice(
    clips: Sequence[Clip], held: Sequence[Clip], space: LatentNet, config: VoiceConfig, out: Path
) -> VoiceNet:
    """Train on `clips`; held-out figures go into the log."""
    torch.manual_seed(config.seed)
    rng = np.random.default_rng(config.seed)
    net = VoiceNet(config.dropout)
    steps = config.epochs * (len(clips) // config.batch)
    optimiser = torch.optim.AdamW(
        net.parameters(), lr=config.rate, weight_decay=config.weight_decay
    )
    schedule = torch.optim.lr_scheduler.OneCycleLR(optimiser, config.rate, steps)
    rows = []
    for epoch in range(config.epochs):
        net.train()
        for picked in _batches(len(clips), config.batch, rng):
            batch = [clips[i] for i in picked]
            loss = _loss(net, batch, space, config, rng)
            optimiser.zero_grad()
            loss.backward()  # type: ignore[no-untyped-call]
            optimiser.step()
            schedule.step()
        row = {"epoch": epoch + 1, "loss": round(loss.item(), 4)} | voice_figures(net, held)
        torch.save(net.state_dict(), out / "voice_checkpoint.pt")
        LOG.info("voice %s", row)
        rows.append(row)
    with (out / "voice_log.csv").open("w", newline="") as stream:
        writer = csv.DictWriter(stream, list(rows[0]))
        writer.writeheader()
        writer.writerows(rows)
    return net.eval()


def voice_figures(net: VoiceNet, held: Sequence[Clip]) -> dict[str, float]:
    """On held-out voices: how often the strongest of what is felt is found (mean over the six,
    and neutral), and the share of neutral clips read as neutral."""
    said = voice_logits(net, held).presence.argmax(1).numpy()
    true = np.array([_main(clip) for clip in held])
    recalls = [float((said[true == c] == c).mean()) for c in range(7) if (true == c).any()]
    return {
        "recall": round(float(np.mean(recalls)), 4),
        "accuracy": round(float((said == true).mean()), 4),
        "neutral": round(float((said[true == 6] == 6).mean()), 4) if (true == 6).any() else 0.0,
    }


@torch.no_grad()
def voice_logits(net: VoiceNet, clips: Sequence[Clip]) -> VoiceOut:
    """The net's answers, in order."""
    net.eval()
    parts = [net(*_inputs(clips[i : i + 64], 1000, None)) for i in range(0, len(clips), 64)]
    return VoiceOut(*(torch.cat([getattr(p, n) for p in parts]) for n in VoiceOut.__slots__))


def _main(clip: Clip) -> int:
    return int(clip.strengths.argmax()) if clip.strengths.max() >= _SHOWS else 6


def _batches(count: int, size: int, rng: np.random.Generator) -> list[NDArray[np.int64]]:
    order = rng.permutation(count)
    return [order[i : i + size] for i in range(0, count - size + 1, size)]


def _inputs(
    clips: Sequence[Clip], longest: int, rng: np.random.Generator | None
) -> tuple[Tensor, Tensor, Tensor]:
    frames = [_window(clip.features.frames, longest, rng) for clip in clips]
    size = max(13, *(len(x) for x in frames))
    x = torch.zeros(len(frames), size, WIDTH)
    mask = torch.zeros(len(frames), size, dtype=torch.bool)
    for i, part in enumerate(frames):
        x[i, : len(part)] = torch.from_numpy(part)
        mask[i, : len(part)] = True
    manner = np.stack([clip.features.manner for clip in clips]).reshape(-1, MANNER)
    return x, mask, torch.from_numpy(manner)


def _window(
    frames: NDArray[np.float32], longest: int, rng: np.random.Generator | None
) -> NDArray[np.float32]:
    if len(frames) <= longest:
        return frames
    start = int(rng.integers(len(frames) - longest)) if rng is not None else 0
    return frames[start : start + longest]


def _loss(
    net: VoiceNet, batch: Sequence[Clip], space: LatentNet, config: VoiceConfig,
    rng: np.random.Generator,
) -> Tensor:  # fmt: skip
    out: VoiceOut = net(*_inputs(batch, config.longest, rng))
    strengths = torch.from_numpy(np.stack([clip.strengths for clip in batch]))
    nothing = 1 - strengths.amax(1, keepdim=True)
    presence = torch.cat([(strengths >= _SHOWS).float(), (nothing > 0.9).float()], 1)
    latents = space.attend(out.query)
    target = torch.cat([strengths, nothing], 1)
    terms = [
        4 * F.binary_cross_entropy_with_logits(out.presence, presence),
        config.reading * F.binary_cross_entropy_with_logits(space.read_out(latents), target),
        config.contrast
        * contrast(latents, space.label_latents(strengths), strengths, config.temperature),
    ]
    return torch.stack(terms).sum()
