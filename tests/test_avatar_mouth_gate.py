"""Lips that must meet do meet, lips of the silent rest, and all else stays as it is."""

import numpy as np
import pytest
from numpy.typing import NDArray

from avatar.audio_encoder import CLOSURE, SPEECH
from avatar.mouth_gate import FEELS, SURE, MouthGate, closures, ramp, silences
from avatar.reasoner import AUDIO, CHUNK
from avatar.rig import INDEX, RIG
from avatar.semo.loading import load_surface
from avatar.training.recipes import lip_opening
from avatar.types import Activity
from avatar.visemes import Phone
from speech.types import PLAY_RATE, SAMPLES_PER_FRAME
from tests.reasoner_setting import conditions, said

Floats = NDArray[np.float32]
FRAME, MS = SAMPLES_PER_FRAME, PLAY_RATE // 1000
START = 5 * FRAME  # the second of three chunks
CHUNKS = (0, 5, 10)


@pytest.fixture(scope="module")
def gate() -> MouthGate:
    return MouthGate(load_surface())


def tokens(jaw: float, **others: float) -> Floats:
    """A chunk whose mouth stands open."""
    rig = np.zeros((CHUNK, len(RIG)), np.float32)
    for name, weight in ({"jawOpen": jaw} | others).items():
        rig[:, INDEX[name]] = weight
    return load_surface().rig_to_token(rig)


def heard(closure: float, speech: float) -> Floats:
    audio = np.zeros((CHUNK, AUDIO), np.float32)
    audio[:, CLOSURE], audio[:, SPEECH] = closure, speech
    return audio


def by_sound(closure: float, speech: float, feeling: float = 0.0) -> dict[str, object]:
    activity = np.full(CHUNK, Activity.SPEAKING)
    emotion = np.full((CHUNK, 6), feeling, np.float32)
    audio = heard(closure, speech)
    return {"audio": audio, "phones_known": False, "activity": activity, "emotion": emotion}


@pytest.mark.parametrize("jaw", [0.1, 0.9])
@pytest.mark.parametrize("length", [10, 24, 45, 130])
def test_lips_meet_whatever_the_length_and_phase(gate: MouthGate, jaw: float, length: int) -> None:
    for phase in range(0, 40, 8):
        start = START + phase * MS
        phones = [Phone("b", start, start + length * MS)]
        shown = np.concatenate([gate(tokens(jaw), said(phones, first)) for first in CHUNKS])
        gap = lip_opening(load_surface().token_to_rig(shown))
        assert gap.min() < 0.01, (length, phase)
        # While the sound lasts, not only once.
        inner = range(-(-start // FRAME) + 1, (start + length * MS) // FRAME - 1)
        assert all(gap[frame] < 0.03 for frame in inner)


@pytest.mark.parametrize("symbol", ["m", "b", "p"])
def test_all_three_close(gate: MouthGate, symbol: str) -> None:
    phones = [Phone(symbol, START + FRAME, START + 3 * FRAME)]
    assert gate.opening(gate(tokens(0.5), said(phones, 5))).min() < 0


def test_frames_that_need_not_close_stay_to_the_bit(gate: MouthGate) -> None:
    phones = [
        Phone("aa", 0, START),
        Phone("m", START, START + FRAME),
        Phone("aa", START + FRAME, 15 * FRAME),
    ]
    asked = tokens(0.5)
    needed = closures(said(phones, 5))
    shown = gate(asked, said(phones, 5))
    np.testing.assert_array_equal((shown != asked).any(1), needed > 0)
    assert 0 < (needed > 0).sum() < CHUNK
    assert gate(asked, said(phones, 10)) is asked


def test_lips_that_are_pressed_already_are_left_alone(gate: MouthGate) -> None:
    phones = [Phone("m", START, START + 5 * FRAME)]
    pressed = tokens(0.0, mouthPress_L=0.5, mouthPress_R=0.5, mouthClose=0.2)
    assert gate.opening(pressed).max() < -0.1
    assert gate(pressed, said(phones, 5)) is pressed


def test_only_the_mouth_moves(gate: MouthGate) -> None:
    phones = [Phone("m", START, START + 5 * FRAME)]
    asked = tokens(0.5, browInnerUp_L=0.5, eyeBlink_R=0.7)
    read = load_surface().token_to_rig
    change = np.abs(read(gate(asked, said(phones, 5))) - read(asked)).max(0)
    others = np.arange(len(RIG)) != INDEX["mouthClose"]
    assert change[INDEX["mouthClose"]] > 0.2
    assert change[others].max() < 0.02


def test_by_sound_alone_a_sure_closure_closes(gate: MouthGate) -> None:
    open_ = tokens(0.6)
    sure = conditions(**by_sound(0.95, 0.9))
    unsure = conditions(**by_sound(SURE[0] - 0.05, 0.9))
    assert gate.opening(gate(open_, sure)).max() < 0
    assert gate(open_, unsure) is open_
    half = conditions(**by_sound(sum(SURE) / 2, 0.9))
    assert 0.2 < gate.opening(gate(open_, half))[0] / gate.opening(open_)[0] < 0.8


def test_known_phones_overrule_the_sound(gate: MouthGate) -> None:
    vowel = [Phone("aa", 0, 20 * FRAME)]
    given = said(vowel, 5)
    told = conditions(phones=given.phones, activity=given.activity, audio=heard(0.95, 0.9))
    open_ = tokens(0.5)
    assert gate(open_, told) is open_


def test_the_silent_rest_their_lips(gate: MouthGate) -> None:
    parted = tokens(0.3)
    assert gate.opening(gate(parted, conditions())).max() < 0.03
    assert gate.opening(gate(parted, conditions(**by_sound(0.0, 0.02)))).max() < 0.03
    speech = conditions(**by_sound(0.0, 0.9))
    assert gate(parted, speech) is parted


def test_a_feeling_may_part_them(gate: MouthGate) -> None:
    surprised = np.zeros((CHUNK, 6), np.float32)
    surprised[:, 5] = FEELS[1]
    parted = tokens(0.3)
    assert gate(parted, conditions(emotion=surprised)) is parted
    nobody_knows = np.full((CHUNK, 6), np.nan, np.float32)
    assert gate(parted, conditions(emotion=nobody_knows)) is parted


def test_sound_to_come_lets_the_lips_part() -> None:
    audio = heard(0.0, 0.0)
    audio[3:, SPEECH] = 0.9
    given = conditions(audio=audio, phones_known=False)
    np.testing.assert_array_equal(silences(given), [1, 1, 0, 0, 0])


def test_ramp() -> None:
    at = np.array([0, 1, 2, 3, 9], np.float32)
    np.testing.assert_array_equal(ramp(at, (1, 3)), [0, 0, 0.5, 1, 1])
