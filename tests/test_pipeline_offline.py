"""Clips: rendered into real MP4 files and read back by FFmpeg."""

import resource
import wave
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import av
import numpy as np
import pytest
import worker_fakes
from numpy.typing import NDArray

from avatar.types import Frame
from emotion.errors import MediaError, PortraitError
from emotion.types import EmotionState
from pipeline.offline import (
    MAX_CHARACTERS,
    ClipOptions,
    drive_clip,
    render_clip,
    say_clip,
    split_sentences,
)
from speech.types import PLAY_RATE, SpeechChunk

FAKES = worker_fakes.__name__
HAPPY = EmotionState.from_strengths({"happy": 0.8})
OPTIONS = ClipOptions(
    "ada",
    HAPPY,
    size=64,
    avatar=f"{FAKES}:Flags",
    tts=f"{FAKES}:Whistle",
    portraits=f"{FAKES}:portrait",
)


def tone(samples: int) -> NDArray[np.float32]:
    return (0.5 * np.sin(np.arange(samples) * 2 * np.pi * 440 / PLAY_RATE)).astype(np.float32)


def said(turn: int, start: int, samples: int) -> tuple[SpeechChunk, EmotionState]:
    return SpeechChunk(turn, tone(samples), PLAY_RATE, start), HAPPY


def pictures(path: Path) -> list[tuple[float, NDArray[np.uint8]]]:
    """(seconds, (H, W, 3) uint8) of every frame."""
    with av.open(str(path)) as container:
        return [(f.time, f.to_ndarray(format="rgb24")) for f in container.decode(video=0)]


def sound(path: Path) -> NDArray[np.float32]:
    """(T,) float32 at PLAY_RATE, the first sample at 0 s."""
    with av.open(str(path)) as container:
        assert container.streams.audio[0].rate == PLAY_RATE
        frames = list(container.decode(audio=0))
    assert frames[0].pts == 0
    return np.concatenate([f.to_ndarray()[0] for f in frames])


def leftovers(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def test_sound_and_pictures_stand_exactly_together(tmp_path: Path) -> None:
    out = tmp_path / "clip.mp4"
    # Silence until frame 30, then the tone; the fake avatar turns green where speech is.
    chunks = [said(0, 0, 960), said(200, 30 * 960, 24_000)]
    assert render_clip(worker_fakes.Flags(), worker_fakes.portrait("ada"), chunks, out, 64) == out
    heard = sound(out)
    onset = np.argmax(np.abs(heard[5_000:]) > 0.05) + 5_000
    assert abs(onset - 30 * 960) < 150  # 6 ms
    shown = pictures(out)
    green = [rgb[32, 32, 1] > 100 for _, rgb in shown]
    assert green.index(True) == 30 and sum(green) == 25
    times = [time for time, _ in shown]
    assert np.allclose(times, np.arange(len(times)) / 25, atol=1e-4)
    assert len(times) == 55 + 8  # the mouth closes after the last sound
    assert abs(len(heard) - len(times) * 960) <= 1024  # AAC counts in blocks
    assert leftovers(tmp_path) == ["clip.mp4"]


def test_file_is_what_players_and_pages_expect(tmp_path: Path) -> None:
    out = tmp_path / "clip.mp4"
    render_clip(worker_fakes.Flags(), worker_fakes.portrait("ada"), [said(1, 0, 9_600)], out, 64)
    data = out.read_bytes()
    assert data.index(b"moov") < data.index(b"mdat")
    with av.open(str(out)) as container:
        video, audio = container.streams.video[0], container.streams.audio[0]
        assert (video.codec_context.name, video.codec_context.pix_fmt) == ("h264", "yuv420p")
        assert (video.width, video.height, video.average_rate) == (64, 64, 25)
        assert (audio.codec_context.name, audio.layout.name) == ("aac", "mono")


def test_progress_counts_every_frame(tmp_path: Path) -> None:
    steps: list[tuple[int, int]] = []
    render_clip(
        worker_fakes.Flags(),
        worker_fakes.portrait("ada"),
        [said(1, 0, 9_601)],
        tmp_path / "clip.mp4",
        64,
        lambda done, count: steps.append((done, count)),
    )
    assert steps == [(at, 19) for at in range(1, 20)]


def test_say_speaks_sentence_by_sentence(tmp_path: Path) -> None:
    out = say_clip("One. Two!  Three?", OPTIONS, tmp_path / "clip.mp4")
    # The fake voice whistles for 0.2 s a sentence.
    assert len(pictures(out)) == 3 * 5 + 8
    assert np.abs(sound(out)[: 3 * 4_800]).mean() > 0.1


def test_each_sentence_may_be_felt_in_its_own_way(tmp_path: Path) -> None:
    heard: list[str] = []

    def feel(sentence: str) -> EmotionState:
        heard.append(sentence)
        return HAPPY

    options = ClipOptions(
        "ada",
        feel=feel,
        size=64,
        avatar=OPTIONS.avatar,
        tts=OPTIONS.tts,
        portraits=OPTIONS.portraits,
    )
    say_clip("I won. I lost.", options, tmp_path / "clip.mp4")
    assert heard == ["I won.", "I lost."]


class Mute(worker_fakes.Whistle):
    def stream(self, text: str, voice: str, emotion: EmotionState) -> Iterator[SpeechChunk]:
        for chunk in super().stream(text, voice, emotion):
            yield replace(chunk, pcm=np.zeros_like(chunk.pcm))


def test_a_text_without_sound_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="nothing in the text") as error:
        say_clip("你好", replace(OPTIONS, tts=f"{__name__}:Mute"), tmp_path / "clip.mp4")
    assert error.value.remedy and leftovers(tmp_path) == []


