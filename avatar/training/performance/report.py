"""What lies in a folder of takes: `python -m avatar.training.performance.report DIR` (JSON).

Axis legend: F frames at 25 fps.
"""

import json
import sys
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from avatar.life import BLINK_CUE
from avatar.rig import INDEX
from avatar.training.performance.noise import Floats
from avatar.training.performance.take import Take, load_take
from avatar.training.recipes import lip_opening
from avatar.types import Activity
from emotion.types import EMOTIONS
from speech.types import FEATURE_RATE, FPS

FELT = 0.2  # strength from which a feeling counts as shown
HOUR = 3600 * FPS
_SPEED = (5, 50, 95)  # percentiles


def summary(folder: Path) -> dict[str, object]:
    """Hours, voices, feelings and rates of life of all takes in a folder."""
    takes = [load_take(path) for path in sorted(folder.glob("*.npz"))]
    if not takes:
        return {"takes": 0}
    activity = np.concatenate([take.activity for take in takes])
    emotion = np.concatenate([take.emotion.astype(np.float32) for take in takes])
    starts = np.concatenate([take.cues[:, BLINK_CUE] > 0.99 for take in takes])
    engines = [take.voice.partition("/")[0] for take in takes]
    return {
        "takes": len(takes),
        "hours": round(len(activity) / HOUR, 3),
        "hours_by_activity": {a.name.lower(): _hours(activity == a) for a in Activity},
        "blinks_a_minute": {
            a.name.lower(): round(float(starts[activity == a].mean() * 60 * FPS), 1)
            for a in Activity if (activity == a).any()
        },
        "voices": len({take.voice for take in takes}),
        "takes_by_engine": {name: engines.count(name) for name in sorted(set(engines))},
        "neutral_takes": sum(not take.emotion.any() for take in takes),
        "hours_shown": _shown(emotion),
        "clauses": sum(len(json.loads(take.clauses)) for take in takes),
        "minutes_of_speech": round(sum(_spoken(take) for take in takes) / 60, 1),
        "phones": sum(int((take.phones != "pau").sum()) for take in takes),
        "closures_met": _closures(takes),
        "head_degrees_a_second": _speeds(takes),
    }  # fmt: skip


def _hours(frames: "np.ndarray[tuple[int], np.dtype[np.bool_]]") -> float:
    return round(float(frames.sum()) / HOUR, 3)


def _shown(emotion: Floats) -> dict[str, float]:
    """Hours of each feeling alone, of two and more at once, and of none."""
    felt = emotion >= FELT
    alone = felt.sum(1) == 1
    out = {name: _hours(felt[:, at] & alone) for at, name in enumerate(EMOTIONS)}
    pairs = {
        f"{first} + {second}": _hours(felt[:, a] & felt[:, b] & (felt.sum(1) == 2))
        for a, first in enumerate(EMOTIONS) for b, second in enumerate(EMOTIONS) if a < b
    }  # fmt: skip
    none = {"none": _hours(emotion.max(1) < 0.05), "three or more": _hours(felt.sum(1) > 2)}
    return out | pairs | none


def _spoken(take: Take) -> float:
    lengths = np.diff(take.phone_times, axis=1)[:, 0]
    return float(lengths[take.phones != "pau"].sum()) / FEATURE_RATE


def _closures(takes: list[Take]) -> float:
    """Share of m, b and p on which the lips of the performance with feeling meet."""
    met = [bool(low <= 0) for take in takes for low in _lowest(take)]
    return round(float(np.mean(met)), 4) if met else float("nan")


def _lowest(take: Take) -> Iterator[float]:
    opening = lip_opening(take.rig.astype(np.float32))
    for start, end in take.phone_times[np.isin(take.phones, list("mbp"))] * FPS // FEATURE_RATE:
        yield float(opening[max(start - 2, 0) : end + 1].min())


def _speeds(takes: list[Take]) -> dict[str, list[float]]:
    """Percentiles of how fast yaw and pitch turn, by activity."""
    turns = np.concatenate([
        np.degrees(np.abs(np.diff(take.rig[:, [INDEX["yaw"], INDEX["pitch"]]].astype(np.float32),
                                  axis=0)).max(1)) * FPS
        for take in takes
    ])  # fmt: skip
    doing = np.concatenate([take.activity[1:] for take in takes])
    return {
        a.name.lower(): [round(float(x), 2) for x in np.percentile(turns[doing == a], _SPEED)]
        for a in Activity if (doing == a).any()
    }  # fmt: skip


def main() -> int:
    """Print the summary of each split in the folder."""
    root = Path(sys.argv[1])
    found = {path.name: summary(path) for path in sorted(root.iterdir())
             if path.is_dir() and path.name != "aligned"}  # fmt: skip
    sys.stdout.write(json.dumps(found, indent=1) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
