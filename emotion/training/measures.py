"""Figures of readings: F1, thresholds, calibration, confusion.

Axis legend: n texts, 7 classes (six emotions, then neutral).
"""

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.floating]
Flags = NDArray[np.bool_]

_STEPS = np.linspace(0.05, 0.8, 76)


def f1_scores(said: Flags, true: Flags) -> NDArray[np.float64]:
    """(C,) F1 of each class. said, true: (n, C)."""
    hits = (said & true).sum(0)
    total = said.sum(0) + true.sum(0)
    scores: NDArray[np.float64] = 2 * hits / np.maximum(total, 1)
    return scores


def macro_f1(said: Flags, true: Flags) -> float:
    """The mean F1 over the classes."""
    return float(f1_scores(said, true).mean())


def best_thresholds(chance: Array, true: Flags) -> NDArray[np.float32]:
    """(C,) threshold with the best F1 of each class, smoothed over neighbouring thresholds so
    that a lucky peak does not decide. chance: (n, C) in [0, 1]."""
    scores = np.stack([f1_scores(chance > step, true) for step in _STEPS])
    kernel = np.ones(5) / 5
    padded = np.pad(scores, ((2, 2), (0, 0)), mode="edge")
    smooth = np.stack([np.convolve(column, kernel, "valid") for column in padded.T])
    return np.asarray(_STEPS[smooth.argmax(1)], np.float32)


def calibration_error(chance: Array, true: Flags, bins: int = 15) -> float:
    """Expected calibration error over all classes: how far said chances are from shares."""
    flat, hits = chance.ravel(), true.ravel()
    place = np.minimum((flat * bins).astype(int), bins - 1)
    errors = [
        abs(flat[place == b].mean() - hits[place == b].mean()) * (place == b).mean()
        for b in range(bins)
        if (place == b).any()
    ]
    return float(sum(errors))


def confusion(said: NDArray[np.integer], true: Flags) -> NDArray[np.int64]:
    """(C, C) counts: row what people said, column what was read. A text with several labels
    counts as read right when any of them was, else under each label's row."""
    count = true.shape[1]
    table = np.zeros((count, count), np.int64)
    for read, labels in zip(said, true, strict=True):
        rows = [int(read)] if labels[read] else list(np.flatnonzero(labels))
        for row in rows:
            table[row, read] += 1
    return table
