import itertools

import numpy as np
import pytest
from speech_sounds import needs_flite, noise, spoken

from emotion.errors import MediaError
from speech.asr import LONGEST_PIECE, MARGIN, PocketSphinxRecogniser, speech_pieces
from speech.types import Transcript
from speech.vad import WINDOW

NOTHING = Transcript("", (), 0.0)


@pytest.fixture(scope="module")
def recogniser() -> PocketSphinxRecogniser:
    return PocketSphinxRecogniser()


@needs_flite
@pytest.mark.parametrize("voice", ["flite/slt", "flite/rms"])
def test_round_trip_of_our_own_voices(recogniser: PocketSphinxRecogniser, voice: str) -> None:
    heard = recogniser.transcribe(spoken("what time is it now", voice), 16_000)
    assert heard.text == "what time is it now"
    assert 0.5 < heard.confidence <= 1 and heard.final
    assert [word for word, _, _ in heard.words] == heard.text.split()
    times = [t for _, start, end in heard.words for t in (start, end)]
    assert times == sorted(times) and 0 < times[0] < 0.3 and 1 < times[-1] < 2


@needs_flite
def test_rate_and_loudness_do_not_matter(recogniser: PocketSphinxRecogniser) -> None:
    from speech.pcm import resample

    sound = resample(spoken("can you help me with my homework"), 16_000, 44_100) * 0.02
    assert recogniser.transcribe(sound, 44_100).text == "can you help me with my homework"


@needs_flite
def test_the_same_sound_gives_the_same_words(recogniser: PocketSphinxRecogniser) -> None:
    sound = spoken("tell me something interesting about music")
    first = recogniser.transcribe(sound, 16_000)
    recogniser.transcribe(spoken("what time is it now", "flite/rms"), 16_000)
    assert recogniser.transcribe(sound, 16_000) == first


@pytest.mark.parametrize(
    "sound",
    [
        np.zeros(32_000, np.float32),
        noise(2, 0.01),
        noise(2, 0.3),
        (0.3 * np.sin(np.arange(32_000) * 0.17)).astype(np.float32),
        np.zeros(1, np.float32),
    ],
    ids=["silence", "noise", "loud noise", "tone", "one sample"],
)
def test_sound_without_speech_is_an_empty_transcript(
    recogniser: PocketSphinxRecogniser, sound: np.ndarray
) -> None:
    assert recogniser.transcribe(sound, 16_000) == NOTHING


def test_malformed_sound_is_refused(recogniser: PocketSphinxRecogniser) -> None:
    with pytest.raises(MediaError):
        recogniser.transcribe(np.zeros((2, 100), np.float32), 16_000)
    with pytest.raises(MediaError):
        recogniser.transcribe(np.zeros(0, np.float32), 16_000)


@needs_flite
@pytest.mark.slow
def test_long_sound_is_heard_in_pieces_with_right_times(
    recogniser: PocketSphinxRecogniser,
) -> None:
    sentence = spoken("what time is it now")
    gap = np.zeros(9 * 16_000, np.float32)
    sound = np.concatenate([part for _ in range(4) for part in (sentence, gap)])
    heard = recogniser.transcribe(sound, 16_000)
    assert heard.text == " ".join(["what time is it now"] * 4)
    period = (len(sentence) + len(gap)) / 16_000
    starts = [start for word, start, _ in heard.words if word == "what"]
    np.testing.assert_allclose(np.diff(starts), period, atol=0.1)


def test_pieces_are_cut_at_the_longest_pause_and_lose_nothing() -> None:
    speech = np.ones(4000, bool)
    speech[[*range(500, 510), *range(700, 720), *range(1500, 1504)]] = False
    pieces = list(speech_pieces(speech, 4000 * WINDOW))
    assert pieces[0] == (0, 710 * WINDOW)
    assert pieces[-1][1] == 4000 * WINDOW
    for (_, end), (start, _) in itertools.pairwise(pieces):
        assert end == start
    assert max(end - start for start, end in pieces) <= LONGEST_PIECE * 16_000


def test_long_silences_are_not_decoded() -> None:
    speech = np.zeros(1000, bool)
    speech[100:150] = speech[160:200] = speech[800:990] = True
    found = [(a // WINDOW, b // WINDOW) for a, b in speech_pieces(speech, 1000 * WINDOW)]
    assert found == [(100 - MARGIN, 200 + MARGIN), (800 - MARGIN, 990 + MARGIN)]
