"""Takes of performances as the reasoner reads them: features made once and kept, then in memory.

A take is an npz of `avatar.training.performance`. Axis legend: F frames of all takes in a row.
"""

import hashlib
import json
import logging
from collections.abc import Callable, Iterable
from dataclasses import dataclass, fields
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avatar.phone_features import AFTER, BEFORE, BINS, phone_at, phone_bins
from avatar.semo.loading import load_surface
from emotion.types import EMOTIONS
from speech.types import FEATURE_RATE

LOG = logging.getLogger(__name__)
Listen = Callable[[NDArray[np.int16]], NDArray[np.float32]]
HALF = np.float16
VERSION = "1"


@dataclass(frozen=True, slots=True, eq=False)
class Takes:
    """All frames in a row. neutral, rig (F,64) tokens; audio, heard (F,W); bins (F,SEEN) uint8
    classes of phones; activity (F,); emotion (F,6); cues (F,9); start (N+1,): where each
    take begins; style (N,4); voice (N,)."""

    neutral: NDArray[np.float16]
    rig: NDArray[np.float16]
    audio: NDArray[np.float16]
    heard: NDArray[np.float16]
    bins: NDArray[np.uint8]
    activity: NDArray[np.uint8]
    emotion: NDArray[np.float16]
    cues: NDArray[np.float16]
    start: NDArray[np.int64]
    style: NDArray[np.float32]
    voice: tuple[str, ...]

    def __len__(self) -> int:
        return len(self.start) - 1

    def take(self, at: int) -> "Takes":
        """One take alone."""
        span = slice(self.start[at], self.start[at + 1])
        rows: dict[str, Any] = {name: getattr(self, name)[span] for name in FRAMES}
        end = np.array([0, span.stop - span.start], np.int64)
        rows |= {"start": end, "style": self.style[at : at + 1], "voice": self.voice[at : at + 1]}
        return Takes(**rows)


FRAMES = tuple(f.name for f in fields(Takes))[:8]


def kept_features(take: Path, cache: Path, listen: Listen) -> Path:
    """The file of a take's features in the cache, made if it is not there."""
    path = cache / f"{take.parent.name}_{take.stem}.npz"
    if not path.exists():
        cache.mkdir(parents=True, exist_ok=True)
        made = path.with_suffix(".part.npz")
        with np.load(take) as arrays:
            stored: dict[str, Any] = read_take(arrays, listen)
            np.savez(made, **stored)
        made.replace(path)
    return path


def read_take(arrays: "np.lib.npyio.NpzFile", listen: Listen) -> dict[str, NDArray[np.generic]]:
    """A take's arrays as `Takes` keeps them."""
    surface = load_surface()
    frames = len(arrays["neutral"])
    tokens = {
        name: surface.rig_to_token(arrays[name].astype(np.float32)).astype(HALF)
        for name in ("neutral", "rig")
    }
    sound = {
        new: listen(arrays[old])[:frames].astype(HALF)
        for new, old in (("audio", "pcm"), ("heard", "heard"))
    }
    return {
        **tokens,
        **sound,
        "bins": take_bins(arrays["phones"], arrays["phone_times"], frames),
        **{name: arrays[name] for name in ("activity", "emotion", "cues")},
        "style": arrays["style"].astype(np.float32),
        "voice": np.array(str(arrays["voice"])),
    }


def take_bins(
    symbols: NDArray[np.str_], times: NDArray[np.int32], frames: int
) -> NDArray[np.uint8]:
    """(F, SEEN) classes of phones that each frame sees; times: samples at FEATURE_RATE."""
    phones = [
        phone_at(FEATURE_RATE, str(symbol), int(start), int(end))
        for symbol, (start, end) in zip(symbols, times, strict=True)
    ]
    seen = BINS * (BEFORE + 1 + AFTER)
    bins = phone_bins(phones, -BEFORE * BINS, frames * BINS + seen - BINS)
    return np.lib.stride_tricks.sliding_window_view(bins, seen)[::BINS].copy()


def load_takes(paths: Iterable[Path]) -> Takes:
    """Kept features into memory. Raises ValueError if there are none."""
    parts: list[dict[str, NDArray[np.generic]]] = []
    for path in paths:
        with np.load(path) as arrays:
            parts.append({name: arrays[name] for name in (*FRAMES, "style", "voice")})
    if not parts:
        raise ValueError("there are no takes")
    lengths = [len(part["neutral"]) for part in parts]
    rows: dict[str, Any] = {name: np.concatenate([part[name] for part in parts]) for name in FRAMES}
    rows["start"] = np.concatenate([[0], np.cumsum(lengths)]).astype(np.int64)
    rows["style"] = np.stack([part["style"] for part in parts]).astype(np.float32)
    return Takes(**rows, voice=tuple(str(part["voice"]) for part in parts))


def fingerprint(*files: Path) -> str:
    """What the kept features depend on, as the name of their folder."""
    known = hashlib.sha256(json.dumps([VERSION, EMOTIONS]).encode())
    for file in files:
        known.update(file.read_bytes())
    return known.hexdigest()[:12]
