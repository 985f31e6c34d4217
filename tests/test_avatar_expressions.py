"""Feelings in the face."""

import numpy as np
import pytest

from avatar.expressions import offsets
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
