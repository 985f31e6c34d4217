"""From checkpoints to the files that ship: calibration on held-out texts, 8-bit differences."""

import logging
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from emotion.embedding import MiniLM
from emotion.packing import pack
from emotion.text_encoder import FORMAT as TEXT_FORMAT
from emotion.text_encoder import Calibration
from emotion.text_net import LOWER, TextNet
from emotion.training.corpus import SPLITS
from emotion.training.measures import best_thresholds, macro_f1
from emotion.training.text import Material, TextConfig, predict
from emotion.voice_encoder import FORMAT as VOICE_FORMAT
from emotion.weight_files import write_arrays

LOG = logging.getLogger(__name__)


def calibrate(logits: NDArray[np.float32], true: NDArray[np.float32]) -> Calibration:
    """Gain and bias of each class by logistic regression (Platt 1999), then the thresholds of
    best F1. logits, true: (n, 7) of held-out texts."""
    x, y = torch.from_numpy(logits).double(), torch.from_numpy(true > 0).double()
    gain = torch.ones(x.shape[1], dtype=torch.float64, requires_grad=True)
    bias = torch.zeros(x.shape[1], dtype=torch.float64, requires_grad=True)
    optimiser = torch.optim.LBFGS([gain, bias], max_iter=100)

    def loss() -> torch.Tensor:
        optimiser.zero_grad()
        value = torch.nn.functional.binary_cross_entropy_with_logits(x * gain + bias, y)
        value.backward()  # type: ignore[no-untyped-call]
        return value

    optimiser.step(loss)  # type: ignore[no-untyped-call]
    gains, biases = (p.detach().numpy().astype(np.float32) for p in (gain, bias))
    plain = Calibration(gains, biases, np.full_like(gains, 0.5))
    chosen = best_thresholds(plain.chance(logits), true > 0)
    return replace(plain, threshold=chosen)


def export_text(material: Material, config: TextConfig, checkpoint: Path, path: Path) -> None:
    """Write the averaged weights of a checkpoint, calibrated on GoEmotions' dev split."""
    net = TextNet()
    stored = torch.load(checkpoint, weights_only=True)
    net.load_state_dict(stored["average"])
    rows = np.flatnonzero(material.corpus.split == SPLITS.index("dev"))
    logits = predict(net, material, rows, config.features).presence.float().numpy()
    true = material.corpus.presence[rows]
    found = calibrate(logits, true)
    score = macro_f1(found.chance(logits) >= found.threshold, true > 0)
    LOG.info("dev macro-F1 with calibrated thresholds: %.4f", score)
    start = {f"layers.{n}": t.numpy() for n, t in MiniLM().upper(LOWER).items()}
    arrays = pack({name: tensor.numpy() for name, tensor in net.state_dict().items()}, start)
    for name, value in (("gain", found.gain), ("bias", found.bias), ("threshold", found.threshold)):
        arrays[f"calibration.{name}"] = value
    story = {**asdict(config), "step": int(stored["step"]), "dev_macro_f1": round(score, 4)}
    write_arrays(arrays, path, TEXT_FORMAT, story)


def export_voice(checkpoint: Path, path: Path, story: dict[str, object]) -> None:
    """Write the voice encoder in half precision."""
    stored = torch.load(checkpoint, weights_only=True)
    arrays = {name: tensor.numpy().astype(np.float16) for name, tensor in stored.items()}
    write_arrays(arrays, path, VOICE_FORMAT, story)
