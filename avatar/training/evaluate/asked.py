"""The asked expressions: random but the same for every renderer, judge and run.

For each photo the neutral face and random mixtures of a mouth shape, a feeling and a blink, with
gaze and head pose. Each photo's draws depend on its name and the seed only.
"""

from collections.abc import Sequence
from zlib import crc32

import numpy as np

from avatar.rig import GAZE_AT, POSE_AT, Vector, follow_gaze
from avatar.training.evaluate.recipes import BLINK, FEELINGS, MOUTHS, vector

SEED = 5
ASKS = 12  # a photo, beside the neutral face
GAZE_SPREAD = (0.18, 0.10)  # radians, standard deviation
POSE_LIMIT = np.radians([12, 10, 10])  # yaw, pitch, roll
TURNED = 0.6  # share of asks with a head pose
BLINKING = 0.35


def asked_of(photos: Sequence[str], seed: int = SEED, count: int = ASKS) -> dict[str, Vector]:
    """(1 + count, 63) rigs of each photo; the first is the neutral face that faces the camera as
    the portrait does."""
    return {name: _of_one(name, seed, count) for name in photos}


def _of_one(name: str, seed: int, count: int) -> Vector:
    rng = np.random.default_rng([seed, crc32(name.encode())])
    return np.stack([vector(), *(_random(rng) for _ in range(count))])


def _random(rng: np.random.Generator) -> Vector:
    """One ask: a compound half of the time, else one of its parts alone."""
    parts = [
        (MOUTHS[str(rng.choice(list(MOUTHS)))], rng.uniform(0.3, 1)),
        (FEELINGS[str(rng.choice(list(FEELINGS)))], rng.uniform(0.3, 1)),
    ]
    if rng.random() < BLINKING:
        parts.append((BLINK, rng.uniform(0.3, 1)))
    kept = parts if rng.random() < 0.5 else [parts[int(rng.integers(len(parts)))]]
    out = vector(*kept)
    out[GAZE_AT] = rng.normal(0, 1, 2) * GAZE_SPREAD
    out[POSE_AT.start : POSE_AT.start + 3] = (
        rng.uniform(-1, 1, 3) * POSE_LIMIT * (rng.random() < TURNED)
    )
    return follow_gaze(out)
