"""The life of a face: how often it blinks, where it looks, how its head wanders."""

import numpy as np
import pytest

from avatar.life import (
    BLINK,
    BLINK_CUE,
    CUES,
    GAZE_BOUND,
    GAZE_CUE,
    HEAD_CUE,
    LifeCues,
    blink_of,
)
from avatar.types import Activity
from speech.types import FPS

MINUTE = 60 * FPS


def lived(seed: int, activities: list[Activity], liveliness: float = 1.0) -> np.ndarray:
    life = LifeCues(seed, liveliness)
    return np.stack([life.step(activity) for activity in activities])


@pytest.mark.parametrize("activity", Activity)
def test_blinks_come_at_a_human_rate(activity: Activity) -> None:
    cues = np.concatenate([lived(seed, [activity] * 3 * MINUTE) for seed in range(3)])
    blinks = (cues[:, BLINK_CUE] == 1).sum() / 9
    assert 10 <= blinks <= 25


def test_a_mixed_conversation_blinks_at_a_human_rate_too() -> None:
    spell = [Activity.LISTENING] * 125 + [Activity.THINKING] * 40
    spell += [Activity.SPEAKING] * 150 + [Activity.IDLE] * 75
    cues = lived(4, spell * 12)
    assert 10 <= (cues[:, BLINK_CUE] == 1).sum() / (len(cues) / MINUTE) <= 25


def test_the_same_seed_lives_the_same_life() -> None:
    spell = [Activity.IDLE] * 100 + [Activity.SPEAKING] * 100
    assert np.array_equal(lived(3, spell), lived(3, spell))
    assert not np.array_equal(lived(3, spell), lived(4, spell))


def test_a_blink_runs_through_its_nine_frames() -> None:
    phase = lived(1, [Activity.SPEAKING] * MINUTE)[:, BLINK_CUE]
    start = int(np.flatnonzero(phase == 1)[0])
    assert phase[start : start + 10] == pytest.approx([*np.arange(9, 0, -1) / 9, 0])
    assert blink_of(phase[start : start + 10]) == pytest.approx([*BLINK, 0])


def test_eyes_rest_between_glances_and_stay_near_who_they_look_at() -> None:
    gaze = lived(2, [Activity.LISTENING] * 2 * MINUTE)[:, GAZE_CUE]
    moved = np.abs(np.diff(gaze, axis=0)).any(1)
    assert 20 <= moved.sum() <= 90  # in two minutes
    assert (np.abs(gaze) <= GAZE_BOUND).all()
    assert np.median(np.abs(gaze)) < 0.05


def test_who_thinks_looks_aside() -> None:
    spells = [lived(seed, [Activity.IDLE] * 20 + [Activity.THINKING] * 60) for seed in range(8)]
    aside = [np.linalg.norm(np.median(cues[30:, GAZE_CUE], 0)) for cues in spells]
    assert min(aside) > 0.1
    sides = {float(np.sign(np.median(cues[30:, GAZE_CUE.start]))) for cues in spells}
    assert sides == {-1.0, 1.0}


def test_the_head_wanders_slowly_and_more_in_lively_people() -> None:
    spell = [Activity.SPEAKING] * 2 * MINUTE
    calm, lively = (lived(5, spell, liveliness)[:, HEAD_CUE] for liveliness in (0.6, 1.4))
    assert np.abs(np.diff(lively[:, :3], axis=0)).max() < np.radians(0.6)
    assert np.abs(lively[:, :3]).max() < np.radians(8)
    assert (lively.std(0) > 1.5 * calm.std(0)).all()


def test_changes_of_activity_do_not_jump_the_head() -> None:
    spell = ([Activity.IDLE] * 40 + [Activity.THINKING] * 40 + [Activity.SPEAKING] * 40) * 5
    cues = lived(6, spell)
    assert cues.shape == (len(spell), CUES)
    assert np.abs(np.diff(cues[:, HEAD_CUE][:, :3], axis=0)).max() < np.radians(1.0)
