"""The all-MiniLM-L6-v2 sentence encoder in plain torch.

Same weights and same numbers as sentence-transformers (a test compares them), but it starts in
the time torch needs to import instead of nine seconds, and needs a third of the memory.

Axis legend: B texts, S word pieces, E width (384).
"""

from pathlib import Path

import torch
from safetensors.torch import load_file
from torch import Tensor, nn

WIDTH = 384
LAYERS = 6
HEADS = 12
POSITIONS = 512
VOCABULARY = 30_522

_LAYER_NAMES = {
    "self_attn.out_proj": "attention.output.dense",
    "norm1": "attention.output.LayerNorm",
    "linear1": "intermediate.dense",
    "linear2": "output.dense",
    "norm2": "output.LayerNorm",
}


class MiniLMNet(nn.Module):
    """Word pieces in, one L2-normalised sentence vector out."""

    def __init__(self) -> None:
        super().__init__()
        self.words = nn.Embedding(VOCABULARY, WIDTH)
        self.positions = nn.Embedding(POSITIONS, WIDTH)
        self.types = nn.Embedding(2, WIDTH)
        self.norm = nn.LayerNorm(WIDTH, eps=1e-12)
        layer = nn.TransformerEncoderLayer(
            WIDTH, HEADS, 4 * WIDTH, 0.0, "gelu", layer_norm_eps=1e-12, batch_first=True
        )
        self.layers = nn.TransformerEncoder(layer, LAYERS, enable_nested_tensor=False)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """ids: (B, S) int64; mask: (B, S) bool, true where a word piece stands -> (B, E)."""
        x = self.hidden(ids, mask, LAYERS)
        kept = mask.unsqueeze(-1).to(x.dtype)
        mean = (x * kept).sum(1) / kept.sum(1).clamp(min=1)
        return nn.functional.normalize(mean, dim=-1)

    def hidden(self, ids: Tensor, mask: Tensor, depth: int) -> Tensor:
        """(B, S, E): the word pieces after the first `depth` layers."""
        places = torch.arange(ids.shape[1])
        x: Tensor = self.norm(self.words(ids) + self.positions(places) + self.types.weight[0])
        padding = None if bool(mask.all()) else ~mask
        for layer in self.layers.layers[:depth]:
            x = layer(x, src_key_padding_mask=padding)
        return x


def load_net(weights: Path) -> MiniLMNet:
    """Read BERT-named safetensors into a `MiniLMNet`. Raises RuntimeError when they do not fit."""
    with torch.device("meta"):
        net = MiniLMNet()
    net.load_state_dict(_renamed(load_file(weights)), assign=True)
    return net.eval().requires_grad_(False)


def _renamed(bert: dict[str, Tensor]) -> dict[str, Tensor]:
    """BERT's parameter names as those of `MiniLMNet`; query, key and value become one matrix."""
    state = {
        "words.weight": bert["embeddings.word_embeddings.weight"],
        "positions.weight": bert["embeddings.position_embeddings.weight"],
        "types.weight": bert["embeddings.token_type_embeddings.weight"],
    }
    for kind in ("weight", "bias"):
        state[f"norm.{kind}"] = bert[f"embeddings.LayerNorm.{kind}"]
        for i in range(LAYERS):
            ours, theirs = f"layers.layers.{i}", f"encoder.layer.{i}"
            parts = [bert[f"{theirs}.attention.self.{n}.{kind}"] for n in ("query", "key", "value")]
            state[f"{ours}.self_attn.in_proj_{kind}"] = torch.cat(parts)
            for our_name, their_name in _LAYER_NAMES.items():
                state[f"{ours}.{our_name}.{kind}"] = bert[f"{theirs}.{their_name}.{kind}"]
    return state
