"""Store the trained completion net as ONNX with 16-bit weights."""

from __future__ import annotations

import importlib
import logging
import tempfile
from pathlib import Path

import torch

from avatar.semo.completion import CHANNELS, HEIGHT, WIDTH
from avatar.training.completion.model import Filling
from avatar.training.landmarks.export import halved

LOG = logging.getLogger(__name__)


def export(net: Filling, path: Path) -> None:
    """Write the file: input `window` (1,6,HEIGHT,WIDTH), output `added` (1,3,HEIGHT,WIDTH)."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "completion.onnx"
        torch.onnx.export(
            net.eval(),
            (torch.zeros(1, CHANNELS, HEIGHT, WIDTH),),
            file,
            input_names=["window"],
            output_names=["added"],
            opset_version=17,
            dynamo=False,
        )
        onnx = importlib.import_module("onnx")
        model = onnx.load(file)
    halved(onnx, model)
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())
    LOG.info("%s: %d bytes", path, path.stat().st_size)
