"""What generated motion is worth beside the takes it was made for. All from tokens, no pictures.

Axis legend: B streams, F frames, R 63 rig parameters.
"""

from collections.abc import Mapping
from functools import partial

import numpy as np
from numpy.typing import NDArray

from avatar.phone_features import BEFORE, BINS, CLOSED, PAUSE
from avatar.rig import EXPRESSIONS, INDEX, POSE_AT
from avatar.semo.loading import load_surface
from avatar.training.reasoner.batches import COMPOUND, NEUTRAL, kinds_of
from avatar.training.reasoner.flow import LatentsOf
from avatar.training.reasoner.losses import MOUTH
from avatar.training.reasoner.model import CONTEXT, Reasoner
from avatar.training.reasoner.rollout import Piece, Play, piece, play, starts_of
from avatar.training.reasoner.takes import Takes
from avatar.training.recipes import lip_opening
from avatar.types import Activity
from emotion.types import EMOTIONS
from speech.types import FPS

Floats = NDArray[np.float32]
SHUT = 0.03  # cm between the lips from which they are closed
LAGS = range(-4, 5)
LENGTH, STREAMS = 500, 10  # frames of a stretch, stretches


def held_figures(takes: Takes, latents: LatentsOf | None, net: Reasoner) -> Mapping[str, float]:
    """Figures for a training's log: lips with phones, by audio alone, shuffled; life; feeling."""
    stretch = piece(takes, starts_of(takes, LENGTH, STREAMS), LENGTH)
    shown = partial(play, net, stretch)
    out: dict[str, float] = {}
    truth = rigs(stretch.neutral[:, CONTEXT:])
    plays = {"phones": Play(), "audio": Play(phones=False), "shuffled": Play(shuffled=True)}
    for name, how in plays.items():
        said = rigs(shown(how))
        out |= {f"{name}_{key}": value for key, value in lips(said, truth, stretch).items()}
        if name == "phones":
            out |= life(said, truth, stretch)
    return out if latents is None else out | held_feelings(takes, latents, net)


def held_feelings(takes: Takes, latents: LatentsOf, net: Reasoner) -> dict[str, float]:
    """Figures of feeling alone: with the strengths named, and with the gate to read them."""
    stretch = piece(takes, starts_of(takes, LENGTH, 2 * STREAMS), LENGTH)
    right = rigs(stretch.rig[:, CONTEXT:])
    named = feelings(rigs(play(net, stretch, Play(feeling=True), latents)), right, stretch)
    read = feelings(
        rigs(play(net, stretch, Play(feeling=True, known=False), latents)), right, stretch
    )
    return named | {"read_error": read["felt_error"]}


def rigs(tokens: Floats) -> Floats:
    """(B,F,64) to (B,F,63)."""
    return load_surface().token_to_rig(tokens)


def speaking(stretch: Piece) -> NDArray[np.bool_]:
    """(B,F) where there is speech: not in a pause of more than the frames around."""
    bins = stretch.bins[:, CONTEXT:]
    return np.asarray((bins != PAUSE).any(-1))


def lips(said: Floats, truth: Floats, stretch: Piece) -> dict[str, float]:
    """Correlation of the lip gap, its lag in frames, closures on m, b, p, motion in silence."""
    gap, right = lip_opening(said), lip_opening(truth)
    spoken = speaking(stretch)
    by_lag = {lag: _correlation(np.roll(gap, -lag, 1), right, spoken) for lag in LAGS}
    still = np.abs(np.diff(gap, axis=1))
    quiet = ~(spoken[:, 1:] | spoken[:, :-1])
    return {
        "corr": by_lag[0],
        "lag": float(max(by_lag, key=lambda lag: by_lag[lag])),
        "closed": closures(gap, right, stretch),
        "silence": float(still[quiet].mean() / max(still[~quiet].mean(), 1e-6)),
        "opening": float(gap[spoken].std() / right[spoken].std()),
    }


def _correlation(a: Floats, b: Floats, where: NDArray[np.bool_]) -> float:
    """Mean over streams."""
    found = [
        np.corrcoef(x[seen], y[seen])[0, 1]
        for x, y, seen in zip(a, b, where, strict=True)
        if seen.sum() > 50 and x[seen].std() > 1e-6
    ]
    return float(np.mean(found)) if found else 0.0


