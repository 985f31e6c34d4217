"""Mixture of emotion experts, as in MoEE (arXiv 2501.01808), on the frames of a motion chunk.

The paper's equations, X (L, d) the hidden states of L motion frames:

    s  = sigmoid(G_l(X))            (L, 6)  local gates, one a frame and expert
    g  = softmax(G_g(pool(X)))      (6,)    global gate
    X' = X + sum_i g_i E_i(X * s_i)

E_i is cross-attention: queries from the gated frames, keys and values from the emotion latent.
All six run, softly. Ours: whoever names the feelings sets g (and how strongly they show, frame by
frame); where nobody does, both are read from the latent and the pooled frames. A feeling of no
strength leaves X as it is, to the bit.
Training code; what is shipped is the ONNX file made of it. Axis legend: B chunks, L frames,
d width, N latent rows, E latent width, 6 emotions in the order of `emotion.types.EMOTIONS`.
"""

from dataclasses import dataclass, replace

import torch
from torch import Tensor, nn

from emotion.types import EMOTIONS

COUNT = len(EMOTIONS)
HEADS = 4


@dataclass(frozen=True, slots=True)
class Parts:
    """What of the mixture is there; the ablations switch parts off.

    experts: False, one cross-attention shared by all feelings; global_gate: False, every expert
    counts the same; local_gate: False, s = 1; without: index of an expert that is left out.
    """

    experts: bool = True
    global_gate: bool = True
    local_gate: bool = True
    without: int | None = None


@dataclass(frozen=True, slots=True, eq=False)
class Feeling:
    """latent (B,N,E); gate (B,L,6) >= 0, sum 1 where something is felt; strength (B,L) in [0, 1]:
    how strongly it shows."""

    latent: Tensor
    gate: Tensor
    strength: Tensor


def felt(latent: Tensor, strengths: Tensor) -> Feeling:
    """The feeling that somebody names: strengths (B,L,6) in [0, 1] of each emotion."""
    strength = strengths.amax(-1)
    return Feeling(latent, strengths / strengths.sum(-1, keepdim=True).clamp(min=1e-6), strength)


class Gate(nn.Module):
    """The predicted global gate: g and the strength, from pooled frames and latent."""

    def __init__(self, width: int, latent: int) -> None:
        super().__init__()
        self.hidden = nn.Linear(width + latent, 48)
        self.mixture = nn.Linear(48, COUNT)
        self.strength = nn.Linear(48, 1)

    def forward(self, x: Tensor, latent: Tensor) -> tuple[Tensor, Tensor]:
        """x (B,L,d), latent (B,N,E) to logits of g (B,6) and of the strength (B,)."""
        pooled = torch.cat([x.mean(1), latent.mean(1)], -1)
        seen = nn.functional.gelu(self.hidden(pooled))
        return self.mixture(seen), self.strength(seen)[:, 0]


def predicted(logits: tuple[Tensor, Tensor], latent: Tensor, frames: int) -> Feeling:
    """The feeling that the predicted gate reads, the same for all frames of a chunk."""
    gate = torch.softmax(logits[0], -1)[:, None].expand(-1, frames, -1)
    return Feeling(latent, gate, torch.sigmoid(logits[1])[:, None].expand(-1, frames))


def given_or_predicted(given: Feeling, read: Feeling, known: Tensor) -> Feeling:
    """`given` where `known` (B,) is 1, `read` where it is 0."""
    share = known[:, None]
    gate = share[..., None] * given.gate + (1 - share[..., None]) * read.gate
    strength = share * given.strength + (1 - share) * read.strength
    return replace(given, gate=gate, strength=strength)


class Experts(nn.Module):
    """The six cross-attention experts E_i, computed together; slice i of the weights is E_i's."""

    def __init__(self, width: int, latent: int, inner: int, count: int = COUNT) -> None:
        """inner: width of the queries, keys and values of one expert, a multiple of `HEADS`."""
        super().__init__()
        self.count, self.inner = count, inner
        self.query = nn.Parameter(torch.randn(count, width, inner) / width**0.5)
        self.key = nn.Parameter(torch.randn(count, latent, inner) / latent**0.5)
        self.value = nn.Parameter(torch.randn(count, latent, inner) / latent**0.5)
        self.out = nn.Parameter(torch.zeros(count, inner, width))
        self.bias = nn.Parameter(torch.zeros(count, width))

    def forward(self, x: Tensor, latent: Tensor) -> Tensor:
        """x (B,count,L,d) gated frames, latent (B,N,E) to (B,count,L,d)."""
        query = self._split(torch.einsum("bild,ide->bile", x, self.query))
        key = self._split(torch.einsum("bne,ief->binf", latent, self.key))
        value = self._split(torch.einsum("bne,ief->binf", latent, self.value))
        score = query @ key.transpose(-1, -2) / (self.inner / HEADS) ** 0.5
        mixed = torch.softmax(score, -1) @ value
        joined = mixed.transpose(2, 3).flatten(3)
        said: Tensor = torch.einsum("bile,ied->bild", joined, self.out) + self.bias[:, None]
        return said

    def _split(self, x: Tensor) -> Tensor:
        """(B,count,S,inner) to (B,count,HEADS,S,inner / HEADS)."""
        return x.reshape(*x.shape[:-1], HEADS, -1).transpose(2, 3)


class MoEE(nn.Module):
    """One layer of the mixture. Where it sits in a net, and what normalises X, its user says."""

    def __init__(self, width: int, latent: int, inner: int, parts: Parts = Parts()) -> None:
        super().__init__()
        self.parts = parts
        count = COUNT if parts.experts else 1
        self.experts = Experts(width, latent, inner, count)
        self.local = nn.Linear(width, count)  # G_l

    def forward(self, x: Tensor, feeling: Feeling) -> Tensor:
        """x (B,L,d) to X' - X, (B,L,d): the sum of the experts, as strong as the feeling."""
        said = self.experts(self._gated(x), feeling.latent)
        mixed = (self._shares(feeling).transpose(1, 2)[..., None] * said).sum(1)
        added: Tensor = mixed * feeling.strength[..., None]
        return added

    def _gated(self, x: Tensor) -> Tensor:
        """(B,L,d) to X * s_i, (B,count,L,d)."""
        gates = self.local(x)
        gates = torch.sigmoid(gates) if self.parts.local_gate else torch.ones_like(gates)
        gated: Tensor = x[:, None] * gates.transpose(1, 2)[..., None]
        return gated

    def _shares(self, feeling: Feeling) -> Tensor:
        """g, (B,L,count)."""
        if not self.parts.experts:
            return torch.ones_like(feeling.gate[..., :1])
        share = feeling.gate if self.parts.global_gate else feeling.gate * 0 + 1 / COUNT
        if self.parts.without is not None:
            kept = torch.arange(COUNT, device=share.device) != self.parts.without
            share = share * kept.to(share.dtype)
        return share
