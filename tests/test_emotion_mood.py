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


def test_speech_that_begins_now_does_not_change_what_has_been_shown():
    mood = Mood(REST).feel(ANGRY, 2 * RATE, 3 * RATE, now=2 * RATE)
    assert at(mood, 2.0) == pytest.approx(REST.strengths())
    assert at(mood, 2.45)[ANGER] == pytest.approx(0.9)


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


def test_a_clause_in_pieces_is_felt_like_a_clause_at_once():
    whole = Mood(REST).feel(ANGRY, RATE, 3 * RATE)
    pieces = Mood(REST)
    for piece in range(8):
        pieces = pieces.feel(ANGRY, RATE + piece * RATE // 4, RATE + (piece + 1) * RATE // 4)
    assert len(pieces.cues) == 1
    course = [np.stack([at(mood, frame / 25) for frame in range(150)]) for mood in (pieces, whole)]
    assert course[0] == pytest.approx(course[1])


def test_what_is_held_outrules_queued_clauses_at_once_and_smoothly():
    mood = Mood(REST).feel(ANGRY, RATE, 6 * RATE).hold(SAD, 3 * RATE)
    assert at(mood, 2.9) == pytest.approx(at(Mood(REST).feel(ANGRY, RATE, 6 * RATE), 2.9))
    assert at(mood, 3.31) == pytest.approx(SAD.strengths())
    frames = np.stack([at(mood, i / 25) for i in range(100)])
    assert float(np.abs(np.diff(frames, axis=0)).max()) < 0.27
    assert at(mood, 60.0) == pytest.approx(SAD.strengths()), "for as long as it is held"


def test_letting_go_goes_back_to_what_is_felt_by_itself():
    plain = Mood(REST).feel(ANGRY, RATE, 6 * RATE)
    freed = plain.hold(SAD, 2 * RATE).hold(None, 4 * RATE)
    assert at(freed, 4.0) == pytest.approx(SAD.strengths())
    assert at(freed, 5.0) == pytest.approx(ANGRY.strengths())
    assert at(freed, 60.0) == pytest.approx(at(plain, 60.0), abs=0.01)
    assert plain.hold(None, RATE) is plain


def test_a_new_resting_mood_comes_smoothly():
    mood = Mood(REST).settle(SAD, 2 * RATE)
    assert at(mood, 2.0) == pytest.approx(REST.strengths())
    assert 0.1 < at(mood, 2.2)[SADNESS] < 0.5
    assert at(mood, 2.5) == pytest.approx(SAD.strengths())
    assert mood.settle(SAD, 9 * RATE) is mood


def test_latent_is_that_of_what_is_held():
    latent = np.ones((4, 64), np.float32)
    held = EmotionState(SAD.weights, SAD.intensity, latent)
    mood = Mood(REST).feel(ANGRY, RATE, 3 * RATE).hold(held, 2 * RATE)
    assert mood.at(round(2.5 * RATE)).latent is latent
    assert mood.hold(None, 2 * RATE).at(round(2.5 * RATE)).latent.shape[0] == 0
