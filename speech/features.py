"""Causal features of a sound, every 10 ms: log-mel bands, pitch and energy, level normalised.

Hop k sees the samples up to its own end and none later. Loudness is relative to the loudest of the
recent past, which fades by a few dB a second, so gain cancels out without looking ahead. Pitch is
the peak of the normalised autocorrelation (Boersma 1993), without its path search. Axis legend:
T samples at 16 kHz, K hops, B mel bands, C features.
"""

from dataclasses import dataclass
from functools import cache

import numpy as np
from numpy.typing import NDArray

from emotion.errors import MediaError
from speech.pcm import REMEDY
from speech.types import FEATURE_RATE

Floats = NDArray[np.float32]

HOP = FEATURE_RATE // 100  # samples
PAST = 5 * HOP  # samples before a hop that it needs
BANDS = 80
FEATURES = BANDS + 3  # C: bands, then energy, pitch, voiced
ENERGY, PITCH, VOICED = range(BANDS, FEATURES)

_WINDOW, _FFT = 400, 1024  # of the spectrum, samples
_LOWEST, _HIGHEST = 60.0, 7600.0  # Hz
_TINY = 1e-14  # power of nothing
_FLOOR = -60.0  # dBFS: who is quieter than that is not made louder any more
_DECAY = 0.03  # dB a hop by which the loudest is forgotten
_RANGE = 70.0  # dB below the loudest at which everything is silence
_SMOOTH = 3  # hops whose mean power counts as loudness: clicks do not
_THIN = 4  # pitch is looked for at a quarter of the rate
_PITCH_WINDOW, _PITCH_FFT = 200, 512  # samples at that rate, 50 ms
_LAGS = (10, 66)  # samples at that rate, 400 to 60 Hz
_TAPS = 33
_CENTRE = float(np.log2(150.0))  # of an unknown voice, log2 Hz
_FOLLOW = 0.01  # share by which a voiced hop moves the centre
_SURE, _UNSURE = 0.8, 0.45  # autocorrelation of a voiced and of an unvoiced sound


@dataclass(frozen=True, slots=True, eq=False)
class Hops:
    """values: (K, C) float32: bands about -1.75 (silence) to 2; energy 0 to 1.25; pitch in octaves
    from the voice's centre, 0 where unvoiced; voiced 0 to 1. memory: (K, 3) float64, what the hops
    after need to know of each: loudest dB, log2 of the pitch's centre, power."""

    values: Floats
    memory: NDArray[np.float64]


def fresh_memory() -> NDArray[np.float64]:
    """(2, 3) memory of somebody who has heard nothing yet."""
    return np.array([[_FLOOR, _CENTRE, 0.0]] * (_SMOOTH - 1))


def as_sound(pcm: NDArray[np.float32] | NDArray[np.int16]) -> Floats:
    """(T,) float32 in [-1, 1] from floats or int16.

    Raises MediaError for another type, another shape, or values that are not finite.
    """
    if not isinstance(pcm, np.ndarray) or pcm.ndim != 1:
        shape = getattr(pcm, "shape", type(pcm).__name__)
        raise MediaError(f"The sound has shape {shape}; one channel is wanted.", REMEDY)
    if pcm.dtype == np.int16:
        return np.asarray(pcm / np.float32(32768), np.float32)
    if not np.issubdtype(pcm.dtype, np.floating):
        raise MediaError(f"The sound is {pcm.dtype}, not floats or int16.", REMEDY)
    if not bool(np.isfinite(pcm).all()):
        raise MediaError("The sound holds values that are not finite numbers.", REMEDY)
    return pcm.astype(np.float32, copy=False)


