import numpy as np
import pytest
from numpy.typing import NDArray
from speech_sounds import needs_flite, noise, spoken

from speech.turns import (
    Level,
    Mode,
    SpeechDropped,
    SpeechEnded,
    SpeechStarted,
    TurnDetector,
    TurnEvent,
    TurnSettings,
    interrupts,
)
from speech.vad import WINDOW, SileroVad

SECOND = 16_000


class LoudIsSpeech:
    """Speech is whatever is loud: turn taking alone is under test."""

    def __init__(self) -> None:
        self._rest = np.zeros(0, np.float32)

    def push(self, pcm: NDArray[np.float32]) -> list[float]:
        heard = np.concatenate([self._rest, pcm])
        whole = len(heard) // WINDOW * WINDOW
        self._rest = heard[whole:]
        return [float(np.abs(w).max() > 0.1) for w in heard[:whole].reshape(-1, WINDOW)]


def detector(mode: Mode = Mode.HANDS_FREE, **settings: float) -> TurnDetector:
    return TurnDetector(LoudIsSpeech(), TurnSettings(**settings), mode)


def still(seconds: float) -> NDArray[np.float32]:
    return np.zeros(round(seconds * SECOND), np.float32)


def loud(seconds: float) -> NDArray[np.float32]:
    return np.full(round(seconds * SECOND), 0.5, np.float32)


def feed(
    ears: TurnDetector, *sounds: NDArray[np.float32], piece: int = 320
) -> list[tuple[int, TurnEvent]]:
    """Events, levels left out, with the clock when they came."""
    sound = np.concatenate(sounds)
    found = []
    for at in range(0, len(sound), piece):
        events = ears.feed(sound[at : at + piece])
        found += [(ears.samples, e) for e in events if not isinstance(e, Level)]
    return found


def test_a_turn_starts_and_ends_in_time_with_its_pre_roll() -> None:
    (at_start, started), (at_end, ended) = feed(detector(), still(1), loud(1), still(1))
    assert isinstance(started, SpeechStarted) and isinstance(ended, SpeechEnded)
    assert abs(started.sample - SECOND) <= WINDOW
    assert at_start - SECOND <= 0.2 * SECOND
    assert 0.5 * SECOND <= at_end - 2 * SECOND <= 0.6 * SECOND
    assert abs(ended.end_sample - 2 * SECOND) <= WINDOW
    assert len(ended.audio) / SECOND == pytest.approx(1.4, abs=0.07)
    first = int(np.flatnonzero(ended.audio)[0])
    assert first / SECOND == pytest.approx(0.2, abs=0.04)


@pytest.mark.parametrize("piece", [1, 160, 1000, 48_000])
def test_the_size_of_the_pieces_does_not_matter(piece: int) -> None:
    sounds = still(0.3), loud(0.4), still(0.8)
    events = [e for _, e in feed(detector(), *sounds, piece=piece)]
    expected = [e for _, e in feed(detector(), *sounds)]
    assert [type(e) for e in events] == [type(e) for e in expected]
    np.testing.assert_array_equal(events[-1].audio, expected[-1].audio)  # type: ignore[union-attr]


def test_int16_and_float_give_the_same() -> None:
    sound = np.concatenate([still(0.3), loud(0.5), still(0.8)])
    whole = [type(e) for e in detector().feed((sound * 32767).astype(np.int16))]
    assert whole == [type(e) for e in detector().feed(sound)] and SpeechEnded in whole


@pytest.mark.parametrize("seconds", [0.02, 0.06, 0.1, 0.119])
@pytest.mark.parametrize("offset", [0, 100, 300, 511])
def test_short_bursts_do_not_interrupt(seconds: float, offset: int) -> None:
    lead = np.zeros(SECOND + offset, np.float32)
    assert feed(detector(), lead, loud(seconds), still(1)) == []


def test_a_sound_too_short_for_a_turn_is_dropped() -> None:
    events = [e for _, e in feed(detector(min_speech=0.3), still(1), loud(0.2), still(1))]
    assert [type(e) for e in events] == [SpeechStarted, SpeechDropped]


