"""`limner train reasoner --report`: what the shipped net is worth on takes that it never saw.

Everything is played in closed loop through the serving code: lips with phones, by sound alone and
with another take's sound; life by activity beside the takes'; feelings by class and by intensity;
drift over minutes of idling and of speech; seams; time of a chunk. Writes JSON (--out) and says a
table in markdown.
"""

import argparse
import json
import logging
import sys
import time
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avatar.audio_encoder import AudioEncoder
from avatar.life import LifeCues
from avatar.reasoner import CHUNK, WEIGHTS, Conditions, Guidance, MotionReasoner
from avatar.rig import EXPRESSIONS, INDEX, POSE_AT
from avatar.training.reasoner.figures import feelings, lips, rigs, seams
from avatar.training.reasoner.model import CONTEXT
from avatar.training.reasoner.rollout import Piece, piece, starts_of
from avatar.training.reasoner.shipped import (
    Source,
    conditions_of,
    felt_by,
    idle,
    play_take,
    resting,
    talk_on,
)
from avatar.training.reasoner.takes import Takes
from avatar.training.reasoner.tools import takes_of
from avatar.types import Activity
from emotion.latent_space import LatentSpace, load_space
from emotion.types import EMOTIONS
from speech.types import FPS

Floats = NDArray[np.float32]
Figures = dict[str, Any]
LENGTH = 750  # frames of a stretch
INTENSITIES = (0.25, 0.5, 0.75, 1.0)
GUIDED = Guidance(1.5, 1.5)  # for the time of a chunk only
TIMED = 60  # chunks
FACE = slice(0, len(EXPRESSIONS))


def main(arguments: list[str]) -> None:
    """Play, measure, write."""
    parser = argparse.ArgumentParser(prog="limner train reasoner --report", description=__doc__)
    parser.add_argument("--held", type=Path, action="append", required=True, help="folder of npz")
    parser.add_argument("--cache", type=Path, required=True, help="where features are kept")
    parser.add_argument("--out", type=Path, required=True, help="JSON file")
    parser.add_argument("--net", type=Path, default=WEIGHTS)
    parser.add_argument("--most", type=int, default=12, help="takes of each folder")
    parser.add_argument("--minutes", type=int, default=10, help="of idling and of speech")
    parser.add_argument("--sound", type=float, default=Guidance().sound, help="guidance")
    parser.add_argument("--feeling", type=float, default=Guidance().feeling, help="guidance")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO)
    reasoner = MotionReasoner(given.net, Guidance(given.sound, given.feeling))
    takes = takes_of(given.held, given.cache, given.most)
    space, silence = load_space(), AudioEncoder().silence
    found: Figures = {"net": given.net.name, "frames": LENGTH} | played(reasoner, takes, space)
    found["intensity"] = by_intensity(reasoner, silence, space)
    frames = 60 * FPS * given.minutes
    found["drift"] = {
        "idle": drift(idle(reasoner, silence, frames, 7)),
        "speech": drift(talk_on(reasoner, takes, space, frames)),
    }
    found["milliseconds"] = times(given.net, takes, space, silence)
    given.out.write_text(json.dumps(rounded(found), indent=1) + "\n")
    sys.stdout.write(table(rounded(found)))


def played(reasoner: MotionReasoner, takes: Takes, space: LatentSpace) -> Figures:
    """Figures of the beginnings of the takes, played in each of the ways."""
    starts = starts_of(takes, LENGTH, len(takes))
    stretch = piece(takes, starts, LENGTH)
    some = [takes.take(int(at)) for at in np.searchsorted(takes.start, starts, "right") - 1]
    own, other = list(zip(some, some, strict=True)), zip(some, some[1:] + some[:1], strict=True)
    ways = {
        "phones": [Source(*pair) for pair in own],
        "audio": [Source(*pair, phones=False) for pair in own],
        "shuffled": [Source(*pair) for pair in other],
        "felt": [Source(*pair, feeling=True) for pair in own],
    }
    said = {
        name: rigs(np.stack([play_take(reasoner, one, space, LENGTH) for one in sources]))
        for name, sources in ways.items()
    }
    felt, truth = said.pop("felt"), rigs(stretch.neutral[:, CONTEXT:])
    right = rigs(stretch.rig[:, CONTEXT:])
    return {
        "takes": len(some),
        "lips": {name: lips(shown, truth, stretch) for name, shown in said.items()},
        "life": by_activity(said["phones"], truth, stretch),
        "feelings": feelings(felt, right, stretch),
        "seams": {name: seams(shown) for name, shown in (said | {"felt": felt}).items()},
    }


