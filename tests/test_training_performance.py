"""Performances of the synthetic world and the recipes they are made of."""

import numpy as np
import pytest

from avatar.rig import EXPRESSIONS, GAZE_AT, INDEX, SIZE, follow_gaze
from avatar.training import recipes
from avatar.training.synthetic.performance import FPS, POSE_BOUND, perform


def test_recipes_name_both_sides_and_refuse_strangers() -> None:
    assert recipes.recipe(mouthSmile_=0.5) == {"mouthSmile_L": 0.5, "mouthSmile_R": 0.5}
    with pytest.raises(KeyError):
        recipes.recipe(mouthGrin=1)
    for name in (*recipes.EMOTIONS, *recipes.COMPOUNDS):
        assert recipes.feeling(name).shape == (len(EXPRESSIONS),)
    happy = recipes.feeling("happily surprised")
    assert happy[INDEX["mouthSmile_L"]] > 0.3 and happy[INDEX["browInnerUp_L"]] > 0.3


def test_lids_and_lips_touch_but_do_not_cross() -> None:
    rng = np.random.default_rng(0)
    rigs = rng.uniform(-0.3, 1.3, (200, SIZE)).astype(np.float32)
    rigs = follow_gaze(rigs)
    recipes.keep_contact(rigs)
    assert rigs[:, : len(EXPRESSIONS)].min() >= 0
    assert recipes.lip_opening(rigs).min() > -recipes.SEAL - 1e-4
    open_mouth = np.zeros((1, SIZE), np.float32)
    open_mouth[:, INDEX["jawOpen"]] = 0.4
    recipes.close_lips(open_mouth, np.ones(1, np.float32))
    assert abs(recipes.lip_opening(open_mouth)[0] + recipes.SEAL) < 1e-3


def test_a_performance_is_its_seeds_and_stays_within_the_rig() -> None:
    first, again, other = perform(3, 100), perform(3, 100), perform(4, 100)
    assert np.array_equal(first.rig, again.rig)
    assert not np.array_equal(first.rig, other.rig)
    for seed in range(12):
        rig = perform(seed, 60).rig
        assert rig.shape == (60, SIZE) and np.isfinite(rig).all()
        shape = rig[:, : len(EXPRESSIONS)]
        assert shape.min() >= 0 and shape.max() < 2
        assert (np.abs(rig[:, -6:]) <= POSE_BOUND + 1e-6).all()
        assert np.allclose(follow_gaze(rig), rig)


def test_lips_meet_for_bilabials_and_lids_blink() -> None:
    closed, blinks = [], 0
    for seed in range(30):
        performance = perform(seed, 150)
        opening = recipes.lip_opening(performance.rig)
        for phone in performance.phones:
            middle = round((phone.start + phone.end) / 2 * FPS)
            if phone.name == "m" and 2 < middle < 147:
                closed.append(opening[middle - 2 : middle + 1].min())
        blinks += int((performance.rig[:, INDEX["eyeBlink_L"]] > 0.7).any())
    assert len(closed) > 30
    assert np.quantile(closed, 0.9) < 0.12  # cm
    assert blinks > 20


def test_eyes_jump_and_rest() -> None:
    speeds = np.concatenate(
        [np.linalg.norm(np.diff(perform(s, 150).rig[:, GAZE_AT], axis=0), axis=1) for s in range(8)]
    )
    assert np.median(speeds) < 0.02 < np.quantile(speeds, 0.99)
