"""The nets: `Finder` (where are faces in a picture) and `Pointer` (points in an upright patch).

Convolutions run in bfloat16 while training (twice as fast on a core with AVX-512), heads never.
"""

from __future__ import annotations

from itertools import pairwise

import numpy as np
import torch
from torch import Tensor, nn

BOTTLENECK = 16  # channels before a pointer's last layer


def conv(inputs: int, outputs: int, stride: int = 1, kernel: int = 3) -> nn.Sequential:
    """Convolution, batch norm, ReLU."""
    layer = nn.Conv2d(inputs, outputs, kernel, stride, kernel // 2, bias=False)
    return nn.Sequential(layer, nn.BatchNorm2d(outputs), nn.ReLU(inplace=True))


class Residual(nn.Module):
    """x + conv(conv(x)), channels kept."""

    def __init__(self, width: int) -> None:
        super().__init__()
        self.body = nn.Sequential(conv(width, width), conv(width, width)[:2])

    def forward(self, x: Tensor) -> Tensor:
        """(N,width,H,W) to the same."""
        return torch.relu(x + self.body(x))


def stem(width: int) -> nn.Sequential:
    """(N,3,S,S) to (N,width,S/2,S/2): pixels of 2x2 blocks as channels, then a convolution."""
    return nn.Sequential(nn.PixelUnshuffle(2), conv(12, width))


class Finder(nn.Module):
    """(N,3,128,128) in 0..255 to (N,6,16,16): logit, dx, dy (cells), log size, cos, sin of roll."""

    def __init__(self, widths: tuple[int, ...]) -> None:
        super().__init__()
        a, b, c, d = widths
        self.early = nn.Sequential(stem(a), conv(a, b, 2), Residual(b), conv(b, c, 2), Residual(c))
        self.deep = nn.Sequential(conv(c, d, 2), Residual(d), conv(d, d, 2))
        self.mix = nn.Sequential(conv(c + d, c, kernel=1), Residual(c))
        self.head = nn.Conv2d(c, 6, 1)
        nn.init.constant_(self.head.bias[:1], -3.0)  # type: ignore[index]

    def body(self, x: Tensor) -> Tensor:
        """(N,c,16,16) features."""
        near = self.early(x / 64 - 2)
        far = nn.functional.interpolate(self.deep(near), scale_factor=4.0, mode="nearest")
        out: Tensor = self.mix(torch.cat([near, far], 1))
        return out

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.training):
            features = self.body(x)
        out: Tensor = self.head(features.float())
        return out


class Pointer(nn.Module):
    """(N,3,S,S) in 0..255 to (N, 2*points + 1): x, y of each point in 0..1 of S, face logit."""

    def __init__(self, side: int, mean: np.ndarray, widths: tuple[int, ...]) -> None:
        super().__init__()
        blocks: list[nn.Module] = [stem(widths[0])]
        for a, b in pairwise(widths):
            blocks += [conv(a, b, 2), Residual(b)]
        self.body = nn.Sequential(*blocks, conv(widths[-1], BOTTLENECK, kernel=1))
        cells = side
        for _ in widths:
            cells = (cells + 1) // 2
        self.head = nn.Linear(BOTTLENECK * cells * cells, 2 * len(mean) + 1)
        with torch.no_grad():
            self.head.weight.mul_(0.1)
            self.head.bias.copy_(torch.from_numpy(np.append(mean.ravel(), 0.0)))

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.training):
            features = self.body(x / 64 - 2)
        out: Tensor = self.head(features.float().flatten(1))
        return out