def by_activity(said: Floats, truth: Floats, stretch: Piece) -> Figures:
    """Blinks a minute and head speeds (degrees/s) of each activity, beside the takes'."""
    doing, out = stretch.activity[:, CONTEXT:], {}
    for activity in Activity:
        where = doing == activity
        if where.sum() < 2 * FPS:
            continue
        row: Figures = {"seconds": float(where.sum() / FPS)}
        for name, shown in (("", said), ("true_", truth)):
            speed = head_speed(shown)[where[:, 1:]]
            row |= {f"{name}head_p{p}": float(np.percentile(speed, p)) for p in (50, 75, 95)}
            row[f"{name}blinks"] = blinks_where(shown, where)
        out[activity.name.lower()] = row
    return out


def head_speed(shown: Floats) -> Floats:
    """(B,F,R) to (B,F - 1) degrees a second."""
    turn = np.degrees(shown[..., POSE_AT.start : POSE_AT.start + 3])
    return np.asarray(FPS * np.linalg.norm(np.diff(turn, axis=1), axis=-1), np.float32)


def blinks_where(shown: Floats, where: NDArray[np.bool_]) -> float:
    """A minute of the frames (B,F), both lids falling past a half."""
    lids = shown[..., [INDEX["eyeBlink_L"], INDEX["eyeBlink_R"]]].min(-1) > 0.5
    falls = (~lids[:, :-1] & lids[:, 1:] & where[:, 1:]).sum()
    return float(falls / (where.sum() / FPS / 60))


