"""The one space of feeling: labels and action units as latents, and what a latent says.

Emotion-to-latents of MoEE (arXiv 2501.01808, section 3.3): each kind of input has an encoder of
its own whose output is the query of an attention over one bank of learned embeddings; what the
attention returns is the unified latent, and the latents of the inputs that are present are
averaged. This module is numpy only; `emotion.latent_net` is the same in torch.

Axis legend: B inputs, N = 4 latent rows, E = 64 latent width, U action units, 6 emotions.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import partial
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emotion.types import EMOTIONS
from emotion.weight_files import WEIGHTS, floats, stored_arrays

Vector = NDArray[np.float32]

ROWS, WIDTH = 4, 64  # N, E
FORMAT = "limner-latents-1"
SPACE = WEIGHTS / "latents.safetensors"


@dataclass(frozen=True, slots=True, eq=False)
class Meaning:
    """What a latent says. strengths: (6,) float32 in [0, 1]; neutral: in [0, 1], how surely
    nothing is felt."""

    strengths: Vector
    neutral: float


@dataclass(frozen=True, slots=True, eq=False)
class LatentSpace:
    """The frozen bank with the encoders of labels and action units and the read-out.

    arrays: the file's arrays by name (see `emotion.latent_net.LatentNet`, whose names they are).
    """

    arrays: Mapping[str, Vector]

    def label_latents(self, strengths: Vector) -> Vector:
        """(B, 6) strengths in [0, 1] in the order of `EMOTIONS` -> (B, N, E) float32."""
        return self.attend(self._mlp("label", np.asarray(strengths, np.float32)))

    def unit_latents(self, units: Vector) -> Vector:
        """(B, U) intensities in [0, 1] in the order of `action_units.UNITS` -> (B, N, E)."""
        return self.attend(self._mlp("units", np.asarray(units, np.float32)))

    def attend(self, queries: Vector) -> Vector:
        """(B, N * E) queries of any encoder -> (B, N, E): the attention over the bank."""
        rows = queries.reshape(-1, ROWS, WIDTH)
        scores = rows @ self._keys().T / np.float32(np.sqrt(WIDTH))
        weights = np.exp(scores - scores.max(-1, keepdims=True))
        latents: Vector = (weights / weights.sum(-1, keepdims=True)) @ self._values()
        return latents

    def meaning(self, latent: Vector) -> Meaning:
        """What the latent (N, E) of one input, or the mean over several inputs, says."""
        said = _sigmoid(self._mlp("read", latent.reshape(1, ROWS * WIDTH)))[0]
        return Meaning(said[: len(EMOTIONS)], float(said[len(EMOTIONS)]))

    def _keys(self) -> Vector:
        keys: Vector = self.arrays["bank"] @ self.arrays["keys.weight"].T
        return keys

    def _values(self) -> Vector:
        values: Vector = self.arrays["bank"] @ self.arrays["values.weight"].T
        return values

    def _mlp(self, name: str, x: Vector) -> Vector:
        """Two linear layers with a tanh between; what is zero in stays near zero."""
        layer = partial(_linear, self.arrays)
        return layer(f"{name}.2", np.tanh(layer(f"{name}.0", x)))


def load_space(path: Path = SPACE) -> LatentSpace:
    """The shipped space. Raises ConfigError when the file is missing or of another format."""
    return LatentSpace(floats(stored_arrays(path, FORMAT)))


def _linear(arrays: Mapping[str, Vector], name: str, x: Vector) -> Vector:
    out: Vector = x @ arrays[f"{name}.weight"].T + arrays[f"{name}.bias"]
    return out


def _sigmoid(x: Vector) -> Vector:
    return np.asarray(1 / (1 + np.exp(-np.clip(x, -30, 30))), np.float32)
