"""Life: blinks, gaze, sway."""

import numpy as np

from avatar.idle import Life
from avatar.motion import INDEX
from avatar.types import Activity

MINUTES_3 = 3 * 60 * 25


def lived(activity: Activity, count: int = MINUTES_3, seed: int = 0) -> np.ndarray:
    life = Life(seed)
    return np.stack([life.step(activity, 0.0) for _ in range(count)])


def part(motion: np.ndarray, name: str) -> np.ndarray:
    return motion[:, INDEX[name]]


def blinks(motion: np.ndarray) -> list[int]:
    shut = part(motion, "blink_r") >= 1.0
    return list(np.flatnonzero(shut[1:] & ~shut[:-1]))


def test_blink_rate_is_human_and_depends_on_activity() -> None:
    counts = {activity: len(blinks(lived(activity))) / 3 for activity in Activity}
    assert all(8 <= count <= 30 for count in counts.values()), counts
    assert counts[Activity.SPEAKING] > counts[Activity.THINKING]


def test_a_blink_closes_faster_than_it_opens() -> None:
    lids = part(lived(Activity.IDLE), "blink_r")
    at = blinks(lids[:, None] * np.eye(1, 64, INDEX["blink_r"], dtype=np.float32))[0] + 1
    closing = at - np.flatnonzero(lids[:at] == 0)[-1]
    opening = np.flatnonzero(lids[at:] == 0)[0]
    assert closing < opening


def test_it_never_loops() -> None:
    yaw = part(lived(Activity.IDLE), "yaw")
    yaw = yaw - yaw.mean()
    spectrum = np.fft.rfft(yaw, 2 * len(yaw))
    same = np.fft.irfft(np.abs(spectrum) ** 2)[: len(yaw) // 2]
    assert (same[250:] / same[0]).max() < 0.8


def test_head_is_never_quite_still_nor_wild() -> None:
    for activity in Activity:
        yaw = part(lived(activity), "yaw")
        windows = yaw[: len(yaw) // 50 * 50].reshape(-1, 50)
        assert np.ptp(windows, axis=1).min() > 1e-4
        assert np.abs(yaw).max() < 0.15


def test_thinking_looks_up_and_aside() -> None:
    thinking, idle = lived(Activity.THINKING, 1500), lived(Activity.IDLE, 1500)
    assert part(thinking, "gaze_y").mean() < -0.25 < part(idle, "gaze_y").mean()
    assert abs(part(thinking, "gaze_x").mean()) > 0.2 > abs(part(idle, "gaze_x").mean())


def test_listening_nods_and_looks_at_you() -> None:
    listening, idle = lived(Activity.LISTENING), lived(Activity.IDLE)
    assert part(listening, "pitch").max() > part(idle, "pitch").max() + 0.01
    assert part(listening, "gaze_x").std() < part(idle, "gaze_x").std()


def test_changes_of_activity_are_smooth() -> None:
    life = Life(1)
    seen = [life.step(Activity(i // 20 % 4), 0.0) for i in range(2000)]
    steps = np.abs(np.diff(np.stack(seen), axis=0))
    assert max(part(steps, name).max() for name in ("yaw", "pitch", "roll", "scale")) < 0.015
    assert part(steps, "brow_in").max() < 0.05


def test_gaze_moves_in_jumps_and_rests_between() -> None:
    steps = np.abs(np.diff(part(lived(Activity.SPEAKING), "gaze_x")))
    assert np.median(steps) < 0.02
    assert steps.max() > 0.15


def test_seed_decides() -> None:
    assert np.array_equal(lived(Activity.IDLE, 200, 3), lived(Activity.IDLE, 200, 3))
    assert not np.array_equal(lived(Activity.IDLE, 200, 3), lived(Activity.IDLE, 200, 4))
