"""Folds of the skin: which muscles make them, how deep and wide they are, when they show.

After the facial action coding system's wrinkles (Ekman and Friesen 1978) and the usual names of
ageing lines. Axis legend: K folds, C points of a curve.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from avatar.rig import INDEX, Vector
from avatar.training.synthetic.buffers import Floats

Points = NDArray[np.float64]
LEFT, RIGHT, MIDDLE = 1, -1, 0
SATURATED = 1.15  # pull beyond which skin folds no further
ONSET = 1.25  # folds deepen faster than muscles move


@dataclass(frozen=True, slots=True)
class Family:
    """One kind of fold.

    pulls: rig weight by movement, without side, and "screwed", eyes pressed shut; depth: cm at full
    activation; width: standard deviation of the valley across, cm; bulge: height of the ridges
    beside it as shares of the depth, to the left and right of the curve as seen along it on the
    map; rest: activation without expression at the age of 1.
    """

    pulls: Mapping[str, float]
    depth: float
    width: float
    bulge: tuple[float, float]
    rest: float


FAMILIES: dict[str, Family] = {
    "forehead": Family({"browInnerUp": 1.0, "browOuterUp": 0.2}, 0.085, 0.13, (0.45, 0.45), 0.3),
    "temple": Family({"browOuterUp": 1.0, "browInnerUp": 0.12}, 0.08, 0.13, (0.45, 0.45), 0.25),
    "frown": Family({"browDown": 1.0, "noseSneer": 0.25}, 0.085, 0.11, (0.3, 0.3), 0.3),
    "root": Family({"noseSneer": 0.8, "browDown": 0.45}, 0.08, 0.11, (0.5, 0.5), 0.2),
    "bunny": Family({"noseSneer": 1.0}, 0.055, 0.085, (0.5, 0.5), 0.08),
    "sneer": Family({"noseSneer": 1.0, "mouthUpperUp": 0.25}, 0.09, 0.16, (0.6, 0.2), 0.15),
    "nasolabial": Family(
        {"mouthSmile": 0.75, "noseSneer": 0.6, "mouthUpperUp": 0.45, "cheekRaiser": 0.2,
         "mouthDimple": 0.2, "mouthStretch": 0.25}, 0.15, 0.19, (0.6, 0.1), 0.45),
    "crow": Family(
        {"cheekSquint": 0.5, "eyeSquint": 0.45, "cheekRaiser": 0.4, "mouthSmile": 0.15,
         "screwed": 0.5}, 0.07, 0.09, (0.5, 0.5), 0.35),
    "under eye": Family(
        {"eyeSquint": 0.6, "cheekSquint": 0.5, "cheekRaiser": 0.4, "noseSneer": 0.15,
         "screwed": 0.3}, 0.05, 0.095, (0.45, 0.45), 0.4),
    "marionette": Family(
        {"mouthFrown": 1.0, "mouthShrugLower": 0.25, "mouthPress": 0.2},
        0.10, 0.15, (0.5, 0.3), 0.4),
    "corner": Family(
        {"mouthPress": 0.7, "mouthDimple": 0.8, "mouthSmile": 0.4, "mouthFrown": 0.5,
         "mouthStretch": 0.3}, 0.09, 0.13, (0.5, 0.3), 0.15),
    "dimple": Family(
        {"mouthDimple": 0.9, "mouthSmile": 0.5, "mouthStretch": 0.5}, 0.10, 0.17, (0.5, 0.2), 0.2),
    "chin crease": Family(
        {"mouthShrugLower": 0.9, "mouthPress": 0.35, "mouthFrown": 0.3, "mouthRollLower": 0.25},
        0.10, 0.2, (0.3, 0.6), 0.3),
    "chin": Family(
        {"mouthShrugLower": 1.0, "mouthFrown": 0.35, "mouthPress": 0.3},
        0.075, 0.13, (0.15, 0.15), 0.05),
    "lips": Family(
        {"mouthPucker": 0.8, "mouthPress": 0.3, "mouthFunnel": 0.2},
        0.035, 0.075, (0.5, 0.5), 0.35),
}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Line:
    """points (C,2) u, v on the face's map; depth, width: shares of the family's; seed: of its
    irregularity."""

    points: Points
    depth: float
    width: float
    seed: int


@dataclass(frozen=True, slots=True, eq=False)
class Fold:
    """Lines that come and go together. side: LEFT, RIGHT or MIDDLE; depth: cm; rest: activation
    without expression."""

    family: str
    side: int
    lines: tuple[Line, ...]
    depth: float
    rest: float


def activations(folds: Sequence[Fold], rig: Vector) -> Floats:
    """(K,) how far each fold has come up for a rig (63,): 0 smooth, 1 and a little more full."""
    out = np.empty(len(folds), np.float32)
    for k, fold in enumerate(folds):
        pulls = FAMILIES[fold.family].pulls
        pulled = sum(gain * _movement(rig, name, fold.side) for name, gain in pulls.items())
        moved = min(max(pulled, 0.0), SATURATED) ** ONSET
        out[k] = fold.rest + (1 - 0.5 * fold.rest) * moved
    return out


def _movement(rig: Vector, name: str, side: int) -> float:
    """A movement's weight on one side, or the mean of both."""
    if name in INDEX:
        return float(rig[INDEX[name]])
    if side == MIDDLE:
        return 0.5 * (_movement(rig, name, LEFT) + _movement(rig, name, RIGHT))
    letter = "L" if side == LEFT else "R"
    if name == "screwed":
        return float(rig[INDEX[f"eyeBlink_{letter}"]] * rig[INDEX[f"eyeSquint_{letter}"]])
    return float(rig[INDEX[f"{name}_{letter}"]])
