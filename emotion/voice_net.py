"""From a voice's features to a feeling: a small convolutional net with statistics pooling.

Axis legend: B clips, F frames of 20 ms, W = 43 numbers a frame, 8 numbers a clip, 7 classes.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from emotion.latent_space import ROWS
from emotion.latent_space import WIDTH as LATENT
from emotion.text_net import CLASSES
from emotion.voice_features import MANNER, WIDTH

_CHANNELS = 48
_HIDDEN = 64


@dataclass(frozen=True, slots=True, eq=False)
class VoiceOut:
    """presence: (B, 7) logits of what is felt; query: (B, 256) to the bank."""

    presence: Tensor
    query: Tensor


class VoiceNet(nn.Module):
    """Two convolutions, mean and spread over time, and the heads."""

    def __init__(self, dropout: float = 0.0) -> None:
        super().__init__()
        self.first = nn.Conv1d(WIDTH, _CHANNELS, 5, 2)
        self.second = nn.Conv1d(_CHANNELS, _CHANNELS, 5, 2)
        self.mix = nn.Linear(2 * _CHANNELS + MANNER, _HIDDEN)
        self.dropout = nn.Dropout(dropout)
        self.presence = nn.Linear(_HIDDEN, len(CLASSES))
        self.query = nn.Linear(_HIDDEN + len(CLASSES), ROWS * LATENT)

    def forward(self, frames: Tensor, mask: Tensor, manner: Tensor) -> VoiceOut:
        """frames: (B, F, W), F >= 13; mask: (B, F) true where sound is; manner: (B, 8)."""
        x = torch.relu(self.first(frames.transpose(1, 2)))
        x = torch.relu(self.second(x))
        kept = mask[:, 6::4][:, : x.shape[2]].unsqueeze(1).to(x.dtype)
        count = kept.sum(2).clamp(min=1)
        mean = (x * kept).sum(2) / count
        spread = (((x - mean.unsqueeze(2)) * kept).square().sum(2) / count + 1e-5).sqrt()
        mixed = self.dropout(torch.tanh(self.mix(torch.cat([mean, spread, manner], 1))))
        presence = self.presence(mixed)
        return VoiceOut(presence, self.query(torch.cat([mixed, presence.sigmoid()], 1)))
