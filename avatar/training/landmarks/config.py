"""Settings of the landmark nets' training."""

from __future__ import annotations

from dataclasses import dataclass, field
from pathlib import Path

import numpy as np

SIDES = {"find": 128, "crop": 112, "eye": 64, "mouth": 64}  # of the nets' inputs, px
POINTS = {"crop": 150, "eye": 21, "mouth": 40}


@dataclass(frozen=True, slots=True)
class Config:
    """Minutes are wall time on one core for each net."""

    seed: int = 7
    held_out: int = 40  # photos never trained on
    batch: int = 64
    rate: float = 2e-3  # peak of the learning rate
    weight_decay: float = 1e-4
    average: float = 0.997  # decay of the moving average of the weights
    wing: tuple[float, float] = (0.05, 0.006)  # width and curvature, shares of the patch side
    minutes: dict[str, float] = field(
        default_factory=lambda: {"find": 6.0, "crop": 14.0, "eye": 6.0, "mouth": 6.0}
    )
    widths: dict[str, tuple[int, ...]] = field(
        default_factory=lambda: {
            "find": (16, 32, 48, 64),
            "crop": (24, 48, 80, 96),
            "eye": (20, 40, 56, 72),
            "mouth": (20, 40, 56, 72),
        }
    )
    weights: dict[str, float] = field(  # of the points' errors by group, in the crop net
        default_factory=lambda: {
            "face_oval": 0.7,
            "lips_outer": 1.3,
            "lips_inner": 1.5,
            "right_eye": 1.8,
            "left_eye": 1.8,
            "right_iris": 1.8,
            "left_iris": 1.8,
            "right_brow": 1.0,
            "left_brow": 1.0,
            "nose": 1.0,
        }
    )


def held_out_names(portraits: Path, config: Config) -> list[str]:
    """Stems of the photos kept for the figures: the seed's draw from the sorted list."""
    stems = sorted(p.stem for p in portraits.glob("*.jpg"))
    order = np.random.default_rng(config.seed).permutation(len(stems))
    return sorted(stems[i] for i in order[: config.held_out])
