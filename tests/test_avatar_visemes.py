"""Phones and bare sound to mouth motion."""

import numpy as np
import pytest

from avatar.motion import INDEX
from avatar.visemes import SHAPES, MouthTrack
from speech.types import PLAY_RATE, SAMPLES_PER_FRAME, SpeechChunk
from tests.avatar_speech import spoken

VOWELS = "aa ae ah ao aw ay eh er ey ih iy ow oy uh uw"
CONSONANTS = "b ch d dh f g hh jh k l m n ng p r s sh t th v w y z zh"


def mouth(symbols: str, frames: int, phone_ms: int = 160) -> np.ndarray:
    """(frames, D) of the mouth that says `symbols`."""
    track = MouthTrack()
    track.push(spoken(symbols, phone_ms=phone_ms))
    return np.stack([track.at(frame).motion for frame in range(frames)])


def peak(symbol: str, name: str) -> float:
    return float(mouth(f"pau {symbol} pau", 12)[..., INDEX[name]].max())


def test_every_phone_has_a_shape() -> None:
    assert {*VOWELS.split(), *CONSONANTS.split(), "pau"} <= SHAPES.keys()


def test_unknown_phones_are_spoken_like_a_schwa() -> None:
    assert peak("xx", "gap") == pytest.approx(peak("ax", "gap"))


def test_open_vowels_open_most() -> None:
    assert peak("aa", "gap") > peak("ih", "gap") > peak("s", "gap")


def test_round_and_spread() -> None:
    assert peak("uw", "round") > 0.5 > 0.2 > peak("iy", "round")
    assert peak("w", "round") > 0.5
    assert peak("iy", "wide") > 0.35 > 0.1 > peak("uw", "wide")
    assert peak("s", "wide") > 0.15


def test_lower_lip_meets_the_teeth_on_f_and_v() -> None:
    assert peak("f", "tuck") == pytest.approx(1.0)
    assert peak("v", "tuck") == pytest.approx(1.0)
    assert peak("m", "tuck") < 0.1


@pytest.mark.parametrize("offset", range(0, 960, 97))
@pytest.mark.parametrize("phone_ms", [35, 60, 110])
def test_closure_hits_a_frame_wherever_it_falls(offset: int, phone_ms: int) -> None:
    track = MouthTrack()
    track.push(spoken("aa b aa", 4800 + offset, phone_ms=phone_ms))
    closed = [track.at(frame).motion[INDEX["close"]] for frame in range(20)]
    assert closed.count(1.0) >= 1
    assert closed.count(1.0) <= 2 + phone_ms // 40


def test_lips_move_before_the_sound() -> None:
    track = MouthTrack()
    track.push(spoken("aa aa", SAMPLES_PER_FRAME * 10))
    early = track.at(9).motion[INDEX["gap"]]
    assert early > 0.1
    assert MouthTrack().at(9).motion[INDEX["gap"]] == 0


def test_louder_opens_wider() -> None:
    def opened(gain: float) -> float:
        track = MouthTrack()
        loud, soft = spoken("aa"), spoken("aa aa", 96_000)
        track.push(loud)
        track.push(SpeechChunk(1, soft.pcm * gain, PLAY_RATE, 96_000, soft.phones))
        return max(float(track.at(frame).motion[INDEX["gap"]]) for frame in range(100, 104))

    assert opened(1.0) > opened(0.1) * 1.15


def test_silence_is_a_resting_mouth() -> None:
    assert np.abs(mouth("pau pau pau", 8)).max() == 0


def test_mouth_rests_after_the_end() -> None:
    assert np.abs(mouth("aa aa", 40)[25:]).max() < 0.01


def bare(pcm: np.ndarray) -> list[float]:
    track = MouthTrack()
    track.push(SpeechChunk(1, pcm.astype(np.float32), PLAY_RATE, 0))
    frames = len(pcm) // SAMPLES_PER_FRAME
    return [float(track.at(frame).motion[INDEX["gap"]]) for frame in range(frames)]


def test_without_phones_the_mouth_follows_loudness() -> None:
    time = np.arange(PLAY_RATE) / PLAY_RATE
    voice = 0.3 * np.sin(2 * np.pi * 150 * time) + 0.2 * np.sin(2 * np.pi * 750 * time)
    swell = np.where((time > 0.3) & (time < 0.7), 1.0, 0.0)
    gaps = np.array(bare(voice * swell))
    assert gaps[:5].max() < 0.02 and gaps[-5:].max() < 0.02
    assert gaps[9:16].min() > 0.2


def test_without_phones_bright_vowels_spread_and_dark_ones_round() -> None:
    time = np.arange(PLAY_RATE // 2) / PLAY_RATE

    def shape(formant: float, name: str) -> float:
        track = MouthTrack()
        pcm = 0.3 * np.sin(2 * np.pi * 300 * time) + 0.15 * np.sin(2 * np.pi * formant * time)
        track.push(SpeechChunk(1, pcm.astype(np.float32), PLAY_RATE, 0))
        return float(track.at(6).motion[INDEX[name]])

    assert shape(2300, "wide") > 0.25 > shape(400, "wide")
    assert shape(400, "round") > 0.3 > shape(2300, "round")


def test_wrong_rate_is_refused() -> None:
    with pytest.raises(ValueError, match="24000"):
        MouthTrack().push(SpeechChunk(1, np.zeros(100, np.float32), 16_000, 0))


def test_empty_chunk_changes_nothing() -> None:
    track = MouthTrack()
    track.push(SpeechChunk(1, np.zeros(0, np.float32), PLAY_RATE, 0))
    assert not track.at(0).speaking


def test_clear_forgets() -> None:
    track = MouthTrack()
    track.push(spoken("aa aa aa"))
    track.clear()
    assert np.abs(track.at(2).motion).max() == 0
    assert not track.at(2).speaking
