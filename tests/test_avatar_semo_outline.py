"""Hair, ears and outline of a turning head."""

from dataclasses import replace

import numpy as np
import pytest

from avatar.portraits import load_portrait
from avatar.rig import POSE_AT
from avatar.semo.appearance import appearance_of
from avatar.semo.around import Around
from avatar.semo.background import GRID, Surroundings
from avatar.semo.fit import fit_portrait
from avatar.semo.loading import load_surface
from avatar.semo.outline import STEPS, Lens, outline_of
from avatar.semo.stage import Stage
from avatar.semo.types import Camera

SIDE = 128
DISTANCE, FOCAL, RADIUS = 100.0, 2.0, 10.0


@pytest.fixture(scope="module")
def scene():
    """A gallery portrait's stage and what moves around its face."""
    surface = load_surface()
    fitted = fit_portrait(load_portrait("lin"), surface)
    return Stage(surface, fitted, 1), Around(surface, fitted, appearance_of(fitted, surface))


def turned(stage, degrees):
    """The portrait's surface after a turn of the head to the side."""
    rest = stage.pose(stage.rest_token)
    rig = rest.rig.copy()
    rig[POSE_AT.start] += np.radians(degrees)
    return replace(rest, rig=rig)


def ball():
    """The outline of a ball: matte, lens, points on its skin in camera space."""
    camera = Camera(np.eye(3, dtype=np.float32), np.array([0, 0, -DISTANCE], np.float32), FOCAL,
                    np.full(2, 0.5, np.float32))  # fmt: skip
    rng = np.random.default_rng(0)
    skin = rng.normal(size=(20000, 3))
    skin *= RADIUS / np.linalg.norm(skin, axis=1, keepdims=True)
    skin[:, 2] -= DISTANCE
    seen = FOCAL * RADIUS / np.sqrt(DISTANCE**2 - RADIUS**2)
    cells = (np.arange(SIDE) + 0.5) / SIDE - 0.5
    matte = (np.hypot(cells, cells[:, None]) < seen).astype(np.float32)
    # The outline lies a little before the middle.
    rim = np.full((SIDE, SIDE), DISTANCE - RADIUS**2 / DISTANCE, np.float32)
    return outline_of(matte, rim, Lens(camera, SIDE), skin.astype(np.float32))


def test_a_balls_outline_is_where_its_matte_ends_and_faces_outward():
    outline = ball()
    off = outline.at - 0.5
    assert np.abs(np.linalg.norm(off, axis=1) - 0.2).max() < 1 / SIDE
    assert (off * outline.outward).sum(1).min() > 0.19


def test_a_ball_reaches_as_a_circle_does():
    reach = ball().reach
    angles = np.radians(np.linspace(-40, 40, STEPS))
    # About its middle, RADIUS behind the outline.
    assert np.abs(reach - RADIUS * (1 - np.cos(angles))).max() < 0.3


def test_nothing_around_moves_in_the_portrait_itself(scene):
    stage, around = scene
    assert np.abs(around.motion(stage.pose(stage.rest_token))).max() < 1e-4


def test_a_head_that_turns_keeps_its_outline_while_its_front_moves(scene):
    stage, around = scene
    moves = around.motion(turned(stage, 15))[:, 0]
    body = around.body
    cells = len(body.nearest)
    top, bottom = body.at[:cells, 1].min(), np.median(body.at[:cells, 1])
    high = body.at[:, 1] < 0.6 * top + 0.4 * bottom
    front = np.percentile(np.abs(moves[:cells][high[:cells]]), 95)
    assert front > 0.02
    assert np.median(np.abs(moves[cells:][high[cells:]])) < 0.3 * front


def test_motion_that_stretches_threefold_is_undone_exactly():
    at = np.stack(np.meshgrid(*[(np.arange(GRID) + 0.5) / GRID] * 2), -1).reshape(-1, 2)
    at = at.astype(np.float32)
    known = np.ones(len(at), np.float32)
    none = np.zeros((GRID, GRID), np.float32)
    away = Surroundings(at, known, none, (at[:0], known[:0]))
    # A ramp from 0 to 0.2 within 0.1 of the picture.
    ramp = 0.2 * np.clip((at[:, 0] - 0.4) / 0.1, 0, 1)
    field = away.field(np.stack([ramp, 0 * ramp], 1).astype(np.float32))
    source = at[:, 0] + field[..., 0].ravel()
    again = source + 0.2 * np.clip((source - 0.4) / 0.1, 0, 1)
    inner = (at[:, 0] > 0.2) & (at[:, 0] < 0.9)
    assert np.abs(again - at[:, 0])[inner].max() < 2 / GRID
