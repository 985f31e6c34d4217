"""The audio encoder at work: causality, pieces against the whole, silence, closures."""

from pathlib import Path

import numpy as np
import pytest

from avatar.audio_encoder import (
    CLOSURE,
    GAP,
    LOOKAHEAD,
    SPEECH,
    WIDTH,
    AudioEncoder,
    AudioTrack,
)
from emotion.errors import ConfigError, MediaError
from emotion.types import EmotionState
from speech.pcm import resample
from speech.tts import EmbeddedVoices
from speech.types import FEATURE_RATE, PLAY_RATE

FRAME = 640


@pytest.fixture(scope="module")
def encoder() -> AudioEncoder:
    return AudioEncoder()


@pytest.fixture(scope="module")
def spoken() -> tuple[np.ndarray, list[tuple[str, int, int]]]:
    """Speech at PLAY_RATE with phones, in samples of it."""
    engine = EmbeddedVoices()
    voice = engine.voices()[0].id
    text = "Maybe Bob and Pam must map my apartment. Put five more pebbles by the empty barn."
    pcm, phones = [], []
    for chunk in engine.stream(text, voice, EmotionState.neutral()):
        at = chunk.start_sample
        phones += [(p.symbol, at + p.start, at + p.end) for p in chunk.phones]
        pcm.append(chunk.pcm)
    return np.concatenate(pcm), phones


@pytest.fixture(scope="module")
def sound(spoken: tuple[np.ndarray, list[tuple[str, int, int]]]) -> np.ndarray:
    return resample(spoken[0], PLAY_RATE, FEATURE_RATE)


