"""Settings of the completion net's training."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Config:
    """Minutes are wall time; the held-out photos are those of `avatar.training.landmarks`."""

    seed: int = 13
    sizes: tuple[int, ...] = (256, 512)  # px of the frames that mouths are cut from
    least_gap: float = 0.05  # between the lips, of the mouth's width
    frames: int = 3  # the widest open ones of each synthetic person
    held_every: int = 8  # synthetic people whose number it divides are never trained on
    least_pixels: int = 60  # of the net's picture that show the inside
    widths: tuple[int, int, int] = (24, 32, 48)  # channels at 1/2, 1/4, 1/8
    batch: int = 16
    # Of the samples by kind: renders, photos, asked. Renders are only measured: their own teeth are
    # flat and grey, and nets learnt that.
    shares: tuple[float, float, float] = (0.0, 0.6, 0.4)
    rate: float = 2e-3  # peak of the learning rate
    weight_decay: float = 1e-3
    average: float = 0.99  # decay of the moving average of the weights
    minutes: float = 15.0
    pools: tuple[int, ...] = (4, 8)  # pixels over which colours are compared
    smooth: float = 50.0  # weight of squared differences between neighbours in what is added
    quiet: float = 0.02  # weight of what is added, against invention
    shift: float = 0.06  # of the window, the most that a sample is moved
    grow: float = 0.15  # the most that it is enlarged or shrunk


@dataclass(frozen=True, slots=True)
class Sittings:
    """Close pictures of synthetic people for folds and mouths. frames of each sitting, of which
    the first `sources` are portraits; people whose number `held_every` divides are held out."""

    seed: int = 17
    people: int = 36
    shots: int = 1  # sittings of each person
    frames: int = 10
    sources: int = 2
    size: int = 256  # px
    held_every: int = 8


@dataclass(frozen=True, slots=True)
class FoldConfig:
    """Of the folds' nets and their training. Minutes are wall time."""

    seed: int = 19
    folds: int = 16
    widths: tuple[int, int, int] = (32, 48, 64)  # channels at 1/4, 1/8, 1/16
    hidden: int = 48
    bound: float = 4.0  # of a strength
    # Times what was learnt: the error of pixels wants folds that are not sure to lie there faint.
    shown: float = 1.8
    turn: float = 0.16  # radians from the portrait, of frames that are learnt from
    portraits: int = 4  # in a batch
    frames: int = 6  # of each
    rate: float = 1e-3
    slow: float = 0.002  # of the rate, for what the linear beginning has set
    last: float = 0.1  # of the rate, for the layer that says the gains
    weight_decay: float = 1e-3
    average: float = 0.99
    minutes: float = 9.0
    edges: float = 1.0  # weight of differences between neighbours
    hardest: float = 0.2  # weight of the worst pixels
    worst: float = 0.04  # share of pixels that count as such
    quiet: float = 0.02  # weight of what is added where nothing should be
