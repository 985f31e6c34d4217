import numpy as np
import pytest

from emotion.errors import MediaError
from speech.pcm import checked, resample


@pytest.mark.parametrize(
    ("pcm", "rate"),
    [
        (np.zeros(0, np.float32), 16_000),
        (np.zeros((10, 2), np.float32), 16_000),
        (np.zeros(10, np.int16), 16_000),
        ([0.0, 0.1], 16_000),
        (np.array([0.0, np.nan], np.float32), 16_000),
        (np.array([0.0, np.inf], np.float32), 16_000),
        (np.zeros(10, np.float32), 0),
        (np.zeros(10, np.float32), -16_000),
        (np.zeros(10, np.float32), 10**9),
        (np.zeros(10, np.float32), 16_000.5),
        (np.zeros(10, np.float32), True),
    ],
)
def test_bad_sound_is_refused_with_a_remedy(pcm: object, rate: object) -> None:
    with pytest.raises(MediaError) as caught:
        checked(pcm, rate)  # type: ignore[arg-type]
    assert caught.value.remedy


def test_good_sound_becomes_float32() -> None:
    assert checked(np.zeros(4, np.float64), 8_000).dtype == np.float32


def test_resampling_keeps_a_tone() -> None:
    time = np.arange(24_000) / 24_000
    tone = np.sin(2 * np.pi * 440 * time).astype(np.float32)
    out = resample(tone, 24_000, 16_000)
    assert len(out) == 16_000
    assert int(np.argmax(np.abs(np.fft.rfft(out)))) == 440
    assert resample(tone, 24_000, 24_000) is tone
