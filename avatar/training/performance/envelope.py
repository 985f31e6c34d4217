"""How feelings come and go over a take. Axis legend: F frames."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from avatar.training.performance.noise import Floats, Rng, bump, ease, wander
from emotion.types import EMOTIONS
from speech.types import FPS

LEADS = (3, 8)  # frames by which a feeling shows before the stretch begins
ONSET, QUICK, OFFSET = (0.24, 0.8), (0.16, 0.36), (0.5, 1.8)  # s of a change
SETTLES = {"surprised": (0.5, 1.6), "fearful": (0.75, 3.0)}  # share, after s: startles do not last
WAVES = 0.06
MICRO_SECONDS = (0.20, 0.48)  # whole length of a micro-expression


@dataclass(frozen=True, slots=True)
class Felt:
    """A feeling from frame `start` on; quick: comes fast; startle: its surprise may settle."""

    start: int
    strengths: dict[str, float]
    quick: bool = False
    startle: bool = False


@dataclass(frozen=True, slots=True)
class Flash:
    """A micro-expression around a frame."""

    frame: int
    strengths: dict[str, float]


def envelope(rng: Rng, frames: int, felt: Sequence[Felt], flashes: Sequence[Flash]) -> Floats:
    """(F, 6) strengths in [0, 1] that show."""
    out = np.zeros((frames, len(EMOTIONS)), np.float32)
    time = np.arange(frames, dtype=np.float32)
    now = np.zeros(len(EMOTIONS), np.float32)
    for change in _settling(rng, felt, frames):
        target = _row(change.strengths)
        rises = target.sum() >= now.sum()
        low, high = QUICK if change.quick else ONSET if rises else OFFSET
        length = FPS * float(rng.uniform(low, high))
        start = change.start - int(rng.integers(*LEADS))
        out += ease((time - start) / length)[:, None] * (target - now)
        now = target
    out *= 1 + WAVES * np.stack([wander(rng, frames, 0.7) for _ in EMOTIONS], 1)
    for flash in flashes:
        length = FPS * float(rng.uniform(*MICRO_SECONDS))
        shape = bump(frames, flash.frame, 0.4 * length, 0.2 * length, 0.4 * length)
        out = np.maximum(out, shape[:, None] * _row(flash.strengths))
    return np.clip(out, 0, 1).astype(np.float32)


def _settling(rng: Rng, felt: Sequence[Felt], frames: int) -> list[Felt]:
    """The changes, with those that come when a startle has lasted long enough."""
    out: list[Felt] = []
    ends = [change.start for change in felt[1:]] + [frames]
    for change, end in zip(felt, ends, strict=True):
        out.append(change)
        share, after = min((SETTLES[n] for n in change.strengths if n in SETTLES), default=(1, 0))
        at = change.start + int(FPS * after * rng.uniform(0.8, 1.6))
        if change.startle and share < 1 and at + FPS // 2 < end:
            lasting = {
                name: value * SETTLES.get(name, (1.0, 0.0))[0]
                for name, value in change.strengths.items()
            }
            out.append(Felt(at, lasting))
    return out


def _row(strengths: dict[str, float]) -> Floats:
    return np.array([strengths.get(name, 0.0) for name in EMOTIONS], np.float32)
