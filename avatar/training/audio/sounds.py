"""Pieces of the augmentation: other voices, rooms, noises, lines. All of (T,) float32 at 16 kHz."""

import numpy as np
from numpy.typing import NDArray
from scipy.signal import butter, fftconvolve, sosfilt

from speech.pcm import resample
from speech.types import FEATURE_RATE as RATE

Floats = NDArray[np.float32]
Rng = np.random.Generator

_BLOCK, _STEP, _SEARCH = 512, 256, 128  # of stretching, samples
_FFT, _HOP, _LIFTER = 512, 128, 28  # of formant shifts


def faster(pcm: Floats, ratio: float) -> Floats:
    """Tempo, pitch and formants times `ratio`."""
    return resample(pcm, round(RATE * ratio), RATE) if len(pcm) else pcm


def stretched(pcm: Floats, ratio: float) -> Floats:
    """`ratio` times as long at the same pitch (WSOLA, Verhelst and Roelands 1993)."""
    size = round(len(pcm) * ratio)
    window = np.hanning(_BLOCK + 1)[:-1].astype(np.float32)
    padded = np.pad(pcm, (_SEARCH, _BLOCK + 2 * _SEARCH))
    out = np.zeros(size + _BLOCK, np.float32)
    before = 0
    for at in range(0, size, _STEP):
        wanted = min(round(at / ratio), len(pcm))
        area = padded[wanted : wanted + _BLOCK + 2 * _SEARCH]
        after = padded[before + _STEP : before + _STEP + _BLOCK]
        if at and len(after) == _BLOCK:
            shift = int(np.argmax(fftconvolve(area, after[::-1], "valid")))
        else:
            shift = _SEARCH
        before = wanted + shift
        out[at : at + _BLOCK] += padded[before : before + _BLOCK] * window
    return out[:size]


