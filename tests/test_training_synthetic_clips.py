"""Synthetic people who speak: scripts from phone times, and clips as files; without the pack."""

from pathlib import Path

import av
import numpy as np
import pytest

from avatar.rig import INDEX, POSE_AT
from avatar.training.recipes import CLOSES, EMOTIONS, VISEMES
from avatar.training.synthetic.film import film
from avatar.training.synthetic.speaking import (
    VISEME_OF,
    Speech,
    sentences,
    speak,
    talking,
    voices_for,
)
from speech.arpabet import PHONES
from speech.tts import EmbeddedVoices
from speech.types import FPS, PLAY_RATE, SAMPLES_PER_FRAME

JAW = INDEX["jawOpen"]


def told(*phones: tuple[str, float, float], seconds: float = 4.0) -> Speech:
    return Speech(np.zeros(round(seconds * PLAY_RATE), np.float32), phones, "", "")


def test_every_phone_of_the_voices_has_a_mouth() -> None:
    assert set(VISEME_OF) == set(PHONES)
    assert all(name in VISEMES for names in VISEME_OF.values() for name in names)
    assert {phone for phone, names in VISEME_OF.items() if CLOSES & set(names)} == {"b", "m", "p"}


def test_the_mouth_follows_the_phones_in_time() -> None:
    speech = told(("aa", 1.0, 1.3), ("m", 1.3, 1.5), ("aa", 1.5, 1.8), ("iy", 2.4, 2.7))
    for seed in range(5):
        rig = talking(seed, speech).rig
        opened = rig[:, JAW] - rig[:, INDEX["mouthClose"]]
        # Lips lead the sound by 0.06 s.
        at = {name: round((middle - 0.06) * FPS) for name, middle in
              (("first", 1.15), ("closed", 1.4), ("second", 1.65))}  # fmt: skip
        assert opened[at["closed"]] + 0.2 < min(opened[at["first"]], opened[at["second"]])
        assert max(opened[:18].max(), opened[51:56].max()) < 0.1  # silence before and between


def test_scripts_are_their_seeds_and_have_moods_and_turns() -> None:
    speech = told(("aa", 0.5, 0.8), seconds=20)
    one, again, other = (talking(seed, speech) for seed in (3, 3, 4))
    assert np.array_equal(one.rig, again.rig) and not np.array_equal(one.rig, other.rig)
    assert len(one.rig) == 20 * FPS and np.isfinite(one.rig).all()
    assert any(mood in one.emotion for mood in EMOTIONS if mood != "neutral")
    assert one.strength.max() > 0.3 > one.strength.min()
    assert np.ptp(one.rig[:, POSE_AT.start]) > 0.15
    assert np.abs(np.diff(one.rig[:, POSE_AT], axis=0)[:, :3]).max() < 0.08


def test_speech_fills_the_time_and_says_where_its_phones_are() -> None:
    voices = EmbeddedVoices()
    voice = voices_for(voices, female=True)[0]
    speech = speak(voices, voice, 1, 7.0)
    assert len(speech.pcm) == 7 * PLAY_RATE
    assert len(sentences()) > 50 and any(line in speech.text for line in sentences())
    starts, ends = (np.array([phone[k] for phone in speech.phones]) for k in (1, 2))
    assert (ends > starts).all() and (starts[1:] >= ends[:-1] - 1e-3).all() and ends[-1] <= 7
    level = np.abs(speech.pcm)
    vowels = [p for p in speech.phones if p[0] in ("aa", "ae", "ay", "ow", "iy")]
    loud = np.mean([level[int(a * PLAY_RATE) : int(b * PLAY_RATE)].mean() for _, a, b in vowels])
    before = level[: int(speech.phones[0][1] * PLAY_RATE)]
    assert loud > 20 * max(float(before.mean()), 1e-5)
    again = speak(voices, voice, 1, 7.0)
    assert np.array_equal(again.pcm, speech.pcm) and again.phones == speech.phones


def test_a_clip_keeps_picture_and_sound_together(tmp_path: Path) -> None:
    path, frames, lit = tmp_path / "deep" / "clip.mp4", 40, 20
    rng = np.random.default_rng(0)
    with film(path, 64, 48) as out:
        for k in range(frames):
            pcm = rng.normal(0, 0.2 if k >= lit else 0.0, SAMPLES_PER_FRAME).astype(np.float32)
            out.add(np.full((48, 64, 3), 220 if k >= lit else 20, np.uint8), pcm)
    with av.open(str(path)) as container:
        video = container.streams.video[0]
        assert (video.codec_context.name, video.average_rate) == ("h264", FPS)
        assert (video.width, video.height) == (64, 48)
        shown = [(float(f.time), f.to_ndarray(format="gray").mean()) for f in
                 container.decode(video=0)]  # fmt: skip
    with av.open(str(path)) as container:
        assert container.streams.audio[0].codec_context.name == "aac"
        heard = [(float(f.time) + np.arange(f.samples) / f.sample_rate, np.abs(f.to_ndarray()[0]))
                 for f in container.decode(audio=0)]  # fmt: skip
    assert len(shown) == frames
    times, level = (np.concatenate(part) for part in zip(*heard, strict=True))
    bright = next(time for time, value in shown if value > 120)
    loud = float(times[np.argmax(level > 0.1)])
    assert bright == pytest.approx(lit / FPS)
    assert abs(loud - bright) < 0.02


def test_an_unfinished_clip_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="960"), film(tmp_path / "clip.mp4", 64, 48) as out:
        out.add(np.zeros((48, 64, 3), np.uint8), np.zeros(10, np.float32))
    assert not list(tmp_path.iterdir())
