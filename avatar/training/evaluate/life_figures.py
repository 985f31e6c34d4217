"""Does it look alive? Blinks, glances, head, jitter, seams, drift of a motion over minutes.

All of (F, 63) asked rigs, where the truth is exact; landmarks are those of the mean face. Axis
legend: F frames, K landmarks.
"""

from collections.abc import Iterator, Sequence
from functools import cached_property
from typing import Any

import numpy as np

from avatar.rig import GAZE_AT, INDEX, POSE_AT
from avatar.semo.prepared import PART
from avatar.semo.surface import FaceSurface
from avatar.training.evaluate.acts import Act
from avatar.training.evaluate.album import Floats
from avatar.training.evaluate.motion_metrics import Mask
from avatar.training.evaluate.sync_figures import silent
from avatar.training.recipes import lip_opening
from avatar.types import Activity
from speech.types import FPS

BLINKS, OPENS = 0.55, 0.3  # eyeBlink above which a lid is down, below which it is up again
SHIFT = np.radians(2.0)  # by which a glance moves within LEAP frames
LEAP = 3
WINDOW = 10 * FPS  # frames over which the head's speed and range are taken
FAST = 6.0  # Hz, above which motion of a resting face is jitter
MINUTE = 60 * FPS
EDGE = 6  # frames around the start or end of speech
RESTLESS = 0.1  # cm, a step no resting or speaking face makes but in a blink
_BLINK = [INDEX["eyeBlink_L"], INDEX["eyeBlink_R"]]
_TURN = slice(POSE_AT.start, POSE_AT.start + 3)
_SHAPED = ("lips_outer", "lips_inner", "right_brow", "left_brow")
_TAPS = 51  # of the high-pass filter


class Moves:
    """A motion on an act, and what follows from it."""

    def __init__(self, act: Act, rigs: Floats, surface: FaceSurface) -> None:
        self.act, self.rigs, self._surface = act, rigs, surface

    @cached_property
    def marks(self) -> Floats:
        """(F, K, 3) cm of lips and brows on the mean face, without the turn of the head."""
        surface = self._surface
        at = np.concatenate([np.arange(150)[PART[name]] for name in _SHAPED])
        basis = surface.chart.at_landmarks(surface.weights.expression)[:, at]
        weights = surface.coefficients(surface.rig_to_token(self.rigs))
        return np.asarray(np.tensordot(weights, basis, 1), np.float32)

    @cached_property
    def steps(self) -> Floats:
        """(F - 1,) cm that the landmark moves which moves most."""
        return np.asarray(np.linalg.norm(np.diff(self.marks, axis=0), axis=-1).max(-1), np.float32)

    def doing(self, activity: Activity) -> Mask:
        """(F,) where it is so."""
        return np.asarray(self.act.activity == activity, np.bool_)


def life_figures(moves: Moves) -> dict[str, Any]:
    """All figures that need no other motion to compare with."""
    return {
        "minutes": round(moves.act.frames / MINUTE, 2),
        "blinks_a_minute": _by_activity(moves, blinks(moves.rigs)),
        "gaze_shifts_a_minute": _by_activity(moves, glances(moves.rigs)),
        "jitter": jitter(moves),
        "edges": edges(moves),
        "drift": drift(moves),
        "mouth_in_silence": _mouth(moves),
    }


def blinks(rigs: Floats) -> Mask:
    """(F,) frames in which a blink begins to cover the eye."""
    lids = rigs[:, _BLINK].mean(1)
    out, down = np.zeros(len(rigs), np.bool_), True
    for at, lid in enumerate(lids):
        if not down and lid > BLINKS:
            out[at] = down = True
        elif down and lid < OPENS:
            down = False
    return out


def glances(rigs: Floats) -> Mask:
    """(F,) frames in which the eyes have just leapt."""
    gaze = rigs[:, GAZE_AT]
    moved = np.linalg.norm(gaze[LEAP:] - gaze[:-LEAP], axis=1) > SHIFT
    out = np.zeros(len(rigs), np.bool_)
    out[LEAP:] = moved
    out[1:] &= ~out[:-1]  # the first frame of each leap
    return out