def test_a_pause_for_thought_does_not_end_the_turn() -> None:
    events = feed(detector(), still(1), loud(0.5), still(0.4), loud(0.5), still(1))
    assert [type(e) for _, e in events] == [SpeechStarted, SpeechEnded]
    ended = events[-1][1]
    assert isinstance(ended, SpeechEnded) and len(ended.audio) > 1.3 * SECOND


def test_an_endless_turn_is_cut_and_goes_on() -> None:
    events = [e for _, e in feed(detector(max_turn=2.0), still(0.5), loud(5), still(1))]
    kinds = [type(e) for e in events]
    assert kinds == [SpeechStarted, SpeechEnded] * 3
    total = sum(e.end_sample - e.start_sample for e in events if isinstance(e, SpeechEnded))
    assert total / SECOND == pytest.approx(5, abs=0.15)


def test_memory_stays_small_while_nobody_speaks() -> None:
    ears = detector()
    feed(ears, still(60), piece=1600)
    assert sum(map(len, ears._kept)) < SECOND


def test_level_follows_loudness() -> None:
    ears = detector()
    quiet = [e for e in ears.feed(still(1)) if isinstance(e, Level)]
    noisy = [e for e in ears.feed(loud(1)) if isinstance(e, Level)]
    assert 8 <= len(noisy) <= 12
    assert {(e.value, e.speaking) for e in quiet} == {(0.0, False)}
    assert noisy[-1].value > 0.9 and noisy[-1].speaking


def test_push_to_talk_gives_everything_between_press_and_release() -> None:
    ears = detector(Mode.PUSH_TO_TALK)
    assert feed(ears, loud(1)) == []  # nobody listens before the button
    assert interrupts(ears.press())
    assert feed(ears, still(0.3), loud(0.1), still(1.005)) == []
    (ended,) = ears.release()
    assert isinstance(ended, SpeechEnded)
    assert (ended.start_sample, ended.end_sample) == (SECOND, round(2.405 * SECOND))
    assert len(ended.audio) == round(1.605 * SECOND)  # and the pre-roll
    assert ears.release() == []


def test_a_tap_on_the_button_is_dropped() -> None:
    ears = detector(Mode.PUSH_TO_TALK)
    ears.press()
    feed(ears, loud(0.1))
    assert [type(e) for e in ears.release()] == [SpeechDropped]


def test_a_button_held_too_long_ends_the_turn() -> None:
    ears = detector(Mode.PUSH_TO_TALK, max_turn=1.0)
    ears.press()
    assert [type(e) for _, e in feed(ears, loud(3))] == [SpeechEnded]


def test_changing_the_mode_drops_the_turn_under_way() -> None:
    ears = detector()
    feed(ears, loud(0.5))
    assert [type(e) for e in ears.set_mode(Mode.PUSH_TO_TALK)] == [SpeechDropped]
    assert ears.set_mode(Mode.HANDS_FREE) == []
    assert detector().press() == []


@needs_flite
@pytest.mark.parametrize("voice", ["flite/slt", "flite/rms"])
def test_a_real_voice_interrupts_within_200_ms_and_is_heard_out(voice: str) -> None:
    speech = spoken("What time is it now, my friend?", voice)
    sound = np.concatenate([still(1), speech, still(1)])
    sound += noise(len(sound) / SECOND)
    ears = TurnDetector(SileroVad().open())
    (at, started), (_, ended) = feed(ears, sound)
    onset = SECOND + int(np.flatnonzero(np.abs(speech) > 0.02)[0])
    assert isinstance(started, SpeechStarted) and at - onset <= 0.2 * SECOND
    assert isinstance(ended, SpeechEnded)
    # All but the silence around the voice is in the turn's audio.
    assert len(ended.audio) >= len(speech) - 0.3 * SECOND


@needs_flite
@pytest.mark.parametrize("milliseconds", [40, 80, 115])
def test_a_real_burst_of_voice_does_not_interrupt(milliseconds: int) -> None:
    burst = spoken("Aah")[2000 : 2000 + 16 * milliseconds] * 2
    sound = np.concatenate([still(1), burst, still(1)])
    sound += noise(len(sound) / SECOND)
    assert feed(TurnDetector(SileroVad().open()), sound) == []
