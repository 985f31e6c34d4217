"""Alignment: where phones are found, and what is turned away."""

import difflib
from pathlib import Path

import numpy as np
import pytest

from avatar.training.performance.align import Aligner
from avatar.training.performance.aligned import aligned_voices
from avatar.training.performance.recordings import (
    Recording,
    is_held_speaker,
    of_split,
    read_levelled,
    read_recordings,
)
from avatar.training.performance.speech import MadeVoice, Utterance, resampled
from avatar.training.performance.voices import Speakers
from emotion.errors import MediaError
from speech import flite_library
from speech.types import FEATURE_RATE, PLAY_RATE

TEXT = "The little boy put the big blue box beside the window, and then he went home."
OTHER = "Purple elephants rarely understand the mathematics of turbulent rivers."
VOICE = "flite/slt" if flite_library.present("flite") else "espeak/en-us+m3@1.00,1.00"


@pytest.fixture(scope="module")
def said() -> Utterance:
    spoken = MadeVoice(Speakers(), VOICE).say(np.random.default_rng(0), TEXT, {})
    assert spoken is not None
    return spoken


def test_phones_are_found_where_they_are(said: Utterance) -> None:
    aligned = Aligner().align(resampled(said.pcm), TEXT)
    assert aligned.reason == ""
    assert aligned.phones[0].start == 0
    assert all(a.end == b.start for a, b in zip(aligned.phones, aligned.phones[1:], strict=False))
    known = [(p.symbol, p.start / PLAY_RATE) for p in said.phones if p.symbol != "pau"]
    found = [(p.symbol, p.start / FEATURE_RATE) for p in aligned.phones if p.symbol != "pau"]
    same = difflib.SequenceMatcher(None, [k[0] for k in known], [f[0] for f in found], False)
    errors = [
        abs(found[b.b + i][1] - known[b.a + i][1])
        for b in same.get_matching_blocks()
        for i in range(b.size)
    ]
    assert len(errors) > 0.7 * len(known)
    assert np.median(errors) < 0.040


def test_another_text_and_silence_are_turned_away(said: Utterance) -> None:
    aligner = Aligner()
    assert aligner.align(resampled(said.pcm), OTHER).reason
    assert aligner.align(np.zeros(2 * FEATURE_RATE, np.float32), TEXT).reason
    assert aligner.align(resampled(said.pcm), "1234 --").reason == "no words"
    # It still works after a failure.
    assert aligner.align(resampled(said.pcm), TEXT).reason == ""


def test_unknown_words_are_spelt() -> None:
    text = "The zorblaxian went home."
    spoken = MadeVoice(Speakers(), VOICE).say(np.random.default_rng(0), text, {})
    assert spoken is not None
    aligned = Aligner().align(resampled(spoken.pcm), text)
    assert {"z", "b", "l"} <= {phone.symbol for phone in aligned.phones}


def test_recordings_come_by_speaker_and_are_remembered(said: Utterance, tmp_path: Path) -> None:
    import wave

    with wave.open(str(tmp_path / "a.wav"), "wb") as file:
        file.setparams((1, 2, PLAY_RATE, 0, "NONE", ""))
        file.writeframes((said.pcm * 8000).astype(np.int16).tobytes())
    (tmp_path / "transcripts.csv").write_text(
        f'file,text,speaker,set,lang\na.wav,"{TEXT}",ann,x,en\na.wav,"{OTHER}",bo,x,en\n'
        "a.wav,,cy,x,en\n"
    )
    recordings = read_recordings(tmp_path)
    assert [r.speaker for r in recordings] == ["ann", "bo", "cy"]
    voices = aligned_voices(recordings, tmp_path)
    assert [len(v) for v in voices.values()] == [1]  # one fits; few of one speaker are pooled
    memory = next(path for path in (tmp_path / "aligned").iterdir())
    assert memory.name.endswith("-a.json")
    loud = read_levelled(recordings[0])
    assert 0.1 < np.abs(loud).max() <= 0.98
    with pytest.raises(MediaError):
        read_recordings(tmp_path / "nowhere")


def test_speakers_are_held_out_whole() -> None:
    people = [Recording(Path(f"{n}.wav"), "hello", f"speaker {n % 40}", "en") for n in range(200)]
    known, held = (set(of_split(people, held=h, share=0.25)) for h in (False, True))
    assert len(known) + len(held) == 200
    assert not {r.speaker for r in known} & {r.speaker for r in held}
    assert 0.1 < len(held) / 200 < 0.4
    assert is_held_speaker("a", 1.0) and not is_held_speaker("a", 0.0)
