"""Settings of the audio encoder's training."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Config:
    """Minutes are wall time, frames are of 40 ms."""

    seed: int = 23
    crop: int = 88  # frames of a sample
    warm: int = 12  # of these at the beginning only give context
    batch: int = 16
    rate: float = 2e-3  # peak of the learning rate
    weight_decay: float = 1e-2
    average: float = 0.998  # decay of the moving average of the weights
    minutes: float = 25.0
    variants: int = 2  # augmented copies of each take
    augmented: float = 0.5  # share of the samples that are augmented
    real: float = 0.35  # share of the samples that are real recordings, where there are some
    contrast: float = 0.25  # weight of the contrastive loss; 0: without
    temperature: float = 0.07
    spacing: int = 3  # frames between anchors of the contrastive loss in one sample
