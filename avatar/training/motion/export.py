"""The encoder as an ONNX file that takes bytes."""

from pathlib import Path

import torch
from torch import Tensor, nn

from avatar.semo.encoder import GLIMPSE, PLACES, SIDE
from avatar.training.motion.model import MotionEncoder
from avatar.training.onnx_file import Ports, store


class _FromBytes(nn.Module):
    """The net fed with pictures (B,H,W,3) uint8, in the order of INPUTS."""

    def __init__(self, model: MotionEncoder) -> None:
        super().__init__()
        self.model = model

    def forward(self, *seen: Tensor) -> tuple[Tensor, Tensor, Tensor]:
        """See the class."""
        looks = (x.permute(0, 3, 1, 2).float() for x in seen[:-1])
        out: tuple[Tensor, Tensor, Tensor] = self.model(*looks, seen[-1])
        return out


INPUTS = ("whole", "right", "left", "mouth", "places")
OUTPUTS = ("token", "placement", "present")


def export(model: MotionEncoder, path: Path) -> None:
    """Write the net, large weights as float16. Needs the package `onnx`."""
    large, small = (torch.zeros(2, side, side, 3, dtype=torch.uint8) for side in (SIDE, GLIMPSE))
    example = (large, small, small, small, torch.zeros(2, PLACES))
    batch = dict.fromkeys(INPUTS + OUTPUTS, "batch")
    store(_FromBytes(model).eval(), example, Ports(INPUTS, OUTPUTS, batch), path)
