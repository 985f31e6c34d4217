import numpy as np
import pytest

from emotion.types import EMOTIONS, EmotionState
from speech.prosody import LIMITER_KNEE, Prosody, amplify, prosody_of

KNOBS = ("rate", "pitch", "range", "energy", "pause")


def of(**strengths: float) -> Prosody:
    return prosody_of(EmotionState.from_strengths(strengths))


def test_neutral_changes_nothing() -> None:
    assert prosody_of(EmotionState.neutral()) == Prosody()


def test_directions_are_those_of_the_literature() -> None:
    happy, sad, angry = of(happy=1), of(sad=1), of(angry=1)
    fearful, disgusted, surprised = of(fearful=1), of(disgusted=1), of(surprised=1)
    assert happy.rate > 1 and happy.pitch > 1 and happy.range > 1 and happy.energy > 1
    assert sad.rate < 1 and sad.pitch < 1 and sad.range < 1 and sad.energy < 1 and sad.pause > 1
    assert angry.rate > 1 and angry.range > 1 and angry.energy == max(p.energy for p in (
        happy, sad, angry, fearful, disgusted, surprised))  # fmt: skip
    assert fearful.rate > 1 and fearful.pitch > 1
    assert disgusted.rate < 1 and disgusted.pitch < 1
    assert surprised.pitch > happy.pitch and surprised.range > happy.range


@pytest.mark.parametrize("name", EMOTIONS)
def test_every_knob_is_monotone_in_intensity(name: str) -> None:
    states = [of(**{name: strength}) for strength in np.linspace(0, 1, 11)]
    for knob in KNOBS:
        steps = np.diff([getattr(p, knob) for p in states])
        assert (steps > 0).all() or (steps < 0).all(), knob


def test_a_mixture_lies_between_its_parts() -> None:
    happy, sad, both = of(happy=1), of(sad=1), of(happy=1, sad=1)
    for knob in KNOBS:
        low, high = sorted([getattr(happy, knob), getattr(sad, knob)])
        assert low < getattr(both, knob) < high


def test_limiter_keeps_below_one_and_leaves_quiet_sound_alone() -> None:
    pcm = np.linspace(-1, 1, 10_001, dtype=np.float32)
    loud = amplify(pcm, 3.0)
    assert float(np.abs(loud).max()) < 1
    assert (np.diff(loud) >= 0).all()
    quiet = pcm[np.abs(pcm) * 1.2 <= LIMITER_KNEE]
    np.testing.assert_allclose(amplify(quiet, 1.2), quiet * np.float32(1.2))
