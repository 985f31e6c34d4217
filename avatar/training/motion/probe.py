"""How well tokens say what a face does, and how little who it is.

Axis legend: F frames, R rig parameters, D token dims.
"""

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np

from avatar.rig import EXPRESSIONS, RIG
from avatar.semo.surface import FaceSurface
from avatar.semo.types import Floats
from avatar.training.motion.batches import (
    Jitter,
    Looks,
    cut,
    drawn_jitter,
    look,
    moved,
    shown,
    stacked,
)
from avatar.training.motion.frames import Frames

# Groups of rig parameters that figures are asked for.
ASKED = {
    "jaw": ("jawOpen",),
    "smile": ("mouthSmile_L", "mouthSmile_R"),
    "brows": ("browDown_L", "browDown_R", "browInnerUp_L", "browInnerUp_R", "browOuterUp_L",
              "browOuterUp_R"),
    "blink": ("eyeBlink_L", "eyeBlink_R"),
    "gaze": ("gaze_x", "gaze_y"),
    "pose": ("yaw", "pitch", "roll"),
}  # fmt: skip
SPREAD = 0.02  # of a parameter: with less, R2 says nothing

Encode = Callable[[Looks], tuple[Floats, Floats, Floats]]


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What is looked at in held-out frames, and what it shows: rig (F,63), placement (F,3)."""

    looks: Looks
    rig: Floats
    placement: Floats


def seen(frames: Frames, seed: int | None = None) -> Seen:
    """The frames' canonical squares; a little off, as in use, if there is a seed."""
    rng = None if seed is None else np.random.default_rng(seed)
    rows = []
    for at in range(len(frames)):
        drawn = Jitter() if rng is None else drawn_jitter(rng)
        jitter = Jitter(0.3 * drawn.roll, 0.3 * drawn.x, 0.3 * drawn.y, 0.3 * drawn.grow)
        image, placement = cut(frames.images[at], jitter, flip=False)
        rig = shown(frames.rig[at], frames.turn[at], jitter.roll, False)
        rows.append((look(image, moved(frames.marks[at], jitter, False)), rig, placement))
    looks, rigs, places = zip(*rows, strict=True)
    return Seen(stacked(looks), np.stack(rigs), np.stack(places))


def r2_of(read: Floats, rig: Floats) -> dict[str, float]:
    """R2 of every parameter that moves; (F,63) both."""
    spread = rig.std(0)
    share = 1 - np.square(read - rig).mean(0) / np.maximum(spread**2, 1e-12)
    return {
        name: float(share[k]) for k, name in enumerate(RIG) if spread[k] > SPREAD and k < len(rig.T)
    }


def grouped(r2: dict[str, float]) -> dict[str, float]:
    """Mean R2 of the groups of ASKED, and of all expression weights."""
    out = {
        group: float(np.mean([r2[name] for name in names if name in r2] or [np.nan]))
        for group, names in ASKED.items()
    }
    expressions = [value for name, value in r2.items() if name in EXPRESSIONS]
    return out | {"all": float(np.mean(expressions))}


def position_errors(surface: FaceSurface, token: Floats, rig: Floats) -> dict[str, float]:
    """rms mm of what tokens (F,64) move against what rigs (F,63) move, at the landmarks."""
    from avatar.semo.prepared import EYES, PART

    moves = surface.chart.at_landmarks(surface.weights.expression)
    made = surface.coefficients(token) - surface.coefficients(surface.rig_to_token(rig))
    error = 10 * np.linalg.norm(np.tensordot(made, moves, 1), axis=-1)
    lips = np.r_[PART["lips_outer"], PART["lips_inner"]]
    lids = np.r_[EYES[0], EYES[1]]
    parts = {"face_mm": slice(None), "lips_mm": lips, "lids_mm": lids}
    return {name: float(np.sqrt(np.square(error[:, at]).mean())) for name, at in parts.items()}


def figures(encode: Encode, surface: FaceSurface, held: Seen) -> dict[str, float]:
    """Grouped R2, positions in mm, placement in % of the square's side."""
    token, placement, _ = encode(held.looks)
    read = surface.token_to_rig(token)
    out = {f"r2_{name}": value for name, value in grouped(r2_of(read, held.rig)).items()}
    out |= position_errors(surface, token, held.rig)
    away = np.abs(placement - held.placement).mean(0)
    return out | {"place_pc": float(100 * away[:2].mean()), "scale_pc": float(100 * away[2])}
