"""How near a drawn picture is to the true one, and how sure a mean over people is.

Axis legend: S pixels of a side.
"""

from collections.abc import Mapping, Sequence
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from avatar.training.evaluate.album import Bytes, Floats

Mask = NDArray[np.bool_]
WINDOW, SIGMA = 11, 1.5  # px, of the structural similarity (Wang et al. 2004)
STABLE = ((0.01 * 255) ** 2, (0.03 * 255) ** 2)
DRAWS, SURE, SEED = 2000, 95, 11
FINEST = 60.0  # dB that equal pictures get


def squared_error(drawn: Bytes, truth: Bytes) -> Floats:
    """(S, S) mean over the channels, grey levels squared; both (S, S, 3) sRGB."""
    away = drawn.astype(np.float32) - truth
    return np.asarray((away * away).mean(-1), np.float32)


def psnr(error: Floats, where: Mask) -> float:
    """dB of the mean of a squared error (S, S) over some pixels; nan for none of them."""
    if not where.any():
        return float("nan")
    return min(FINEST, float(10 * np.log10(255**2 / max(float(error[where].mean()), 1e-9))))


def ssim(drawn: Bytes, truth: Bytes) -> Floats:
    """(S, S) structural similarity of the luminance, Gaussian window of 11 px."""
    a, b = (cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY).astype(np.float32) for rgb in (drawn, truth))
    mean_a, mean_b = _blurred(a), _blurred(b)
    var_a, var_b = _blurred(a * a) - mean_a**2, _blurred(b * b) - mean_b**2
    both = _blurred(a * b) - mean_a * mean_b
    c1, c2 = STABLE
    light = (2 * mean_a * mean_b + c1) / (mean_a**2 + mean_b**2 + c1)
    return np.asarray(light * (2 * both + c2) / (var_a + var_b + c2), np.float32)


def _blurred(picture: Floats) -> Floats:
    return np.asarray(cv2.GaussianBlur(picture, (WINDOW, WINDOW), SIGMA), np.float32)


def over_people(values: Mapping[str, Sequence[float]]) -> dict[str, Any]:
    """Mean over people of each one's mean over its items, with a 95 % interval from a bootstrap
    that draws people anew.

    values: items by person; nan does not count. Empty: only {"people": 0, "n": 0}.
    """
    kept = {who: np.array([v for v in items if np.isfinite(v)]) for who, items in values.items()}
    means = np.array([items.mean() for items in kept.values() if len(items)])
    count = sum(len(items) for items in kept.values())
    if not len(means):
        return {"people": 0, "n": 0}
    drawn = np.random.default_rng(SEED).integers(len(means), size=(DRAWS, len(means)))
    low, high = np.percentile(means[drawn].mean(1), (50 - SURE / 2, 50 + SURE / 2))
    return {"mean": round(float(means.mean()), 4), "low": round(float(low), 4),
            "high": round(float(high), 4), "people": len(means), "n": count}  # fmt: skip


def spread(values: Sequence[float]) -> dict[str, Any]:
    """Median, 90th percentile and largest of what is finite."""
    kept = np.array([v for v in values if np.isfinite(v)])
    if not len(kept):
        return {"n": 0}
    p50, p90 = np.percentile(kept, (50, 90))
    return {"p50": round(float(p50), 4), "p90": round(float(p90), 4),
            "worst": round(float(kept.max()), 4), "n": len(kept)}  # fmt: skip
