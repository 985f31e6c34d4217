"""`limner evaluate life`: ten minutes of one session, idle, listening, thinking and speaking.

The motion is that of a live session, frame by frame, without pictures: what is asked of the face
is known exactly. Beside it the takes themselves and the rules. Definitions: docs/evaluation.md.
"""

import argparse
import logging
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np

from avatar.semo.loading import load_surface
from avatar.training.evaluate.act_setting import (
    REASONER,
    RULES,
    add_reasoner,
    new_session,
    table,
)
from avatar.training.evaluate.act_sources import Session, played
from avatar.training.evaluate.acts import Act, joined, load_take, spoken, still, takes
from avatar.training.evaluate.album import Floats, write_json
from avatar.training.evaluate.life_figures import (
    Moves,
    head_figures,
    head_windows,
    life_figures,
    seams,
)
from avatar.training.evaluate.life_pictures import traces
from avatar.training.evaluate.motion_speed import busy
from avatar.types import Activity
from emotion.types import EmotionState
from speech.types import FPS

LOG = logging.getLogger(__name__)
MORE = 40  # takes whose head motion is the data's
_IDLE, _LISTEN, _THINK = 12 * FPS, 8 * FPS, 2 * FPS
_SENTENCES = (
    "Good morning! I have been thinking about what you asked me yesterday.",
    "The easiest way is to begin with something small and finish it before lunch.",
    "Perhaps we could try both of them, and keep the one that works better.",
)


def options(parser: argparse.ArgumentParser) -> None:
    """Of the command line."""
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--takes", type=Path, help="held-out takes; default: own voices speak")
    parser.add_argument("--minutes", type=float, default=10.0)
    add_reasoner(parser)
    parser.add_argument("--sources", nargs="+", choices=(REASONER, RULES),
                        default=[REASONER, RULES])  # fmt: skip


def run(args: argparse.Namespace) -> None:
    """Into OUT/life.json and OUT/life.md."""
    args.out.mkdir(parents=True, exist_ok=True)
    surface = load_surface()
    act, data = _script(args.takes, round(args.minutes * 60 * FPS))
    found: dict[str, Any] = {"busy_at_start": busy(), "acts": act.name}
    ways: dict[str, Moves] = {}
    if act.rig is not None:
        ways["truth"] = Moves(act, act.rig, surface)
        found["truth"] = _figures(ways["truth"], data)
    for name in args.sources:
        session = new_session(name, args.weights)(args.seed)
        moves = ways[name] = Moves(act, live(act, session), surface)
        found[name] = _figures(moves, data) | {
            "speed": speed(session, act), "seams": seams(moves, session.plans)
        }  # fmt: skip
    traces(ways, args.out / "life_traces.png")
    found["still portrait"] = _figures(Moves(act, np.zeros((act.frames, 63), np.float32), surface),
                                       data)  # fmt: skip
    write_json(args.out / "life.json", found)
    (args.out / "life.md").write_text(markdown(found), "utf-8")
    sys.stdout.write(markdown(found))


def _script(folder: Path | None, frames: int) -> tuple[Act, dict[str, Floats]]:
    """One act of so many frames or a little more, and the head motion of the data."""
    if folder is None:
        return _own_script(frames), {}
    files, chosen, length = takes(folder), list[Act](), 0
    for path in files:
        if length >= frames:
            break
        chosen.append(load_take(path))
        length += chosen[-1].frames
    windows = [head_windows(rig) for rig in
               (load_take(path).rig for path in files[:MORE]) if rig is not None]  # fmt: skip
    data = {name: np.concatenate([w[name] for w in windows]) for name in windows[0]}
    # Without feelings: those of the takes differ from minute to minute, which is no drift.
    whole = joined(chosen, f"{len(chosen)} takes").felt(EmotionState.neutral())
    return whole, data


def _own_script(frames: int) -> Act:
    """Idle, a user who speaks, thought, an answer, again and again, by our voices."""
    from speech.tts import EmbeddedVoices

    voices = EmbeddedVoices()
    names = [voice.id for voice in voices.voices() if voice.language.startswith("en")]
    calm, parts, length, k = EmotionState.neutral(), list[Act](), 0, 0
    while length < frames:
        user = spoken(voices, _SENTENCES[(k + 1) % 3], names[(k + 1) % len(names)])
        heard = np.resize(user.pcm, len(still("", _LISTEN, calm, Activity.IDLE).pcm))
        listening = still("listening", _LISTEN, calm, Activity.LISTENING)
        parts += [
            still("idle", _IDLE, calm, Activity.IDLE),
            replace(listening, heard=heard),
            still("thinking", _THINK, calm, Activity.THINKING),
            spoken(voices, _SENTENCES[k % 3], names[k % len(names)]),
        ]
        length = sum(part.frames for part in parts)
        k += 1
    return joined(parts, "own voices")


