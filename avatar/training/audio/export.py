"""Store the trained audio encoder as ONNX with 16-bit weights."""

from pathlib import Path

import torch

from avatar.training.audio.model import Encoder, Served
from avatar.training.onnx_file import Ports, store
from speech.features import FEATURES


def export(encoder: Encoder, path: Path) -> None:
    """Write the file: `hops` (K, 83), K a multiple of 4; `learned` (K/4, 96), `sides` (K/4, 4)."""
    ports = Ports(("hops",), ("learned", "sides"),
                  {"hops": "k", "learned": "f", "sides": "f"})  # fmt: skip
    store(Served(encoder.eval()), (torch.zeros(400, FEATURES),), ports, path)
