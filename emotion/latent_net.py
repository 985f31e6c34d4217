"""The space of feeling in torch: trained by `emotion.training`, frozen for everybody else.

Axis legend: B inputs, N = 4 latent rows, E = 64 latent width, U action units, M = 32 bank rows.
"""

from pathlib import Path

import torch
from torch import Tensor, nn

from emotion.action_units import UNITS
from emotion.latent_space import FORMAT, ROWS, SPACE, WIDTH
from emotion.types import EMOTIONS
from emotion.weight_files import floats, stored_arrays

BANK = 32
_HIDDEN = 64


class LatentNet(nn.Module):
    """Bank, encoders of labels and action units, and the read-out."""

    def __init__(self) -> None:
        super().__init__()
        self.bank = nn.Parameter(torch.randn(BANK, WIDTH))
        self.keys = nn.Linear(WIDTH, WIDTH, bias=False)
        self.values = nn.Linear(WIDTH, WIDTH, bias=False)
        self.label = _mlp(len(EMOTIONS), ROWS * WIDTH)
        self.units = _mlp(len(UNITS), ROWS * WIDTH)
        self.read = _mlp(ROWS * WIDTH, len(EMOTIONS) + 1)

    def label_latents(self, strengths: Tensor) -> Tensor:
        """(B, 6) strengths in [0, 1] in the order of `EMOTIONS` -> (B, N, E)."""
        return self.attend(self.label(strengths))

    def unit_latents(self, units: Tensor) -> Tensor:
        """(B, U) intensities in [0, 1] in the order of `action_units.UNITS` -> (B, N, E)."""
        return self.attend(self.units(units))

    def attend(self, queries: Tensor) -> Tensor:
        """(B, N * E) queries of any encoder -> (B, N, E)."""
        latents: Tensor = self.weights(queries) @ self.values(self.bank)
        return latents

    def weights(self, queries: Tensor) -> Tensor:
        """(B, N * E) -> (B, N, M): what share of each bank row is taken; sums to 1 over M."""
        rows = queries.reshape(-1, ROWS, WIDTH)
        scores: Tensor = rows @ self.keys(self.bank).T / WIDTH**0.5
        return scores.softmax(-1)

    def read_out(self, latents: Tensor) -> Tensor:
        """(B, N, E) -> (B, 7) logits: of the six strengths, and of nothing being felt."""
        out: Tensor = self.read(latents.flatten(1))
        return out


def load_latent_net(path: Path = SPACE) -> LatentNet:
    """The shipped space, frozen. Raises ConfigError when the file is missing or another format."""
    net = LatentNet()
    arrays = floats(stored_arrays(path, FORMAT))
    net.load_state_dict({name: torch.from_numpy(array) for name, array in arrays.items()})
    return net.eval().requires_grad_(False)


def _mlp(inputs: int, outputs: int) -> nn.Sequential:
    return nn.Sequential(nn.Linear(inputs, _HIDDEN), nn.Tanh(), nn.Linear(_HIDDEN, outputs))
