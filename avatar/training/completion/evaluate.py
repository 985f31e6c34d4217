"""How far drawn mouths are from photographed ones, with and without completion."""

from __future__ import annotations

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import nn

from avatar.training.completion.data import Samples


@dataclass(frozen=True, slots=True)
class Figures:
    """Mean absolute error of colours in 0..255 inside the mouth, each sample counted alike."""

    pictures: int
    without: float
    completed: float


def added(net: nn.Module, samples: Samples) -> np.ndarray:
    """(K,3,h,w) what the net adds, 0..1."""
    net.eval()
    with torch.inference_mode():
        inputs = torch.from_numpy(samples.drawn).float() / 255
        return np.concatenate([np.asarray(net(part)) for part in torch.split(inputs, 64)])


def figures(net: nn.Module, samples: Samples) -> Figures | None:
    """None without samples."""
    if not len(samples.drawn):
        return None
    known = samples.known / np.float32(255)
    drawn, truth = samples.drawn[:, :3].astype(np.float32), samples.truth.astype(np.float32)
    completed = np.clip(drawn + 255 * added(net, samples), 0, 255)
    weight = 3 * known.sum((1, 2, 3)) + 1e-6
    errors = [
        float(((np.abs(shown - truth) * known).sum((1, 2, 3)) / weight).mean())
        for shown in (drawn, completed)
    ]
    return Figures(len(set(samples.name.tolist())), errors[0], errors[1])


def draw(net: nn.Module, samples: Samples, path: Path) -> None:
    """Rows of as drawn, completed and true, four times enlarged, one sample of each picture."""
    _, first = np.unique(samples.name, return_index=True)
    chosen = samples.only(first)
    drawn, truth = chosen.drawn[:, :3].astype(np.float32), chosen.truth.astype(np.float32)
    completed = np.clip(drawn + 255 * added(net, chosen), 0, 255)
    rows = np.concatenate([drawn, completed, truth], 3).transpose(0, 2, 3, 1)
    sheet = np.concatenate(list(rows), 0)[..., ::-1].astype(np.uint8)
    large = cv2.resize(sheet, None, fx=4, fy=4, interpolation=cv2.INTER_CUBIC)
    cv2.imwrite(str(path), large)
