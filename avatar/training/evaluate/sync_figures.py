"""Figures of lips against what was said: correlation, lag, closure, silence.

`gap`: what a judge measured on pictures, in distances between the eyes; `opening`: the lips'
opening that the phones call for. Axis legend: F frames, C clips.
"""

from collections.abc import Callable, Iterable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avatar.training.evaluate.acts import Act, Phone
from avatar.training.evaluate.album import Floats
from avatar.training.evaluate.motion_metrics import Mask
from avatar.training.recipes import lip_opening

LAGS = range(-5, 6)  # frames; above 0 the lips come late
CLOSED = frozenset("mbp")
LABIODENTAL = frozenset("fv")
VOWELS = frozenset({"aa", "ae", "ah", "ao", "aw", "ay", "eh", "ey", "ow", "oy"})  # that open
SHUT = 0.20  # of the clip's open gap: below it lips count as closed
NEAR = 0.50  # the same for a lower lip at the teeth
OPEN = 90  # percentile of the judged gap while speaking that counts as the clip's open gap
AWAY = 8  # frames from any phone that count as silence
BOOT = 2000  # bootstrap draws of clips


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """One act and the gap (F,) that was judged; nan where no face was found."""

    act: Act
    gap: Floats

    @property
    def opening(self) -> Floats:
        """(F,) cm that the truth opens the lips without feeling. Raises ValueError for no truth."""
        if self.act.neutral is None:
            raise ValueError(f"nobody knows how {self.act.name} is said")
        return np.asarray(np.maximum(lip_opening(self.act.neutral), 0), np.float32)

    @property
    def open_gap(self) -> float:
        """What counts as open in this clip."""
        return float(np.nanpercentile(self.gap[self.act.spoken], OPEN))


def correlation(gap: Floats, opening: Floats, lag: int = 0) -> float:
    """Pearson's r of the gap `lag` frames after the opening; nan where either is still."""
    size = min(len(gap), len(opening))
    gap, opening = gap[max(lag, 0) : size + min(lag, 0)], opening[max(-lag, 0) : size - max(lag, 0)]
    # A rest that nothing moves has no correlation, rather than one of 0.
    known = np.isfinite(gap)
    if known.sum() < 5 or gap[known].std() < 1e-6 or opening[known].std() < 1e-6:
        return float("nan")
    return float(np.corrcoef(gap[known], opening[known])[0, 1])


def sync_figures(clips: Sequence[Clip]) -> dict[str, Any]:
    """All figures of a way of moving; each is a mean over clips with its 95 % interval."""
    rows = [[correlation(c.gap, c.opening, lag) for lag in LAGS] for c in clips]
    by_lag = np.array(rows, np.float64)
    zero = LAGS.index(0)
    still = bool(np.isnan(by_lag).all())
    return {
        "clips": len(clips),
        "frames": sum(c.act.frames for c in clips),
        "lost_frames": int(sum(np.isnan(c.gap).sum() for c in clips)),
        "r": interval(by_lag[:, zero]),
        # A feeling may open lips in silence: what it does to the words is told while they sound.
        "r_speaking": interval([_speaking(clip) for clip in clips]),
        "r_by_lag": None if still else np.nanmean(by_lag, 0).round(3).tolist(),
        "best_lag": None if still else LAGS[int(np.nanmean(by_lag, 0).argmax())],
        "lag_within_1": None if still else _lag_share(by_lag),
        "r_other_clips_sound": interval(floor(clips)),
        **_closures(clips),
        **_silence(clips),
    }


def _speaking(clip: Clip) -> float:
    said = clip.act.spoken
    return correlation(clip.gap[said], clip.opening[said])


def floor(clips: Sequence[Clip]) -> list[float]:
    """r with the openings of other clips: what the same motion is worth for another sound."""
    out = []
    for at, clip in enumerate(clips):
        others = [correlation(clip.gap, other.opening) for k, other in enumerate(clips) if k != at]
        known = [r for r in others if np.isfinite(r)]
        if known:
            out.append(float(np.mean(known)))
    return out


def _lag_share(by_lag: NDArray[np.float64]) -> float:
    known = by_lag[np.isfinite(by_lag).all(1)]
    best = np.array(LAGS)[known.argmax(1)]
    return round(float((np.abs(best) <= 1).mean()), 3)