def _by_activity(moves: Moves, events: Mask) -> dict[str, float | None]:
    out: dict[str, float | None] = {"all": round(float(events.mean()) * MINUTE, 2)}
    for activity in Activity:
        doing = moves.doing(activity)
        rate = float(events[doing].mean()) * MINUTE if doing.any() else None
        out[activity.name.lower()] = None if rate is None else round(rate, 2)
    return out


def head_windows(rigs: Floats) -> dict[str, Floats]:
    """By figure one value for each window: mean speed (degrees a second) and range (degrees, 5th
    to 95th percentile of yaw and of pitch)."""
    turns = np.degrees(rigs[:, _TURN])
    cuts = range(0, len(turns) - WINDOW + 1, WINDOW)
    parts = [turns[at : at + WINDOW] for at in cuts]
    speed = [np.linalg.norm(np.diff(part, axis=0), axis=1).mean() * FPS for part in parts]
    spans = [np.percentile(part, 95, axis=0) - np.percentile(part, 5, axis=0) for part in parts]
    yaw, pitch = ([span[k] for span in spans] for k in (0, 1))
    return {"speed": _array(speed), "yaw_range": _array(yaw), "pitch_range": _array(pitch)}


def head_figures(rigs: Floats, data: dict[str, Floats]) -> dict[str, Any]:
    """Beside the windows of the performances: median, and the share of windows between their 5th
    and 95th percentile (0.9 for themselves)."""
    out = {}
    for name, values in head_windows(rigs).items():
        low, high = np.percentile(data[name], (5, 95))
        inside = float(((values >= low) & (values <= high)).mean())
        middle = float(np.median(values))
        out[name] = {
            "median": round(middle, 3), "data_5": round(float(low), 3),
            "data_median": round(float(np.median(data[name])), 3),
            "data_95": round(float(high), 3), "inside": round(inside, 3),
            "median_inside": bool(low <= middle <= high), "windows": len(values),
        }  # fmt: skip
    return out


def jitter(moves: Moves) -> dict[str, float | None]:
    """Root mean square above FAST Hz while idle: of lips and brows (micrometres), of the head's
    turn (thousandths of a degree)."""
    face, head = [], []
    turns = np.degrees(moves.rigs[:, _TURN])
    for start, end in runs(moves.doing(Activity.IDLE) & silent(moves.act)):
        if end - start < 2 * _TAPS:
            continue
        face.append((_fast(moves.marks[start:end].reshape(end - start, -1)) ** 2).mean())
        head.append((_fast(turns[start:end]) ** 2).mean())
    if not face:
        return {"face_um": None, "head_mdeg": None}
    return {
        "face_um": round(float(np.sqrt(np.mean(face))) * 1e4, 2),
        "head_mdeg": round(float(np.sqrt(np.mean(head))) * 1e3, 2),
    }