def felt_face(reasoner: MotionReasoner, given: Conditions) -> Floats:
    """(K,) expression of the third second of idling under the same conditions; one life for all."""
    state, life, shown = reasoner.start(4), LifeCues(4), []
    for _ in range(3 * FPS // CHUNK):
        cues = np.stack([life.step(Activity.IDLE) for _ in range(CHUNK)])
        tokens, state = reasoner.step(state, replace(given, cues=cues))
        shown.append(tokens)
    face: Floats = rigs(np.concatenate(shown)[-FPS:])[:, FACE].mean(0)
    return face


def by_intensity(reasoner: MotionReasoner, silence: Floats, space: LatentSpace) -> Figures:
    """How far each feeling changes an idle face as it grows: along its own full change; and how
    alike (cosine) the full changes of two feelings are at most."""
    still = resting(silence)
    rest = felt_face(reasoner, still)
    asked = [[felt_by(still, space, {name: by}) for by in INTENSITIES] for name in EMOTIONS]
    changes = np.stack([[felt_face(reasoner, one) - rest for one in row] for row in asked])
    full = changes[:, -1]
    along = full / np.maximum(np.linalg.norm(full, axis=1, keepdims=True), 1e-6)
    alike = along @ along.T - 2 * np.eye(len(EMOTIONS))
    out: Figures = {}
    for at, name in enumerate(EMOTIONS):
        sizes = changes[at] @ along[at]
        out[name] = {
            "sizes": sizes.tolist(),
            "monotone": bool((np.diff(sizes, prepend=0) > 0).all()),
            "most_like": EMOTIONS[int(alike[at].argmax())],
            "cosine": float(alike[at].max()),
        }
    return out


def drift(chunks: Iterable[Floats]) -> list[Figures]:
    """Of each minute: mean and deviation of the head's turn (degrees) and of the expression
    weights, the greatest turn, and what is furthest from rest; chunks: (5,64) tokens."""
    shown = rigs(np.concatenate(list(chunks)))
    minutes = np.split(shown, range(60 * FPS, len(shown), 60 * FPS))
    return [_minute(some) for some in minutes]


def _minute(shown: Floats) -> Figures:
    turn = np.degrees(shown[:, POSE_AT.start : POSE_AT.start + 3])
    face = shown[:, FACE]
    return {
        "head_mean": turn.mean(0).tolist(),
        "head_deviation": turn.std(0).tolist(),
        "head_most": float(np.abs(turn).max()),
        "face_mean": float(face.mean()),
        "face_deviation": float(face.std(0).mean()),
        "most_moved": EXPRESSIONS[int(np.abs(face.mean(0)).argmax())],
        "blinks": blinks_where(shown[None], np.ones((1, len(shown)), np.bool_)),
    }


def times(net: Path, takes: Takes, space: LatentSpace, silence: Floats) -> Figures:
    """Milliseconds of planning a chunk: (median, 95th percentile)."""
    at = int(np.flatnonzero(takes.activity == Activity.SPEAKING)[CHUNK])
    spoken = conditions_of(Source(takes, takes), space, slice(at, at + CHUNK))
    felt = felt_by(spoken, space, {EMOTIONS[0]: 0.8})
    plain, guided = MotionReasoner(net), MotionReasoner(net, GUIDED)
    return {
        "idle": milliseconds(plain, resting(silence)),
        "speaking": milliseconds(plain, spoken),
        "speaking, feeling, guided": milliseconds(guided, felt),
    }


def milliseconds(reasoner: MotionReasoner, given: Conditions) -> tuple[float, float]:
    """Median and 95th percentile of planning a chunk."""
    state, took = reasoner.start(0), []
    for _ in range(TIMED):
        began = time.perf_counter()
        _, state = reasoner.step(state, given)
        took.append(1000 * (time.perf_counter() - began))
    return float(np.median(took)), float(np.percentile(took, 95))


def rounded(found: Any) -> Any:
    """The same with four digits."""
    if isinstance(found, dict):
        return {name: rounded(value) for name, value in found.items()}
    if isinstance(found, list | tuple):
        return [rounded(value) for value in found]
    return float(f"{found:.4g}") if isinstance(found, float) else found


def table(found: Figures) -> str:
    """The figures in markdown."""
    head = ["lips", *next(iter(found["lips"].values()))]
    parts = [[head, *([name, *row.values()] for name, row in found["lips"].items())]]
    life = found["life"]
    head = ["life", *next(iter(life.values()))]
    parts.append([head, *([name, *row.values()] for name, row in life.items())])
    felt = found["feelings"]
    kinds = [name.removeprefix("felt_error_") for name in felt if name.startswith("felt_error_")]
    rows = [[kind, felt[f"felt_error_{kind}"], felt[f"felt_floor_{kind}"]] for kind in kinds]
    both = ["lips, mouth when felt", felt["felt_corr"], felt["felt_mouth"]]
    parts.append([["feeling", "rig error", "error of no feeling"], *rows, both])
    head = ["intensity", *map(str, INTENSITIES), "monotone", "most like", "cosine"]
    rows = [
        [name, *row["sizes"], row["monotone"], row["most_like"], row["cosine"]]
        for name, row in found["intensity"].items()
    ]
    parts.append([head, *rows])
    for what, minutes in found["drift"].items():
        parts.append([[f"{what}, minute", *minutes[0]]])
        parts[-1] += [[at + 1, *row.values()] for at, row in enumerate(minutes)]
    chunk = [[name, *row] for name, row in found["milliseconds"].items()]
    parts.append([["chunk, ms", "median", "95 %"], *chunk])
    parts.append([["seams", "step across over inside"], *map(list, found["seams"].items())])
    return "\n".join(_markdown(rows) for rows in parts)


def _markdown(rows: list[list[Any]]) -> str:
    lines = ["| " + " | ".join(str(cell) for cell in row) + " |" for row in rows]
    lines.insert(1, "|" + " --- |" * len(rows[0]))
    return "\n".join(lines) + "\n"
