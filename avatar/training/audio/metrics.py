"""Figures of a predicted lip gap and of closures. Axis legend: F frames."""

import numpy as np
from numpy.typing import NDArray

from avatar.training.audio.takes import Floats

Flags = NDArray[np.bool_]
FARTHEST = 6  # frames of lag that are looked at
CERTAIN = 0.5  # probability that counts as a closure
TOLERANCE = 1  # frames by which a closure may be early or late
SETTLED = 10  # frames around speech that do not count as silence


def correlation(one: Floats, other: Floats) -> float:
    """Pearson's; 0 where one does not move."""
    a, b = one - one.mean(), other - other.mean()
    spread = float(np.sqrt((a * a).sum() * (b * b).sum()))
    return float((a * b).sum()) / spread if spread > 1e-9 else 0.0


def lag(answer: Floats, truth: Floats) -> int:
    """Frames by which the answer is late, at the greatest correlation."""
    size = len(truth)

    def shifted(by: int) -> float:
        late, early = max(by, 0), max(-by, 0)
        return correlation(answer[late : size - early], truth[early : size - late])

    return max(range(-FARTHEST, FARTHEST + 1), key=shifted)


def runs(flags: Flags) -> list[tuple[int, int]]:
    """First frame and the one after the last of each run."""
    edges = np.flatnonzero(np.diff(np.concatenate([[0], flags.astype(np.int8), [0]])))
    return list(zip(edges[::2].tolist(), edges[1::2].tolist(), strict=True))


def found(wanted: Flags, among: Flags) -> tuple[int, int]:
    """How many runs of `wanted` meet a frame of `among`, and how many there are."""
    hits = [bool(among[max(0, a - TOLERANCE) : b + TOLERANCE].any()) for a, b in runs(wanted)]
    return sum(hits), len(hits)


def quiet(busy: Flags) -> Flags:
    """(F,) frames well away from speech."""
    near = np.convolve(busy, np.ones(2 * SETTLED + 1), "same") > 0
    return np.asarray(~near)
