"""Held-out figures of a surface: positions in mm and how well the rig is read from tokens."""

import numpy as np
from numpy.typing import NDArray

from avatar.rig import GAZE, INDEX, POSE, RIG
from avatar.semo.surface import FaceSurface, SurfaceWeights
from avatar.semo.types import Region
from avatar.training.surface.config import Config
from avatar.training.surface.world import World, random_persons, random_rigs

Floats = NDArray[np.float32]
NAMED = ("jawOpen", "mouthSmile_L", "browInnerUp_L", "browDown_L", "eyeBlink_L", *GAZE, *POSE)


def measure(
    world: World, weights: SurfaceWeights, config: Config, count: int = 96
) -> dict[str, float]:
    """rms errors in mm over held-out persons and rigs (identity by least squares), probe R2."""
    surface = FaceSurface(weights)
    rng = np.random.default_rng(config.held_out_seed)
    codes, rigs = random_persons(rng, count), random_rigs(rng, count)
    rest = world.rest(codes)
    skin = world.chart.point_region == Region.SKIN
    face = skin & (world.mean[:, 2] > 4) & (world.mean[:, 1] > -9)
    lids = np.concatenate(world.lids)
    own = _reconstructed(weights, rest)
    truth = world.moved(rest, world.eyes(codes), rigs)
    tokens = surface.rig_to_token(rigs)
    error = 10 * np.linalg.norm(own + surface.displacement(tokens) - truth, axis=2)
    identity = 10 * np.linalg.norm(own - rest, axis=2)
    read = surface.token_to_rig(tokens)
    r2 = 1 - ((read - rigs) ** 2).mean(0) / rigs.var(0).clip(1e-9)
    out = {"face_mm": _rms(error[:, face]), "lips_mm": _rms(error[:, world.lips])}
    out |= {"lids_mm": _rms(error[:, lids]), "identity_mm": _rms(identity[:, face])}
    out |= {"r2_worst": float(r2.min()), "r2_median": float(np.median(r2))}
    return out | {f"r2_{name}": float(r2[INDEX[name]]) for name in NAMED if name in RIG}


def _reconstructed(weights: SurfaceWeights, rest: Floats) -> Floats:
    """(B,N,3) persons by their best identity codes."""
    basis = weights.identity.reshape(len(weights.identity), -1).astype(np.float64)
    away = (rest - weights.mean).reshape(len(rest), -1)
    codes = np.linalg.solve(basis @ basis.T, basis @ away.T).T
    near = weights.mean + np.tensordot(codes, weights.identity, 1)
    return np.asarray(near, np.float32)


def _rms(values: Floats) -> float:
    return float(np.sqrt((values**2).mean()))
