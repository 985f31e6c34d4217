"""Reading clips: clocks, sizes, sound, and files that are no clips."""

import numpy as np
import pytest

from avatar.training.clips.config import Config
from avatar.training.clips.reading import SOUND_RATE, clip_paths, frames, sound
from emotion.errors import MediaError
from tests.clip_files import write_clip


def plain(count, width=96, height=64):
    return [np.full((height, width, 3), 40 + at, np.uint8) for at in range(count)]


def test_frames_come_on_their_clock(tmp_path):
    path = write_clip(tmp_path / "a.mp4", plain(12))
    found = list(frames(path, Config()))
    assert len(found) == 12
    np.testing.assert_allclose([p.time for p in found], np.arange(12) / 25, atol=1e-3)
    assert found[0].rgb.shape == (64, 96, 3) and abs(float(found[5].rgb.mean()) - 45) < 3


def test_large_pictures_shrink_and_long_clips_end(tmp_path):
    path = write_clip(tmp_path / "a.mp4", plain(25, 640, 320))
    found = list(frames(path, Config(widest=256, longest=0.5)))
    assert found[0].rgb.shape == (128, 256, 3)
    assert found[-1].time <= 0.5


def test_fast_clips_are_thinned(tmp_path):
    path = write_clip(tmp_path / "a.mp4", plain(60), rate=60)
    assert 28 <= len(list(frames(path, Config()))) <= 31


def test_sound_starts_with_the_picture(tmp_path):
    pcm = np.zeros(SOUND_RATE, np.float32)
    pcm[SOUND_RATE // 2 : SOUND_RATE // 2 + 1600] = 0.5
    path = write_clip(tmp_path / "a.mp4", plain(25), pcm)
    heard = sound(path, Config())
    assert (
        abs(int(np.argmax(np.abs(heard) > 0.25)) / SOUND_RATE - 0.5) < 0.08
    )  # AAC frames have 64 ms
    assert sound(write_clip(tmp_path / "b.mp4", plain(5)), Config()) is None


@pytest.mark.parametrize("content", [b"", b"this is no video", bytes(2000)])
def test_what_is_no_video_is_said(tmp_path, content):
    path = tmp_path / "a.mp4"
    path.write_bytes(content)
    with pytest.raises(MediaError, match=r"a\.mp4"):
        list(frames(path, Config()))


def test_half_a_file_is_an_error_or_half_a_clip(tmp_path):
    path = write_clip(tmp_path / "a.mp4", plain(50))
    path.write_bytes(path.read_bytes()[: path.stat().st_size // 2])
    with pytest.raises(MediaError):
        list(frames(path, Config()))


def test_folders(tmp_path):
    with pytest.raises(MediaError, match="does not exist"):
        clip_paths(tmp_path / "none")
    (tmp_path / "notes.txt").write_text("x")
    with pytest.raises(MediaError, match="holds no video"):
        clip_paths(tmp_path)
    (tmp_path / "b").mkdir()
    for name in ("z.MP4", "b/a.webm"):
        (tmp_path / name).write_bytes(b"x")
    assert [p.name for p in clip_paths(tmp_path)] == ["a.webm", "z.MP4"]
