"""The figures of `limner evaluate sync` as Markdown."""

from typing import Any

from avatar.training.evaluate.act_setting import table
from avatar.training.evaluate.sync_figures import AWAY, NEAR, OPEN, SHUT

_COLUMNS = {
    "r": "r", "best_lag": "lag, frames", "lag_within_1": "clips within ±1",
    "r_other_clips_sound": "r with other clips", "closure_mbp": "m b p closed",
    "closure_mbp_other_clips_sound": "at others' m b p", "closure_vowels": "open vowels closed",
    "near_fv": "f v near", "silence_motion": "motion in silence", "rest_gap": "rest gap",
}  # fmt: skip


def markdown(found: dict[str, Any]) -> str:
    """All tables with their definitions."""
    ways = found["voices"]
    first = next(iter(ways.values()))
    parts = [
        f"## Held-out voices and sentences\n\n{first['clips']} clips, {first['frames']} frames, "
        f"{first['mbp']} m b p, {first['fv']} f v, {len(found['people'])} people.\n",
        _table(ways),
    ]
    if "real" in found:
        first = next(iter(found["real"].values()))
        parts += [
            f"\n## Recorded speakers never trained on\n\n{first['clips']} clips, "
            f"{first['frames']} frames, {first['mbp']} m b p.\n",
            _table(found["real"]),
        ]
    if "felt" in found:
        parts += ["\n## Feeling\n", _felt(found["felt"])]
    parts += ["", _DEFINITIONS]
    return "\n".join(parts) + "\n"


def _table(ways: dict[str, Any]) -> str:
    rows = [[name, *(row[key] for key in _COLUMNS)] for name, row in ways.items()]
    return table(["motion", *_COLUMNS.values()], rows)


def _felt(found: dict[str, dict[str, Any]]) -> str:
    """Change of r and closure by feeling."""
    rows = []
    for source, by_feeling in found.items():
        neutral = by_feeling["neutral"]
        for feeling, row in by_feeling.items():
            change = _less(row["r_speaking"], neutral["r_speaking"])
            rows.append([source, feeling, row["r_speaking"], change, row["r"], row["closure_mbp"],
                         row["rest_gap"]])  # fmt: skip
    header = ["motion", "feeling", "r while speaking", "its change", "r of the whole clip",
              "m b p closed", "rest gap"]  # fmt: skip
    return table(header, rows)


def _less(a: dict[str, Any] | None, b: dict[str, Any] | None) -> float | None:
    return None if a is None or b is None else round(a["mean"] - b["mean"], 3)


_DEFINITIONS = f"""r: Pearson's, of the judged gap between the inner lips (in distances between the
eyes) with the opening that the phones call for, frame by frame over the whole clip, mean over clips
[95 % by bootstrap of clips]. Lag: where the mean r is highest, above 0 the lips come late. r with
other clips: the same motion against the openings of the other clips. m b p closed: the gap falls
below {SHUT:.0%} of the clip's open gap ({OPEN}th percentile while speaking) within the phone or a
frame beside it; at others' m b p: the same at the times of the other clips' m b p. f v near: below
{NEAR:.0%}. Motion in silence: mean step of the gap farther than {AWAY} frames from any phone, share
of that while speaking. Rest gap: median there, in open gaps."""
