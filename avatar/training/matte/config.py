"""Settings of the matte net's training."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Config:
    """Minutes are wall time; the held-out photos are those of `avatar.training.landmarks`."""

    seed: int = 11
    photo_side: int = 512  # px of the stored photos
    render_side: int = 320  # px of the stored renders
    each: int = 8  # renders of each synthetic person
    held_people: int = 15  # the last synthetic people, never trained on
    widths: tuple[int, ...] = (16, 32, 48, 64, 96)  # channels at 1/2, 1/4, 1/8, 1/16, 1/32
    varied: float = 0.6  # share of the samples with other tones, blur, noise
    batch: int = 12
    rate: float = 2e-3  # peak of the learning rate
    weight_decay: float = 1e-4
    average: float = 0.99  # decay of the moving average of the weights
    minutes: float = 25.0
    photos_share: float = 0.65  # of the samples; the others are renders
    worlds_share: float = 0.5  # of the renders that are frames of shards, where there are some
    moved_share: float = 0.4  # of the photos' people put before another ground
    rim: float = 4.0  # weight of pixels that are partly person, over the others'