def analyse(sound: Floats, memory: NDArray[np.float64]) -> Hops:
    """The hops of sound (PAST + K * HOP,) whose first PAST samples came before them; memory: the
    last rows (2, 3) of the hops before. Raises ValueError for another length."""
    count, rest = divmod(len(sound) - PAST, HOP)
    if count < 0 or rest:
        raise ValueError(f"sound is PAST + a multiple of {HOP} samples, not {len(sound)}")
    if not count:
        return Hops(np.zeros((0, FEATURES), np.float32), np.zeros((0, 3)))
    bands = _mel_power(sound, count)
    power = bands.sum(1, dtype=np.float64)
    level = _level(power, memory)
    log_pitch, voiced = _pitch(sound, count)
    centre = _centre(log_pitch, voiced, float(memory[-1, 1]))
    values = np.empty((count, FEATURES), np.float32)
    relative = _decibel(bands) - level[:, None].astype(np.float32)
    values[:, :BANDS] = (np.maximum(relative, -_RANGE) + _RANGE / 2) / 20
    values[:, ENERGY] = np.clip((_decibel(power) - level + 40) / 40, 0, 1.25)
    values[:, PITCH] = np.clip(log_pitch - centre, -1, 1) * voiced
    values[:, VOICED] = voiced
    return Hops(values, np.stack([level, centre, power], 1))


def features(pcm: NDArray[np.float32] | NDArray[np.int16]) -> Floats:
    """(K, C) of a whole sound (T,) at 16 kHz, K = T // HOP. Raises MediaError as `as_sound`."""
    sound = as_sound(pcm)
    whole = len(sound) // HOP * HOP
    padded = np.concatenate([np.zeros(PAST, np.float32), sound[:whole]])
    return analyse(padded, fresh_memory()).values


class FeatureStream:
    """The same from pieces of any size."""

    def __init__(self) -> None:
        self._sound = np.zeros(PAST, np.float32)
        self._memory = fresh_memory()

    def push(self, pcm: NDArray[np.float32] | NDArray[np.int16]) -> Floats:
        """(K, C) of the hops that (T,) samples complete. Raises MediaError as `as_sound`."""
        sound = np.concatenate([self._sound, as_sound(pcm)])
        whole = (len(sound) - PAST) // HOP * HOP
        hops = analyse(sound[: PAST + whole], self._memory)
        self._sound = sound[whole:]
        self._memory = np.concatenate([self._memory, hops.memory])[1 - _SMOOTH :]
        return hops.values

    def pass_silence(self, hops: int) -> None:
        """Let so many hops of silence go by without looking at them; drops an unfinished hop."""
        level, centre, _ = self._memory[-1]
        faded = max(level - _DECAY * hops, _FLOOR)
        self._memory = np.array([[faded, centre, 0.0]] * (_SMOOTH - 1))
        self._sound = np.zeros(PAST, np.float32)


def _decibel(power: NDArray[np.floating]) -> NDArray[np.floating]:
    return np.asarray(10 * np.log10(power + power.dtype.type(_TINY)))


def _windows(sound: Floats, size: int, step: int, count: int) -> Floats:
    """(K, size): the last samples up to the end of each of the last `count` steps."""
    first = len(sound) - (count - 1) * step - size
    return np.lib.stride_tricks.sliding_window_view(sound[first:], size)[::step]


def _mel_power(sound: Floats, count: int) -> Floats:
    """(K, B) power; their sum is the mean square of the sound."""
    window, filters = _spectrum_tables()
    spectrum = np.fft.rfft(_windows(sound, _WINDOW, HOP, count) * window, _FFT)
    power = spectrum.real**2 + spectrum.imag**2
    return np.asarray(power @ filters, np.float32)


