"""The audio encoder: causal convolutions at 100, 50 and 25 Hz, and what they are taught by.

Axis legend: B batch, K hops of 10 ms, F frames of 40 ms, C features of a hop, M mouth weights.
"""

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from avatar.training.audio.takes import MOUTH
from speech.features import FEATURES

LEARNED = 96
WIDTHS = (128, 160, 192)  # channels at 100, 50, 25 Hz
DILATIONS = (1, 2, 4)  # at 25 Hz
SIDES = 4  # closure, labiodental, speech, mouth busy (logits)
EMBEDDING = 64  # of the contrastive loss
SPAN = 5  # frames of sound and of mouth that are compared


class Causal(nn.Module):
    """A convolution that sees the past, with its normalisation."""

    def __init__(self, sizes: tuple[int, int], kernel: int, stride: int = 1, dilation: int = 1):
        super().__init__()
        self.past = (kernel - 1) * dilation + 1 - stride
        self.conv = nn.Conv1d(*sizes, kernel, stride, dilation=dilation, bias=False)
        self.norm = nn.BatchNorm1d(sizes[1])

    def forward(self, x: Tensor) -> Tensor:
        """(B, channels, K) to (B, channels', K / stride)."""
        out: Tensor = self.norm(self.conv(F.pad(x, (self.past, 0))))
        return out


class Block(nn.Module):
    """What it sees is added to what is there."""

    def __init__(self, width: int, dilation: int = 1, *, mix: bool = False) -> None:
        super().__init__()
        self.see = Causal((width, width), 3, dilation=dilation)
        self.mix = Causal((width, width), 1) if mix else None

    def forward(self, x: Tensor) -> Tensor:
        """(B, width, K) to the same."""
        seen = F.leaky_relu(self.see(x), 0.1)
        if self.mix is not None:
            seen = self.mix(seen)
        return F.leaky_relu(x + seen, 0.1)


class Encoder(nn.Module):
    """hops (B, K, C) to learned (B, F, 96), lip gap (B, F) in cm and logits (B, F, 4). Output n
    sees hops up to 4 n + 3."""

    rest_gap: Tensor

    def __init__(self) -> None:
        super().__init__()
        first, second, third = WIDTHS
        self.trunk = nn.Sequential(
            Causal((FEATURES, first), 5), nn.LeakyReLU(0.1), Block(first),
            Causal((first, second), 4, 2), nn.LeakyReLU(0.1), Block(second),
            Causal((second, third), 4, 2), nn.LeakyReLU(0.1),
            *(Block(third, d, mix=True) for d in DILATIONS),
        )  # fmt: skip
        self.learned = nn.Sequential(
            nn.Conv1d(third, LEARNED, 1), nn.BatchNorm1d(LEARNED, affine=False)
        )
        self.sides = nn.Sequential(
            nn.Conv1d(third, 64, 1), nn.LeakyReLU(0.1), nn.Conv1d(64, SIDES, 1)
        )
        self.gap = nn.Sequential(nn.Conv1d(third, 64, 1), nn.LeakyReLU(0.1), nn.Conv1d(64, 1, 1))
        self.register_buffer("rest_gap", torch.tensor(0.08))

    def forward(self, hops: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """See the class."""
        seen = self.trunk(hops.transpose(1, 2))
        logits = self.sides(seen).transpose(1, 2)
        # Exactly 0 where there is surely nothing to say.
        gate = (1.2 * torch.sigmoid(logits[..., 3]) - 0.1).clamp(0, 1)
        learned = self.learned(seen).transpose(1, 2) * gate[..., None]
        gap = F.softplus(4 * self.gap(seen)[:, 0]) / 4
        return learned, gate * gap + (1 - gate) * self.rest_gap, logits


class Lessons(nn.Module):
    """What the learned features must tell: the mouth's weights, linearly, and which mouth goes with
    them among others (contrastive, as in SyncNet, Chung and Zisserman 2016)."""

    def __init__(self) -> None:
        super().__init__()
        self.mouth = nn.Linear(LEARNED, len(MOUTH))
        self.sound_side = _compared(LEARNED)
        self.mouth_side = _compared(len(MOUTH) + 1)

    def embedded_sound(self, learned: Tensor) -> Tensor:
        """(B, F, 96) to (B, F - SPAN + 1, E) on the sphere."""
        return F.normalize(self.sound_side(learned.transpose(1, 2)).transpose(1, 2), dim=-1)

    def embedded_mouth(self, mouth: Tensor) -> Tensor:
        """(B, F, M + 1) mouth and gap, scaled, to (B, F - SPAN + 1, E) on the sphere."""
        return F.normalize(self.mouth_side(mouth.transpose(1, 2)).transpose(1, 2), dim=-1)


def _compared(size: int) -> nn.Sequential:
    return nn.Sequential(
        nn.Conv1d(size, 128, SPAN), nn.BatchNorm1d(128), nn.LeakyReLU(0.1),
        nn.Conv1d(128, EMBEDDING, 1),
    )  # fmt: skip


class Served(nn.Module):
    """One sound: hops (K, C) to learned (F, 96) and sides (F, 4): speech, closure, labiodental, gap
    in cm."""

    def __init__(self, encoder: Encoder) -> None:
        super().__init__()
        self.encoder = encoder

    def forward(self, hops: Tensor) -> tuple[Tensor, Tensor]:
        """See the class."""
        learned, gap, logits = self.encoder(hops[None])
        closure, bite, speech, busy = torch.sigmoid(logits[0]).unbind(-1)
        gate = (1.2 * busy - 0.1).clamp(0, 1)
        return learned[0], torch.stack([speech * gate, closure * gate, bite * gate, gap[0]], -1)
