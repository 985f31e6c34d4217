"""Feelings to learn the space from: sampled strengths, and the action units that show them."""

from dataclasses import dataclass

import torch
from torch import Tensor

from emotion.action_units import PROTOTYPES, UNITS
from emotion.types import EMOTIONS

# Units that people show for the same feeling instead of, or beside, the prototype's.
_ALSO = {
    "happy": {25: 0.5},
    "sad": {17: 0.5, 11: 0.2},
    "angry": {24: 0.6, 17: 0.3},
    "fearful": {25: 0.5, 27: 0.2},
    "disgusted": {10: 0.7, 17: 0.4},
    "surprised": {25: 0.4, 27: 0.4},
}
_HOW_MANY = (0.12, 0.40, 0.36, 0.09, 0.03)  # shares of samples with 0, 1, 2, 3, 4 feelings


@dataclass(slots=True)
class Sampler:
    """Draws feelings from one seeded generator."""

    generator: torch.Generator

    def strengths(self, count: int) -> Tensor:
        """(count, 6) in [0, 1]; none, one or some at a time, weak and strong alike."""
        many = torch.multinomial(
            torch.tensor(_HOW_MANY), count, replacement=True, generator=self.generator
        )
        order = self._uniform(count, len(EMOTIONS)).argsort(1).argsort(1)
        values = 0.03 + 0.97 * self._uniform(count, len(EMOTIONS))
        return values * (order < many[:, None])

    def units(self, strengths: Tensor) -> Tensor:
        """(count, U): units of faces that feel (count, 6); each unit comes out more or less, some
        do not come out, a few are there that mean nothing."""
        count = len(strengths)
        table = _table()
        present = self._uniform(count, *table.shape) < table
        gain = 0.75 + 0.5 * self._uniform(count, *table.shape)
        each = (strengths[:, :, None] * present * gain).clamp(0, 1)
        shown = each.amax(1)
        stray = (self._uniform(count, len(UNITS)) < 0.04) * 0.4 * self._uniform(count, len(UNITS))
        return torch.maximum(shown, stray)

    def _uniform(self, *shape: int) -> Tensor:
        return torch.rand(*shape, generator=self.generator)


def _table() -> Tensor:
    """(6, U): how likely each unit comes with each feeling."""
    table = torch.zeros(len(EMOTIONS), len(UNITS))
    for row, name in enumerate(EMOTIONS):
        for unit in PROTOTYPES[name]:
            table[row, UNITS.index(unit)] = 0.92
        for unit, share in _ALSO[name].items():
            table[row, UNITS.index(unit)] = share
    return table
