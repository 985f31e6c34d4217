"""Figures of the learned face surface against the head pack, on asked expressions.

Independent of the draws of training: rigs are those of `avatar.training.evaluate.asked`, persons
come from another seed. Axis legend: F samples, N chart points, R rig parameters.
"""

from typing import Any

import numpy as np

from avatar.rig import RIG, Vector, rig
from avatar.semo.surface import FaceSurface
from avatar.semo.types import Floats, Region
from avatar.training.evaluate.asked import asked_of
from avatar.training.evaluate.recipes import sheet_rigs
from avatar.training.surface.world import World, random_persons

SEED = 1234
PERSONS = 40
# cm: what counts as face.
FRONT, LOW = 4.0, -9.0


def surface_figures(surface: FaceSurface, world: World) -> dict[str, Any]:
    """rms and worst mm of positions; R2 of the probe; closing lids and lips; bounds.

    Identity codes are the best there are (least squares), so that positions speak of what the
    surface can express, not of fitting.
    """
    rigs, owners = _performances()
    codes = random_persons(np.random.default_rng(SEED), PERSONS)
    rest = world.rest(codes)
    moved = world.moved(rest[owners], world.eyes(codes)[owners], rigs)
    tokens = surface.rig_to_token(rigs)
    own = _nearest(surface, rest)
    answer = own[owners] + surface.displacement(tokens)
    whole = 10 * np.linalg.norm(answer - moved, axis=2)
    motion = 10 * np.linalg.norm(answer - own[owners] - (moved - rest[owners]), axis=2)
    areas = _areas(world)
    return {
        "samples": len(rigs),
        "positions_mm": {name: _spread(whole[:, at]) for name, at in areas.items()},
        "motion_mm": {name: _spread(motion[:, at]) for name, at in areas.items()},
        "probe_r2": probe_r2(surface, rigs),
        "contact_cm": contact(surface),
        "far_cm": far(surface, rigs),
    }


def probe_r2(surface: FaceSurface, rigs: Vector) -> dict[str, float]:
    """R2 of `token_to_rig` for each parameter that varies in (F, 63) rigs."""
    read = surface.token_to_rig(surface.rig_to_token(rigs))
    spread = rigs.var(0)
    r2 = 1 - ((read - rigs) ** 2).mean(0) / np.maximum(spread, 1e-12)
    return {name: round(float(r2[at]), 4) for at, name in enumerate(RIG) if spread[at] > 1e-5}


def contact(surface: FaceSurface) -> dict[str, float]:
    """Gaps of the mean person in cm, rms over pairs of facing landmarks: what closes, closes."""
    rest = surface.weights.mean

    def at(**weights: float) -> Floats:
        token = surface.rig_to_token(rig(weights))
        return surface.chart.at_landmarks(rest + surface.displacement(token))

    shut = {f"eyeBlink_{side}": 1.0 for side in "LR"}
    lips = at(jawOpen=0.5, mouthClose=0.5)
    return {
        "lids_open": _lid_gap(at()),
        "lids_at_full_blink": _lid_gap(at(**shut)),
        "lips_neutral": _lip_gap(at()),
        "lips_closed_over_open_jaw": _lip_gap(lips),
        "lips_at_open_jaw": _lip_gap(at(jawOpen=0.5)),
    }


def far(surface: FaceSurface, rigs: Vector) -> dict[str, float]:
    """Largest displacement in cm of tokens as asked, and of tokens ten times as long."""
    tokens = surface.rig_to_token(rigs)
    sizes = {}
    for name, scale in (("asked", 1), ("ten_times", 10), ("hundred_times", 100)):
        away = np.linalg.norm(surface.displacement(tokens * np.float32(scale)), axis=2)
        sizes[name] = round(float(away.max()), 2)
    return sizes


def _performances() -> tuple[Vector, np.ndarray]:
    """(F, 63) rigs and whose they are (F,)."""
    asked = [*asked_of([f"person {k}" for k in range(PERSONS)], SEED).values()]
    rows = [np.concatenate([a, sheet_rigs()]) for a in asked]
    return np.concatenate(rows), np.repeat(np.arange(PERSONS), [len(r) for r in rows])


def _nearest(surface: FaceSurface, rest: Floats) -> Floats:
    """(P, N, 3) persons by their best identity codes."""
    basis = surface.weights.identity.reshape(surface.identity_size, -1)
    away = (rest - surface.weights.mean).reshape(len(rest), -1)
    codes = np.linalg.lstsq(basis.T, away.T, rcond=None)[0].T
    return np.stack([surface.rest(code.astype(np.float32)) for code in codes])


def _areas(world: World) -> dict[str, np.ndarray]:
    """Chart points of the face, lips and lids."""
    skin = world.chart.point_region == Region.SKIN
    face = skin & (world.mean[:, 2] > FRONT) & (world.mean[:, 1] > LOW)
    return {"face": np.flatnonzero(face), "lips": world.lips, "lids": np.concatenate(world.lids)}


def _spread(errors: Floats) -> dict[str, float]:
    """rms over all, p99 over points, the worst sample's rms."""
    rows = np.sqrt((errors**2).mean(1))
    return {"rms": round(float(np.sqrt((errors**2).mean())), 3),
            "p99": round(float(np.percentile(errors, 99)), 3),
            "worst_sample_rms": round(float(rows.max()), 3)}  # fmt: skip


def _lip_gap(marks: Floats) -> float:
    return round(float(np.linalg.norm(marks[59:64] - marks[73:68:-1], axis=1).mean()), 3)


def _lid_gap(marks: Floats) -> float:
    gaps = [marks[94:99] - marks[106:101:-1], marks[78:83] - marks[90:85:-1]]
    return round(float(np.linalg.norm(np.concatenate(gaps), axis=1).mean()), 3)
