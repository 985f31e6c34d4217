"""Flow matching over chunks: how a batch becomes noisy chunks with their conditions.

Axis legend: W windows, C chunks a window, B = W * C chunks, L 5 frames, D whitened token dims.
"""

from collections.abc import Callable
from dataclasses import dataclass

import torch
from torch import Tensor

from avatar.audio_encoder import LEARNED
from avatar.phone_features import CLASSES
from avatar.training.reasoner.batches import Batch
from avatar.training.reasoner.config import Config, Dropped, Shape
from avatar.training.reasoner.losses import Judge
from avatar.training.reasoner.model import CHUNK, CONTEXT, Base, Felt, Given, Logits, Reasoner
from emotion.experts import felt

LatentsOf = Callable[[Tensor], Tensor]  # (B,6) strengths to (B,N,E)
TIMES = (0.0, 0.25, 0.5, 0.75)  # at which serving asks the net
CHANCES = (0.34, 0.22, 0.22, 0.22)
NEAR = 0.05  # how far training's times may be from these
GATE_NOISE = 0.12  # of other feelings in the weights of noisy windows


@dataclass(frozen=True, slots=True, eq=False)
class Problem:
    """Chunks to solve, (B,...); frames (W,S,D) for the memory; target (B,L,64) and last (B,1,64),
    the last frame shown, are tokens; noisy_mask (B,): of windows of masked noisy sampling."""

    x_t: Tensor
    t: Tensor
    shown: Tensor
    frames: Tensor
    given: Given
    felt: Felt | None
    target: Tensor
    last: Tensor
    noisy_mask: Tensor


def correlated(shape: Shape) -> Tensor:
    """(L,L) by which white noise of a chunk's frames is mixed: neighbours have much in common."""
    away = torch.arange(CHUNK)[:, None] - torch.arange(CHUNK)[None]
    alike = shape.smooth * torch.exp(-0.5 * (away / 2.0) ** 2) + (1 - shape.smooth) * torch.eye(
        CHUNK
    )
    mixing: Tensor = shape.noise * torch.linalg.cholesky(alike)
    return mixing


def problem(net: Reasoner, batch: Batch, config: Config, latents: LatentsOf | None) -> Problem:
    """Noise, times and what is withheld, drawn by torch's generator."""
    base, count = net.base, batch.target.shape[1] // CHUNK
    seen = base.whitened(batch.seen)
    frames = _disturbed(seen, config)
    shown = frames[:, :-CHUNK].unfold(1, CONTEXT, CHUNK).transpose(-1, -2).flatten(0, 1)
    clean = chunked(seen[:, CONTEXT:])
    t = _times(len(clean))
    noise = correlated(config.shape) @ torch.randn_like(clean)
    x_t = (1 - t[:, None, None]) * noise + t[:, None, None] * clean
    last = chunked(batch.seen[:, CONTEXT - 1 : -1])[:, :1]
    given = _given(batch, config.dropped, count)
    feeling = None if latents is None else _felt(batch, config.dropped, latents)
    mask = batch.noisy.repeat_interleave(count)
    return Problem(x_t, t, shown, frames, given, feeling, chunked(batch.target), last, mask)


def losses(net: Reasoner, judge: Judge, asked: Problem, batch: Batch) -> dict[str, Tensor]:
    """Mean losses by name."""
    base = net.base
    memory = [keys.flatten(0, 1) for keys in base.memory(asked.frames[:, :-CHUNK])]
    heard = base.listener(asked.given) + base.timed(asked.t)
    clean, logits = net(asked.x_t, asked.shown, memory, heard, asked.felt)
    with torch.autocast(clean.device.type, enabled=False):
        away = judged(base, judge, clean.float(), asked)
        urgent = 1 / (1 - asked.t)  # small errors matter more when little noise is left
        out = {name: (urgent * loss).mean() for name, loss in away.items()}
        if asked.felt is not None and logits is not None:
            out["gate"] = judge.chosen.gate * gate_loss(logits, chunked(batch.emotion))
    return out


def judged(base: Base, judge: Judge, clean: Tensor, asked: Problem) -> dict[str, Tensor]:
    """Losses by name, (B,), of the predicted whitened chunk (B,L,D)."""
    last, right = judge.read(asked.last), judge.read(asked.target)
    said = judge.read(base.tokens(clean))
    out: dict[str, Tensor] = judge(
        clean - base.whitened(asked.target),
        torch.cat([last, said], 1),
        torch.cat([last, right], 1),
        asked.noisy_mask,
    )
    return out


