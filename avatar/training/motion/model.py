"""The masked motion encoder. Its trunks start as those of the landmark nets.

Axis legend: B batch, S pixels of the input's side, G of a glimpse's, T tokens, W width, D token
dims.
"""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path

import numpy as np
import torch
from torch import Tensor, nn

from avatar.semo.encoder import GLIMPSE, LOOK, MARGIN, PLACES, SIDE
from avatar.semo.types import TOKEN
from avatar.training.landmarks.config import Config as LandmarkConfig
from avatar.training.landmarks.model import BOTTLENECK, Pointer, Residual, conv, stem
from avatar.training.motion.config import Config

STRIDE = 16  # px of a look for each of a trunk's cells
CHECKPOINTS = Path(__file__).parents[1] / "landmarks" / "checkpoints"
EARLY = 3  # first layers of a warm trunk: edges and spots, which stay as they are
PLACEMENT = 0.1  # unit of the placements that the last layer says
EXTRA = 4  # answers beside the token: placement and presence


class Trunk(nn.Module):
    """(B,3,H,W) in 0..255 to T = H/16 W/16 cells; warm batch norm keeps its statistics."""

    def __init__(self, net: str, warm: bool) -> None:
        super().__init__()
        widths = LandmarkConfig().widths[net]
        blocks: list[nn.Module] = [stem(widths[0])]
        for a, b in pairwise(widths):
            blocks += [conv(a, b, 2), Residual(b)]
        self.body = nn.Sequential(*blocks, conv(widths[-1], BOTTLENECK, kernel=1))
        self.channels = widths[-1]
        if warm:
            stored = torch.load(CHECKPOINTS / f"{net}.pt", weights_only=True)
            own = {key: stored[f"body.{key}"] for key in self.body.state_dict()}
            self.body.load_state_dict(own)
        self.frozen = warm
        for parameter in self.body[:EARLY].parameters() if warm else ():
            parameter.requires_grad_(False)

    def train(self, mode: bool = True) -> Trunk:
        """Statistics of warm trunks stay: hidden patches would spoil them."""
        super().train(mode)
        if self.frozen:
            for module in self.modules():
                if isinstance(module, nn.BatchNorm2d):
                    module.eval()
        return self

    def forward(self, x: Tensor) -> tuple[Tensor, Tensor]:
        """Features (B,T,C), and the few (B,T,BOTTLENECK) that told landmarks apart."""
        with torch.set_grad_enabled(torch.is_grad_enabled() and not self.frozen):
            near = self.body[:EARLY](x / 64 - 2)
        far = self.body[EARLY:-1](near)
        few = self.body[-1](far)
        return _cells(far), _cells(few)


