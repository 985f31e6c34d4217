"""Whether lips and sound belong together: in time, shifted, strangers, nothing to hear."""

import numpy as np
import pytest

from avatar.training.clips.config import Config
from avatar.training.clips.reading import SOUND_RATE
from avatar.training.clips.sync import LEAD, sync_of

SECONDS = 12


def speech(seed, late=LEAD):
    """Times and openings of lips that say random syllables, and their sound `late` s later."""
    rng = np.random.default_rng(seed)
    steps = np.arange(0, SECONDS, 0.01)
    opening = np.zeros_like(steps)
    at = 0.3
    while at < SECONDS - 0.3:
        width = rng.uniform(0.05, 0.11)
        opening += rng.uniform(0.3, 1) * np.exp(-0.5 * ((steps - at) / width) ** 2)
        at += rng.uniform(0.18, 0.5)
    clock = np.arange(SECONDS * SOUND_RATE) / SOUND_RATE
    loud = np.interp(clock - late, steps, opening)
    voice = np.sign(np.sin(2 * np.pi * 130 * clock)) + 0.3 * rng.standard_normal(len(clock))
    times = np.arange(0, SECONDS, 0.04)
    lips = 0.25 * np.interp(times, steps, opening) + 0.01 * rng.standard_normal(len(times))
    return (
        times.astype(np.float32),
        lips.astype(np.float32),
        (0.1 * loud * voice).astype(np.float32),
    )


def test_lips_and_their_sound():
    found = sync_of(*speech(1), Config())
    assert found.verdict == "in sync" and found.usable
    assert abs(found.lag) < 0.05 and found.correlation > 0.6


@pytest.mark.parametrize("late", [-0.3, 0.4])
def test_shifted_sound_is_off(late):
    found = sync_of(*speech(2, LEAD + late), Config())
    assert found.verdict == "off" and not found.usable
    assert abs(found.lag - late) < 0.06
    assert ("late" if late > 0 else "early") in found.reason


def test_a_strangers_voice_is_not_in_sync():
    times, lips, _ = speech(3)
    verdicts = [sync_of(times, lips, speech(seed)[2], Config()).verdict for seed in range(4, 12)]
    assert verdicts.count("in sync") <= 1
    assert verdicts.count("unclear") >= 5


def test_nothing_to_hear_or_see():
    times, lips, pcm = speech(1)
    assert sync_of(times, lips, None, Config()).verdict == "no sound"
    assert sync_of(times, lips, np.zeros_like(pcm), Config()).verdict == "silent"
    assert sync_of(times, np.full_like(lips, 0.1), pcm, Config()).verdict == "mouth still"
    assert sync_of(times[:50], lips[:50], pcm, Config()).verdict == "short"
