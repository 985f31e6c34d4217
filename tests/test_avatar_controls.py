"""Controls: action units and rig parameters by name, bounded, on the rig and on the warp avatar."""

import numpy as np
import pytest

from avatar.action_units import RIGS, UNITS, rig_from_units
from avatar.controls import RANGES, rig_of
from avatar.motion import INDEX as MOTION
from avatar.performer import Performer
from avatar.presets import EMOTIONS, VISEMES
from avatar.rig import EXPRESSIONS, INDEX, RIG, SIZE, rig
from avatar.types import Activity
from avatar.warp import WarpAvatar
from avatar.warp_rig import motion_of
from emotion.action_units import PROTOTYPES
from emotion.errors import MediaError
from emotion.types import EMOTIONS as SIX
from emotion.types import EmotionState
from tests.avatar_face import portrait

WANTED = (1, 2, 4, 5, 6, 7, 9, 10, 12, 14, 15, 17, 18, 20, 22, 23, 24, 25, 26, 43, 45, 61, 62,
          63, 64)  # fmt: skip


def test_every_unit_moves_something_and_only_what_exists() -> None:
    assert {unit.number for unit in UNITS} >= {*WANTED}
    assert {unit for units in PROTOTYPES.values() for unit in units} <= {u.number for u in UNITS}
    for name, moved in RIGS.items():
        assert moved.shape == (SIZE,) and moved.any(), name
        assert np.abs(moved).max() <= 1


def test_a_unit_of_one_side_leaves_the_other_alone() -> None:
    left = rig_from_units({"AU12_L": 0.5})
    assert left[INDEX["mouthSmile_L"]] == 0.5 and left[INDEX["mouthSmile_R"]] == 0
    both = rig_from_units({"AU12_L": 0.5, "AU12_R": 0.5})
    assert np.array_equal(both, rig_from_units({"AU12": 0.5}))


def test_units_add_up() -> None:
    together = rig_from_units({"AU6": 0.4, "AU12": 0.6})
    assert np.allclose(together, rig_from_units({"AU6": 0.4}) + rig_from_units({"AU12": 0.6}))


@pytest.mark.parametrize(("unit", "axis", "sign"), [
    ("AU61", "gaze_x", 1), ("AU62", "gaze_x", -1), ("AU63", "gaze_y", -1), ("AU64", "gaze_y", 1),
])  # fmt: skip
def test_eyes_turn_as_the_subject_sees_it(unit: str, axis: str, sign: int) -> None:
    assert np.sign(rig_from_units({unit: 1.0})[INDEX[axis]]) == sign


def test_values_by_name_become_a_rig_and_the_lids_follow_the_gaze() -> None:
    down = RANGES["gaze_y"][1]
    made = rig_of({"jawOpen": 0.25, "yaw": -0.3, "gaze_y": down, "AU12": 0.5})
    assert made.dtype == np.float32 and made.shape == (SIZE,)
    expected = {"jawOpen": 0.25, "yaw": -0.3, "mouthSmile_L": 0.5, "mouthSmile_R": 0.5,
                "eyeLookDown_L": 1.0, "eyeLookDown_R": 1.0, "gaze_y": down}  # fmt: skip
    assert np.allclose(made, rig(expected), atol=0.02)
    assert not rig_of({}).any()


def test_what_adds_up_to_more_than_all_is_all() -> None:
    made = rig_of({"mouthSmile_L": 0.9, "AU12": 1.0, "AU61": 1.0, "gaze_x": RANGES["gaze_x"][1]})
    assert made[INDEX["mouthSmile_L"]] == 1
    assert made[INDEX["gaze_x"]] == pytest.approx(RANGES["gaze_x"][1])
    assert made[: len(EXPRESSIONS)].max() <= 1


@pytest.mark.parametrize(
    ("name", "value"),
    [("smile", 0.5), ("", 0.5), ("AU99", 1.0), ("AU61_L", 1.0), ("jawOpen", 1.1),
     ("jawOpen", -0.1), ("yaw", 3.0), ("gaze_x", float("nan")), ("AU1", float("inf"))],
)  # fmt: skip
def test_unknown_names_and_values_out_of_bounds_are_refused(name: str, value: float) -> None:
    with pytest.raises(MediaError) as caught:
        rig_of({name: value})
    assert name in caught.value.message and caught.value.remedy


def test_presets_are_within_bounds_and_differ() -> None:
    assert set(EMOTIONS) == set(SIX)
    made = [rig_of(values) for values in (*EMOTIONS.values(), *VISEMES.values())]
    for i, one in enumerate(made):
        assert one.any()
        assert all(np.abs(one - other).max() > 0.1 for other in made[:i])


# --- the weight-free avatar --------------------------------------------------------------------


@pytest.mark.parametrize(("name", "motion"), [
    ("mouthSmile_L", "smile_l"), ("eyeBlink_R", "blink_r"), ("jawOpen", "jaw"), ("yaw", "yaw"),
    ("browInnerUp_L", "brow_in"), ("gaze_x", "gaze_x"), ("z", "scale"),
])  # fmt: skip
def test_the_warp_avatar_knows_the_rig(name: str, motion: str) -> None:
    moved = motion_of(rig({name: 0.5}))
    assert moved[MOTION[motion]] > 0
    assert np.array_equal(motion_of(rig()), np.zeros(len(MOTION), np.float32))


def test_what_is_set_by_hand_is_added_at_once_smoothly_and_taken_back() -> None:
    moved, plain = Performer(5), Performer(5)
    smile = MOTION["smile_l"]
    moved.adjust(motion_of(rig({"mouthSmile_L": 1.0})))
    added = [float(moved.step()[smile] - plain.step()[smile]) for _ in range(10)]
    assert added[0] > 0.4 and added[2] > 0.85 and added[-1] == pytest.approx(1, abs=0.01)
    assert np.all(np.diff(added) >= 0)
    moved.adjust(motion_of(rig()))
    for _ in range(30):
        last, untouched = moved.step(), plain.step()
    assert np.array_equal(last, untouched)


def test_a_held_smile_does_not_stop_the_life_beneath() -> None:
    performer = Performer(5)
    performer.adjust(motion_of(rig({"mouthSmile_L": 0.5, "eyeWide_L": 0.5})))
    performer.push(None, EmotionState.neutral(), Activity.IDLE)
    seen = np.stack([performer.step() for _ in range(250)])
    assert seen[:, MOTION["blink_l"]].max() == 1
    assert np.ptp(seen[:, MOTION["yaw"]]) > 0.005


def test_the_picture_changes_with_the_next_frame() -> None:
    still, moved = (WarpAvatar().open(portrait(), 256, seed=1) for _ in range(2))
    moved.adjust(rig({"jawOpen": 1.0}))
    (one,), (other,) = still.frames(1), moved.frames(1)
    change = np.abs(one.rgb.astype(int) - other.rgb).max(-1)
    mouth = change[150:190, 110:146]  # of the drawn face, at half its size
    assert (mouth > 20).mean() > 0.1
    assert (change[:40] == 0).all()


def test_names_of_rig_and_units_do_not_clash() -> None:
    assert not set(RIG) & set(RIGS)
    assert set(RANGES) == set(RIG) | set(RIGS)