def test_one_row_a_frame(encoder: AudioEncoder, sound: np.ndarray) -> None:
    out = encoder.features(sound)
    assert out.shape == (len(sound) // FRAME, WIDTH)
    assert np.isfinite(out).all()
    as_int = np.asarray(sound * 32767, np.int16)
    assert np.abs(encoder.features(as_int) - out).mean() < 0.02


def test_later_sound_changes_nothing(encoder: AudioEncoder, sound: np.ndarray) -> None:
    frame = 30
    end = (frame + LOOKAHEAD + 1) * FRAME
    other = sound.copy()
    other[end:] = np.random.default_rng(0).normal(0, 0.3, len(other) - end)
    before, after = encoder.features(sound), encoder.features(other)
    np.testing.assert_allclose(before[: frame + 1], after[: frame + 1], atol=2e-3)
    assert np.abs(before[frame + 1 :] - after[frame + 1 :]).max() > 0.1


def test_silence_rests_the_mouth(encoder: AudioEncoder) -> None:
    out = encoder.features(np.zeros(2 * FEATURE_RATE, np.float32))
    np.testing.assert_allclose(out, encoder.silence[None].repeat(len(out), 0), atol=1e-3)
    assert out[:, SPEECH].max() < 0.1
    assert out[:, GAP].max() < 0.2


def test_loudness_of_the_recording_does_not_matter(
    encoder: AudioEncoder, sound: np.ndarray
) -> None:
    loud, quiet = encoder.features(sound), encoder.features(np.float32(0.1) * sound)
    assert np.corrcoef(loud[:, GAP], quiet[:, GAP])[0, 1] > 0.98


def test_speech_opens_and_closes_the_mouth(
    encoder: AudioEncoder,
    sound: np.ndarray,
    spoken: tuple[np.ndarray, list[tuple[str, int, int]]],
) -> None:
    out = encoder.features(sound)
    closing = [(a, b) for name, a, b in spoken[1] if name in ("m", "b", "p")]
    assert len(closing) > 12
    seen = 0
    for start, end in closing:
        first, last = start * 2 // 3 // FRAME - 2, end * 2 // 3 // FRAME + 2
        seen += bool(out[max(first, 0) : last + 1, CLOSURE].max() > 0.5)
    assert seen / len(closing) >= 0.8
    assert np.percentile(out[:, GAP], 90) > 3 * max(float(encoder.silence[GAP]), 0.05)


@pytest.mark.parametrize("size", [960, 2_500, 12_345])
def test_pieces_give_what_the_whole_gives(
    encoder: AudioEncoder,
    sound: np.ndarray,
    spoken: tuple[np.ndarray, list[tuple[str, int, int]]],
    size: int,
) -> None:
    pcm, _ = spoken
    first = 100  # of the media clock
    start = first * 960
    track, frame, rows = AudioTrack(encoder), first, []
    for at in range(0, len(pcm), size):
        track.push(pcm[at : at + size], PLAY_RATE, start + at)
        ready = first + (at + size) * 2 // 3 // FRAME - LOOKAHEAD - 1
        if ready > frame:
            rows.append(track.at(frame, ready - frame))
            frame = ready
    whole = encoder.features(sound)
    got = np.concatenate(rows)[: len(whole)]
    whole = whole[: len(got)]
    assert len(got) > 60
    assert np.sqrt(np.mean((got - whole) ** 2)) < 0.1 * whole.std()


def test_what_comes_later_replaces_the_silence(encoder: AudioEncoder, sound: np.ndarray) -> None:
    track = AudioTrack(encoder)
    half = 40 * FRAME
    track.push(sound[:half], FEATURE_RATE, 0)
    early = track.at(35, 10)
    track.push(sound[half:], FEATURE_RATE, half)
    whole = AudioTrack(encoder)
    whole.push(sound, FEATURE_RATE, 0)
    np.testing.assert_allclose(track.at(35, 10), whole.at(35, 10), atol=2e-2)
    assert np.abs(early[-5:] - track.at(40, 5)).max() > 0.1


def test_nothing_pushed_is_silence(encoder: AudioEncoder, sound: np.ndarray) -> None:
    track = AudioTrack(encoder)
    silence = encoder.silence[None].repeat(5, 0)
    np.testing.assert_array_equal(track.at(1_000, 5), silence)
    track.push(sound, FEATURE_RATE, 2_000 * FRAME)
    np.testing.assert_allclose(track.at(1_900, 5), silence, atol=1e-3)
    assert np.abs(track.at(2_010, 5) - silence).max() > 0.2
    track.clear()
    np.testing.assert_array_equal(track.at(2_010, 5), silence)


@pytest.mark.parametrize("pause", [10, 60])
def test_a_pause_ahead_does_not_silence_what_still_plays(
    encoder: AudioEncoder, sound: np.ndarray, pause: int
) -> None:
    track = AudioTrack(encoder)
    clause = sound[: len(sound) // FRAME * FRAME]
    frames = len(clause) // FRAME
    track.push(clause, FEATURE_RATE, 0)
    track.push(clause, FEATURE_RATE, len(clause) + pause * FRAME)
    np.testing.assert_allclose(track.at(0, frames), encoder.features(clause), atol=1e-2)
    both = np.concatenate([clause, np.zeros(pause * FRAME, np.float32), clause])
    whole = encoder.features(both)[-frames:]
    np.testing.assert_allclose(track.at(frames + pause, frames), whole, atol=1e-2)


def test_a_long_talk_is_forgotten(encoder: AudioEncoder, sound: np.ndarray) -> None:
    track = AudioTrack(encoder)
    at = 0
    for _ in range(12):
        track.push(sound, FEATURE_RATE, at)
        at += len(sound)
        track.at(at // FRAME - 10, 5)
    assert len(track._hops) < 4 * (len(sound) // FRAME + 200)


@pytest.mark.parametrize(
    "bad",
    [np.zeros((2, 640), np.float32), np.full(640, np.nan, np.float32), np.zeros(640, np.int64)],
)
def test_what_is_no_sound_is_refused(encoder: AudioEncoder, bad: np.ndarray) -> None:
    with pytest.raises(MediaError):
        encoder.features(bad)
    with pytest.raises(MediaError):
        AudioTrack(encoder).push(bad, FEATURE_RATE, 0)


def test_missing_weights_name_the_remedy(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="cannot be read"):
        AudioEncoder(tmp_path / "none.onnx")