@cache
def _spectrum_tables() -> tuple[Floats, Floats]:
    """The window (400,) and the triangular mel filters (513, B)."""
    window = np.hanning(_WINDOW + 1)[:-1]
    low, high = (2595 * float(np.log10(1 + hertz / 700)) for hertz in (_LOWEST, _HIGHEST))
    edges = 700 * (10 ** (np.linspace(low, high, BANDS + 2) / 2595) - 1)
    hertz = np.arange(_FFT // 2 + 1)[:, None] * FEATURE_RATE / _FFT
    # The lowest bands are narrower than the spectrum's step: they get at least its width.
    rise = np.maximum(edges[1:-1] - edges[:-2], FEATURE_RATE / _FFT)
    fall = np.maximum(edges[2:] - edges[1:-1], FEATURE_RATE / _FFT)
    filters = np.minimum(1 + (hertz - edges[1:-1]) / rise, 1 - (hertz - edges[1:-1]) / fall)
    scale = 2 / (_FFT * np.sum(window**2))
    return window.astype(np.float32), (np.maximum(filters, 0) * scale).astype(np.float32)


def _level(power: NDArray[np.float64], memory: NDArray[np.float64]) -> NDArray[np.float64]:
    """(K,) dB of the loudest so far, which fades."""
    before = np.concatenate([memory[:, 2], power])
    smooth = np.convolve(before, np.full(_SMOOTH, 1 / _SMOOTH), "valid")
    loud = np.maximum(_decibel(smooth), _FLOOR)
    loud[0] = max(loud[0], memory[-1, 0] - _DECAY)
    fading = _DECAY * np.arange(len(loud))
    level = np.maximum.accumulate(loud + fading) - fading
    return np.asarray(np.maximum(level, _FLOOR), np.float64)


def _pitch(sound: Floats, count: int) -> tuple[Floats, Floats]:
    """(K,) log2 Hz and (K,) certainty that the sound is voiced."""
    taps, window, correction = _pitch_tables()
    need = (_PITCH_WINDOW - 1) * _THIN + 1 + (count - 1) * HOP
    low = np.convolve(sound[-(need + _TAPS - 1) :], taps, "valid")[::_THIN]
    pieces = _windows(low, _PITCH_WINDOW, HOP // _THIN, count) * window
    spectrum = np.fft.rfft(pieces - pieces.mean(1, keepdims=True) * window, _PITCH_FFT)
    power = np.asarray(spectrum.real**2 + spectrum.imag**2, np.float32)
    likeness = np.fft.irfft(power)[:, : _LAGS[1] + 2]
    likeness = likeness / (likeness[:, :1] + np.float32(1e-12)) * correction
    # A period's multiples are as alike as itself: the shorter lag wins.
    inside = likeness[:, _LAGS[0] : _LAGS[1] + 1] - np.float32(0.0015) * np.arange(
        _LAGS[1] - _LAGS[0] + 1, dtype=np.float32
    )
    best = np.argmax(inside, 1) + _LAGS[0]
    left, peak, right = (likeness[np.arange(count), best + by] for by in (-1, 0, 1))
    bend = left - 2 * peak + right
    lag = best + np.where(bend < -1e-6, 0.5 * (left - right) / np.minimum(bend, -1e-6), 0)
    hertz = FEATURE_RATE / _THIN / np.clip(lag, *_LAGS)
    voiced = np.clip((peak - _UNSURE) / (_SURE - _UNSURE), 0, 1)
    return np.log2(hertz).astype(np.float32), voiced.astype(np.float32)


@cache
def _pitch_tables() -> tuple[Floats, Floats, Floats]:
    """Low-pass (taps,), window, and 1 over the window's own autocorrelation per lag."""
    at = np.arange(_TAPS) - _TAPS // 2
    taps = np.sinc(at / _THIN * 0.9) * np.hamming(_TAPS)
    window = np.hanning(_PITCH_WINDOW + 2)[1:-1]
    own = np.fft.irfft(np.abs(np.fft.rfft(window, _PITCH_FFT)) ** 2)[: _LAGS[1] + 2]
    tables = (taps / taps.sum(), window, own[0] / own)
    return tables[0].astype(np.float32), tables[1].astype(np.float32), tables[2].astype(np.float32)


def _centre(log_pitch: Floats, voiced: Floats, centre: float) -> NDArray[np.float64]:
    """(K,) the voice's usual log2 Hz, which follows slowly."""
    out = np.empty(len(voiced))
    pairs = zip(log_pitch.tolist(), voiced.tolist(), strict=True)
    for k, (value, sure) in enumerate(pairs):
        centre += _FOLLOW * sure * (value - centre)
        out[k] = centre
    return out
