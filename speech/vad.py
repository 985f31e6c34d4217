"""Silero's voice activity detector, by its ONNX file alone (its package would import torch).

One `SileroVad` is shared; each session opens a `VadStream`, which holds the state.
"""

import importlib.util
import threading
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from emotion.errors import ConfigError
from speech.onnx import session
from speech.types import FEATURE_RATE

if TYPE_CHECKING:
    import onnxruntime

WINDOW = 512  # samples of one decision, 32 ms
CONTEXT = 64  # samples of the window before that the network sees too
SPEECH = 0.5  # probability above which a window is speech
_FILES = ("silero_vad_16k_op15.onnx", "silero_vad.onnx")


class SileroVad:
    """The network. Building it is cheap; it loads at the first window; threads may share it."""

    def __init__(self, path: Path | None = None) -> None:
        self._path = path
        self._lock = threading.Lock()

    def open(self) -> "VadStream":
        """A new listener that has heard nothing yet."""
        return VadStream(self)

    def step(
        self, samples: NDArray[np.float32], state: NDArray[np.float32]
    ) -> tuple[float, NDArray[np.float32]]:
        """samples: (CONTEXT + WINDOW,) float32 at 16 kHz; state: (2, 1, 128) float32.

        Returns the probability of speech and the next state. Raises ConfigError when the
        network's file is missing.
        """
        with self._lock:
            network = self._session
        rate = np.array(FEATURE_RATE, np.int64)
        inputs = {"input": samples[None], "state": state, "sr": rate}
        probability, following = network.run(None, inputs)
        return float(np.asarray(probability).item()), np.asarray(following, np.float32)

    @cached_property
    def _session(self) -> "onnxruntime.InferenceSession":
        return session(self._path or installed_network())


class VadStream:
    """One session's listener: any-size pieces in, a probability for every 32 ms out."""

    def __init__(self, network: SileroVad) -> None:
        self._network = network
        self.reset()

    def reset(self) -> None:
        """Forget everything heard."""
        self._state = np.zeros((2, 1, 128), np.float32)
        self._heard = np.zeros(CONTEXT, np.float32)  # the context and an unfinished window

    def push(self, pcm: NDArray[np.float32]) -> list[float]:
        """pcm: (T,) float32 in [-1, 1] at 16 kHz. One probability for each window that fills."""
        heard = np.concatenate([self._heard, pcm.astype(np.float32, copy=False)])
        found = []
        while len(heard) >= CONTEXT + WINDOW:
            probability, self._state = self._network.step(heard[: CONTEXT + WINDOW], self._state)
            found.append(probability)
            heard = heard[WINDOW:]
        self._heard = heard
        return found


def installed_network() -> Path:
    """The network's file in the silero-vad wheel, which is not imported.

    Raises ConfigError when it is not there.
    """
    spec = importlib.util.find_spec("silero_vad")
    if spec is not None and spec.origin is not None:
        for name in _FILES:
            path = Path(spec.origin).parent / "data" / name
            if path.is_file():
                return path
    raise ConfigError(
        "The voice activity detector's network is not installed.",
        "Run: pip install --no-deps silero-vad",
    )