class Block(nn.Module):
    """Attention and a two-layer net, both added to what comes in, normed before."""

    def __init__(self, width: int, heads: int) -> None:
        super().__init__()
        self.heads = heads
        self.first, self.second = nn.LayerNorm(width), nn.LayerNorm(width)
        self.into, self.out = nn.Linear(width, 3 * width), nn.Linear(width, width)
        self.mlp = nn.Sequential(
            nn.Linear(width, 2 * width), nn.GELU(), nn.Linear(2 * width, width)
        )

    def forward(self, x: Tensor, only: int | None = None) -> Tensor:
        """(B,T,W) to the same, or to its `only` first."""
        b, t, w = x.shape
        mixed = self.into(self.first(x)).view(b, t, 3, self.heads, w // self.heads)
        q, k, v = mixed.permute(2, 0, 3, 1, 4).unbind(0)
        q, x = q[:, :, :only], x[:, :only]
        # Written out: the fused kernel's backward pass takes three times as long on a CPU.
        score = (q * (w // self.heads) ** -0.5) @ k.transpose(-2, -1)
        read = score.softmax(-1).to(v.dtype) @ v
        x = x + self.out(read.transpose(1, 2).reshape(b, read.shape[2], w))
        out: Tensor = x + self.mlp(self.second(x))
        return out


class MotionEncoder(nn.Module):
    """What the encoder looks at, to token (B,D), placement (B,3) and presence logit (B,).

    whole (B,3,S,S); right, left, mouth (B,3,G,G), glimpses in 0..255, the left eye mirrored; places
    (B,12) of the glimpses.
    """

    def __init__(self, config: Config) -> None:
        super().__init__()
        names = {"whole": "crop", "eyes": "eye", "mouth": "mouth"}
        self.trunks = nn.ModuleDict({k: Trunk(v, config.warm) for k, v in names.items()})
        width = config.width
        self.lift = nn.ModuleDict(
            {k: nn.Linear(_channels(t), width) for k, t in self.trunks.items()}
        )
        glimpse = (GLIMPSE // STRIDE) ** 2
        grids = {"whole": (LOOK // STRIDE) ** 2, "right": glimpse, "left": glimpse}
        grids["mouth"] = glimpse
        self.places = nn.ParameterDict(
            {k: nn.Parameter(0.02 * torch.randn(n, width)) for k, n in grids.items()}
        )
        self.said = config.token + EXTRA
        self.query = nn.Parameter(0.02 * torch.randn(1, 1, width))
        self.where = nn.Linear(PLACES, width)
        self.blocks = nn.ModuleList(Block(width, config.heads) for _ in range(config.layers))
        self.last = nn.LayerNorm(width)
        self.head = nn.Linear(width, self.said)
        self.straight = nn.Linear(BOTTLENECK * sum(grids.values()) + PLACES, width + self.said)
        self.projector: nn.Module = nn.Identity()
        if config.token != TOKEN:
            self.projector = Projector(config.token)
        nn.init.normal_(self.head.weight, 0, 0.02)
        nn.init.normal_(self.straight.weight, 0, 0.003)

    def forward(
        self, whole: Tensor, right: Tensor, left: Tensor, mouth: Tensor, places: Tensor
    ) -> tuple[Tensor, Tensor, Tensor]:
        """See the class."""
        last, few = self._read(whole, right, left, mouth, places)
        answer = self.head(last) + self._guess(few)
        said, rest = answer[:, :-EXTRA], answer[:, -EXTRA:]
        return self.projector(said), PLACEMENT * rest[:, :3], rest[:, 3]

    def _guess(self, few: Tensor) -> Tensor:
        """The straight way from the few numbers to the answer."""
        width = self.head.in_features
        weight, bias = self.straight.weight[width:], self.straight.bias[width:]
        return nn.functional.linear(few, weight, bias)

    def _read(self, *seen: Tensor) -> tuple[Tensor, Tensor]:
        """The query after the last block (B,W), normed, and the few numbers, float32."""
        with torch.autocast("cpu", dtype=torch.bfloat16, enabled=self.training):
            tokens, few = self._tokens(seen[:-1], seen[-1])
            width = self.head.in_features
            begin = nn.functional.linear(
                few, self.straight.weight[:width], self.straight.bias[:width]
            )
            tokens = torch.cat([tokens[:, :1] + begin[:, None].to(tokens.dtype), tokens[:, 1:]], 1)
            for at, block in enumerate(self.blocks):
                tokens = block(tokens, 1 if at + 1 == len(self.blocks) else None)
        return self.last(tokens[:, 0].float()), few.float()

    def _tokens(self, looks: tuple[Tensor, ...], places: Tensor) -> tuple[Tensor, Tensor]:
        """The query, where the glimpses lie, then what the trunks see (B,2+T,W); and the few
        numbers of every cell with the places."""
        whole, right, left, mouth = looks
        seen = {"whole": self.trunks["whole"](overview(whole))}
        both = self.trunks["eyes"](_last_channels(torch.cat([right, left])))
        seen["right"], seen["left"] = zip(*(part.chunk(2) for part in both), strict=True)
        seen["mouth"] = self.trunks["mouth"](_last_channels(mouth))
        parts = [self.query.expand(whole.shape[0], -1, -1), self.where(places)[:, None]]
        for name, (found, _) in seen.items():
            lift = self.lift["eyes" if name in ("right", "left") else name]
            parts.append(lift(found) + self.places[name])
        few = [_row(few) for _, few in seen.values()]
        return torch.cat([part.to(parts[1].dtype) for part in parts], 1), torch.cat(
            [*few, places.to(few[0].dtype)], 1
        )


class Locator(nn.Module):
    """The landmark nets' first look: (B,3,S,S) to (B,150,2) px of the input. Never trained here."""

    def __init__(self) -> None:
        super().__init__()
        widths = LandmarkConfig().widths["crop"]
        self.net = Pointer(LOOK, np.full((150, 2), 0.5, np.float32), widths)
        self.net.load_state_dict(torch.load(CHECKPOINTS / "crop.pt", weights_only=True))
        self.requires_grad_(False)

    def forward(self, whole: Tensor) -> Tensor:
        """See the class."""
        share = self.net(overview(whole))[:, :-1].reshape(whole.shape[0], 150, 2)
        out: Tensor = share * (SIDE + 2 * MARGIN) - MARGIN
        return out


def _cells(x: Tensor) -> Tensor:
    """(B,C,h,w) to (B,h*w,C). Sizes are spelt out: ONNX cannot guess those of empty batches."""
    return x.reshape(x.shape[0], x.shape[1], x.shape[2] * x.shape[3]).transpose(1, 2)


def _row(x: Tensor) -> Tensor:
    """(B,T,C) to (B,T*C)."""
    return x.reshape(x.shape[0], x.shape[1] * x.shape[2])


def overview(whole: Tensor) -> Tensor:
    """(B,3,S,S) to (B,3,LOOK,LOOK): with a margin, at half the size."""
    wide = nn.functional.pad(whole, (MARGIN,) * 4, mode="replicate")
    return _last_channels(nn.functional.avg_pool2d(wide, 2))


def _last_channels(x: Tensor) -> Tensor:
    return x.contiguous(memory_format=torch.channels_last)


class Projector(nn.Module):
    """(B,D) numbers of another width to the surface's token (B,64)."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.straight = nn.Linear(size, TOKEN)
        self.bent = nn.Sequential(nn.Linear(size, 128), nn.SiLU(), nn.Linear(128, TOKEN))

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        out: Tensor = self.straight(x) + self.bent(x)
        return out


def _channels(trunk: nn.Module) -> int:
    assert isinstance(trunk, Trunk)
    return trunk.channels
