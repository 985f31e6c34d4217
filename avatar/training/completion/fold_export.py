"""Store the trained nets of folds: maps as ONNX, strengths as safetensors."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import torch

from avatar.semo.face_map import SIDE
from avatar.semo.folds import CHANNELS, FORMAT
from avatar.training.completion.fold_data import FoldSamples
from avatar.training.completion.fold_model import FoldModel
from avatar.training.onnx_file import Ports, store


def tint_of(samples: FoldSamples) -> np.ndarray:
    """(3,) powers of red, green and blue: folds in skin are redder than grey ones."""
    return np.asarray(samples.tint[:, 0] / np.maximum(samples.tint[:, 1], 1e-9), np.float32)


def export(
    model: FoldModel, tint: np.ndarray, gain: float, folder: Path, story: dict[str, object]
) -> None:
    """Write folds.onnx and folds.safetensors; gain: times what was learnt, see
    `FoldConfig.shown`; `story` goes into the metadata."""
    from safetensors.numpy import save_file

    example = (torch.zeros(1, CHANNELS, SIDE, SIDE),)
    store(model.maps, example, Ports(("face",), ("maps",)), folder / "folds.onnx")
    net = model.strengths
    state = net.state_dict()
    arrays = {"skip": state["skip.weight"], "scale": state["scale"]}
    for at in range(len(net.layers)):
        arrays |= {f"{at}.{part}": state[f"layers.{at}.{part}"] for part in ("weight", "bias")}
    plain = {name: np.ascontiguousarray(value.numpy()) for name, value in arrays.items()}
    plain |= {"tint": np.asarray(tint, np.float32), "bound": np.array([net.bound], np.float32)}
    plain["gain"] = np.array([gain], np.float32)
    metadata = {"format": FORMAT, "story": json.dumps(story, sort_keys=True)}
    save_file(plain, folder / "folds.safetensors", metadata)
