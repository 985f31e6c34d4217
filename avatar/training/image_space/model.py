"""Reference frame and two motion tokens to the frame that they mean: flow, occlusion, painting.

After FOMM (Siarohin et al. 2019) and LIA (Wang et al. 2022): features of the reference are moved by
a backward flow that is refined from coarse to fine; what the flow cannot bring is painted. Axis
legend: B batch, S pixels of a side, K dims of the code.
"""

from __future__ import annotations

from dataclasses import dataclass

import torch
from torch import Tensor, nn
from torch.nn import functional as F

from avatar.semo.types import TOKEN
from avatar.training.image_space.config import Config

LARGEST_STEP = 0.3  # of the picture's half side, that one level may add to the flow


@dataclass(frozen=True, slots=True)
class Drawn:
    """picture: (B, 3, S, S) in 0..1; warped: the same by flow alone; flow: (B, 2, S/2, S/2) source
    less own position in half sides of the picture; mask: (B, 1, S, S), 1 where pixels are moved, 0
    where they are painted."""

    picture: Tensor
    warped: Tensor
    flow: Tensor
    mask: Tensor


class ImageSpaceDecoder(nn.Module):
    """See the module's text."""

    def __init__(self, config: Config) -> None:
        super().__init__()
        widths, code = config.widths, config.code
        self.config = config
        self.code = nn.Sequential(
            nn.Linear(2 * TOKEN, code), nn.SiLU(), nn.Linear(code, code), nn.SiLU()
        )
        stem = [3, *widths]
        self.down = nn.ModuleList(
            nn.Sequential(_conv(a, b, 2), _conv(b, b))
            for a, b in zip(stem[:-1], widths, strict=True)
        )
        # Each level knows where it is: a turn of the head is a flow that depends on the place.
        self.levels = nn.ModuleList()
        before = 0
        for width in reversed(widths):
            self.levels.append(Level(before + width, width, code))
            before = width
        self.paint = nn.Sequential(_conv(widths[0], widths[0]), nn.Conv2d(widths[0], 16, 3, 1, 1))

    def forward(self, source: Tensor, source_token: Tensor, token: Tensor) -> Drawn:
        """source: (B, 3, S, S) in 0..1; tokens: (B, 64)."""
        code = self.code(torch.cat([source_token, token - source_token], 1))
        features, x = [], source - 0.5
        for block in self.down:
            x = block(x)
            features.append(x)
        hidden: Tensor | None = None
        flow = torch.zeros_like(features[-1][:, :2])
        for level, feature in zip(self.levels, reversed(features), strict=True):
            if hidden is not None:
                hidden, flow = _twice(hidden), _twice(flow)
            hidden, flow = level(hidden, feature, flow, code)
        assert hidden is not None
        out = F.pixel_shuffle(self.paint(hidden), 2)
        painted, mask = torch.sigmoid(out[:, :3]), torch.sigmoid(out[:, 3:4] + 2)
        warped = moved(source, _twice(flow))
        return Drawn(mask * warped + (1 - mask) * painted, warped, flow, mask)


class Level(nn.Module):
    """Refines hidden features and flow at one resolution."""

    def __init__(self, inputs: int, width: int, code: int) -> None:
        super().__init__()
        self.first = nn.Conv2d(inputs + 4, width, 3, 1, 1)
        self.second = nn.Conv2d(width, width, 3, 1, 1)
        self.affine = nn.ModuleList(nn.Linear(code, 2 * width) for _ in range(2))
        self.norm = nn.ModuleList(nn.GroupNorm(4, width) for _ in range(2))
        self.step = nn.Conv2d(width, 2, 3, 1, 1)
        nn.init.normal_(self.step.weight, std=1e-3)
        nn.init.zeros_(self.step.bias)  # type: ignore[arg-type]

    def forward(
        self, hidden: Tensor | None, feature: Tensor, flow: Tensor, code: Tensor
    ) -> tuple[Tensor, Tensor]:
        """Hidden features (B, C, h, w) of the level above, made as large, and flow to new ones."""
        parts = [moved(feature, flow), flow, places(flow)]
        x = torch.cat(parts if hidden is None else [hidden, *parts], 1)
        for conv, affine, norm in zip(
            (self.first, self.second), self.affine, self.norm, strict=True
        ):
            scale, shift = affine(code)[..., None, None].chunk(2, 1)
            x = F.silu(norm(conv(x)) * (1 + scale) + shift)
        return x, flow + LARGEST_STEP * torch.tanh(self.step(x))


def moved(picture: Tensor, flow: Tensor) -> Tensor:
    """(B, C, h, w) looked up at each pixel's place plus the flow (B, 2, h, w), half sides."""
    grid = (places(flow) + flow).permute(0, 2, 3, 1)
    return F.grid_sample(picture, grid, "bilinear", "border", False)


def places(like: Tensor) -> Tensor:
    """(B, 2, h, w) x and y of the pixels' centres, -1..1 over the picture."""
    batch, _, height, width = like.shape
    rows, columns = (
        (torch.arange(n, device=like.device, dtype=like.dtype) + 0.5) * (2 / n) - 1
        for n in (height, width)
    )
    y, x = torch.meshgrid(rows, columns, indexing="ij")
    return torch.stack([x, y])[None].expand(batch, -1, -1, -1)


def _twice(features: Tensor) -> Tensor:
    return F.interpolate(features, scale_factor=2.0, mode="bilinear", align_corners=False)


def _conv(a: int, b: int, stride: int = 1) -> nn.Sequential:
    return nn.Sequential(nn.Conv2d(a, b, 3, stride, 1), nn.GroupNorm(4, b), nn.SiLU())


def parameters(net: nn.Module) -> int:
    """How many there are."""
    return sum(weight.numel() for weight in net.parameters())