def test_clips_have_a_longest_length(tmp_path: Path) -> None:
    short = replace(OPTIONS, longest=0.5)  # a sentence lasts 0.2 s
    say_clip("One. Two.", short, tmp_path / "clip.mp4")
    with pytest.raises(MediaError, match=r"more than 0.5 seconds"):
        say_clip("One. Two. Three.", short, tmp_path / "other.mp4")
    with pytest.raises(MediaError, match=r"more than 0.1 seconds"):
        drive_clip(tmp_path / "clip.mp4", replace(OPTIONS, longest=0.1), tmp_path / "other.mp4")
    assert leftovers(tmp_path) == ["clip.mp4"]


def test_drive_speaks_a_recording(tmp_path: Path) -> None:
    recording = tmp_path / "voice.wav"
    with wave.open(str(recording), "wb") as file:
        file.setparams((1, 2, 16_000, 0, "NONE", ""))
        file.writeframes((tone(32_000) * 30_000).astype("<i2").tobytes())
    out = drive_clip(recording, OPTIONS, tmp_path / "clip.mp4")
    assert abs(len(pictures(out)) - (50 + 8)) <= 1  # 2 s


@pytest.mark.parametrize("text", ["", "  \n", "x" * (MAX_CHARACTERS + 1), "x" * 100_000])
def test_texts_without_sense_are_refused_at_once(text: str, tmp_path: Path) -> None:
    with pytest.raises(MediaError) as error:
        say_clip(text, OPTIONS, tmp_path / "clip.mp4")
    assert error.value.remedy and leftovers(tmp_path) == []


def test_long_sentences_are_cut_at_blanks() -> None:
    text = ("word " * 300).strip() + ". " + "y" * 1_000
    pieces = list(split_sentences(text))
    assert max(map(len, pieces)) <= 400
    assert "".join(pieces).replace(" ", "") == text.replace(" ", "")


@pytest.mark.parametrize("size", [0, 62, 127, 2_050, -64])
def test_sizes_out_of_range_are_refused(size: int, tmp_path: Path) -> None:
    with pytest.raises(MediaError, match=str(size)):
        render_clip(
            worker_fakes.Flags(),
            worker_fakes.portrait("ada"),
            [said(1, 0, 960)],
            tmp_path / "clip.mp4",
            size,
        )


def test_no_speech_is_refused(tmp_path: Path) -> None:
    with pytest.raises(MediaError, match="nothing to say"):
        render_clip(
            worker_fakes.Flags(), worker_fakes.portrait("ada"), [], tmp_path / "clip.mp4", 64
        )


def test_unknown_portrait_leaves_nothing(tmp_path: Path) -> None:
    options = ClipOptions(
        "missing", size=64, avatar=OPTIONS.avatar, tts=OPTIONS.tts, portraits=OPTIONS.portraits
    )
    with pytest.raises(PortraitError):
        say_clip("Hello.", options, tmp_path / "clip.mp4")
    assert leftovers(tmp_path) == []


@pytest.mark.parametrize("name", ["clip.webm", "no/such/folder/clip.mp4", "."])
def test_places_where_no_clip_can_be(name: str, tmp_path: Path) -> None:
    with pytest.raises(MediaError) as error:
        say_clip("Hello.", OPTIONS, tmp_path / name)
    assert error.value.remedy and leftovers(tmp_path) == []


def test_folder_that_cannot_be_written() -> None:
    with pytest.raises(MediaError, match="written"):  # not even by root
        say_clip("Hello.", OPTIONS, Path("/proc/clip.mp4"))


class Noise(worker_fakes.FlagStream):
    """Pictures that do not compress."""

    def frames(self, count: int) -> Iterator[Frame]:
        random = np.random.default_rng(self.next)
        for frame in super().frames(count):
            yield Frame(frame.turn, random.integers(0, 256, frame.rgb.shape, np.uint8), frame.index)


class NoiseAvatar(worker_fakes.Flags):
    def open(self, portrait: object, size: int, seed: int) -> Noise:
        return Noise(size, seed)


def render_noise(out: Path) -> None:
    render_clip(NoiseAvatar(), worker_fakes.portrait("ada"), [said(1, 0, 24_000)], out, 256)


@pytest.mark.parametrize("share", [0.01, 0.5, 1.0])  # 1: a single byte is missing
def test_full_disk_keeps_the_old_clip_and_leaves_no_part(share: float, tmp_path: Path) -> None:
    out = tmp_path / "clip.mp4"
    render_noise(out)
    size = out.stat().st_size
    out.write_bytes(b"the old clip")
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (int(size * share) - 1, before[1]))
    try:
        with pytest.raises(MediaError, match=r"could not be written.*Free some space"):
            render_noise(out)
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)
    assert out.read_bytes() == b"the old clip" and leftovers(tmp_path) == ["clip.mp4"]


class Broken(worker_fakes.Flags):
    def open(self, portrait: object, size: int, seed: int) -> "BrokenStream":
        return BrokenStream(size, seed)


class BrokenStream(worker_fakes.FlagStream):
    def frames(self, count: int) -> Iterator[Frame]:
        if self.next > 5:
            raise ZeroDivisionError("renderer")
        return super().frames(count)


def test_failing_renderer_leaves_nothing(tmp_path: Path) -> None:
    with pytest.raises(ZeroDivisionError):
        render_clip(
            Broken(), worker_fakes.portrait("ada"), [said(1, 0, 24_000)], tmp_path / "clip.mp4", 64
        )
    assert leftovers(tmp_path) == []
