"""Do tokens say who moves? Linear and small nets try to tell people apart by frozen tokens.

All people play the same performance; a net is trained on its first part and tested on its last, so
that it cannot know a person by what they do. Axis legend: P people, F frames, D token dims.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import nn

from avatar.semo.types import Floats

SPLIT = 0.6  # of the frames of each person, in order, to train on
GAP = 0.05  # of them between training and test, used by neither
STEPS, RATE, DECAY = 400, 3e-3, 1e-3
HIDDEN = 64


@dataclass(frozen=True, slots=True)
class Told:
    """Shares of test frames whose person was told rightly; chance: by guessing."""

    linear: float
    hidden: float
    chance: float


def tell(tokens: Floats, seed: int = 0) -> Told:
    """tokens (P,F,D) of P people in one performance, frames in order of time."""
    people, frames, _ = tokens.shape
    first, last = int(SPLIT * frames), int((SPLIT + GAP) * frames)
    middle, spread = tokens[:, :first].mean((0, 1)), tokens[:, :first].std((0, 1)) + 1e-6
    scaled = (tokens - middle) / spread
    train, test = (
        torch.from_numpy(part.reshape(-1, part.shape[-1]).astype(np.float32))
        for part in (scaled[:, :first], scaled[:, last:])
    )
    who, asked = (torch.arange(people).repeat_interleave(n) for n in (first, frames - last))
    out = [_told(hidden, train, who, test, asked, seed) for hidden in (0, HIDDEN)]
    return Told(out[0], out[1], 1 / people)


def from_first(tokens: Floats, frames: int = 5) -> Floats:
    """(P,F,D) relative to the mean of each clip's first frames, which are left out."""
    return np.asarray(tokens[:, frames:] - tokens[:, :frames].mean(1, keepdims=True), np.float32)


def _told(
    hidden: int, train: torch.Tensor, who: torch.Tensor, test: torch.Tensor, asked: torch.Tensor,
    seed: int,
) -> float:  # fmt: skip
    torch.manual_seed(seed)
    dims, people = train.shape[1], int(who.max()) + 1
    net: nn.Module = nn.Linear(dims, people)
    if hidden:
        net = nn.Sequential(nn.Linear(dims, hidden), nn.ReLU(), nn.Linear(hidden, people))
    optimiser = torch.optim.AdamW(net.parameters(), lr=RATE, weight_decay=DECAY)
    for _ in range(STEPS):
        loss = nn.functional.cross_entropy(net(train), who)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    with torch.inference_mode():
        return float((net(test).argmax(1) == asked).float().mean())
