"""The quality ladder steps down when frames are late and recovers."""

from itertools import pairwise

from pipeline.quality import LONGEST, PATIENCE, RECOVERY, STEPS, QualityLadder


def test_late_frames_lower_the_rate_step_by_step() -> None:
    ladder = QualityLadder()
    rates = [ladder.fps]
    for _ in range(len(STEPS) + 1):
        ladder.late(PATIENCE)
        rates.append(ladder.fps)
    assert rates == [25, 12.5, 25 / 3, 5, 5, 5]


def test_hiccups_are_forgiven_and_a_slow_machine_is_not() -> None:
    hiccups, slow = QualityLadder(), QualityLadder()
    for _ in range(20):  # five late frames every two seconds
        hiccups.late(5)
        for _ in range(45):
            hiccups.on_time()
    assert hiccups.step == 0
    for _ in range(20):  # one frame in four is late, all the time
        slow.late(3)
        for _ in range(9):
            slow.on_time()
    assert slow.step > 0


def test_a_few_late_frames_are_forgiven_and_calm_restores_full_rate() -> None:
    ladder = QualityLadder()
    ladder.late(PATIENCE - 1)
    assert ladder.step == 0
    ladder.late(1)
    assert ladder.step == 1
    assert [ladder.rests(n) for n in range(4)] == [False, True, False, True]
    for _ in range(RECOVERY):
        ladder.on_time()
    assert ladder.step == 0


def calm_until_full(ladder: QualityLadder) -> int:
    """Frames' time that the ladder takes to come back to the full rate."""
    waited = 0
    while ladder.step > 0:
        waited += STEPS[ladder.step].period
        ladder.on_time()
    return waited


def test_a_machine_that_fails_at_the_higher_rate_is_asked_ever_less_often() -> None:
    ladder, waits = QualityLadder(), []
    for _ in range(7):
        ladder.late(PATIENCE)
        waits.append(calm_until_full(ladder))
    assert waits[0] <= RECOVERY + 2
    assert all(later > 1.8 * sooner for sooner, later in pairwise(waits[:4]))
    assert max(waits) <= LONGEST + 2


def test_after_a_long_calm_a_hiccup_is_short_again() -> None:
    ladder = QualityLadder()
    for _ in range(4):
        ladder.late(PATIENCE)
        calm_until_full(ladder)
    for _ in range(LONGEST):
        ladder.on_time()
    ladder.late(PATIENCE)
    assert calm_until_full(ladder) <= RECOVERY + 2