def live(act: Act, session: Session) -> Floats:
    """(F, 63) of a live session, one frame after another."""
    return np.stack(list(played(act, session, phones=True)))


def speed(session: Session, act: Act) -> dict[str, Any]:
    """Milliseconds of one core that a frame takes on the mean, by activity, the share of a core at
    25 fps; and of frames that plan, where there are plans."""
    spent = np.asarray(session.spent, np.float32)
    out: dict[str, Any] = {
        "ms_a_frame": round(float(spent.mean()), 3),
        "share_of_a_core": round(float(spent.mean()) * FPS / 1e3, 4),
        "by_activity_ms": {
            activity.name.lower(): round(float(spent[act.activity == activity].mean()), 3)
            for activity in Activity if (act.activity == activity).any()
        },
    }  # fmt: skip
    if session.plans:
        plans = spent[[at for at in session.plans if at < len(spent)]]
        out["ms_a_plan"] = {f"p{p}": round(float(np.percentile(plans, p)), 2) for p in (50, 95)}
        out["plans_a_second"] = round(len(session.plans) / (len(spent) / FPS), 2)
    return out


def _figures(moves: Moves, data: dict[str, Floats]) -> dict[str, Any]:
    return life_figures(moves) | {"head": head_figures(moves.rigs, data) if data else {}}


def markdown(found: dict[str, Any]) -> str:
    """All tables."""
    ways = {name: row for name, row in found.items() if isinstance(row, dict)}
    ways = {name: row for name, row in ways.items() if "jitter" in row}
    first = next(iter(ways.values()))
    parts = [
        f"{first['minutes']} minutes, {found['acts']}; the machine at the start: "
        f"{found['busy_at_start']}.",
        _rates(ways, "blinks_a_minute", "blinks a minute"),
        _rates(ways, "gaze_shifts_a_minute", "gaze shifts a minute"),
        _head(ways),
        _still(ways),
        _drift(ways),
        _speed(ways),
    ]
    return "\n\n".join(part for part in parts if part) + "\n"


def _rates(ways: dict[str, Any], key: str, title: str) -> str:
    columns = list(next(iter(ways.values()))[key])
    return table([title, *columns], [[n, *r[key].values()] for n, r in ways.items()])


def _head(ways: dict[str, Any]) -> str:
    rows = [
        [name, what, h["median"], f"{h['data_5']} - {h['data_95']}", h["inside"]]
        for name, row in ways.items() for what, h in row["head"].items()
    ]  # fmt: skip
    header = ["motion", "of the head, windows of 10 s", "median", "5th - 95th of takes", "inside"]
    return table(header, rows) if rows else ""


def _still(ways: dict[str, Any]) -> str:
    header = ["motion", "jitter of lips and brows, um", "of the head, mdeg", "largest step, start",
              "end", "inside speech", "its 99th", "seams", "elsewhere", "mouth in silence",
              "its opening, cm"]  # fmt: skip
    rows = []
    for name, row in ways.items():
        edge, seam, mouth = row["edges"], row.get("seams", {}), row["mouth_in_silence"]
        rows.append([
            name, row["jitter"]["face_um"], row["jitter"]["head_mdeg"], edge.get("start_max"),
            edge.get("end_max"), edge.get("inside_max"), edge.get("inside_p99"), seam.get("seam"),
            seam.get("elsewhere"), mouth["motion"], mouth["opening_cm"],
        ])  # fmt: skip
    return table(header, rows)


def _drift(ways: dict[str, Any]) -> str:
    rows = [
        [name, *(row["drift"].get(key) for key in
                 ("shape_cm", "shape_slope", "turn_deg", "turn_slope"))]
        for name, row in ways.items()
    ]  # fmt: skip
    header = ["motion", "shape in silence by minute, cm from the first", "a minute",
              "turn by minute, degrees", "a minute"]  # fmt: skip
    return table(header, rows)


def _speed(ways: dict[str, Any]) -> str:
    rows = []
    for name, row in ways.items():
        if "speed" in row:
            s = row["speed"]
            plan = s.get("ms_a_plan", {})
            rows.append([
                name, s["ms_a_frame"], f"{s['share_of_a_core']:.1%}", plan.get("p50"),
                plan.get("p95"), s.get("plans_a_second"), s["by_activity_ms"],
            ])  # fmt: skip
    header = ["motion", "ms a frame", "of a core", "ms a plan, median", "95th", "plans a second",
              "ms a frame by activity"]  # fmt: skip
    return table(header, rows)
