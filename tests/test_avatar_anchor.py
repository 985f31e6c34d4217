"""The head's slow anchor, taken out of what the net sees and put back into what it says."""

import numpy as np
import pytest

from avatar.anchor import STEADY, anchors_of, moved, without_anchor
from avatar.life import HEAD_CUE, LifeCues
from avatar.reasoner import CHUNK, CONTEXT, MotionReasoner
from avatar.rig import GAZE_AT, POSE_AT, rig
from avatar.semo.loading import load_surface
from avatar.types import Activity
from tests.reasoner_setting import conditions


@pytest.fixture(scope="module")
def surface():
    return load_surface()


def test_a_moved_head_keeps_its_eyes_on_what_it_sees(surface):
    tokens = surface.rig_to_token(np.stack([rig({"mouthSmile_L": 0.4, "yaw": 0.02})] * 3))
    by = np.tile(np.array([0.1, -0.05, 0.03, 0.4, -0.2, 1.0], np.float32), (3, 1))
    change = surface.token_to_rig(moved(surface, tokens, by)) - surface.token_to_rig(tokens)
    np.testing.assert_allclose(change[:, POSE_AT], by, atol=0.02)
    np.testing.assert_allclose(change[:, GAZE_AT], -STEADY * by[:, :2], atol=0.01)


def test_there_and_back_is_nowhere(surface):
    tokens = surface.rig_to_token(np.stack([rig({"jawOpen": 0.2})] * 4))
    by = np.full((4, 6), 0.05, np.float32)
    assert np.array_equal(moved(surface, tokens, 0 * by), tokens)
    np.testing.assert_allclose(moved(surface, moved(surface, tokens, by), -by), tokens, atol=0.01)


def test_anchors_before_the_chunk_lead_to_it():
    cues = np.zeros((CHUNK, 9), np.float32)
    cues[:, HEAD_CUE] = np.arange(CHUNK, dtype=np.float32)[:, None]
    anchors, before = anchors_of(cues, CONTEXT)
    assert anchors[:, 0].tolist() == [0, 1, 2, 3, 4]
    assert before[:, 0].tolist() == list(range(-CONTEXT, 0))
    assert not without_anchor(cues).any() and cues.any()


def test_the_head_follows_its_anchor_however_long_it_idles(surface):
    reasoner, life = MotionReasoner(), LifeCues(5)
    state, shown, told = reasoner.start(5), [], []
    for _ in range(150):
        cues = np.stack([life.step(Activity.IDLE) for _ in range(CHUNK)])
        tokens, state = reasoner.step(state, conditions(cues=cues))
        shown.append(surface.token_to_rig(tokens)[:, POSE_AT])
        told.append(cues[:, HEAD_CUE])
    shown, told = np.concatenate(shown), np.concatenate(told)
    for axis in (0, 3, 5):  # yaw, x, z; breathing and nods have their say in the others
        assert np.corrcoef(shown[:, axis], told[:, axis])[0, 1] > 0.6, axis
    assert np.abs(shown - told)[:, :3].max() < 0.12, "radians"