def gate_loss(logits: Logits, strengths: Tensor) -> Tensor:
    """Cross-entropy of the mixture (soft for compounds), and of the strength; strengths (B,L,6)."""
    mean = strengths.mean(1)
    strength = strengths.amax(-1).mean(1).clamp(0, 1)
    share = mean / mean.sum(-1, keepdim=True).clamp(min=1e-6)
    entropy = -(share * torch.log_softmax(logits[0].float(), -1)).sum(-1)
    how = torch.nn.functional.binary_cross_entropy_with_logits(
        logits[1].float(), strength, reduction="none"
    )
    return (entropy * (strength > 0.1) + how).mean()


def chunked(frames: Tensor) -> Tensor:
    """(W,T,...) to (B,L,...)."""
    return frames.reshape(-1, CHUNK, *frames.shape[2:])


def _disturbed(frames: Tensor, config: Config) -> Tensor:
    """Shown frames as a generator would have left them: half of the windows with some noise."""
    some = (torch.rand(len(frames), 1, 1) < 0.5) * torch.rand(len(frames), 1, 1)
    jitter = torch.randn_like(frames) * 0.3 + torch.randn_like(frames[:, :1])
    return frames + config.context_noise * some * jitter


def _times(count: int) -> Tensor:
    at = torch.multinomial(torch.tensor(CHANCES), count, replacement=True)
    near = (torch.rand(count) * 2 - 1) * NEAR
    return torch.where(at > 0, torch.tensor(TIMES)[at] + near, torch.zeros(count))


def _given(batch: Batch, dropped: Dropped, count: int) -> Given:
    phones = torch.nn.functional.one_hot(batch.bins, len(CLASSES)).float().flatten(2)
    parts = (batch.audio, batch.heard, phones, batch.activity)
    audio, heard, phones, activity = (chunked(part) for part in parts)
    audio = chunked(blurred(batch.audio, dropped.blur))
    has = withheld(len(batch.audio), dropped).repeat_interleave(count, 0)
    style = batch.style.repeat_interleave(count, 0)
    return Given(audio, heard, phones, activity, style, chunked(batch.cues), has)


def blurred(audio: Tensor, most: float) -> Tensor:
    """(W,T,A) features of a voice with noise on the learned ones and some of them missing, in each
    window to another degree up to `most`: the encoder knows the voices it was trained on better
    than any other, and nobody shall lean on that."""
    noise = most * torch.rand(len(audio), 1, 1) * torch.randn_like(audio[..., :LEARNED])
    kept = torch.rand(len(audio), 1, LEARNED) >= most * torch.rand(len(audio), 1, 1)
    return torch.cat([(audio[..., :LEARNED] + noise) * kept, audio[..., LEARNED:]], -1)


def withheld(count: int, dropped: Dropped) -> Tensor:
    """(W,5) in {0, 1}: which of audio, heard, phones, style and cues a window is given."""
    here = torch.rand(count, 5) > torch.tensor(
        [dropped.audio, dropped.heard, dropped.phones, dropped.style, dropped.cues]
    )
    deaf = torch.rand(count) < dropped.all_sound
    # Who has neither heard nor read anything has been dealt with by `all_sound`.
    here[:, 0] |= ~here[:, 2]
    here[deaf, 0] = False
    here[deaf, 2] = False
    return here.float()


def _felt(batch: Batch, dropped: Dropped, latents: LatentsOf) -> Felt:
    strengths = chunked(batch.emotion)
    mask = batch.noisy.repeat_interleave(len(strengths) // len(batch.noisy))
    noise = torch.rand(len(strengths), 1, 6) * GATE_NOISE * mask[:, None, None]
    strengths = (strengths + noise * strengths.amax(-1, keepdim=True)).clamp(0, 1)
    peak = strengths.amax(1)
    # The latent says which feeling; it may have been read at its height or now.
    top = peak.amax(-1, keepdim=True)
    height = top + (1 - top) * torch.rand(len(peak), 1)
    asked = peak * torch.where(top > 0.02, height / top.clamp(min=0.02), torch.ones_like(top))
    known = (torch.rand(len(peak)) >= dropped.gate).float()
    return Felt(felt(latents(asked.clamp(0, 1)), strengths), known, torch.ones_like(known))
