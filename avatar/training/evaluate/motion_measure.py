"""One drawn frame against the true one, and tables of many.

Axis legend: S pixels of a side.
"""

from collections import defaultdict
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from typing import Any

import numpy as np

from avatar.training.evaluate.album import Bytes, Floats
from avatar.training.evaluate.motion_metrics import Mask, over_people, psnr, squared_error, ssim
from avatar.training.evaluate.motion_regions import NAMES
from avatar.training.evaluate.motion_scenes import Scene
from avatar.training.synthetic.materials import Segment

TURNS = (0, 5, 10, 15, 20, 90)  # degrees, edges of the rows by turn
ASKED_TURN = 20.0  # the goals speak of turns up to this
SURE = 0.9  # share from which the decoder's pixel counts as skin that the portrait shows
COPY = "copy of the source"


@dataclass(frozen=True, slots=True, eq=False)
class Measured:
    """One frame drawn one way. at: of its person; turn: degrees from the source; psnr (dB) and
    ssim by region; epe: mean end-point error of the flow on skin that both show, px, or nan."""

    who: str
    at: int
    way: str
    turn: float
    psnr: dict[str, float]
    ssim: dict[str, float]
    epe: float


@dataclass(frozen=True, slots=True, eq=False)
class Truth:
    """A target frame and what is known of it. flow (S, S, 2) px and where it is known (S, S)."""

    who: str
    at: int
    turn: float
    rgb: Bytes
    parts: dict[str, Mask]
    flow: Floats
    visible: Mask


def truth_of(scene: Scene, frame: int, parts: dict[str, Mask]) -> Truth:
    """All that a scene's shard says of a frame."""
    flow, visible = scene.shard.flow(frame, scene.source)
    visible = visible & (scene.shard.segmentation[frame] == Segment.SKIN)
    rgb = np.asarray(scene.shard.images[frame], np.uint8)
    return Truth(scene.who, frame, scene.turn(frame), rgb, parts, flow, visible)


def measured(
    truth: Truth, way: str, drawn: Bytes | None, flow: tuple[Floats, Floats] | None
) -> Measured:
    """drawn: None where the way has no answer; flow: as `Sitter.flow`, None means no motion."""
    nothing = dict.fromkeys(NAMES, float("nan"))
    if drawn is None:
        return Measured(truth.who, truth.at, way, truth.turn, nothing, nothing, float("nan"))
    error, alike = squared_error(drawn, truth.rgb), ssim(drawn, truth.rgb)
    return Measured(
        truth.who,
        truth.at,
        way,
        truth.turn,
        {name: psnr(error, truth.parts[name]) for name in NAMES},
        {name: _mean(alike, truth.parts[name]) for name in NAMES},
        _end_point_error(truth, flow),
    )


def _mean(values: Floats, where: Mask) -> float:
    return float(values[where].mean()) if where.any() else float("nan")


def _end_point_error(truth: Truth, flow: tuple[Floats, Floats] | None) -> float:
    if flow is None:
        return _mean(np.linalg.norm(truth.flow, axis=-1), truth.visible)
    both = truth.visible & (flow[1] > SURE)
    away = flow[0] * np.float32(len(truth.rgb)) - truth.flow
    return _mean(np.linalg.norm(away, axis=-1), both)


def table(rows: Sequence[Measured]) -> dict[str, Any]:
    """Every way's figures: frames within the asked turn, by turn, and what is gained over copying.

    A frame that a way has no answer to counts in `lost`, and in no mean.
    """
    ways = list(dict.fromkeys(row.way for row in rows))
    return {way: _of_way([r for r in rows if r.way == way], rows) for way in ways}


def _of_way(own: Sequence[Measured], rows: Sequence[Measured]) -> dict[str, Any]:
    within = [r for r in own if r.turn <= ASKED_TURN]
    copied = {(r.who, r.at): r.psnr["head"] for r in rows if r.way == COPY}
    gains = [r.psnr["head"] - copied[r.who, r.at] for r in within]
    whose = [r.who for r in within]
    return {
        "psnr": {n: over_people(grouped(whose, [r.psnr[n] for r in within])) for n in NAMES},
        "ssim": {n: over_people(grouped(whose, [r.ssim[n] for r in within])) for n in NAMES},
        "head_psnr_over_copy": over_people(grouped(whose, gains)),
        "flow_px": over_people(grouped(whose, [r.epe for r in within])),
        "by_turn": {f"{a}-{b}": _by_turn(own, a, b) for a, b in pairwise(TURNS)},
        "lost": sum(not np.isfinite(r.psnr["head"]) for r in own),
    }


def _by_turn(own: Sequence[Measured], low: float, high: float) -> dict[str, Any]:
    some = [r for r in own if low < r.turn <= high or (low == 0 and r.turn == 0)]
    whose = [r.who for r in some]
    return {
        "head_psnr": over_people(grouped(whose, [r.psnr["head"] for r in some])),
        "face_psnr": over_people(grouped(whose, [r.psnr["face"] for r in some])),
        "flow_px": over_people(grouped(whose, [r.epe for r in some])),
    }


def grouped(whose: Iterable[str], values: Iterable[float]) -> dict[str, list[float]]:
    """Values by person."""
    out: dict[str, list[float]] = defaultdict(list)
    for who, value in zip(whose, values, strict=True):
        out[who].append(value)
    return dict(out)
