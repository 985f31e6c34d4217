"""Where synthetic people are seen from."""

import numpy as np

from avatar.semo.pose import rotation
from avatar.semo.types import Camera

FRAME_HEIGHT = (30.0, 43.0)  # cm that the picture shows at the head's distance
LOOK_AT = np.array([0, -0.9, 2], np.float32)  # the picture's middle, model space
NATURAL_PITCH = 0.10  # the pack's head at rest looks up a little


def draw_camera(rng: np.random.Generator) -> Camera:
    """A portrait lens of 16 to 34 degrees, roughly in front of the face."""
    angle = np.radians(rng.uniform(16, 34))
    height = rng.uniform(*FRAME_HEIGHT)
    offset = np.array([*rng.uniform(-1.2, 1.2, 2), 0], np.float32)
    turn = rotation(rng.normal(0, 0.06), NATURAL_PITCH + rng.normal(0, 0.06), rng.normal(0, 0.02))
    return make_camera(turn, LOOK_AT + offset, float(angle), float(height))


def make_camera(turn: np.ndarray, target: np.ndarray, angle: float, height: float) -> Camera:
    """A camera with an opening angle (radians) that shows `height` cm around `target`."""
    focal = 0.5 / np.tan(angle / 2)
    back = np.array([0, 0, -height * focal], np.float32)
    translation = (-(target @ turn.T) + back).astype(np.float32)
    centre = np.array([0.5, 0.5], np.float32)
    return Camera(turn.astype(np.float32), translation, float(focal), centre)
