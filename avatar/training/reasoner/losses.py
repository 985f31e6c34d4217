"""What the predicted motion is judged by: tokens, and what they mean on a face.

Axis legend: B chunks, L frames, D whitened token dims, R rig parameters.
"""

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from avatar.rig import EXPRESSIONS, RIG
from avatar.semo.surface import FaceSurface
from avatar.training.motion.twin import surface_model
from avatar.training.reasoner.config import Weights
from avatar.training.recipes import LID_EFFECT, LIP_EFFECT, recipe, weights

FLOOR, SLOW = 0.06, 0.02  # of the surface's scale of a parameter: what moves less does not rule
GAP_UNIT, LID_UNIT = 0.2, 0.1  # cm
MOUTH = np.array([name.startswith(("jaw", "mouth")) for name in RIG])


class Judge(nn.Module):
    """The frozen read-out of tokens as rigs, and the weights of their parameters."""

    spread: Tensor
    pace: Tensor
    gap: Tensor
    lids: Tensor
    mouth: Tensor

    def __init__(self, surface: FaceSurface, tokens: NDArray[np.float32], chosen: Weights) -> None:
        """tokens: (S,F,64) stretches of the takes, for how far and fast each parameter moves."""
        super().__init__()
        self.surface = surface_model(surface).requires_grad_(False)
        self.chosen = chosen
        rigs, scale = surface.token_to_rig(tokens), surface.weights.rig_scale
        self._keep("spread", np.maximum(rigs.std((0, 1)), FLOOR * scale))
        self._keep("pace", np.maximum(np.diff(rigs, axis=1).std((0, 1)), SLOW * scale))
        self._keep("gap", _row(LIP_EFFECT) / GAP_UNIT)
        lids = ({f"{name}_{side}": by for name, by in LID_EFFECT.items()} for side in "LR")
        self._keep("lids", np.stack([_row(effect) for effect in lids], 1) / LID_UNIT)
        self._keep("mouth", MOUTH)

    def _keep(self, name: str, value: NDArray[np.generic]) -> None:
        self.register_buffer(name, torch.from_numpy(np.array(value, np.float32)), False)

    def read(self, tokens: Tensor) -> Tensor:
        """(...,64) tokens to (...,63) rigs."""
        out: Tensor = self.surface.probe(tokens) * self.surface.rig_scale
        return out

    def forward(
        self, error: Tensor, said: Tensor, right: Tensor, noisy: Tensor
    ) -> dict[str, Tensor]:
        """Losses of each chunk, (B,), of rigs said (B,L+1,R), the first the last shown frame, where
        `right` (B,L+1,R) is due; error (B,L,D) of the whitened tokens; noisy (B,) 1 where the mouth
        hardly counts."""
        count = 1 - noisy * (1 - self.chosen.mouth)
        share = 1 + (count[:, None, None] - 1) * self.mouth
        away = (said - right) * share
        steps = away[:, 1:] - away[:, :-1]
        out = {
            "rig": (away[:, 1:] / self.spread).square().mean((1, 2)),
            "gap": _rounded(away[:, 1:] @ self.gap),
            "lids": _rounded(away[:, 1:] @ self.lids).mean(-1),
            "speed": _rounded(steps / self.pace).mean(-1) + _rounded(steps @ self.gap),
        }
        out = {name: getattr(self.chosen, name) * loss for name, loss in out.items()}
        out["token"] = self.chosen.token * count * error.square().mean((1, 2))
        return out


def _rounded(away: Tensor) -> Tensor:
    """(B,L,...) errors to the mean over the frames of their Huber loss, (B,...)."""
    loss = nn.functional.smooth_l1_loss(away, torch.zeros_like(away), reduction="none")
    return loss.mean(1)


def _row(effects: dict[str, float]) -> NDArray[np.float32]:
    """(63,) what each rig parameter adds to an opening, cm."""
    out = np.zeros(len(RIG), np.float32)
    out[: len(EXPRESSIONS)] = weights(recipe(**effects))
    return out
