"""From word pieces to a feeling: MiniLM's upper layers, trained on, and what they lead to.

The lower layers are those of the installed all-MiniLM-L6-v2 and are not changed.

Axis legend: B texts, S word pieces, E = 384, F = 32 features beside the words, N * L = 256
numbers of a query to the bank, 7 classes: the six emotions, then neutral.
"""

from dataclasses import dataclass

import torch
from torch import Tensor, nn

from emotion import text_features
from emotion.latent_space import ROWS, WIDTH
from emotion.minilm_net import HEADS, LAYERS
from emotion.minilm_net import WIDTH as WORDS
from emotion.types import EMOTIONS

CLASSES = (*EMOTIONS, "neutral")
UPPER = 3  # layers that are trained on; the three below them stay
LOWER = LAYERS - UPPER
_HIDDEN = 256


@dataclass(frozen=True, slots=True, eq=False)
class TextOut:
    """presence: (B, 7) logits of what is felt; degree: (B,) logit of how strongly, if anything;
    query: (B, 256) to the bank."""

    presence: Tensor
    degree: Tensor
    query: Tensor


class TextNet(nn.Module):
    """Upper layers, two poolings, and the heads. dropout: before the heads, in training."""

    def __init__(self, dropout: float = 0.0, features: int = text_features.WIDTH) -> None:
        super().__init__()
        self.layers = nn.ModuleList(
            nn.TransformerEncoderLayer(
                WORDS, HEADS, 4 * WORDS, 0.0, "gelu", layer_norm_eps=1e-12, batch_first=True
            )
            for _ in range(UPPER)
        )
        self.attention = nn.Linear(WORDS, 1)
        self.mix = nn.Linear(2 * WORDS + features, _HIDDEN)
        self.dropout = nn.Dropout(dropout)
        self.presence = nn.Linear(_HIDDEN, len(CLASSES))
        self.degree = nn.Linear(_HIDDEN, 1)
        self.query = nn.Linear(_HIDDEN + len(CLASSES) + 1, ROWS * WIDTH)

    def forward(self, hidden: Tensor, mask: Tensor, features: Tensor) -> TextOut:
        """hidden: (B, S, E) after the lower layers; mask: (B, S) true where a word piece stands;
        features: (B, F)."""
        padding = None if bool(mask.all()) else ~mask
        for layer in self.layers:
            hidden = layer(hidden, src_key_padding_mask=padding)
        return self.heads(self.pooled(hidden, mask), features)

    def pooled(self, hidden: Tensor, mask: Tensor) -> Tensor:
        """(B, S, E) -> (B, 2 E): the mean of the word pieces, and one that looks where it wants."""
        weight = mask / mask.sum(1, keepdim=True).clamp(min=1)
        looks = self.attention(hidden).squeeze(-1).masked_fill(~mask, -1e4).softmax(1)
        return torch.cat([(hidden * w.unsqueeze(-1)).sum(1) for w in (weight, looks)], 1)

    def heads(self, pooled: Tensor, features: Tensor) -> TextOut:
        """(B, 2 E) and (B, F) -> what is felt."""
        mixed = self.dropout(torch.tanh(self.mix(torch.cat([pooled, features], 1))))
        presence, degree = self.presence(mixed), self.degree(mixed)
        said = torch.cat([mixed, presence.sigmoid(), degree.sigmoid()], 1)
        return TextOut(presence, degree.squeeze(1), self.query(said))
