import itertools

import numpy as np
import pytest

from speech.engine import Timeline
from speech.prosody import Prosody
from speech.shaping import LEAD_IN, Shaper, closing_pause
from speech.types import PLAY_RATE, PhoneSpan, SpeechChunk, WordSpan

RATE = 16_000


def spans(*rows: tuple[str, float, float]) -> tuple[PhoneSpan, ...]:
    return tuple(PhoneSpan(s, round(a * RATE), round(b * RATE)) for s, a, b in rows)


TIMELINE = Timeline(
    RATE,
    round(2.0 * RATE),
    spans(("pau", 0, 0.2), ("aa", 0.2, 1.0), ("pau", 1.0, 1.1), ("m", 1.1, 1.8), ("pau", 1.8, 2.0)),
    (
        WordSpan("ah", round(0.2 * RATE), round(1.0 * RATE)),
        WordSpan("mm", round(1.1 * RATE), round(1.8 * RATE)),
    ),
)


def tone() -> np.ndarray:
    """Loud where the timeline has sounds, still in its pauses."""
    time = np.arange(2 * RATE) / RATE
    loud = ((time >= 0.2) & (time < 1.0)) | ((time >= 1.1) & (time < 1.8))
    return (0.5 * np.sin(2 * np.pi * 440 * time) * loud).astype(np.float32)


def shape(pause: float = 1.0, piece: int = 1600, closing: float = 0.3) -> list[SpeechChunk]:
    shaper = Shaper(TIMELINE, Prosody(pause=pause), 1.0, closing, 0)
    pcm = tone()
    chunks = [c for at in range(0, len(pcm), piece) for c in shaper.push(pcm[at : at + piece])]
    chunks += shaper.finish()
    assert sum(len(c.pcm) for c in chunks) == shaper.length
    return chunks


def whole(chunks: list[SpeechChunk]) -> tuple[np.ndarray, list[PhoneSpan], list[WordSpan]]:
    phones = [PhoneSpan(p.symbol, p.start + c.start_sample, p.end + c.start_sample)
              for c in chunks for p in c.phones]  # fmt: skip
    words = [WordSpan(w.text, w.start + c.start_sample, w.end + c.start_sample)
             for c in chunks for w in c.words]  # fmt: skip
    return np.concatenate([c.pcm for c in chunks]), phones, words


@pytest.mark.parametrize("pause", [0.5, 1.0, 2.0])
def test_pauses_have_the_length_asked_for(pause: float) -> None:
    pcm, _, words = whole(shape(pause))
    assert words[0].start == LEAD_IN
    assert words[1].start - words[0].end == pytest.approx(0.1 * pause * PLAY_RATE, abs=2)
    assert len(pcm) - words[1].end == pytest.approx(0.3 * pause * PLAY_RATE, abs=2)


@pytest.mark.parametrize("pause", [0.5, 1.0, 2.0])
def test_times_match_the_sound(pause: float) -> None:
    pcm, _, words = whole(shape(pause))
    for word in words:
        assert np.abs(pcm[word.start + 240 : word.end - 240]).max() > 0.45
        inner = np.abs(pcm[word.start + 240 : word.end - 240]).reshape(-1)[: 1200 * 10]
        assert inner.reshape(-1, 120).max(axis=1).min() > 0.4  # no hole inside
    quiet = np.abs(pcm[words[0].end + 120 : words[1].start - 120])
    assert quiet.max() < 0.02


def test_chunks_follow_one_another_and_their_phones_tile_them() -> None:
    chunks = shape()
    at = 0
    for chunk in chunks:
        assert chunk.start_sample == at and chunk.rate == PLAY_RATE
        assert chunk.phones[0].start == 0 and chunk.phones[-1].end == len(chunk.pcm)
        for left, right in itertools.pairwise(chunk.phones):
            assert left.end == right.start
        at += len(chunk.pcm)
    assert len(chunks[0].pcm) == 6 * 960
    assert max(len(c.pcm) for c in chunks) <= 26 * 960


def test_the_size_of_the_pieces_does_not_matter() -> None:
    one, many = whole(shape(1.5, piece=2 * RATE)), whole(shape(1.5, piece=333))
    np.testing.assert_allclose(one[0], many[0], atol=1e-6)
    assert one[1:][1] == many[1:][1]


def test_punctuation_sets_the_closing_pause() -> None:
    assert closing_pause("Yes.") > closing_pause("yes,") > closing_pause("yes")
    assert closing_pause('"Yes!"') == closing_pause("Yes!")
