from itertools import pairwise

import numpy as np
import pytest

from emotion.mood import RATE, Mood
from emotion.types import EmotionState

REST = EmotionState.from_strengths({"happy": 0.2})
ANGRY = EmotionState.from_strengths({"angry": 0.9})
SAD = EmotionState.from_strengths({"sad": 0.6})
ANGER, HAPPINESS, SADNESS = 2, 0, 1


def at(mood: Mood, seconds: float) -> np.ndarray:
    return mood.at(round(seconds * RATE)).strengths()


def test_rests_before_and_long_after():
    mood = Mood(REST).feel(ANGRY, 2 * RATE, 3 * RATE)
    assert at(mood, 1.0) == pytest.approx(REST.strengths())
    assert at(mood, 30.0) == pytest.approx(REST.strengths(), abs=0.01)


def test_is_felt_before_the_first_word_and_held_after_the_last():
    mood = Mood(REST).feel(ANGRY, 2 * RATE, 3 * RATE)
    assert at(mood, 2.0)[ANGER] > 0.3
    assert at(mood, 2.5)[ANGER] == pytest.approx(0.9)
    assert at(mood, 3.15)[ANGER] == pytest.approx(0.9)


def test_decays_monotonically():
    mood = Mood(REST).feel(ANGRY, 0, RATE)
    values = [at(mood, 1.6 + 0.04 * i)[ANGER] for i in range(200)]
    assert all(later < earlier for earlier, later in pairwise(values))


def test_never_jumps_at_25_fps():
    mood = Mood(REST).feel(ANGRY, RATE, 2 * RATE).feel(SAD, 2 * RATE, 4 * RATE)
    frames = np.stack([at(mood, i / 25) for i in range(300)])
    assert float(np.abs(np.diff(frames, axis=0)).max()) < 0.16


def test_barge_in_drops_what_has_not_begun():
    mood = (
        Mood(REST).feel(ANGRY, RATE, 2 * RATE).feel(SAD, 5 * RATE, 6 * RATE).cut(round(1.5 * RATE))
    )
    assert at(mood, 5.5)[SADNESS] < 0.01
    assert at(mood, 3.0)[ANGER] < at(mood, 1.5)[ANGER]


def test_is_a_value():
    mood = Mood(REST)
    mood.feel(ANGRY, 0, RATE)
    assert at(mood, 0.5) == pytest.approx(REST.strengths())


def test_latent_is_that_of_the_clause_being_felt():
    latent = np.ones((1, 384), np.float32)
    felt = EmotionState(ANGRY.weights, ANGRY.intensity, latent)
    mood = Mood(REST).feel(felt, RATE, 2 * RATE)
    assert mood.at(round(1.5 * RATE)).latent is latent
    assert mood.at(0).latent.shape[0] == 0


def test_long_conversation_keeps_few_cues():
    mood = Mood(REST)
    for i in range(1_000):
        mood = mood.feel(ANGRY, i * RATE, (i + 1) * RATE)
    assert len(mood.cues) <= 16
    assert at(mood, 1_000.0)[ANGER] == pytest.approx(0.9)
