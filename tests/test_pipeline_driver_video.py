"""Videos as people have them: any rate, turned, uneven, silent, late sound, broken."""

from fractions import Fraction
from pathlib import Path

import av
import numpy as np
import pytest

from emotion.errors import MediaError
from pipeline.driver_video import DriverVideo, Span
from speech.types import PLAY_RATE, SAMPLES_PER_FRAME

SIDE = (96, 64)  # width, height


def grey(at: float) -> np.ndarray:
    """A picture whose brightness tells its second, white at the top."""
    rgb = np.full((SIDE[1], SIDE[0], 3), round(20 + 40 * at), np.uint8)
    rgb[:8] = 255
    return rgb


def write(
    path: Path,
    times: list[float],
    turned: int = 0,
    sound_from: float | None = None,
    codec: str = "libx264",
) -> Path:
    """Pictures at `times`, and from a second on a tone that lasts until the last."""
    with av.open(str(path), "w") as container:
        video = container.add_stream(codec, rate=25)
        video.width, video.height = SIDE
        video.pix_fmt = "yuv420p"
        video.time_base = Fraction(1, 1000)
        video.codec_context.time_base = Fraction(1, 1000)
        if turned:
            video.set_display_rotation(turned)
        sound = None
        if sound_from is not None:
            sound = container.add_stream("aac", rate=48_000, layout="mono")
        for time in times:
            frame = av.VideoFrame.from_ndarray(grey(time), "rgb24")
            frame.pts, frame.time_base = round(time * 1000), Fraction(1, 1000)
            container.mux(video.encode(frame))
        container.mux(video.encode(None))
        if sound is not None and sound_from is not None:
            _write_tone(container, sound, sound_from, times[-1])
    return path


def _write_tone(container: "av.container.OutputContainer", sound: "av.AudioStream",
                start: float, stop: float) -> None:  # fmt: skip
    samples = np.arange(round(start * 48_000), round(stop * 48_000))
    pcm = (0.5 * np.sin(samples * 2 * np.pi * 440 / 48_000)).astype(np.float32)
    frame = av.AudioFrame.from_ndarray(pcm[None], "fltp", "mono")
    frame.rate, frame.pts, frame.time_base = 48_000, int(samples[0]), Fraction(1, 48_000)
    container.mux(sound.encode(frame))
    container.mux(sound.encode(None))


def seconds(video: DriverVideo) -> np.ndarray:
    """Of each picture, the second that it tells."""
    return np.array([(float(rgb[32:].mean()) - 20) / 40 for rgb in video.pictures()])


@pytest.mark.parametrize("rate", [12, 24, 25, 30, 60])
def test_any_rate_becomes_25_pictures_a_second(tmp_path: Path, rate: int) -> None:
    file = write(tmp_path / "v.mp4", [k / rate for k in range(2 * rate)])
    told = seconds(DriverVideo(file, Span()))
    assert abs(len(told) - 50) <= 1
    expected = np.arange(len(told)) / 25
    assert np.abs(told - expected).max() < 0.6 / rate + 0.04


def test_uneven_rates_stay_on_the_clock(tmp_path: Path) -> None:
    times = [0, 0.02, 0.1, 0.15, 0.5, 0.52, 0.54, 1.2, 1.25, 1.3, 2.0]
    told = seconds(DriverVideo(write(tmp_path / "v.mp4", times), Span()))
    last = [max(t for t in times if t <= k / 25 + 0.02) for k in range(50)]
    assert np.abs(told[:50] - last).max() < 0.05


@pytest.mark.parametrize(("turned", "corner"), [(90, "left"), (-90, "right"), (180, "bottom")])
def test_pictures_stand_upright(tmp_path: Path, turned: int, corner: str) -> None:
    file = write(tmp_path / "v.mp4", [0, 0.04, 0.08], turned)
    rgb = next(iter(DriverVideo(file, Span()).pictures()))
    assert rgb.shape == ((64, 96, 3) if turned == 180 else (96, 64, 3))
    sides = {"left": rgb[:, :6], "right": rgb[:, -6:], "bottom": rgb[-6:], "top": rgb[:6]}
    assert max(sides, key=lambda side: float(sides[side].mean())) == corner


def test_a_part_is_taken(tmp_path: Path) -> None:
    file = write(tmp_path / "v.mp4", [k / 25 for k in range(100)])
    video = DriverVideo(file, Span(start=2, seconds=1))
    told = seconds(video)
    assert video.expected == len(told) == 25
    assert told[0] == pytest.approx(2, abs=0.05) and told[-1] == pytest.approx(2.96, abs=0.05)


@pytest.mark.parametrize("start", [0.0, 0.4, 1.6])
def test_sound_stays_with_the_pictures(tmp_path: Path, start: float) -> None:
    file = write(tmp_path / "v.mp4", [k / 25 for k in range(75)], sound_from=1.0)
    video = DriverVideo(file, Span(start=start))
    count = len(list(video.pictures()))
    sound = video.sound(count * SAMPLES_PER_FRAME)
    assert sound.shape == (count * SAMPLES_PER_FRAME,) and sound.dtype == np.float32
    begins = int(np.flatnonzero(np.abs(sound) > 0.1)[0]) / PLAY_RATE
    assert begins == pytest.approx(max(0.0, 1.0 - start), abs=0.03)


def test_a_silent_video_has_silence(tmp_path: Path) -> None:
    video = DriverVideo(write(tmp_path / "v.mp4", [0, 0.04, 0.08]), Span())
    assert not video.sound(960).any()


def test_large_pictures_are_scaled_down(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("pipeline.driver_video.SIDE", 48)
    rgb = next(iter(DriverVideo(write(tmp_path / "v.mp4", [0, 0.04]), Span()).pictures()))
    assert rgb.shape == (32, 48, 3)


def test_what_is_no_video_is_said_so(tmp_path: Path) -> None:
    (tmp_path / "text.mp4").write_text("no video")
    (tmp_path / "empty.mp4").touch()
    whole = write(tmp_path / "v.mp4", [k / 25 for k in range(50)]).read_bytes()
    (tmp_path / "cut.mp4").write_bytes(whole[: len(whole) // 3])
    with av.open(str(tmp_path / "song.m4a"), "w", format="mp4") as container:
        _write_tone(container, container.add_stream("aac", rate=48_000, layout="mono"), 0, 0.5)
    words = {"text.mp4": "cannot be read", "empty.mp4": "is empty", "cut.mp4": "cannot be read",
             "song.m4a": "no moving pictures", "none.mp4": "does not exist"}  # fmt: skip
    for name, expected in words.items():
        with pytest.raises(MediaError, match=expected) as caught:
            list(DriverVideo(tmp_path / name, Span()).pictures())
        assert caught.value.remedy
    with pytest.raises(MediaError, match="is not a file"):
        DriverVideo(tmp_path, Span())


def test_what_lasts_too_long_is_refused(tmp_path: Path) -> None:
    file = write(tmp_path / "v.mp4", [k / 25 for k in range(100)])
    with pytest.raises(MediaError, match="more than 2 seconds") as caught:
        DriverVideo(file, Span(longest=2))
    assert "--seconds" in caught.value.remedy
    assert len(list(DriverVideo(file, Span(seconds=1, longest=2)).pictures())) == 25
    with pytest.raises(MediaError, match="ends after"):
        DriverVideo(file, Span(start=10))
    with pytest.raises(MediaError, match="cannot start"):
        DriverVideo(file, Span(start=-1))
