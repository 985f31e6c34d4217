"""Store the trained completion net as ONNX with 16-bit weights."""

from pathlib import Path

import torch

from avatar.semo.completion import CHANNELS, HEIGHT, WIDTH
from avatar.training.completion.model import Filling
from avatar.training.onnx_file import Ports, store


def export(net: Filling, path: Path) -> None:
    """Write the file: input `window` (1,6,HEIGHT,WIDTH), output `added` (1,3,HEIGHT,WIDTH)."""
    example = (torch.zeros(1, CHANNELS, HEIGHT, WIDTH),)
    store(net, example, Ports(("window",), ("added",)), path)
