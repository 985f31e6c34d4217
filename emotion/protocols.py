"""The plug-in point `limner.emotion`."""

from collections.abc import Mapping
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from emotion.types import EmotionState


class EmotionAppraiser(Protocol):
    """Turns any subset of text, audio, labels and action units into one `EmotionState`."""

    def appraise(
        self,
        text: str | None = None,
        audio: NDArray[np.float32] | None = None,
        labels: Mapping[str, float] | None = None,
        action_units: Mapping[str, float] | None = None,
    ) -> EmotionState:
        """audio: (T,) float32 in [-1, 1] at 16 kHz; labels: strength in [0, 1] by name
        (six emotions, "neutral", named compounds); action_units: e.g. {"AU12": 0.7}.

        Raises MediaError on input that cannot be read (nothing given, unknown label).
        """
        ...
