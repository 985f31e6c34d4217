"""Light: surroundings as nine spherical harmonics, a key light that casts shadows, rim lights.

All in camera space: x right, y up, z towards the camera. Linear colours.
"""

from dataclasses import dataclass

import numpy as np

from avatar.training.synthetic.buffers import Floats

# Constants of the real spherical harmonics; bands 0, 1, 2.
_BASIS = np.array([0.282, 0.488, 0.488, 0.488, 1.092, 1.092, 0.315, 1.092, 0.546])
TARGET = 0.62  # light on a face towards the camera after exposure, before `mood`


@dataclass(frozen=True, slots=True, eq=False)
class Light:
    """harmonics (9,3); lights (K,6): unit direction and colour, the first is the key light;
    exposure multiplies the linear picture."""

    harmonics: Floats
    lights: Floats
    exposure: float


def harmonics_of(directions: Floats, colours: Floats) -> Floats:
    """(9,3) of distant lights (K,3), (K,3)."""
    unit = directions / np.linalg.norm(directions, axis=1, keepdims=True)
    x, y, z = unit.T
    ones = np.ones_like(x)
    shape = np.stack([ones, y, z, x, x * y, y * z, 3 * z * z - 1, x * z, x * x - y * y], 1)
    return np.asarray(4 * (_BASIS**2 * shape).T @ colours, np.float32)


def draw_light(rng: np.random.Generator) -> Light:
    """Rooms, windows, overcast days, evening lamps: soft and hard, warm and cold."""
    surround = np.zeros((9, 3), np.float32)
    surround[0] = rng.uniform(0.15, 0.5) * _tinted(rng, 0.06)
    count = int(rng.integers(2, 5))
    directions = rng.normal(0, 1, (count, 3))
    directions[:, 1] = np.abs(directions[:, 1]) * 0.7
    colours = np.stack([rng.uniform(0.05, 0.28) * _tinted(rng, 0.12) for _ in range(count)])
    surround += harmonics_of(directions.astype(np.float32), colours)
    lights = [_key(rng)]
    if rng.random() < 0.55:
        lights.append(_rim(rng))
    table = np.asarray(lights, np.float32)
    return Light(surround, table, _exposure(rng, surround, table))


def _tinted(rng: np.random.Generator, spread: float) -> Floats:
    """A colour around white: warm or cold, a little green or magenta."""
    warm, green = rng.normal(0, spread), rng.normal(0, spread / 3)
    return np.asarray([1 + warm, 1 + green, 1 - warm], np.float32)


def _key(rng: np.random.Generator) -> Floats:
    around, up = rng.uniform(-1.25, 1.25), rng.uniform(-0.1, 0.95)
    direction = [np.sin(around) * np.cos(up), np.sin(up), np.cos(around) * np.cos(up)]
    return np.concatenate([direction, rng.uniform(0.1, 0.8) * _tinted(rng, 0.1)])


def _rim(rng: np.random.Generator) -> Floats:
    around = rng.choice([-1, 1]) * rng.uniform(1.6, 2.6)
    direction = np.array([np.sin(around), rng.uniform(0.1, 0.6), np.cos(around)])
    direction /= np.linalg.norm(direction)
    return np.concatenate([direction, rng.uniform(0.1, 0.55) * _tinted(rng, 0.15)])


def _exposure(rng: np.random.Generator, surround: Floats, lights: Floats) -> float:
    """As a camera meters: most pictures are well exposed, some dark or bright."""
    forward = surround[0] + 0.667 * surround[2] + 0.5 * surround[6]
    level = float(forward.mean() + sum(max(li[2], 0) * li[3:].mean() for li in lights))
    return float(TARGET / max(level, 0.05) * np.exp(rng.normal(0, 0.22)))
