"""Tremble out, movement kept."""

import numpy as np

from avatar.rig import INDEX, SIZE, rig
from avatar.semo.steady import Steady, steadied

YAW, JAW = INDEX["yaw"], INDEX["jawOpen"]


def trembling(count: int) -> np.ndarray:
    noise = np.random.default_rng(1).normal(0, 0.01, (count, SIZE))
    return noise.astype(np.float32)


def test_a_still_face_trembles_less() -> None:
    rigs, steady = trembling(100), Steady()
    live = np.stack([steady(rig, k / 25) for k, rig in enumerate(rigs)])
    for calmer, share in ((live[20:], 0.7), (steadied(rigs, 25)[20:-20], 0.5)):
        assert np.diff(calmer[:, YAW]).std() < share * np.diff(rigs[20:, YAW]).std()


def test_a_quick_movement_is_not_held_back() -> None:
    steady = Steady()
    for k in range(25):
        steady(rig(), k / 25)
    opened = [steady(rig({"jawOpen": 0.6}), 1 + k / 25)[JAW] for k in range(3)]
    assert opened[0] > 0.3 and opened[1] > 0.5


def test_a_whole_clip_is_not_late() -> None:
    rigs = np.zeros((60, SIZE), np.float32)
    rigs[:, YAW] = 0.3 * np.sin(np.arange(60) / 6)
    lags = [np.dot(np.roll(rigs[:, YAW], k)[10:-10], steadied(rigs, 25)[10:-10, YAW])
            for k in (-2, -1, 0, 1, 2)]  # fmt: skip
    assert int(np.argmax(lags)) == 2


def test_after_a_gap_it_starts_anew() -> None:
    steady = Steady()
    steady(rig({"yaw": 0.5}), 0.0)
    assert steady(rig({"yaw": -0.5}), 2.0)[YAW] == np.float32(-0.5)
    assert steady(rig({"yaw": 0.1}), 1.0)[YAW] == np.float32(0.1)  # a clock that was set back