def _fast(values: Floats) -> Floats:
    """(n, ...) above FAST Hz, without the filter's run-in."""
    at = np.arange(_TAPS) - _TAPS // 2
    low = np.sinc(2 * FAST / FPS * at) * np.hamming(_TAPS)
    low /= low.sum()
    return np.stack([
        column[_TAPS // 2 : -(_TAPS // 2)] - np.convolve(column, low, "valid")
        for column in values.reshape(len(values), -1).T
    ])  # fmt: skip


def runs(where: Mask) -> Iterator[tuple[int, int]]:
    """First and end of each stretch."""
    edge = np.flatnonzero(np.diff(np.r_[0, where.astype(np.int8), 0]))
    yield from zip(edge[::2].tolist(), edge[1::2].tolist(), strict=True)


def edges(moves: Moves) -> dict[str, Any]:
    """Largest step of lips and brows around the starts and ends of speech, beside the 99th
    percentile and the largest inside speech, cm."""
    spoken = moves.act.spoken
    starts, ends, inside = [], [], np.zeros(len(spoken), np.bool_)
    for start, end in runs(_closed(spoken)):
        starts.append(float(_near(moves.steps, start).max()))
        ends.append(float(_near(moves.steps, end).max()))
        inside[start + EDGE : max(start + EDGE, end - EDGE)] = True
    if not starts or not inside[1:].any():
        return {}
    own = moves.steps[inside[1:]]
    return {
        "start_max": round(max(starts), 3), "end_max": round(max(ends), 3),
        "inside_p99": round(float(np.percentile(own, 99)), 3),
        "inside_max": round(float(own.max()), 3), "speeches": len(starts),
    }  # fmt: skip


def _closed(spoken: Mask) -> Mask:
    """Speech with its short pauses."""
    out = spoken.copy()
    for start, end in runs(~spoken):
        if end - start < 2 * EDGE:
            out[start:end] = True
    return out


def _near(steps: Floats, at: int) -> Floats:
    return steps[max(0, at - EDGE) : at + EDGE]


def seams(moves: Moves, first: Sequence[int]) -> dict[str, Any]:
    """Changes of speed of lips and brows where one plan follows another, beside all others.

    first: the first frames of the plans. Acceleration: a seam that hides has that of any frame."""
    speed = np.diff(moves.marks, axis=0)
    turn = np.linalg.norm(np.diff(speed, axis=0), axis=-1).max(-1)  # of frame k + 2
    at = np.array(sorted({f for f in first if 2 <= f < moves.act.frames}), int)
    if not len(at):
        return {}
    there = np.zeros(len(turn), np.bool_)
    there[at - 2] = True
    ours, others = float(turn[there].mean()), float(turn[~there].mean())
    return {
        "seam": round(ours, 4), "elsewhere": round(others, 4),
        "ratio": round(ours / max(others, 1e-9), 3), "seams": len(at),
        "seam_p99": round(float(np.percentile(turn[there], 99)), 4),
        "elsewhere_p99": round(float(np.percentile(turn[~there], 99)), 4),
    }  # fmt: skip


def drift(moves: Moves) -> dict[str, Any]:
    """By minute: how far the mean shape of lips and brows in silence (cm, mean over landmarks) and
    the mean turn of the head (degrees) are from those of the first minute."""
    quiet = silent(moves.act)
    shapes, turns = [], []
    for at in range(0, moves.act.frames - MINUTE // 2, MINUTE):
        part = slice(at, at + MINUTE)
        still = quiet[part]
        if not still.any():
            continue
        shapes.append(moves.marks[part][still].mean(0))
        turns.append(np.degrees(moves.rigs[part, _TURN]).mean(0))
    if not shapes:
        return {}
    away = [float(np.linalg.norm(s - shapes[0], axis=-1).mean()) for s in shapes]
    turned = [float(np.linalg.norm(t - turns[0])) for t in turns]
    return {
        "shape_cm": [round(v, 4) for v in away], "turn_deg": [round(v, 2) for v in turned],
        # Whether it goes anywhere: of the distances by minute, per minute.
        "shape_slope": _slope(away), "turn_slope": _slope(turned),
    }  # fmt: skip


def _slope(values: Sequence[float]) -> float | None:
    if len(values) < 3:
        return None
    return round(float(np.polyfit(np.arange(1, len(values)), values[1:], 1)[0]), 5)


def _mouth(moves: Moves) -> dict[str, float | None]:
    """Steps of the lips' opening in silence as a share of those while speaking; opening there."""
    opening = np.maximum(lip_opening(moves.rigs), 0)
    step, quiet = np.abs(np.diff(opening)), silent(moves.act)
    spoken = moves.act.spoken
    if not quiet.any() or not spoken.any():
        return {"motion": None, "opening_cm": None, "open_share": None}
    loud = float(step[spoken[1:]].mean())
    return {
        "motion": round(float(step[quiet[1:]].mean()) / max(loud, 1e-9), 4),
        "opening_cm": round(float(opening[quiet].mean()), 4),
        "open_share": round(float((opening[quiet] > 0.25).mean()), 4),
    }


def _array(values: Sequence[float]) -> Floats:
    return np.asarray(values, np.float32)