def _closures(clips: Sequence[Clip]) -> dict[str, Any]:
    """Shares of phones at which the judged gap falls below a share of the clip's open gap.

    Baselines: vowels far from such phones, which should stay open, and what the motion of other
    clips does at the times of these phones.
    """
    own = [(c.act.phones, c) for c in clips]
    others = [(a.act.phones, b) for a in clips for b in clips if a is not b]
    closed, bitten, vowels = (list(_lowest(own, kind)) for kind in (_closes, _bites, _stays_open))
    return {
        "closure_mbp": _below(closed, SHUT), "mbp": len(closed),
        "closure_mbp_other_clips_sound": _below(list(_lowest(others, _closes)), SHUT),
        "closure_vowels": _below(vowels, SHUT), "vowels": len(vowels),
        "near_fv": _below(bitten, NEAR), "fv": len(bitten),
        "near_fv_other_clips_sound": _below(list(_lowest(others, _bites)), NEAR),
    }  # fmt: skip


def _closes(phones: Sequence[Phone], at: int) -> bool:
    return phones[at].symbol in CLOSED


def _bites(phones: Sequence[Phone], at: int) -> bool:
    return phones[at].symbol in LABIODENTAL


def _stays_open(phones: Sequence[Phone], at: int) -> bool:
    near = phones[max(0, at - 1) : at + 2]
    return phones[at].symbol in VOWELS and not any(
        p.symbol in CLOSED | LABIODENTAL | {"w", "pau"} for p in near
    )


def _lowest(
    pairs: Iterable[tuple[Sequence[Phone], Clip]], chosen: Callable[[Sequence[Phone], int], bool]
) -> Iterator[float]:
    """The lowest gap within each chosen phone, a frame's grace on either side for those that
    touch only one or two frames, in shares of the clip's open gap."""
    for phones, clip in pairs:
        for at, phone in enumerate(phones):
            if not chosen(phones, at):
                continue
            first, last = phone.frames
            seen = clip.gap[max(0, first - 1) : last + 1]
            if np.isfinite(seen).any():
                yield float(np.nanmin(seen)) / max(clip.open_gap, 1e-6)


def _below(values: Sequence[float], limit: float) -> float | None:
    return round(float(np.mean(np.array(values) < limit)), 3) if values else None


def silent(act: Act) -> Mask:
    """(F,) frames in which nobody has spoken for AWAY frames nor will."""
    near = np.convolve(act.spoken, np.ones(2 * AWAY + 1), "same") > 0
    return np.asarray(~near, np.bool_)


def _silence(clips: Sequence[Clip]) -> dict[str, Any]:
    """Motion of the judged gap from frame to frame in silence as a share of that while speaking,
    and where lips rest, in shares of the open gap."""
    quiet, loud, rest = [], [], []
    for clip in clips:
        step = np.abs(np.diff(clip.gap))
        silence = silent(clip.act)
        both = silence[1:] & silence[:-1]
        if not both.any():
            continue
        quiet.append(float(np.nanmean(step[both])))
        loud.append(float(np.nanmean(step[clip.act.spoken[1:]])))
        rest.append(float(np.nanmedian(clip.gap[silence])) / max(clip.open_gap, 1e-6))
    moved = float(np.sum(loud))
    return {
        "silence_motion": round(float(np.sum(quiet)) / moved, 4) if moved > 1e-9 else None,
        "rest_gap": interval(rest),
        "clips_with_silence": len(rest),
    }


def interval(values: Sequence[float] | NDArray[np.float64]) -> dict[str, Any] | None:
    """Mean and its 95 % bootstrap interval over the values that are numbers; None for none."""
    known = np.array([v for v in values if np.isfinite(v)], np.float64)
    if not len(known):
        return None
    draws = np.random.default_rng(0).choice(known, (BOOT, len(known))).mean(1)
    low, high = np.percentile(draws, (2.5, 97.5))
    return {"mean": round(float(known.mean()), 4), "low": round(float(low), 4),
            "high": round(float(high), 4), "n": len(known)}  # fmt: skip
