"""From what an encoder reads to tokens of the clip's own person."""

import numpy as np
import pytest
import torch

from avatar.portraits import gallery, load_portrait
from avatar.rig import GAZE_AT, INDEX, POSE_AT, rig
from avatar.semo.facing import NATURAL_PITCH, facing, sighted, turned
from avatar.semo.fit import fit_portrait
from avatar.semo.loading import load_surface
from avatar.semo.neutral import target_rig
from avatar.training.clips.driving import canonical_squares, driven, heads, persons_of, shown_by
from avatar.training.motion.twin import StageTwin

SIZE = 256
DONE = (
    {"jawOpen": 0.5, "browInnerUp_L": 0.7},
    {"eyeBlink_L": 1.0, "eyeBlink_R": 1.0, "yaw": 0.25, "pitch": 0.1},
    {"yaw": -0.2, "roll": 0.2, "x": 1.5, "y": -1.0, "z": 3.0, "gaze_x": 0.2},
)


@pytest.fixture(scope="module")
def scene():
    surface = load_surface()
    fitted = fit_portrait(load_portrait(gallery()[1].name), surface)
    twin = StageTwin(surface).requires_grad_(False)
    return surface, fitted, twin


def read_by_a_perfect_encoder(scene, rigs, asked):
    """Tokens and placements (all 0) for squares that are canonical."""
    surface, fitted, _ = scene
    squares, anchors = canonical_squares(fitted, rigs, SIZE)
    focal, said = fitted.camera.focal * SIZE, asked.copy()
    for row, one, at in zip(said, rigs, anchors, strict=True):
        turn = fitted.camera.rotation @ turned(one[POSE_AT])
        row[POSE_AT] = 0
        row[POSE_AT][:3] = facing(sighted(turn, at[:2] - fitted.camera.centre * SIZE, focal))
    tokens = torch.from_numpy(surface.rig_to_token(said))
    at = torch.tensor([[s.x, s.y, s.side] for s in squares], dtype=torch.float32)
    return (tokens, torch.zeros(len(said), 3)), at


def test_what_a_picture_shows_asked_again_is_the_picture(scene):
    _, fitted, _ = scene
    again = shown_by(fitted)
    contact = fitted.neutral[GAZE_AT]
    again[GAZE_AT] -= contact  # `target_rig` counts it from looking into the camera
    np.testing.assert_allclose(target_rig(fitted, again), fitted.rig, atol=0.12)


def test_a_perfect_encoder_drives_its_own_person_right(scene):
    surface, fitted, twin = scene
    asked = np.stack([rig(), *(rig(done) for done in DONE)]) + shown_by(fitted)
    rigs = np.stack([_rig_of(fitted, row) for row in asked])
    read, squares = read_by_a_perfect_encoder(scene, rigs, asked)
    sitters = twin.sitters([fitted] * len(rigs))
    seen = heads(read, squares, sitters, twin, SIZE)
    source = type(seen)(
        *(part[:1].expand_as(part) for part in (seen.asked, seen.turn, seen.anchor))
    )
    tokens = driven(seen, source, persons_of([fitted] * len(rigs)), sitters, twin)
    right = torch.from_numpy(surface.rig_to_token(rigs))
    away = (twin.landmarks(tokens, sitters) - twin.landmarks(right, sitters)).norm(dim=-1) * SIZE
    moved = (
        twin.landmarks(right, sitters) - twin.landmarks(right[:1].expand(4, -1), sitters)
    ).norm(dim=-1) * SIZE
    assert float(away[0].max()) < 0.3
    assert float(away.mean()) < 0.25 * float(moved[1:].mean())
    assert float(moved[1:].mean()) > 2
    angles = twin.rig(tokens, sitters)[:, POSE_AT][:, :3].numpy()
    np.testing.assert_allclose(angles[2:], rigs[2:, POSE_AT][:, :3], atol=0.06)
    assert NATURAL_PITCH > 0


def _rig_of(fitted, asked):
    """(63,) what the person shows; the gaze is that in the head."""
    own = asked.copy()
    own[GAZE_AT] -= fitted.neutral[GAZE_AT]
    return target_rig(fitted, own)


def test_gradients_reach_token_and_placement(scene):
    _, fitted, twin = scene
    sitters, persons = twin.sitters([fitted] * 2), persons_of([fitted] * 2)
    token = (0.3 * torch.randn(2, 64, generator=torch.Generator().manual_seed(0))).requires_grad_()
    place = torch.zeros(2, 3, requires_grad=True)
    seen = heads((token, place), torch.tensor([[128.0, 128, 110]] * 2), sitters, twin, SIZE)
    still = type(seen)(*(part.detach() * 0.99 for part in (seen.asked, seen.turn, seen.anchor)))
    twin.landmarks(driven(seen, still, persons, sitters, twin), sitters).square().sum().backward()
    assert token.grad is not None and (token.grad.abs() > 0).sum() > 60
    assert place.grad is not None and (place.grad.abs() > 0).all()
    assert INDEX["yaw"] in range(63)[POSE_AT]