def closures(gap: Floats, right: Floats, stretch: Piece) -> float:
    """Share of the sounds m, b, p in whose time, a frame more on both sides, the lips meet."""
    here = stretch.bins[:, CONTEXT:, BEFORE * BINS : (BEFORE + 1) * BINS]
    sounding = (here == CLOSED).any(-1)
    met, all_of_them = 0, 0
    for row, marks in zip(gap, sounding, strict=True):
        edges = np.flatnonzero(np.diff(np.concatenate([[0], marks, [0]])))
        for start, end in zip(edges[::2], edges[1::2], strict=True):
            met += bool(row[max(start - 2, 0) : end + 1].min() < SHUT)
            all_of_them += 1
    return met / max(all_of_them, 1)


def life(said: Floats, truth: Floats, stretch: Piece) -> dict[str, float]:
    """Blinks a minute, head's speed, unrest when idle, steps at seams; beside the takes'."""
    out: dict[str, float] = {}
    idle = stretch.activity[:, CONTEXT:] == Activity.IDLE
    for name, shown in (("", said), ("true_", truth)):
        turn = np.degrees(shown[..., POSE_AT.start : POSE_AT.start + 3])
        speed = FPS * np.linalg.norm(np.diff(turn, axis=1), axis=-1)
        out[f"{name}blinks"] = blinks(shown)
        out[f"{name}head_p50"], out[f"{name}head_p95"] = np.percentile(speed, (50, 95))
        out[f"{name}unrest"] = unrest(shown, idle)
    out["seams"] = seams(said)
    return out


def blinks(shown: Floats) -> float:
    """A minute, both lids falling past a half."""
    lids = shown[..., [INDEX["eyeBlink_L"], INDEX["eyeBlink_R"]]].min(-1) > 0.5
    falls = (~lids[:, :-1] & lids[:, 1:]).sum()
    return float(falls / (lids.shape[0] * lids.shape[1] / FPS / 60))


def unrest(shown: Floats, where: NDArray[np.bool_]) -> float:
    """Rms second difference of the expression weights, times 1000."""
    jolt = np.diff(shown[..., : len(EXPRESSIONS)], 2, axis=1)[where[:, 1:-1]]
    return float(1000 * np.sqrt(np.square(jolt).mean())) if len(jolt) else 0.0


def seams(shown: Floats) -> float:
    """Mean size of the steps across the seams of chunks over that of those inside."""
    step = np.abs(np.diff(shown[..., : len(EXPRESSIONS)], axis=1)).mean((0, 2))
    at = np.arange(1, len(step) + 1) % 5 == 0
    return float(step[at].mean() / step[~at].mean())


def feelings(said: Floats, right: Floats, stretch: Piece) -> dict[str, float]:
    """Error and correlation of the rig where each feeling shows, and of the mouth in speech."""
    kinds = kinds_of(stretch.emotion[:, CONTEXT:].reshape(-1, 6)).reshape(said.shape[:2])
    names = {**dict(enumerate(EMOTIONS)), NEUTRAL: "neutral", COMPOUND: "compound"}
    out: dict[str, float] = {}
    neutral = rigs(stretch.neutral[:, CONTEXT:])
    face = slice(0, len(EXPRESSIONS))
    for kind, name in names.items():
        seen = kinds == kind
        if seen.any():
            off = (said - right)[seen][:, face]
            out[f"felt_error_{name}"] = float(np.sqrt(np.square(off).mean()))
            out[f"felt_floor_{name}"] = float(
                np.sqrt(np.square((neutral - right)[seen][:, face]).mean())
            )
    off = (said - right)[kinds != NEUTRAL][:, face]
    out["felt_error"] = float(np.sqrt(np.square(off).mean()))
    spoken = speaking(stretch)
    out["felt_corr"] = _correlation(lip_opening(said), lip_opening(right), spoken)
    out["felt_mouth"] = float(np.sqrt(np.square((said - right)[spoken][:, MOUTH]).mean()))
    return out
