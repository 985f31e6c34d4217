"""Put the four trained nets into one ONNX file with 16-bit weights."""

from __future__ import annotations

import argparse
import logging
from pathlib import Path

import torch
from torch import Tensor, nn

from avatar.training.landmarks.config import SIDES, Config
from avatar.training.landmarks.train import build
from avatar.training.onnx_file import Ports, store


class Together(nn.Module):
    """All nets; each has its own input and output."""

    def __init__(self, nets: dict[str, nn.Module]) -> None:
        super().__init__()
        self.nets = nn.ModuleDict(nets)

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """One batch of pictures for each net, in the order of SIDES."""
        return tuple(net(x) for net, x in zip(self.nets.values(), inputs, strict=True))


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--checkpoints", type=Path, required=True, help="folder with <net>.pt")
    parser.add_argument("--onnx", type=Path, required=True, help="file to write")
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO)
    nets = {name: build(name, Config()) for name in SIDES}
    for name, net in nets.items():
        net.load_state_dict(torch.load(args.checkpoints / f"{name}.pt"))
    blank = tuple(torch.zeros(1, 3, side, side) for side in SIDES.values())
    outs = tuple(f"{name}_out" for name in SIDES)
    batch = {name: f"n_{name.removesuffix('_out')}" for name in (*SIDES, *outs)}
    store(Together(nets), blank, Ports(tuple(SIDES), outs, batch), args.onnx)


if __name__ == "__main__":
    main()
