"""The torch twin of the stage: the same positions, and gradients through all of them."""

import numpy as np
import pytest
import torch

from avatar.portraits import gallery, load_portrait
from avatar.rig import rig
from avatar.semo.fit import fit_portrait
from avatar.semo.loading import load_surface
from avatar.semo.stage import Stage
from avatar.training.motion.twin import StageTwin

SIZE = 256  # px; the stage leaves out coefficients below 1e-4, which makes 0.0006 px of it
ASKED = (
    {},
    {"jawOpen": 0.7, "mouthSmile_L": 0.8, "gaze_x": 0.2, "gaze_y": -0.1},
    {"eyeBlink_L": 1.0, "eyeBlink_R": 0.5, "yaw": 0.3, "pitch": -0.2, "roll": 0.15},
    {"x": 2.0, "y": -1.5, "z": 3.0, "mouthPucker": 0.9, "browDown_R": 1.0},
    {"yaw": 2.0, "jawOpen": 5.0},  # beyond what is allowed
)


@pytest.fixture(scope="module")
def surface():
    return load_surface()


@pytest.fixture(scope="module")
def fitted(surface):
    names = [entry.name for entry in gallery()][:2]
    return [fit_portrait(load_portrait(name), surface) for name in names]


@pytest.fixture(scope="module")
def twin(surface):
    return StageTwin(surface)


def tokens(surface, one):
    return np.stack([surface.rig_to_token(one.rig + rig(asked)) for asked in ASKED])


def test_the_twin_is_the_stage(surface, fitted, twin):
    for one in fitted:
        asked = tokens(surface, one)
        sitters = twin.sitters([one] * len(asked))
        with torch.no_grad():
            found = twin(torch.from_numpy(asked), sitters).numpy()
            rigs = twin.rig(torch.from_numpy(asked), sitters).numpy()
            marks = twin.landmarks(torch.from_numpy(asked), sitters).numpy()
        stage = Stage(surface, one, SIZE)
        for token, screen, read, at in zip(asked, found, rigs, marks, strict=True):
            posed = stage.pose(token)
            assert np.abs(screen[:, :2] * SIZE - posed.screen[:, :2]).max() < 1e-3
            np.testing.assert_allclose(screen[:, 2], posed.screen[:, 2], rtol=1e-5)
            np.testing.assert_allclose(read, posed.rig, atol=1e-5)
            assert np.abs(at * SIZE - posed.marks_at).max() < 1e-3


def test_a_batch_holds_different_people(surface, fitted, twin):
    asked = np.stack([surface.rig_to_token(one.rig) for one in fitted])
    sitters = twin.sitters(fitted)
    with torch.no_grad():
        both = twin(torch.from_numpy(asked), sitters)
        second = twin(torch.from_numpy(asked[1:]), sitters.take(torch.tensor([1])))
    torch.testing.assert_close(both[1:], second)


def test_gradients_reach_token_nets_and_basis(surface, fitted, twin):
    token = torch.from_numpy(tokens(surface, fitted[0])[1:2]).requires_grad_()
    twin(token, twin.sitters(fitted[:1]))[..., :2].square().sum().backward()
    assert token.grad is not None and (token.grad.abs() > 0).sum() > 50
    assert twin.model.basis.grad is not None and twin.model.basis.grad.abs().sum() > 0
    assert twin.model.probe.skip.grad is not None and twin.model.probe.skip.grad.abs().sum() > 0
