import itertools
import subprocess
import sys
import threading
from collections.abc import Iterator, Sequence
from pathlib import Path

import numpy as np
import pytest
from speech_sounds import NEUTRAL, joined, needs_flite, pitch

from emotion.errors import ConfigError, ProviderError
from emotion.types import EmotionState
from speech import espeak_library
from speech.arpabet import PHONES
from speech.engine import SpokenPiece
from speech.prosody import Prosody
from speech.tts import EmbeddedVoices
from speech.types import PLAY_RATE, SpeechChunk, Voice

SENTENCE = "Good morning, my dear friend José! I have 42 stories for you."
FLITE = [
    pytest.param(f"flite/{name}", marks=needs_flite) for name in ("slt", "rms", "awb", "kal16")
]
VOICES = [*FLITE, "espeak/en-us-f3", "espeak/en-gb-rp-m8", "espeak/de-m3"]
EVERY_ESPEAK = [v.id for v in EmbeddedVoices().voices() if v.id.startswith("espeak/")]


@pytest.fixture(scope="module")
def voices() -> EmbeddedVoices:
    return EmbeddedVoices()


def speak(
    voices: EmbeddedVoices, text: str, voice: str, emotion: EmotionState = NEUTRAL
) -> list[SpeechChunk]:
    return list(voices.stream(text, voice, emotion))


def speech_seconds(chunks: list[SpeechChunk]) -> float:
    spans = [p.end - p.start for c in chunks for p in c.phones if p.symbol != "pau"]
    return sum(spans) / PLAY_RATE


@pytest.mark.parametrize("voice", VOICES)
def test_chunks_are_well_formed(voices: EmbeddedVoices, voice: str) -> None:
    chunks = speak(voices, SENTENCE, voice)
    at = 0
    for chunk in chunks:
        assert chunk.rate == PLAY_RATE and chunk.start_sample == at
        assert chunk.pcm.dtype == np.float32 and np.abs(chunk.pcm).max() < 1
        assert 0 < len(chunk.pcm) <= 1.1 * PLAY_RATE
        assert {p.symbol for p in chunk.phones} <= PHONES
        assert chunk.phones[0].start == 0 and chunk.phones[-1].end == len(chunk.pcm)
        at += len(chunk.pcm)
    assert 2 < at / PLAY_RATE < 8
    assert len(chunks[0].pcm) <= PLAY_RATE // 4


@pytest.mark.parametrize("voice", VOICES)
def test_words_stand_as_in_the_text_and_in_order(voices: EmbeddedVoices, voice: str) -> None:
    chunks = speak(voices, SENTENCE, voice)
    words = [(w.text, c.start_sample + w.start, c.start_sample + w.end)
             for c in chunks for w in c.words]  # fmt: skip
    text = SENTENCE.replace(",", "").replace("!", "").replace(".", "")
    assert [w for w, _, _ in words] == text.split()
    for (_, start, end), (_, following, _) in itertools.pairwise(words):
        assert start < end <= following + 1


@pytest.mark.parametrize("voice", VOICES)
def test_speech_starts_at_once_and_is_as_loud_as_the_others(
    voices: EmbeddedVoices, voice: str
) -> None:
    pcm = joined(speak(voices, "And now, listen to me.", voice))
    loud = np.flatnonzero(np.abs(pcm) > 0.02)
    assert loud[0] < 0.08 * PLAY_RATE  # a soft vowel onset on top of 20 ms of silence
    level = 20 * np.log10(np.sqrt(np.mean(pcm[np.abs(pcm) > 0.01] ** 2)))
    assert -24 < level < -14


@pytest.mark.parametrize("voice", VOICES)
def test_phones_fit_the_sound(voices: EmbeddedVoices, voice: str) -> None:
    chunks = speak(voices, "Mama saw a sea. Papa saw a bee.", voice)
    pcm = joined(chunks)
    power = {"vowel": [], "silence": []}
    for chunk in chunks:
        for phone in chunk.phones:
            kind = {"pau": "silence", "iy": "vowel", "aa": "vowel", "ao": "vowel"}.get(phone.symbol)
            part = chunk.pcm[phone.start : phone.end]
            if kind and len(part) > 960:
                power[kind].append(float(np.mean(part[480:-480] ** 2)))
    assert len(power["vowel"]) > 3 and pcm.size
    assert np.median(power["vowel"]) > 30 * np.median(power["silence"])


REPEAT = """
import hashlib, sys
from emotion.types import EmotionState
from speech.tts import EmbeddedVoices

voices = EmbeddedVoices()
def digest(text, voice, **feeling):
    state = EmotionState.from_strengths(feeling)
    return hashlib.sha256(b"".join(c.pcm.tobytes() for c in voices.stream(text, voice, state)))

for voice in sys.argv[1:]:
    first = digest("She sees six ships.", voice).hexdigest()
    assert digest("Something in between", voice, angry=1.0).hexdigest() != first
    assert digest("She sees six ships.", voice).hexdigest() == first, voice
    print(voice, first)
"""


def test_the_same_call_gives_the_same_samples(voices: EmbeddedVoices) -> None:
    # A process of its own: flite's noise is the C library's rand(), which others may call too.
    known = [*[v.id for v in voices.voices()][:6], "espeak/de-m3"]
    command = [sys.executable, "-c", REPEAT, *known]
    root = Path(espeak_library.__file__).parents[1]
    runs = [subprocess.run(command, cwd=root, capture_output=True, text=True, check=False)
            for _ in range(2)]  # fmt: skip
    assert runs[0].returncode == 0, runs[0].stderr
    assert runs[0].stdout == runs[1].stdout and len(runs[0].stdout.splitlines()) == len(known)


