"""The acting with the shipped weights: lips move with the sound, rest without, and obey."""

from dataclasses import replace

import numpy as np
import pytest

from avatar.acting import Actor, Faculties, load_faculties
from avatar.rig import INDEX
from avatar.semo.loading import load_surface
from avatar.semo.neutral import FaceAtLandmarks
from avatar.semo.surface import FaceSurface
from avatar.types import Activity
from emotion.labels import parse_labels
from emotion.types import EmotionState
from speech.tts import EmbeddedVoices
from speech.types import SpeechChunk

NEUTRAL = EmotionState.neutral()
FRAME = 960
TEXT = "Perhaps my mother bought five big boxes of apples, and all of them were far too large."


@pytest.fixture(scope="module")
def faculties() -> Faculties:
    return load_faculties()


@pytest.fixture(scope="module")
def surface() -> FaceSurface:
    return load_surface()


@pytest.fixture(scope="module")
def clause() -> list[SpeechChunk]:
    voices = EmbeddedVoices()
    return list(voices.stream(TEXT, voices.default_voice(), NEUTRAL))


def lip_gaps(surface: FaceSurface, shown: np.ndarray) -> np.ndarray:
    """(F,) cm between the mean face's lips."""
    face = FaceAtLandmarks(surface, surface.weights.mean)
    return np.array([face.lip_gap(rig) for rig in surface.token_to_rig(shown)])


def say(actor: Actor, clause: list[SpeechChunk], phones: bool = True) -> None:
    for chunk in clause:
        known = chunk.phones if phones else ()
        placed = replace(chunk, start_sample=chunk.start_sample + 10 * FRAME, phones=known)
        actor.push(placed, NEUTRAL, Activity.SPEAKING)


def tokens(actor: Actor, count: int) -> np.ndarray:
    return np.stack([actor.step() for _ in range(count)])


@pytest.mark.parametrize("phones", [True, False])
def test_lips_part_with_the_sound_and_rest_without_it(
    faculties: Faculties, surface: FaceSurface, clause: list[SpeechChunk], phones: bool
) -> None:
    actor = Actor(faculties, 3)
    say(actor, clause, phones)
    last = int(actor.speaks_until() * 25)
    gap = lip_gaps(surface, tokens(actor, last + 40))
    before, during, after = gap[:6], gap[10:last], gap[last + 12 :]
    assert during.max() > 0.5 and np.ptp(during) > 5 * np.ptp(before)
    assert np.abs(after - np.median(before)).max() < 0.15
    assert float(np.abs(np.diff(gap)).max()) < 1.4, "cm a frame: a quick m after a wide vowel"


def test_an_interruption_closes_the_mouth_within_150_ms(
    faculties: Faculties, surface: FaceSurface, clause: list[SpeechChunk]
) -> None:
    actor = Actor(faculties, 3)
    say(actor, clause)
    shown = lip_gaps(surface, tokens(actor, 90))
    widest = 30 + int(shown[30:80].argmax())
    actor.clear(widest + 1)
    actor.push(None, NEUTRAL, Activity.LISTENING)
    after = lip_gaps(surface, tokens(actor, 4))
    assert after[-1] < max(0.2, 0.3 * shown[widest])


def test_the_same_seed_acts_the_same_whatever_the_batches(
    faculties: Faculties, clause: list[SpeechChunk]
) -> None:
    courses = []
    for _ in range(2):
        actor = Actor(faculties, 7)
        say(actor, clause)
        courses.append(tokens(actor, 40))
    assert np.array_equal(*courses)


def test_a_feeling_shows_and_goes(faculties: Faculties, surface: FaceSurface) -> None:
    def frown(actor: Actor) -> float:
        rigs = surface.token_to_rig(tokens(actor, 10))
        return float(rigs[:, [INDEX["browDown_L"], INDEX["browDown_R"]]].mean())

    actor = Actor(faculties, 3)
    calm = frown(actor)
    actor.feel(parse_labels("angry:1"))
    tokens(actor, 12)
    assert frown(actor) > calm + 0.3
    actor.feel(None)
    tokens(actor, 25)
    assert frown(actor) < calm + 0.12
