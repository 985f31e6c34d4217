"""The acting with the shipped weights: lips move with the sound, rest without, and obey."""

from dataclasses import replace

import numpy as np
import pytest

from avatar.acting import Actor, Faculties, load_faculties
from avatar.mouth_gate import MouthGate
from avatar.semo.loading import load_surface
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
def gate() -> MouthGate:
    return MouthGate(load_surface())


@pytest.fixture(scope="module")
def clause() -> list[SpeechChunk]:
    voices = EmbeddedVoices()
    return list(voices.stream(TEXT, voices.default_voice(), NEUTRAL))


def say(actor: Actor, clause: list[SpeechChunk], phones: bool = True) -> None:
    for chunk in clause:
        known = chunk.phones if phones else ()
        placed = replace(chunk, start_sample=chunk.start_sample + 10 * FRAME, phones=known)
        actor.push(placed, NEUTRAL, Activity.SPEAKING)


def tokens(actor: Actor, count: int) -> np.ndarray:
    return np.stack([actor.step() for _ in range(count)])


@pytest.mark.parametrize("phones", [True, False])
def test_lips_part_with_the_sound_and_rest_without_it(
    faculties: Faculties, gate: MouthGate, clause: list[SpeechChunk], phones: bool
) -> None:
    actor = Actor(faculties, 3)
    say(actor, clause, phones)
    last = int(actor.speaks_until() * 25)
    gap = gate.gap(tokens(actor, last + 40))
    before, during, after = gap[:6], gap[10:last], gap[last + 12 :]
    assert during.max() > 0.5 and np.ptp(during) > 5 * np.ptp(before)
    assert np.abs(after - np.median(before)).max() < 0.15
    assert float(np.abs(np.diff(gap)).max()) < 0.9, "cm a frame"


def test_an_interruption_closes_the_mouth_within_150_ms(
    faculties: Faculties, gate: MouthGate, clause: list[SpeechChunk]
) -> None:
    actor = Actor(faculties, 3)
    say(actor, clause)
    shown = gate.gap(tokens(actor, 90))
    widest = 30 + int(shown[30:80].argmax())
    actor.clear(widest + 1)
    actor.push(None, NEUTRAL, Activity.LISTENING)
    after = gate.gap(tokens(actor, 4))
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


def test_a_feeling_shows_and_goes(faculties: Faculties) -> None:
    surface = load_surface()

    def shape(actor: Actor) -> np.ndarray:
        return surface.coefficients(tokens(actor, 10)).mean(0)

    felt, calm = Actor(faculties, 3), Actor(faculties, 3)
    rest = shape(calm)
    felt.feel(parse_labels("angry:1"))
    tokens(felt, 10), tokens(calm, 10)
    there, same = shape(felt), shape(calm)
    felt.feel(None)
    tokens(felt, 25), tokens(calm, 25)
    gone, still = shape(felt), shape(calm)
    moved = np.linalg.norm(there - same)
    assert moved > 3 * np.linalg.norm(same - rest)
    assert np.linalg.norm(gone - still) < 0.3 * moved