@pytest.mark.parametrize("voice", ["espeak/en-us-f3", *FLITE[:3]])
def test_emotion_drives_rate_pitch_energy_and_pauses(voices: EmbeddedVoices, voice: str) -> None:
    text = "My sister told me, long ago, that the old house would be sold in April."
    heard = {
        name: speak(voices, text, voice, EmotionState.from_strengths({name: 1} if name else {}))
        for name in ("", "happy", "sad")
    }
    pcm = {name: joined(chunks) for name, chunks in heard.items()}
    seconds = {name: speech_seconds(chunks) for name, chunks in heard.items()}
    assert seconds["happy"] == pytest.approx(seconds[""] / 1.10, rel=0.04)
    assert seconds["sad"] == pytest.approx(seconds[""] / 0.82, rel=0.04)
    f0 = {name: pitch(sound, PLAY_RATE) for name, sound in pcm.items()}
    assert f0["happy"] > 1.06 * f0[""] and f0["sad"] < 0.97 * f0[""]
    level = {name: float(np.sqrt(np.mean(s[np.abs(s) > 0.003] ** 2))) for name, s in pcm.items()}
    assert level["happy"] > 1.05 * level[""] and level["sad"] < 0.85 * level[""]
    pauses = {name: len(s) / PLAY_RATE - seconds[name] for name, s in pcm.items()}
    assert pauses["sad"] > 1.2 * pauses[""] and pauses["happy"] < 0.95 * pauses[""]


@pytest.mark.parametrize("voice", EVERY_ESPEAK)
def test_every_listed_espeak_voice_exists_in_the_wheel(voices: EmbeddedVoices, voice: str) -> None:
    assert speech_seconds(speak(voices, "Radio 1", voice)) > 0.3


@pytest.mark.parametrize("text", ["", "   ", "...", "😀", "```\nx = 1\n```", "\x00\x1b"])
@pytest.mark.parametrize("voice", ["espeak/en-us-f3", FLITE[0]])
def test_text_without_sounds_is_a_short_silence(
    voices: EmbeddedVoices, voice: str, text: str
) -> None:
    (chunk,) = speak(voices, text, voice)
    assert 0 < len(chunk.pcm) < 0.5 * PLAY_RATE and not chunk.pcm.any()
    assert [p.symbol for p in chunk.phones] == ["pau"]


@needs_flite
def test_a_script_that_the_voice_cannot_read_is_a_short_silence(voices: EmbeddedVoices) -> None:
    assert not joined(speak(voices, "你好", "flite/slt")).any()


def test_a_long_text_streams_part_by_part(voices: EmbeddedVoices) -> None:
    stream = voices.stream("It was a dark and stormy night, he said. " * 2500, "", NEUTRAL)
    heard = 0.0
    for chunk in stream:
        assert chunk.start_sample == round(heard * PLAY_RATE)
        heard += len(chunk.pcm) / PLAY_RATE
        if heard > 30:
            break
    assert heard > 30


def test_an_unknown_voice_lists_the_known_ones(voices: EmbeddedVoices) -> None:
    with pytest.raises(ConfigError, match="espeak/en-us-f3"):
        voices.stream("Hello", "no/such", NEUTRAL)


def test_the_catalogue_is_good(voices: EmbeddedVoices) -> None:
    known = voices.voices()
    assert len({v.id for v in known}) == len(known) >= 12
    assert {v.sex for v in known} == {"female", "male"}
    assert {"en-US", "en-GB", "de-DE", "zh-CN"} <= {v.language for v in known}
    assert voices.default_voice() == known[0].id


@pytest.mark.parametrize("voice", ["espeak/en-us-f3", FLITE[0]])
def test_cancel_ends_the_running_stream_only(voices: EmbeddedVoices, voice: str) -> None:
    stream = voices.stream("One two three four five. " * 40, voice, NEUTRAL)
    next(stream)
    voices.cancel()
    assert list(stream) == []
    assert speech_seconds(speak(voices, "And on it goes", voice)) > 0.3
    voices.cancel()  # nothing runs: nothing happens
    assert speech_seconds(speak(voices, "And on it goes", voice)) > 0.3


@pytest.mark.parametrize("voice", ["espeak/en-us-f3", FLITE[0]])
def test_cancel_comes_from_another_thread_even_before_the_first_chunk(
    voices: EmbeddedVoices, voice: str
) -> None:
    stream = voices.stream("One two three four five.", voice, NEUTRAL)
    canceller = threading.Thread(target=voices.cancel)
    canceller.start()
    canceller.join()
    assert list(stream) == []


@needs_flite
def test_an_abandoned_stream_leaves_no_thread_behind(voices: EmbeddedVoices) -> None:
    stream = voices.stream("One two three four five six seven eight.", "flite/slt", NEUTRAL)
    next(stream)
    del stream
    assert "flite" not in {thread.name for thread in threading.enumerate()}


class _NoEngine:
    """An engine whose library is missing."""

    name = "none"

    def available(self) -> bool:
        return False

    def voices(self) -> Sequence[Voice]:
        return ()

    def speak(
        self, text: str, voice: str, prosody: Prosody, stop: threading.Event
    ) -> Iterator[SpokenPiece]:
        raise AssertionError("must not be asked")


def test_a_machine_without_engines_is_told_what_to_install() -> None:
    with pytest.raises(ConfigError, match="libflite1"):
        EmbeddedVoices([_NoEngine()]).default_voice()


def test_a_missing_espeak_voice_is_a_provider_error() -> None:
    with pytest.raises(ProviderError, match="no voice"):
        espeak_library.record(
            "x", "no-such-tongue", espeak_library.Manner(165, 50, 50), threading.Event()
        )
