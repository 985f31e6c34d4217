"""Whether lips and sound belong together: opening of the mouth against loudness of speech.

A correlation over lags between how far the lips part and the sound's energy where open vowels have
it. It tells a clip whose sound is shifted by more than a few frames, or belongs to something else,
if there are some ten seconds of lively speech. It cannot tell a dubbed voice whose syllables fall
together, who of two people speaks, or anything about short or mumbled clips: those are "unclear".

Axis legend: T steps at RATE Hz.
"""

from dataclasses import asdict, dataclass

import numpy as np

from avatar.training.clips.config import Config
from avatar.training.clips.reading import SOUND_RATE, Floats

RATE = 50  # Hz of the two signals
LEAD = 0.06  # s that lips usually run before the sound
_WINDOW = SOUND_RATE // 40  # samples
_BAND = (250.0, 1400.0)  # Hz, where open vowels have more energy than closed lips
_SILENT = 2e-3  # loudness (rms) of the loudest tenth below which nobody speaks
_STILL = 0.025  # spread of the lips' opening, of the mouth's width, below which nobody speaks
_SLOW = 0.8  # s; slower changes (a smile, a camera's gain) do not count
_MEMORY = 0.12  # s over which either signal resembles itself: sets how many samples are independent
LEAST = 4.0  # s that can tell anything


@dataclass(frozen=True, slots=True)
class Sync:
    """verdict: "in sync", "off", "unclear", "silent", "no sound", "mouth still" or "short";
    lag: s that the sound comes late against lips that lead as usual; correlation at it; chance:
    what the correlation's spread would be for strangers; reason: for the report."""

    verdict: str
    reason: str
    lag: float = 0.0
    correlation: float = 0.0
    chance: float = 1.0

    @property
    def usable(self) -> bool:
        """Whether sound and picture may be learnt together."""
        return self.verdict == "in sync"

    def row(self) -> dict[str, object]:
        """For JSON."""
        return asdict(self)


def sync_of(times: Floats, gaps: Floats, pcm: Floats | None, config: Config) -> Sync:
    """times (F,) s and gaps (F,) of a track, pcm of the whole clip at SOUND_RATE or None."""
    if pcm is None or not len(pcm):
        return Sync("no sound", "the clip has no sound")
    span = float(times[-1] - times[0]) if len(times) else 0.0
    if span < LEAST:
        return Sync("short", f"{span:.1f} s are too short to tell")
    if float(np.percentile(gaps, 90) - np.percentile(gaps, 10)) < _STILL:
        return Sync("mouth still", "the mouth hardly moves")
    steps = np.arange(times[0], times[-1], 1 / RATE)
    loud = _loudness(pcm, steps, config)
    if float(np.percentile(np.abs(pcm), 99)) < _SILENT or loud.std() < 1e-6:
        return Sync("silent", "nothing is to be heard")
    return _judged(_lively(np.interp(steps, times, gaps)), loud, config)


def _judged(lips: np.ndarray, loud: np.ndarray, config: Config) -> Sync:
    """loud: as `_loudness`, longer than lips by the lags on both ends."""
    reach = round(config.lags * RATE)
    found = np.array([_correlation(lips, loud[at : at + len(lips)]) for at in range(2 * reach + 1)])
    best = int(found.argmax())
    lag = (best - reach) / RATE - LEAD
    chance = float(np.sqrt(2 * _MEMORY * RATE / len(lips)))
    least = max(config.correlated, config.certain * chance)
    values = lag, float(found[best]), chance
    if found[best] < least:
        said = f"correlation {found[best]:.2f} is no more than chance can do ({least:.2f})"
        return Sync("unclear", said, *values)
    if abs(lag) > config.tolerance:
        late = "late" if lag > 0 else "early"
        return Sync("off", f"the sound is {abs(lag):.2f} s {late}", *values)
    return Sync("in sync", "", *values)


def _loudness(pcm: Floats, steps: np.ndarray, config: Config) -> np.ndarray:
    """(T + 2 * lags,) compressed energy of the vowels' band, less its slow part."""
    reach = round(config.lags * RATE)
    all_steps = steps[0] + (np.arange(len(steps) + 2 * reach) - reach) / RATE
    middles = np.round(all_steps * SOUND_RATE).astype(int)
    padded = np.pad(pcm, _WINDOW * 2 + reach * SOUND_RATE // RATE)
    offset = _WINDOW * 2 + reach * SOUND_RATE // RATE
    starts = (middles + offset - _WINDOW // 2).clip(0, len(padded) - _WINDOW)
    windows = padded[starts[:, None] + np.arange(_WINDOW)] * np.hanning(_WINDOW)
    power = np.abs(np.fft.rfft(windows, axis=1)) ** 2
    hertz = np.fft.rfftfreq(_WINDOW, 1 / SOUND_RATE)
    band = power[:, (hertz >= _BAND[0]) & (hertz < _BAND[1])].sum(1)
    return _lively(band**0.25)


def _lively(signal: np.ndarray) -> np.ndarray:
    """Without what changes slowly, smoothed over 60 ms."""
    wide = round(_SLOW * RATE) | 1
    slow = np.convolve(np.pad(signal, wide // 2, "edge"), np.ones(wide) / wide, "valid")
    return np.convolve(signal - slow, np.ones(3) / 3, "same")


def _correlation(a: np.ndarray, b: np.ndarray) -> float:
    a, b = a - a.mean(), b - b.mean()
    return float(a @ b / max(float(np.linalg.norm(a) * np.linalg.norm(b)), 1e-12))
