"""Settings of the image-space variant: one that two cores can train for minutes, one for a GPU."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Config:
    """size: px of the pictures; widths: channels at 1/2, 1/4, 1/8, ... of the size, the coarsest
    last; code: what the tokens are turned into. Minutes are CPU time of one thread."""

    size: int
    widths: tuple[int, ...]
    code: int
    batch: int
    minutes: float
    rate: float = 1.5e-3  # peak of the learning rate
    weight_decay: float = 1e-4
    average: float = 0.998  # decay of the moving average of the weights
    seed: int = 17
    sources: int = 2  # frames of the same shot that a target is made from
    flow: float = 0.15  # weight of the flow's error, px at 128
    still: float = 0.15  # of it where nothing is known to move
    warp: float = 1.0  # weight of the error of the moved pixels, before painting
    edge: float = 0.5  # weight of the error of the picture's gradients
    tests: int = 96  # held-out pairs looked at during training

    @property
    def flow_side(self) -> int:
        """px of the flow that training is told: half of the picture's."""
        return self.size // 2


CONFIGS = {
    "small": Config(size=128, widths=(16, 32, 64, 96, 96), code=128, batch=8, minutes=13.0),
    "studio": Config(
        size=512,
        widths=(64, 96, 160, 256, 384, 512),
        code=512,
        batch=32,
        minutes=2880.0,
        rate=4e-4,
        average=0.9995,
    ),
}
