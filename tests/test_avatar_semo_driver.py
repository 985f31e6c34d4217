"""From the performer's motion to the rig."""

import numpy as np
import pytest

from avatar.motion import vector
from avatar.rig import INDEX, rig
from avatar.semo.driver import CLOSE_APERTURE, JAW_APERTURE, expressed, rig_of
from avatar.visemes import SHAPES


def test_nothing_asked_is_the_face_at_rest() -> None:
    assert not rig_of(vector()).any()


def test_lips_meet_over_any_jaw() -> None:
    asked = rig_of(vector({"jaw": 0.5, "gap": 0.4, "close": 1.0}))
    closed = CLOSE_APERTURE * asked[INDEX["mouthClose"]]
    assert closed == pytest.approx(JAW_APERTURE * asked[INDEX["jawOpen"]], rel=1e-3)


@pytest.mark.parametrize("wider, narrower", [("aa", "ih"), ("ih", "s"), ("ao", "uw")])
def test_open_vowels_part_the_lips_more(wider: str, narrower: str) -> None:
    def aperture(phone: str) -> float:
        shape = {name: value for name, value in SHAPES[phone].items() if name != "pull"}
        asked = rig_of(vector(shape))
        opened = JAW_APERTURE * asked[INDEX["jawOpen"]]
        return float(opened - CLOSE_APERTURE * asked[INDEX["mouthClose"]])

    assert aperture(wider) > aperture(narrower)


def test_sides_and_signs() -> None:
    asked = rig_of(vector({"smile_l": 1.0, "gaze_x": 1.0, "yaw": 0.1, "y": 0.1}))
    assert asked[INDEX["mouthSmile_L"]] > 0.5
    assert asked[INDEX["mouthSmile_R"]] == 0
    assert asked[INDEX["gaze_x"]] > 0.3
    assert asked[INDEX["eyeLookOut_L"]] > 0.5  # the picture's right is the subject's left
    assert asked[INDEX["yaw"]] == pytest.approx(0.1)
    assert asked[INDEX["y"]] > 0


def test_weights_stay_in_bounds_for_any_motion() -> None:
    rng = np.random.default_rng(0)
    for _ in range(200):
        asked = rig_of(rng.uniform(-1.2, 1.2, len(vector())).astype(np.float32))
        weights = asked[: INDEX["gaze_x"]]
        assert weights.min() >= 0
        assert weights.max() <= 1.6


def test_a_spread_that_comes_together_is_a_pucker() -> None:
    asked = rig_of(vector({"wide": -0.8}))
    assert asked[INDEX["mouthPucker"]] > 0.2
    assert asked[INDEX["mouthStretch_L"]] == 0


def test_blinks_gaze_and_pose_are_no_expression() -> None:
    lively = rig({"eyeBlink_L": 1, "gaze_x": 0.4, "yaw": 0.3, "browInnerUp_L": 0.2})
    assert expressed(lively) == 0
    assert expressed(rig({"mouthSmile_L": 0.8})) == 1
    assert 0 < expressed(rig({"jawOpen": 0.1})) < 1
