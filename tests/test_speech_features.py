"""Causal features of a sound: pieces against the whole, causality, level, silence, pitch."""

import numpy as np
import pytest
from numpy.typing import NDArray

from emotion.errors import MediaError
from speech.features import (
    BANDS,
    ENERGY,
    FEATURES,
    HOP,
    PAST,
    PITCH,
    VOICED,
    FeatureStream,
    analyse,
    as_sound,
    features,
    fresh_memory,
)
from speech.types import FEATURE_RATE

SECOND = FEATURE_RATE


def tone(hertz: float, seconds: float, loud: float = 0.3) -> NDArray[np.float32]:
    """A buzz with five harmonics."""
    time = np.arange(round(seconds * SECOND)) / SECOND
    waves = [np.sin(2 * np.pi * k * hertz * time) / k for k in range(1, 6)]
    return np.asarray(loud * np.sum(waves, 0), np.float32)


@pytest.fixture(scope="module")
def sound() -> NDArray[np.float32]:
    """Two seconds: buzz, silence, noise, another buzz, with a little hiss throughout."""
    rng = np.random.default_rng(3)
    whole = rng.normal(0, 2e-4, 2 * SECOND)
    whole[: 3 * SECOND // 5] += tone(120, 0.6)
    whole[SECOND : 7 * SECOND // 5] += rng.normal(0, 0.1, 2 * SECOND // 5)
    whole[7 * SECOND // 5 :] += tone(210, 0.6, 0.1)
    return whole.astype(np.float32)


@pytest.mark.parametrize("size", [37, HOP, 1_000, 9_999])
def test_pieces_give_what_the_whole_gives(sound: NDArray[np.float32], size: int) -> None:
    stream = FeatureStream()
    got = [stream.push(sound[at : at + size]) for at in range(0, len(sound), size)]
    np.testing.assert_allclose(np.concatenate(got), features(sound), atol=2e-4)


def test_a_hop_sees_nothing_later(sound: NDArray[np.float32]) -> None:
    hop = 90
    other = sound.copy()
    other[(hop + 1) * HOP :] = np.random.default_rng(1).normal(0, 0.4, len(sound) - (hop + 1) * HOP)
    before, after = features(sound), features(other)
    np.testing.assert_allclose(before[: hop + 1], after[: hop + 1], atol=1e-5)
    assert np.abs(before[hop + 1] - after[hop + 1]).max() > 0.1


@pytest.mark.parametrize("gain", [0.1, 3.0])
def test_gain_cancels_out(sound: NDArray[np.float32], gain: float) -> None:
    usual, other = features(sound), features(np.asarray(gain * sound, np.float32))
    # Once the sound was heard; what is lost below the floor of numbers does not count.
    loud = usual[:, ENERGY] > 0.3
    assert loud.mean() > 0.4
    np.testing.assert_allclose(usual[loud], other[loud], atol=0.02)


def test_silence_is_the_same_however_long() -> None:
    out = features(np.zeros(SECOND, np.float32))
    assert out.shape == (SECOND // HOP, FEATURES)
    np.testing.assert_array_equal(out, np.repeat(out[:1], len(out), 0))
    assert out[0, ENERGY] == out[0, VOICED] == out[0, PITCH] == 0


def test_pitch_follows_the_voice_from_its_centre() -> None:
    out = features(np.concatenate([tone(110, 4.0), tone(220, 0.3)]))
    usual, higher = out[380:395], out[-15:]
    assert usual[:, VOICED].min() > 0.9
    assert np.abs(usual[:, PITCH]).max() < 0.1  # the centre has gone there
    np.testing.assert_allclose(higher[:, PITCH].mean(), 1.0, atol=0.25)  # an octave up


def test_noise_is_not_voiced(sound: NDArray[np.float32]) -> None:
    out = features(np.random.default_rng(0).normal(0, 0.1, SECOND).astype(np.float32))
    assert out[10:, VOICED].mean() < 0.2
    assert np.abs(out[:, PITCH]).max() <= 1


def test_bands_tell_where_the_sound_is() -> None:
    time = np.arange(SECOND) / SECOND
    low, high = (
        features(np.asarray(0.3 * np.sin(2 * np.pi * h * time), np.float32))[50, :BANDS].argmax()
        for h in (200, 3_000)
    )
    assert low < 15 < 40 < high


def test_passing_silence_is_like_hearing_it(sound: NDArray[np.float32]) -> None:
    heard, passed = FeatureStream(), FeatureStream()
    for stream in (heard, passed):
        stream.push(sound)
    heard.push(np.zeros(100 * HOP, np.float32))
    passed.pass_silence(100)
    quiet = np.float32(0.1) * sound
    again = heard.push(quiet), passed.push(quiet)
    # The end of the sound, still in the window, moves the centre of the pitch a little.
    np.testing.assert_allclose(again[0], again[1], atol=0.02)
    # Loudness is remembered: who has heard nothing takes it for louder.
    assert (features(quiet)[5:50, ENERGY] > again[1][5:50, ENERGY] + 0.05).all()


def test_passing_silence_drops_an_unfinished_hop(sound: NDArray[np.float32]) -> None:
    stream = FeatureStream()
    assert len(stream.push(sound[: HOP + 70])) == 1
    stream.pass_silence(3)
    assert len(stream.push(sound[: HOP - 1])) == 0
    assert len(stream.push(sound[:1])) == 1


def test_what_was_heard_is_forgotten_slowly() -> None:
    loud, quiet = tone(120, 0.5), tone(120, 0.5, 0.03)
    soon, late = FeatureStream(), FeatureStream()
    for stream in (soon, late):
        stream.push(loud)
    late.pass_silence(6_000)
    assert late.push(quiet)[-1, ENERGY] > soon.push(quiet)[-1, ENERGY] + 0.1


def test_integers_are_floats(sound: NDArray[np.float32]) -> None:
    quiet = 0.5 * sound / np.abs(sound).max()
    as_int = np.asarray(np.round(quiet * 32768), np.int16)
    np.testing.assert_array_equal(features(as_int), features(as_sound(as_int)))


@pytest.mark.parametrize(
    "bad",
    [
        np.zeros((640, 2), np.float32),
        np.zeros(640, np.int32),
        np.full(640, np.inf, np.float32),
        [0.0] * 640,
    ],
)
def test_what_is_no_sound_is_refused(bad: NDArray[np.float32]) -> None:
    with pytest.raises(MediaError):
        features(bad)
    with pytest.raises(MediaError):
        FeatureStream().push(bad)


def test_an_odd_length_is_refused() -> None:
    with pytest.raises(ValueError, match="multiple"):
        analyse(np.zeros(PAST + 1, np.float32), fresh_memory())
    nothing = analyse(np.zeros(PAST, np.float32), fresh_memory())
    assert nothing.values.shape == (0, FEATURES)
