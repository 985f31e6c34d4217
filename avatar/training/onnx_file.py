"""Trained nets as ONNX files with 16-bit weights. Needs the package `onnx` (extra "train")."""

import importlib
import logging
import tempfile
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

LOG = logging.getLogger(__name__)
OPSET = 17


@dataclass(frozen=True, slots=True)
class Ports:
    """Names of a net's inputs and outputs; batch: by name, what its free first axis is called."""

    inputs: tuple[str, ...]
    outputs: tuple[str, ...]
    batch: Mapping[str, str] = field(default_factory=dict)


def store(net: nn.Module, example: tuple[Tensor, ...], ports: Ports, path: Path) -> None:
    """Write the net as it answers `example`, with large weights as float16."""
    onnx = importlib.import_module("onnx")
    with tempfile.TemporaryDirectory() as folder:
        made = Path(folder) / "net.onnx"
        torch.onnx.export(
            net.eval(),
            example,
            made,
            input_names=list(ports.inputs),
            output_names=list(ports.outputs),
            dynamic_axes={name: {0: axis} for name, axis in ports.batch.items()},
            opset_version=OPSET,
            dynamo=False,
        )
        model = onnx.load(made)
    halved(onnx, model)
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())
    LOG.info("%s: %d bytes", path, path.stat().st_size)


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
