"""Store the trained matte net as ONNX with 16-bit weights."""

from pathlib import Path

import torch

from avatar.matte_net import SIDE
from avatar.training.matte.model import Exported, Matte
from avatar.training.onnx_file import Ports, store


def export(net: Matte, path: Path) -> None:
    """Write the file: input `picture` (N,3,SIDE,SIDE) in 0..255, output `matte` (N,1,SIDE,SIDE)."""
    ports = Ports(("picture",), ("matte",), {"picture": "n", "matte": "n"})
    store(Exported(net), (torch.zeros(1, 3, SIDE, SIDE),), ports, path)
