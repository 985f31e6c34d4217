"""`EmotionState`: the one typed emotion signal that drives face, voice and chat.

Axis legend: 6 emotions in the order of `EMOTIONS`, N latent rows, E latent width.
"""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

EMOTIONS = ("happy", "sad", "angry", "fearful", "disgusted", "surprised")


def _empty_latent() -> NDArray[np.float32]:
    return np.zeros((0, len(EMOTIONS)), np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class EmotionState:
    """How something is felt.

    weights: (6,) float32 >= 0, shares of the six emotions, sum 1 (all zero when neutral).
    intensity: in [0, 1]; 0 is neutral.
    latent: (N, E) float32, the unified emotion latent; N = 0 where only labels are known.
    """

    weights: NDArray[np.float32]
    intensity: float
    latent: NDArray[np.float32] = field(default_factory=_empty_latent)

    @classmethod
    def neutral(cls) -> "EmotionState":
        """The state without any feeling."""
        return cls(np.zeros(len(EMOTIONS), np.float32), 0.0)

    @classmethod
    def from_strengths(cls, strengths: dict[str, float]) -> "EmotionState":
        """Build from strengths in [0, 1] by name, e.g. {"happy": 0.8, "surprised": 0.3}.

        The strongest sets the intensity. Unknown names raise KeyError.
        """
        values = np.zeros(len(EMOTIONS), np.float32)
        for name, strength in strengths.items():
            if name not in EMOTIONS:
                raise KeyError(name)
            values[EMOTIONS.index(name)] = min(max(strength, 0.0), 1.0)
        total = float(values.sum())
        return cls(values / total, float(values.max())) if total > 0 else cls.neutral()

    def strengths(self) -> NDArray[np.float32]:
        """(6,) float32 in [0, 1]: how strongly each shows; the inverse of `from_strengths`."""
        peak = float(self.weights.max())
        return self.weights * np.float32(self.intensity / peak) if peak > 0 else self.weights * 0

    def dominant(self) -> str:
        """Name of the strongest emotion, or "neutral"."""
        if self.intensity <= 0 or float(self.weights.max()) <= 0:
            return "neutral"
        return EMOTIONS[int(self.weights.argmax())]

    def blend(self, other: "EmotionState", share: float) -> "EmotionState":
        """Mix `share` in [0, 1] of `other` into this state, in strengths (smooth transitions)."""
        mixed = self.strengths() * (1 - share) + other.strengths() * share
        names = dict(zip(EMOTIONS, (float(x) for x in mixed), strict=True))
        return EmotionState.from_strengths(names)

    def as_dict(self) -> dict[str, object]:
        """JSON-ready form: `weights` by name, `intensity`, `neutral` (1 - intensity)."""
        weights = {n: round(float(w), 4) for n, w in zip(EMOTIONS, self.weights, strict=True)}
        intensity = round(float(self.intensity), 4)
        return {"weights": weights, "intensity": intensity, "neutral": round(1 - intensity, 4)}
