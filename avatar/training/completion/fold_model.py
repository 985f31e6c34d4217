"""The nets of folds: maps of a face, and how strong each is for a rig.

Both begin as what a linear regression over all faces finds. Axis legend: P portraits, K folds, M
side of the flat face, R rig parameters.
"""

from __future__ import annotations

import numpy as np
import torch
from torch import Tensor, nn

from avatar.rig import SIZE
from avatar.semo.folds import CHANNELS
from avatar.training.completion.config import FoldConfig

# A ridge's answers are too small: what held-out people's folds show of them is 1.2 times as much.
GAIN = 1.2
MOST = 0.8  # of a gain


def _conv(a: int, b: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(a, b, 3, stride, 1, bias=False), nn.GroupNorm(8, b), nn.SiLU())


class FoldMaps(nn.Module):
    """(P,CHANNELS,M,M) as `avatar.semo.folds.net_input` to (P,K,M,M).

    mean x (1 + gain of the face), inside the face: how deep and how lit each fold is on this skin.
    Gains are bounded, so that an unusual face gets usual folds rather than none or wild ones.
    """

    mean: Tensor

    def __init__(self, config: FoldConfig, side: int) -> None:
        super().__init__()
        a, b, c = config.widths
        self.folds = k = config.folds
        self.mean = nn.Parameter(torch.zeros(1, k, side, side))
        self.stem = nn.Sequential(nn.PixelUnshuffle(4), _conv(16 * CHANNELS, a))
        self.second = nn.Sequential(_conv(a, b, 2), _conv(b, b))
        self.third = nn.Sequential(_conv(b, c, 2), _conv(c, c), _conv(c, c))
        self.context = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(c, c, 1), nn.SiLU())
        self.gain = nn.Conv2d(2 * c, k, 1)
        nn.init.zeros_(self.gain.weight)
        nn.init.zeros_(self.gain.bias)  # type: ignore[arg-type]

    def forward(self, face: Tensor) -> Tensor:
        """See the class."""
        third = self.third(self.second(self.stem(face)))
        whole = self.context(third).expand_as(third)
        gain = 1 + MOST * torch.tanh(_larger(self.gain(torch.cat([third, whole], 1)), 16))
        return self.mean * gain * face[:, 4:5]


def _larger(features: Tensor, factor: float) -> Tensor:
    return nn.functional.interpolate(
        features, scale_factor=factor, mode="bilinear", align_corners=False
    )


class StrengthNet(nn.Module):
    """(..., R) rigs to (..., K), as `avatar.semo.folds.Strengths`."""

    scale: Tensor

    def __init__(self, config: FoldConfig, scale: np.ndarray) -> None:
        super().__init__()
        self.bound = config.bound
        self.register_buffer("scale", torch.from_numpy(np.asarray(scale, np.float32)))
        self.skip = nn.Linear(2 * SIZE, config.folds, bias=False)
        hidden = nn.Linear(2 * SIZE, config.hidden)
        last = nn.Linear(config.hidden, config.folds)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)
        self.layers = nn.ModuleList([hidden, last])

    def forward(self, rigs: Tensor) -> Tensor:
        """See the class."""
        x = self.features(rigs)
        y = self.layers[1](nn.functional.silu(self.layers[0](x))) + self.skip(x)
        return torch.as_tensor(self.bound * torch.tanh(y / self.bound))

    def features(self, rigs: Tensor) -> Tensor:
        """(..., 2 R), see `Strengths.features`."""
        scaled = (rigs / self.scale).clamp(-3, 3)
        return torch.cat([scaled, scaled**2], -1)


class FoldModel(nn.Module):
    """Both nets."""

    def __init__(self, config: FoldConfig, side: int, scale: np.ndarray) -> None:
        super().__init__()
        self.maps, self.strengths = FoldMaps(config, side), StrengthNet(config, scale)

    def forward(self, face: Tensor, rest: Tensor, rig: Tensor, owner: Tensor) -> Tensor:
        """(P,C,M,M), (P,R), (T,R), owner of each (T,) to logarithms (T,M,M)."""
        change = self.strengths(rig) - self.strengths(rest)[owner]
        maps = self.maps(face)
        out = torch.empty(len(rig), *maps.shape[2:])
        for at in range(len(face)):
            mine = owner == at
            out[mine] = torch.einsum("tk,khw->thw", change[mine], maps[at])
        return out


def ridge(features: np.ndarray, truth: np.ndarray, stiff: float) -> tuple[np.ndarray, np.ndarray]:
    """Gram matrix (D,D) and answer (D,N): truth (T,N) is about features (T,D) @ answer."""
    wide = features.astype(np.float64)
    gram = wide.T @ wide / len(wide)
    gram += np.eye(len(gram)) * stiff * np.trace(gram) / len(gram)
    return gram, np.linalg.solve(gram, features.T @ truth / len(features))


def begin(model: FoldModel, features: np.ndarray, truth: np.ndarray, stiff: float) -> None:
    """Set mean maps and strengths to the best linear answer.

    features: (T,2R) change of the rig's features from the portrait's; truth: (T,M*M); stiff: of the
    ridge.
    """
    side, count = model.maps.mean.shape[-1], model.maps.folds
    gram, answer = ridge(features, truth, stiff)
    root = np.linalg.cholesky(gram)
    left, size, right = np.linalg.svd(root.T @ answer, full_matrices=False)
    skip = np.linalg.solve(root.T, left[:, :count])
    maps = GAIN * size[:count, None] * right[:count]
    with torch.no_grad():
        model.strengths.skip.weight.copy_(torch.from_numpy(skip.T.astype(np.float32)))
        model.maps.mean.copy_(
            torch.from_numpy(maps.astype(np.float32).reshape(1, count, side, side))
        )
