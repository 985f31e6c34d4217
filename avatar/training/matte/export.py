"""Store the trained matte net as ONNX with 16-bit weights."""

from __future__ import annotations

import importlib
import logging
import tempfile
from pathlib import Path

import torch

from avatar.matte_net import SIDE
from avatar.training.landmarks.export import halved
from avatar.training.matte.model import Exported, Matte

LOG = logging.getLogger(__name__)


def export(net: Matte, path: Path) -> None:
    """Write the file: input `picture` (N,3,SIDE,SIDE) in 0..255, output `matte` (N,1,SIDE,SIDE)."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "matte.onnx"
        torch.onnx.export(
            Exported(net).eval(),
            (torch.zeros(1, 3, SIDE, SIDE),),
            file,
            input_names=["picture"],
            output_names=["matte"],
            dynamic_axes={"picture": {0: "n"}, "matte": {0: "n"}},
            opset_version=17,
            dynamo=False,
        )
        onnx = importlib.import_module("onnx")
        model = onnx.load(file)
    halved(onnx, model)
    onnx.checker.check_model(model)
    path.write_bytes(model.SerializeToString())
    LOG.info("%s: %d bytes", path, path.stat().st_size)
