"""The matte net: a small U-Net. Convolutions run in bfloat16 while training."""

from __future__ import annotations

from itertools import pairwise

import torch
from torch import Tensor, nn

from avatar.training.landmarks.model import Finder, Residual, conv


class Matte(nn.Module):
    """(N,3,S,S) in 0..255, S a multiple of 32, to (N,1,S,S) logits of the person's share."""

    def __init__(self, widths: tuple[int, ...]) -> None:
        super().__init__()
        first = widths[0]
        self.stem = nn.Sequential(nn.PixelUnshuffle(2), conv(12, first))
        self.down = nn.ModuleList(
            nn.Sequential(conv(a, b, 2), Residual(b), *([Residual(b)] if b > widths[2] else []))
            for a, b in pairwise(widths)
        )
        self.context = nn.Sequential(
            nn.AdaptiveAvgPool2d(1), nn.Conv2d(widths[-1], widths[-1], 1), nn.Sigmoid()
        )
        self.up = nn.ModuleList(conv(b, a, kernel=1) for a, b in pairwise(widths))
        self.join = nn.ModuleList(
            nn.Sequential(conv(2 * a, a), *([Residual(a)] if a > first else []))
            for a in widths[:-1]
        )
        self.head = nn.Sequential(nn.Conv2d(first, 4, 3, padding=1), nn.PixelShuffle(2))

    def begin_as(self, finder: Finder) -> None:
        """Take the first layers of a trained face finder of the same widths: a head start.

        Raises RuntimeError if the widths differ.
        """
        stem, *steps = finder.early
        deep = list(finder.deep)
        self.stem.load_state_dict(stem.state_dict())
        for k, layers in enumerate((steps[:2], steps[2:4], deep[:2])):
            for own, given in zip(self.down[k], layers, strict=False):  # type: ignore[call-overload]
                own.load_state_dict(given.state_dict())

    def body(self, x: Tensor) -> Tensor:
        """(N,widths[0],S/2,S/2) features."""
        steps = [self.stem(x / 64 - 2)]
        for down in self.down:
            steps.append(down(steps[-1]))
        out: Tensor = steps.pop()
        out = out * self.context(out)
        for up, join in zip(reversed(self.up), reversed(self.join), strict=True):
            grown = nn.functional.interpolate(up(out), scale_factor=2.0, mode="nearest")
            out = join(torch.cat([grown, steps.pop()], 1))
        return out

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.training):
            features = self.body(x)
        out: Tensor = self.head(features.float())
        return out


class Exported(nn.Module):
    """The net as it is stored: pictures to the person's share, (N,1,S,S) in [0, 1]."""

    def __init__(self, net: Matte) -> None:
        super().__init__()
        self.net = net

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        out: Tensor = torch.sigmoid(self.net(x))
        return out
