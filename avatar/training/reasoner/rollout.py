"""Closed loop: many takes at once, each chunk from what the net itself showed before.

Axis legend: B streams, F frames, L 5 frames.
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from avatar.phone_features import CLASSES
from avatar.training.reasoner.batches import tensor
from avatar.training.reasoner.flow import LatentsOf
from avatar.training.reasoner.model import CHUNK, CONTEXT, LATENT, TOKEN, Felt, Given, Reasoner
from avatar.training.reasoner.sampler import Rows, Sampler, alone
from avatar.training.reasoner.takes import Takes
from emotion.experts import felt

Floats = NDArray[np.float32]


@dataclass(frozen=True, slots=True)
class Play:
    """How takes are played: with phones or by audio alone; sound: False, without either; shuffled:
    each with another take's sound; feeling: whether emotion is given; known: False, the gate reads
    it from the latent; scale: of the strengths."""

    phones: bool = True
    sound: bool = True
    shuffled: bool = False
    feeling: bool = False
    known: bool = True
    scale: float = 1.0
    seed: int = 1


@dataclass(frozen=True, slots=True, eq=False)
class Piece:
    """Stretches of the same length of several takes, stacked: arrays as in `Takes`, (B,F,...)."""

    neutral: Floats
    rig: Floats
    audio: Floats
    heard: Floats
    bins: NDArray[np.uint8]
    activity: NDArray[np.uint8]
    emotion: Floats
    cues: Floats
    style: Floats


def piece(takes: Takes, starts: NDArray[np.int64], frames: int) -> Piece:
    """`frames` frames from each of the row numbers `starts` (B,) on, ten frames before included."""
    at = starts[:, None] + np.arange(-CONTEXT, frames)
    owner = np.searchsorted(takes.start, starts, "right") - 1
    floats = {
        name: getattr(takes, name)[at].astype(np.float32)
        for name in ("neutral", "rig", "audio", "heard", "emotion", "cues")
    }
    return Piece(
        bins=takes.bins[at], activity=takes.activity[at], style=takes.style[owner], **floats
    )


def starts_of(takes: Takes, frames: int, count: int) -> NDArray[np.int64]:
    """(B,) row numbers of the first stretch of `frames` of each of `count` takes, evenly chosen."""
    fits = np.flatnonzero(np.diff(takes.start) >= frames + CONTEXT)
    chosen = fits[np.linspace(0, len(fits) - 1, min(count, len(fits))).astype(int)]
    return np.asarray(takes.start[chosen] + CONTEXT, np.int64)


@torch.inference_mode()
def play(
    net: Reasoner,
    stretch: Piece,
    how: Play,
    latents: LatentsOf | None = None,
    rows: Rows | None = None,
) -> Floats:
    """(B,F,64) tokens generated in closed loop from the stretch's first ten frames."""
    sampler = Sampler(net.eval(), net.shape)
    generator = torch.Generator().manual_seed(how.seed)
    context = tensor((stretch.rig if how.feeling else stretch.neutral)[:, :CONTEXT])
    frames, parts = stretch.rig.shape[1] - CONTEXT, []
    for start in range(CONTEXT, CONTEXT + frames - CHUNK + 1, CHUNK):
        span = slice(start, start + CHUNK)
        white = torch.randn((len(context), CHUNK, TOKEN), generator=generator)
        given, feeling = _given(stretch, span, how), _felt(stretch, span, how, latents)
        said = sampler(context, white, given, feeling, rows or alone())
        parts.append(said)
        context = torch.cat([context, said], 1)[:, -CONTEXT:]
    return np.asarray(torch.cat(parts, 1).numpy(), np.float32)


def _given(stretch: Piece, span: slice, how: Play) -> Given:
    order = np.roll(np.arange(len(stretch.audio)), int(how.shuffled))
    audio, heard, cues = (
        tensor(part[:, span]) for part in (stretch.audio[order], stretch.heard, stretch.cues)
    )
    bins = tensor(stretch.bins[order][:, span]).long()
    phones = torch.nn.functional.one_hot(bins, len(CLASSES)).float().flatten(2)
    has = torch.tensor([how.sound, True, how.phones and how.sound, True, True]).float()
    activity = tensor(stretch.activity[:, span]).long()
    style = tensor(stretch.style)
    return Given(audio, heard, phones, activity, style, cues, has.expand(len(audio), -1))


def _felt(stretch: Piece, span: slice, how: Play, latents: LatentsOf | None) -> Felt:
    count = len(stretch.emotion)
    strengths = tensor(stretch.emotion[:, span]) * how.scale * how.feeling
    one: Tensor = torch.ones(count)
    if latents is None:
        return Felt(felt(torch.zeros(count, 4, LATENT), strengths * 0), one, one)
    return Felt(felt(latents(strengths.amax(1)), strengths), one * how.known, one)
