"""The completion net: a small U-Net that starts as no change at all."""

from __future__ import annotations

import torch
from torch import Tensor, nn

from avatar.semo.completion import CHANNELS


def conv(a: int, b: int, stride: int = 1, kernel: int = 3) -> nn.Sequential:
    """Convolution, batch norm, ReLU."""
    return nn.Sequential(
        nn.Conv2d(a, b, kernel, stride, kernel // 2, bias=False), nn.BatchNorm2d(b), nn.ReLU()
    )


class Filling(nn.Module):
    """(N,6,h,w) as `avatar.semo.completion.net_input` to (N,3,h,w), what to add to the colours."""

    def __init__(self, widths: tuple[int, int, int]) -> None:
        super().__init__()
        a, b, c = widths
        self.stem = nn.Sequential(nn.PixelUnshuffle(2), conv(4 * CHANNELS, a), conv(a, a))
        self.second = nn.Sequential(conv(a, b, 2), conv(b, b))
        self.third = nn.Sequential(conv(b, c, 2), conv(c, c), conv(c, c))
        self.context = nn.Sequential(nn.AdaptiveAvgPool2d(1), nn.Conv2d(c, c, 1), nn.Sigmoid())
        self.from_third, self.from_second = conv(c, b, kernel=1), conv(b, a, kernel=1)
        self.join_second, self.join_first = conv(2 * b, b), conv(2 * a, a)
        last = nn.Conv2d(a, 16, 3, padding=1)
        nn.init.zeros_(last.weight)
        nn.init.zeros_(last.bias)  # type: ignore[arg-type]
        self.head = nn.Sequential(last, nn.PixelShuffle(2))

    def forward(self, window: Tensor) -> Tensor:
        """See the class: residual times alpha, 0 outside of the mouth."""
        first = self.stem(window)
        second = self.second(first)
        third = self.third(second)
        third = third * self.context(third)
        second = self.join_second(torch.cat([second, _grown(self.from_third(third))], 1))
        first = self.join_first(torch.cat([first, _grown(self.from_second(second))], 1))
        out = self.head(first)
        residual, alpha = 0.6 * torch.tanh(out[:, :3]), torch.sigmoid(out[:, 3:])
        return residual * alpha * window[:, 3:4]


def _grown(features: Tensor) -> Tensor:
    return nn.functional.interpolate(features, scale_factor=2.0, mode="nearest")


def parameters(net: nn.Module) -> int:
    """How many there are."""
    return sum(weight.numel() for weight in net.parameters())
