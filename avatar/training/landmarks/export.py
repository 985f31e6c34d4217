"""Put the four trained nets into one ONNX file with 16-bit weights."""

from __future__ import annotations

import argparse
import importlib
import logging
import tempfile
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from avatar.training.landmarks.config import SIDES, Config
from avatar.training.landmarks.train import build

LOG = logging.getLogger(__name__)


class Together(nn.Module):
    """All nets; each has its own input and output."""

    def __init__(self, nets: dict[str, nn.Module]) -> None:
        super().__init__()
        self.nets = nn.ModuleDict(nets)

    def forward(self, *inputs: Tensor) -> tuple[Tensor, ...]:
        """One batch of pictures for each net, in the order of SIDES."""
        return tuple(net(x) for net, x in zip(self.nets.values(), inputs, strict=True))


def halved(onnx: Any, model: Any) -> None:
    """Store the large weights as float16, cast back when the model is loaded."""
    graph, helper = model.graph, onnx.numpy_helper
    for item in list(graph.initializer):
        values = helper.to_array(item)
        if values.dtype == np.float32 and values.size > 256:
            graph.initializer.remove(item)
            graph.initializer.append(
                helper.from_array(values.astype(np.float16), f"{item.name}_half")
            )
            cast = onnx.helper.make_node("Cast", [f"{item.name}_half"], [item.name], to=1)
            graph.node.insert(0, cast)


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
    outs = [f"{name}_out" for name in SIDES]
    file = Path(tempfile.mkdtemp()) / "nets.onnx"
    torch.onnx.export(
        Together(nets).eval(),
        blank,
        file,
        input_names=list(SIDES),
        output_names=outs,
        dynamic_axes={name: {0: f"n_{name.removesuffix('_out')}"} for name in [*SIDES, *outs]},
        opset_version=17,
        dynamo=False,
    )
    onnx = importlib.import_module("onnx")
    model = onnx.load(file)
    halved(onnx, model)
    onnx.checker.check_model(model)
    args.onnx.write_bytes(model.SerializeToString())
    LOG.info("%s: %d bytes", args.onnx, args.onnx.stat().st_size)


if __name__ == "__main__":
    main()
