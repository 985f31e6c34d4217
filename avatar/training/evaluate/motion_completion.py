"""What completion brings: the same motion drawn with and without it, beside the true frames.

Axis legend: S pixels of a side.
"""

from collections.abc import Sequence
from itertools import pairwise
from typing import Any

import numpy as np

from avatar.training.evaluate.album import Bytes, Floats
from avatar.training.evaluate.motion_measure import grouped
from avatar.training.evaluate.motion_metrics import over_people
from avatar.training.evaluate.motion_regions import regions
from avatar.training.evaluate.motion_scenes import Scene, Sitter

PARTS = ("mouth", "brows", "face")
STILL_FRAMES = 6


class Sides:
    """Collects errors of frames drawn with (`on`) and without (`off`) completion."""

    def __init__(self) -> None:
        self._rows: list[tuple[str, str, str, float]] = []
        self._still: list[float] = []

    def add(self, scene: Scene, sitter: Sitter, tokens: Floats) -> None:
        """One scene; tokens: (F, 64) exact ones of its targets, in the portrait's terms."""
        for frame, token in zip(scene.targets, tokens, strict=True):
            truth = scene.shard.images[frame]
            parts = regions(scene.shard, frame)
            for side, decoder in (("on", sitter.decoder), ("off", sitter.plain)):
                away = np.abs(decoder.render(token).astype(np.float32) - truth).mean(-1)
                self._rows += [
                    (scene.who, side, part, float(away[parts[part]].mean())) for part in PARTS
                ]
        self._still.append(still_error(sitter, tokens))

    def figures(self) -> dict[str, Any]:
        """Mean absolute error by region, in grey levels; how much less it is with completion; the
        largest change between frames that shall be the same."""
        out: dict[str, Any] = {}
        for part in PARTS:
            sides = {side: self._of(side, part) for side in ("off", "on")}
            less = {
                who: [100 * (1 - _average(sides["on"][who]) / max(1e-6, _average(rows)))]
                for who, rows in sides["off"].items()
            }
            out[part] = {side: over_people(rows) for side, rows in sides.items()}
            out[part]["less_percent"] = over_people(less)
        out["still_frames"] = {"worst_grey_levels": round(max(self._still, default=0.0), 4),
                               "n": len(self._still)}  # fmt: skip
        return out

    def _of(self, side: str, part: str) -> dict[str, list[float]]:
        some = [row for row in self._rows if row[1] == side and row[2] == part]
        return grouped([row[0] for row in some], [row[3] for row in some])


def still_error(sitter: Sitter, tokens: Floats) -> float:
    """Largest mean change, grey levels, of a frame that is drawn again after others."""
    first = sitter.draw(tokens[0])
    worst = 0.0
    for token in tokens[1:STILL_FRAMES]:
        sitter.draw(token)
        again = sitter.draw(tokens[0])
        worst = max(worst, _changed(first, again))
    return worst


def jitter(sitter: Sitter, tokens: Floats) -> dict[str, float]:
    """Mean change from frame to frame, grey levels inside the picture, of a still face as a tracker
    sees it in noise, (F, 64) in the portrait's terms; with and without completion."""
    out = {}
    for side, decoder in (("on", sitter.decoder), ("off", sitter.plain)):
        frames = [decoder.render(token) for token in tokens if np.isfinite(token).all()]
        steps = [_changed(a, b) for a, b in pairwise(frames)]
        out[side] = round(float(np.mean(steps)), 4)
    return out


def _average(values: Sequence[float]) -> float:
    return sum(values) / len(values)


def _changed(a: Bytes, b: Bytes) -> float:
    return float(np.abs(a.astype(np.float32) - b).mean())