def formants_moved(pcm: Floats, ratio: float) -> Floats:
    """The spectrum's envelope (by the low cepstrum) moved up by `ratio`, pitch as it was."""
    window = np.sqrt(np.hanning(_FFT + 1)[:-1]).astype(np.float32)
    count = -(-len(pcm) // _HOP) + _FFT // _HOP
    padded = np.zeros((count - 1) * _HOP + _FFT, np.float32)
    padded[_FFT - _HOP : _FFT - _HOP + len(pcm)] = pcm
    pieces = np.lib.stride_tricks.sliding_window_view(padded, _FFT)[::_HOP] * window
    spectrum = np.fft.rfft(pieces)
    cepstrum = np.fft.irfft(np.log(np.abs(spectrum) + 1e-5))
    cepstrum[:, _LIFTER:-_LIFTER] = 0
    envelope = np.fft.rfft(cepstrum).real.astype(np.float32)
    bins = np.arange(envelope.shape[1]) / ratio
    low = np.minimum(bins.astype(int), envelope.shape[1] - 2)
    part = np.clip(bins - low, 0, 1).astype(np.float32)
    moved = envelope[:, low] * (1 - part) + envelope[:, low + 1] * part
    changed = np.fft.irfft(spectrum * np.exp(np.clip(moved - envelope, -3, 3))) * window
    out = np.zeros_like(padded)
    for shift in range(_FFT // _HOP):  # blocks that do not overlap, together
        some = changed[shift :: _FFT // _HOP].reshape(-1)
        out[shift * _HOP : shift * _HOP + len(some)] += some
    start = _FFT - _HOP
    return np.asarray(out[start : start + len(pcm)] / 2, np.float32)


def room(pcm: Floats, rng: Rng) -> Floats:
    """In a random room: direct sound, a few early echoes, a decaying tail."""
    seconds = float(rng.uniform(0.12, 0.7))
    size = int(seconds * RATE)
    decay = np.exp(-6.9 * np.arange(size) / size)
    tail = rng.standard_normal(size) * decay
    tail[: int(0.004 * RATE)] = 0
    for _ in range(int(rng.integers(2, 7))):
        at = int(rng.uniform(0.002, 0.04) * RATE)
        tail[at] += rng.uniform(-1, 1) * 8 * np.exp(-at / (0.02 * RATE))
    tail *= 10 ** (-rng.uniform(0, 14) / 20) / np.sqrt(np.sum(tail**2))
    tail[0] = 1.0
    return np.asarray(fftconvolve(pcm, tail)[: len(pcm)], np.float32)


def noise(size: int, rng: Rng, babble: Floats | None = None) -> Floats:
    """(size,) noise of a random kind, rms 1: coloured, hum, tones, clicks; or of `babble`."""
    kind = rng.choice(["colour", "colour", "hum", "tones", "clicks", "babble"])
    if kind == "babble" and babble is not None and len(babble) > size // 4:
        rolls = (np.roll(babble[::-1], int(rng.integers(len(babble)))) for _ in range(4))
        out = np.resize(np.sum(list(rolls), 0), size)
    elif kind == "hum":
        out = _tones(size, rng.choice([50, 60]) * np.arange(1, 12), rng)
    elif kind == "tones":
        out = _tones(size, rng.uniform(80, 3000, int(rng.integers(1, 6))), rng)
        swell = np.interp(np.arange(size), np.arange(0, size + 8000, 8000),
                          rng.uniform(0, 1, len(range(0, size + 8000, 8000))))  # fmt: skip
        out = out * swell
    elif kind == "clicks":
        hits = (rng.random(size) < rng.uniform(1, 6) / RATE) * rng.uniform(0.2, 1, size)
        ring = rng.standard_normal(600) * np.exp(-np.arange(600) / rng.uniform(20, 150))
        out = fftconvolve(hits, ring)[:size] + 1e-3 * rng.standard_normal(size)
    else:
        out = _coloured(size, rng)
    return np.asarray(out / (np.sqrt(np.mean(out**2)) + 1e-9), np.float32)


def _tones(size: int, hertz: NDArray[np.float64], rng: Rng) -> NDArray[np.float64]:
    time = np.arange(size) / RATE
    waves = [rng.uniform(0.1, 1) * np.sin(2 * np.pi * (h * time + rng.random())) for h in hertz]
    return np.asarray(np.sum(waves, 0))


def _coloured(size: int, rng: Rng) -> NDArray[np.float64]:
    """Noise whose power falls with the frequency to a random power, sometimes in gusts."""
    spectrum = np.fft.rfft(rng.standard_normal(size))
    hertz = np.arange(len(spectrum)) * RATE / size + 20
    out = np.fft.irfft(spectrum * hertz ** -rng.uniform(0, 1.2), size)
    if rng.random() < 0.3:
        knots = np.arange(0, size + 6000, 6000)
        out *= np.interp(np.arange(size), knots, rng.uniform(0.1, 1, len(knots)))
    return out


def line(pcm: Floats, rng: Rng) -> Floats:
    """Through a random line: narrow band, mu-law at 8 kHz, few bits, or clipped."""
    kind = rng.choice(["band", "telephone", "bits", "clip"])
    peak = float(np.abs(pcm).max()) + 1e-6
    if kind == "band":
        edges = (rng.uniform(50, 300), rng.uniform(2600, 7000))
        return np.asarray(sosfilt(butter(3, edges, "band", fs=RATE, output="sos"), pcm), np.float32)
    if kind == "telephone":
        edges = (rng.uniform(150, 320), 3400)
        heard = sosfilt(butter(4, edges, "band", fs=RATE, output="sos"), pcm) / peak
        law = np.sign(heard) * np.log1p(255 * np.minimum(np.abs(heard), 1)) / np.log(256)
        law = np.round(law * 127) / 127
        size = np.expm1(np.abs(law) * np.log(256)) / 255
        return np.asarray(np.sign(law) * size * peak, np.float32)
    if kind == "clip":
        top = peak * rng.uniform(0.25, 0.7)
        return np.asarray(np.clip(pcm, -top, top), np.float32)
    return _few_bits(pcm, rng)


def _few_bits(pcm: Floats, rng: Rng) -> Floats:
    """As after a codec at a low rate: coarse magnitudes, weak parts of the spectrum dropped."""
    window = np.sqrt(np.hanning(_FFT + 1)[:-1])
    half = _FFT // 2
    padded = np.pad(pcm, (half, _FFT))
    pieces = np.lib.stride_tricks.sliding_window_view(padded, _FFT)[::half] * window
    spectrum = np.fft.rfft(pieces)
    size = np.abs(spectrum) + 1e-9
    step = rng.uniform(3, 8)  # dB
    coarse = 10 ** (np.round(20 * np.log10(size) / step) * step / 20)
    kept = size > size.max(1, keepdims=True) * 10 ** (-rng.uniform(25, 45) / 20)
    changed = np.fft.irfft(spectrum / size * coarse * kept) * window
    out = np.zeros(len(changed) * half + half)
    for shift in (0, 1):
        some = changed[shift::2].reshape(-1)
        out[shift * half : shift * half + len(some)] += some
    return np.asarray(out[half : half + len(pcm)], np.float32)
