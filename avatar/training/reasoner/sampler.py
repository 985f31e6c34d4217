"""Motion from noise: the four evaluations of the net that serving affords, with guidance.

Two steps of the midpoint rule (times 0, 1/4, 1/2, 3/4): four Euler steps lose a quarter of the
motion's spread, the midpoint rule keeps 98 % of it (worked out for a Gaussian). Guidance is
classifier-free (Ho and Salimans 2022), for sound and for feeling separately: rows of the batch
withhold one of them, and x1 = sum of weight * x1 over the rows.
Axis legend: B streams, Q rows, L 5 frames, D whitened token dims.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from avatar.rig import POSE_AT, RIG
from avatar.semo.loading import load_surface
from avatar.training.motion.twin import surface_model
from avatar.training.reasoner.config import Shape
from avatar.training.reasoner.flow import TIMES, correlated
from avatar.training.reasoner.model import TOKEN, Felt, Given, Reasoner
from avatar.types import Activity
from emotion.experts import Feeling

SOUND = (0, 2)  # of `Given.has`: audio and phones
CALM, FREE = 0.2, 1.7  # of the noise of training: what the sound decides gets, and what is free
LIVELY = 1.3  # the same of somebody who does not speak
LOOSE = np.array([name.startswith("brow") or RIG.index(name) >= POSE_AT.start for name in RIG])


@dataclass(frozen=True, slots=True, eq=False)
class Rows:
    """sound, feeling: (Q,) in {0, 1}, whether the row knows of them; weight: (Q,), sum 1."""

    sound: Tensor
    feeling: Tensor
    weight: Tensor


def guided(sound: float, feeling: float) -> Rows:
    """Three rows: everything, without sound, without feeling; 1 is no guidance."""
    weight = torch.tensor([sound + feeling - 1, 1 - sound, 1 - feeling])
    return Rows(torch.tensor([1.0, 0.0, 1.0]), torch.tensor([1.0, 1.0, 0.0]), weight)


def alone() -> Rows:
    """One row that knows everything."""
    return Rows(torch.ones(1), torch.ones(1), torch.ones(1))


class Sampler(nn.Module):
    """The net with its solver: whitened frames shown to the next ones."""

    mixing: Tensor
    calm: Tensor

    def __init__(self, net: Reasoner, shape: Shape) -> None:
        super().__init__()
        self.net = net
        self.register_buffer("mixing", correlated(shape), False)
        self.register_buffer("calm", calmed(net), False)

    def forward(
        self, tokens: Tensor, white: Tensor, given: Given, felt: Felt, rows: Rows
    ) -> Tensor:
        """tokens (B,10,64) shown, white (B,L,64) noise to the next tokens (B,L,64)."""
        base = self.net.base
        shown = base.whitened(tokens)
        count = rows.weight.shape[0]
        memory = [many(keys[:, 0], count) for keys in base.memory(shown)]
        heard = base.listener(_rowed_given(given, rows))
        feeling, shown = _rowed_felt(felt, rows), many(shown, count)
        x = self.mixing @ white
        x = torch.where((given.activity == Activity.SPEAKING)[..., None], x @ self.calm, LIVELY * x)
        half = TIMES[1] - TIMES[0]
        for start, middle in zip(TIMES[::2], TIMES[1::2], strict=True):
            begun = x
            for t, step in ((start, half), (middle, 2 * half)):
                timed = heard + base.timed(torch.full((1,), t, dtype=x.dtype))
                said, _ = self.net(many(x, count), shown, memory, timed, feeling)
                clean = (rows.weight[:, None, None, None] * said.reshape(count, *begun.shape)).sum(
                    0
                )
                x = begun + step * (clean - x) / (1 - t)
        tokens_out: Tensor = base.tokens(x)
        return tokens_out


def calmed(net: Reasoner) -> Tensor:
    """(D,D) that shapes the noise which motion grows from while somebody speaks: head and brows are
    free to move, more so than in training, whose spread few steps do not reach; the sound decides
    the rest."""
    base, judged = net.base, surface_model(load_surface())
    steps = 0.5 * torch.eye(TOKEN)
    with torch.no_grad():
        ahead, behind = (judged.probe(base.tokens(step)) for step in (steps, -steps))
    moved = (ahead - behind)[:, torch.from_numpy(LOOSE)]
    directions, _ = torch.linalg.qr(moved)
    shaped: Tensor = CALM * torch.eye(TOKEN) + (FREE - CALM) * directions @ directions.T
    return shaped


def many(x: Tensor, count: int) -> Tensor:
    """(B,...) repeated as (Q * B,...)."""
    return x[None].expand(count, *x.shape).reshape(-1, *x.shape[1:])


def _rowed_given(given: Given, rows: Rows) -> Given:
    count = rows.weight.shape[0]
    known = many(given.has, count)
    each = rows.sound.repeat_interleave(len(given.has))[:, None]
    sound = torch.zeros(known.shape[1])
    sound[list(SOUND)] = 1
    parts = (given.audio, given.heard, given.phones, given.activity, given.style, given.cues)
    audio, heard, phones, activity, style, cues = (many(part, count) for part in parts)
    has = known * (1 - sound * (1 - each))
    return Given(audio, heard, phones, activity, style, cues, has)


def _rowed_felt(felt: Felt, rows: Rows) -> Felt:
    count, given = rows.weight.shape[0], felt.given
    parts = Feeling(*(many(part, count) for part in (given.latent, given.gate, given.strength)))
    shown = rows.feeling.repeat_interleave(len(felt.known)) * many(felt.shown, count)
    return Felt(parts, many(felt.known, count), shown)
