"""Feelings in the face."""

import numpy as np
import pytest

from avatar.expressions import ONSET_LEAD, Feeling, offsets
from avatar.motion import INDEX
from emotion.types import EMOTIONS, EmotionState


def face(**strengths: float) -> np.ndarray:
    return offsets(EmotionState.from_strengths(strengths).strengths())


def test_neutral_is_nothing() -> None:
    assert np.abs(offsets(EmotionState.neutral().strengths())).max() == 0


@pytest.mark.parametrize(
    ("name", "signs"),
    [
        ("happy", ("smile_r", "smile_l", "cheek", "squint_r")),
        ("sad", ("brow_in", "frown")),
        ("angry", ("brow_down", "press", "squint_r")),
        ("fearful", ("brow_in", "brow_down", "widen_r", "wide")),
        ("disgusted", ("sneer_r", "upper", "squint_r")),
        ("surprised", ("brow_in", "brow_out", "widen_l", "jaw")),
    ],
)
def test_each_emotion_shows_its_signs(name: str, signs: tuple[str, ...]) -> None:
    shown = face(**{name: 1.0})
    assert all(shown[INDEX[sign]] > 0.2 for sign in signs)
    assert np.allclose(face(**{name: 0.5}), shown / 2, atol=1e-6)


def test_disgust_is_stronger_on_one_side() -> None:
    shown = face(disgusted=1.0)
    assert shown[INDEX["sneer_r"]] > 1.3 * shown[INDEX["sneer_l"]]


def test_mixtures_add() -> None:
    mixed = face(happy=0.8, surprised=0.4)
    assert np.allclose(mixed, face(happy=0.8) + face(surprised=0.4), atol=1e-6)


def test_every_two_emotions_differ() -> None:
    faces = [face(**{name: 1.0}) for name in EMOTIONS]
    for i, one in enumerate(faces):
        assert all(np.linalg.norm(one - other) > 0.7 for other in faces[:i])


def test_feeling_starts_before_the_words_and_fades_after() -> None:
    feeling = Feeling()
    feeling.schedule(EmotionState.from_strengths({"happy": 1.0}), 30, 60)
    smile = [feeling.step(frame)[INDEX["smile_l"]] for frame in range(120)]
    assert max(smile[: 30 - ONSET_LEAD]) == 0
    assert smile[30] > 0.1
    assert smile[50] > 0.9
    assert smile[80] < 0.5
    assert smile[119] < 0.02
    assert np.abs(np.diff(smile)).max() < 0.2


def test_base_mood_holds_until_told_otherwise() -> None:
    feeling = Feeling()
    feeling.settle(EmotionState.from_strengths({"sad": 0.6}))
    assert [feeling.step(frame) for frame in range(400)][-1][INDEX["frown"]] > 0.5


def test_clear_returns_to_the_base_mood() -> None:
    feeling = Feeling()
    feeling.schedule(EmotionState.from_strengths({"angry": 1.0}), 0, 500)
    for frame in range(40):
        feeling.step(frame)
    feeling.clear()
    assert [feeling.step(frame) for frame in range(40, 110)][-1].max() < 0.05
