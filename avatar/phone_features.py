"""What the reasoner is told of phones: which class of sound falls into each hundredth of a second.

A frame (40 ms) sees its own four bins and those of the frame before and of three after it: lips
lead the sound, and who speaks knows what comes. Times are samples at PLAY_RATE on the media clock.
Axis legend: F frames, K features, B bins.
"""

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from avatar.visemes import Phone
from speech.types import PLAY_RATE, SAMPLES_PER_FRAME

BINS = 4  # a frame
BEFORE, AFTER = 1, 3  # frames that a frame sees beside itself
SEEN = BINS * (BEFORE + 1 + AFTER)
BIN = SAMPLES_PER_FRAME // BINS  # samples
# Sounds that the lips show alike are one class. The first is silence.
CLASSES: tuple[tuple[str, ...], ...] = (
    ("pau", "sil", "sp", "h#", "q"), ("m", "b", "p", "em"), ("f", "v"), ("th", "dh"),
    ("t", "d", "n", "dx", "nx", "en"), ("l", "el"), ("s", "z"), ("sh", "zh", "ch", "jh"),
    ("k", "g", "ng"), ("hh", "hv"), ("y",), ("r",), ("w", "wh"), ("aa",), ("ae",), ("ah",), ("ax",),
    ("ao",), ("aw",), ("ay",), ("eh",), ("er", "axr"), ("ey",), ("ih", "ix"), ("iy",), ("ow",),
    ("oy",), ("uh",), ("uw", "ux"),
)  # fmt: skip
CLASS = {symbol: at for at, symbols in enumerate(CLASSES) for symbol in symbols}
PAUSE, CLOSED, LABIODENTAL, UNKNOWN = CLASS["pau"], CLASS["m"], CLASS["f"], CLASS["ax"]
WIDTH = SEEN * len(CLASSES)  # K


def phone_features(phones: Sequence[Phone], first_frame: int, count: int) -> NDArray[np.float32]:
    """(count, K) of the frames from `first_frame` on; where no phone is, there is silence.

    phones: in any order; later ones win where two overlap. Raises ValueError if count < 0.
    """
    if count < 0:
        raise ValueError(f"count is at least 0, not {count}")
    if not count:
        return np.zeros((0, WIDTH), np.float32)
    first = (first_frame - BEFORE) * BINS
    return one_hot(spread(phone_bins(phones, first, count * BINS + SEEN - BINS)))


def phone_bins(phones: Sequence[Phone], first: int, count: int) -> NDArray[np.uint8]:
    """(count,) the class that sounds in the middle of each bin from bin `first` on."""
    out = np.full(count, PAUSE, np.uint8)
    for phone in phones:
        start, end = (int(np.ceil(t / BIN - 0.5)) - first for t in (phone.start, phone.end))
        out[max(start, 0) : max(end, 0)] = CLASS.get(phone.symbol, UNKNOWN)
    return out


def spread(bins: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """(B,) bins from BEFORE frames before the first one on, to (F, SEEN): what each frame sees."""
    return np.lib.stride_tricks.sliding_window_view(bins, SEEN)[::BINS]


def one_hot(seen: NDArray[np.uint8]) -> NDArray[np.float32]:
    """(F, SEEN) classes to the features (F, K)."""
    hot = np.zeros((*seen.shape, len(CLASSES)), np.float32)
    np.put_along_axis(hot, seen[..., None].astype(np.int64), 1, -1)
    return hot.reshape(len(seen), WIDTH)


def classes_of(features: NDArray[np.float32]) -> NDArray[np.int64]:
    """(F, K) features to the classes (F, SEEN), the inverse of `one_hot`."""
    return np.asarray(features.reshape(len(features), SEEN, -1).argmax(-1), np.int64)


def phone_at(rate: int, symbol: str, start: int, end: int) -> Phone:
    """A phone whose times are samples at another rate than PLAY_RATE."""
    return Phone(symbol, start * PLAY_RATE // rate, end * PLAY_RATE // rate)
