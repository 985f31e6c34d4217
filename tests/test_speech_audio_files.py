import io
import wave
from pathlib import Path

import av
import numpy as np
import pytest

from emotion.errors import MediaError
from speech.audio_files import read_audio


def wav(rate: int = 44_100, channels: int = 2, seconds: float = 1.0) -> bytes:
    """A WAV file with a tone of 440 Hz."""
    time = np.arange(round(rate * seconds)) / rate
    tone = (np.sin(2 * np.pi * 440 * time) * 16_000).astype("<i2")
    out = io.BytesIO()
    with wave.open(out, "wb") as file:
        file.setnchannels(channels)
        file.setsampwidth(2)
        file.setframerate(rate)
        file.writeframes(np.repeat(tone[:, None], channels, axis=1).tobytes())
    return out.getvalue()


def encoded(container: str, codec: str) -> bytes:
    """The tone in another format."""
    out = io.BytesIO()
    with av.open(out, "w", format=container) as file:
        stream = file.add_stream(codec, rate=48_000)
        time = np.arange(48_000) / 48_000
        tone = (np.sin(2 * np.pi * 440 * time) * 0.5).astype(np.float32)
        fifo = av.AudioFifo()
        frame = av.AudioFrame.from_ndarray(tone[None], format="fltp", layout="mono")
        frame.sample_rate = 48_000
        fifo.write(frame)
        resampler = av.AudioResampler(stream.format, stream.layout, 48_000, stream.frame_size)
        for part in [*resampler.resample(fifo.read()), *resampler.resample(None)]:
            file.mux(stream.encode(part))
        file.mux(stream.encode(None))
    return out.getvalue()


def tone_of(pcm: np.ndarray, rate: int) -> float:
    return float(np.argmax(np.abs(np.fft.rfft(pcm))) * rate / len(pcm))


@pytest.mark.parametrize("rate", [16_000, 24_000])
def test_wav_from_a_path_and_from_bytes(tmp_path: Path, rate: int) -> None:
    path = tmp_path / "tone.wav"
    path.write_bytes(wav())
    pcm = read_audio(path, rate)
    assert pcm.dtype == np.float32 and pcm.ndim == 1 and np.abs(pcm).max() <= 1
    assert len(pcm) == pytest.approx(rate, abs=rate // 100)
    assert tone_of(pcm, rate) == pytest.approx(440, abs=2)
    assert 0.4 < np.abs(pcm).max() < 0.6
    np.testing.assert_array_equal(pcm, read_audio(str(path), rate))
    np.testing.assert_array_equal(pcm, read_audio(wav(), rate))


@pytest.mark.parametrize(
    ("container", "codec"), [("mp4", "aac"), ("ogg", "libopus"), ("flac", "flac"), ("mp3", "mp3")]
)
def test_other_formats(container: str, codec: str) -> None:
    pcm = read_audio(encoded(container, codec), 16_000)
    assert len(pcm) == pytest.approx(16_000, rel=0.1)
    assert tone_of(pcm, 16_000) == pytest.approx(440, abs=3)


@pytest.mark.parametrize(
    "data",
    [b"", b"hello, I am no sound", bytes(5000), wav()[:40], b"RIFF" + b"\xff" * 400],
    ids=["empty", "text", "zeros", "cut header", "broken header"],
)
def test_what_is_no_sound_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "bad.wav"
    path.write_bytes(data)
    for source in (data, path):
        with pytest.raises(MediaError) as caught:
            read_audio(source, 16_000)
        assert caught.value.remedy
    assert "bad.wav" in str(caught.value)


def test_a_file_without_sound_samples_is_refused() -> None:
    with pytest.raises(MediaError, match="no sound"):
        read_audio(wav(seconds=0), 16_000)


def test_missing_files_folders_and_urls_are_refused(tmp_path: Path) -> None:
    for source in (tmp_path / "none.wav", tmp_path, "http://localhost/x.wav", "x" * 5000):
        with pytest.raises(MediaError):
            read_audio(source, 16_000)


def test_too_long_a_sound_is_refused() -> None:
    with pytest.raises(MediaError, match="more than 1 seconds"):
        read_audio(wav(seconds=3), 16_000, longest=1)


def test_a_sound_cut_short_keeps_what_is_there() -> None:
    whole = wav(seconds=2)
    assert len(read_audio(whole[: len(whole) // 2], 16_000)) == pytest.approx(16_000, rel=0.05)
