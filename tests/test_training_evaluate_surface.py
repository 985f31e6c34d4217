"""Figures of the learned surface that need no head pack."""

import numpy as np
import pytest

from avatar.semo.loading import SURFACE, load_surface
from avatar.training.evaluate.asked import asked_of
from avatar.training.evaluate.surface import contact, far, probe_r2


@pytest.fixture(scope="module")
def surface():
    assert SURFACE.exists()
    return load_surface()


def test_what_closes_closes(surface):
    gaps = contact(surface)
    assert gaps["lids_at_full_blink"] < 0.5 * gaps["lids_open"]
    assert gaps["lips_closed_over_open_jaw"] < 0.4 * gaps["lips_at_open_jaw"]


def test_the_probe_reads_the_rig_that_made_the_token(surface):
    rigs = np.concatenate(list(asked_of([f"p{k}" for k in range(8)]).values()))
    r2 = probe_r2(surface, rigs)
    assert min(r2[name] for name in ("jawOpen", "mouthSmile_L", "eyeBlink_R", "yaw")) > 0.95
    assert "cheekPuff_L" not in r2, "what is never asked has no figure"


def test_far_tokens_move_the_face_only_so_far(surface):
    rigs = asked_of(["p"])["p"]
    sizes = far(surface, rigs)
    assert 0.5 < sizes["asked"] < 8 and sizes["hundred_times"] < 60
