"""Whose face is it, and what does it feel: rows that independent judges read from pictures.

Portraits (held-out photos) are driven by held-out people of the rendered world, as users drive
them: `avatar.semo.transfer`, relative. Pictures go to a folder, the judges read them there.
"""

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from avatar.semo.neutral import target_rig
from avatar.semo.transfer import Transfer, reference_of
from avatar.training.evaluate import motion_judge
from avatar.training.evaluate.album import Bytes, Floats, write_rgb
from avatar.training.evaluate.motion_judge import Reading
from avatar.training.evaluate.motion_metrics import spread
from avatar.training.evaluate.motion_scenes import Sitter
from avatar.training.evaluate.photofit import Bench
from avatar.training.evaluate.recipes import FEELINGS, vector

FULL = 1.0  # strength of the asked feelings


@dataclass(frozen=True, slots=True, eq=False)
class Driven:
    """One portrait by one driver. driver: (1 + F) pictures, the first the reference; frames: by
    way, F pictures of the portrait."""

    portrait: Bytes
    driver: Sequence[Bytes]
    frames: Mapping[str, Sequence[Bytes]]


def driven(sitter: Sitter, tokens: Floats) -> list[Bytes]:
    """F pictures of a portrait by a driver's (1 + F, 64) tokens; those that are lost stay out."""
    surface = sitter.surface
    reference = reference_of(surface.token_to_rig(tokens[:1]), relative=True)
    transfer = Transfer(surface, sitter.fitted, relative=True, reference=reference)
    sound = [token for token in tokens[1:] if np.isfinite(token).all()]
    return [sitter.draw(transfer.token(token)) for token in sound]


def judged(
    bench: Bench, folder: Path, pairs: Sequence[Driven], asked: Mapping[str, Bytes]
) -> Reading:
    """Let the judges read all pictures; asked: by name, for the judge of feelings."""
    shutil.rmtree(folder, ignore_errors=True)
    for at, pair in enumerate(pairs):
        write_rgb(folder / f"who_{at:02d}_portrait.png", pair.portrait)
        for k, picture in enumerate(pair.driver):
            write_rgb(folder / f"who_{at:02d}_driver_{k:02d}.png", picture)
        for way, frames in pair.frames.items():
            for k, picture in enumerate(frames):
                write_rgb(folder / f"who_{at:02d}_{_plain(way)}_{k:02d}.png", picture)
    for name, picture in asked.items():
        write_rgb(folder / f"{name}.png", picture)
    return motion_judge.start(bench, folder)


def identity_figures(read: Reading, pairs: Sequence[Driven]) -> dict[str, Any]:
    """Distances of the driven frames to the portrait and to their driver; baselines: the portrait
    to the driver (nobody leaks), and the driver to itself in another frame."""
    out: dict[str, Any] = {"pairs": len(pairs)}
    apart = [_to(read.who(f"who_{k:02d}_portrait"), _driver(read, k, p))
             for k, p in enumerate(pairs)]  # fmt: skip
    out["portrait_to_driver"] = spread(np.concatenate(apart).tolist())
    own = [_to(_driver(read, k, p)[0], _driver(read, k, p)[1:]) for k, p in enumerate(pairs)]
    out["driver_to_own_other_frame"] = spread(np.concatenate(own).tolist())
    out["ways"] = {way: _of_way(read, pairs, way, apart) for way in pairs[0].frames}
    return out


def _of_way(
    read: Reading, pairs: Sequence[Driven], way: str, apart: Sequence[Floats]
) -> dict[str, Any]:
    to_portrait, to_driver, nearer, moved = [], [], [], []
    for at, pair in enumerate(pairs):
        driver = _driver(read, at, pair)
        for k in range(len(pair.frames[way])):
            who = read.who(f"who_{at:02d}_{_plain(way)}_{k:02d}")
            if not np.isfinite(who).all():
                continue
            own = float(_to(read.who(f"who_{at:02d}_portrait"), who[None])[0])
            other = float(np.nanmedian(_to(who, driver)))
            to_portrait.append(own)
            to_driver.append(other)
            nearer.append(other < own)
            moved.append(other - float(np.nanmedian(apart[at])))
    shown = sum(len(pair.frames[way]) for pair in pairs)
    return {
        "to_portrait": spread(to_portrait),
        "to_driver": spread(to_driver),
        "driver_nearer": int(sum(nearer)),
        "moved_towards_driver": round(-float(np.median(moved)), 4) if moved else None,
        "no_face_found": shown - len(to_portrait),
    }


def _driver(read: Reading, at: int, pair: Driven) -> Floats:
    names = [f"who_{at:02d}_driver_{k:02d}" for k in range(len(pair.driver))]
    return np.stack([read.who(name) for name in names])


def _to(who: Floats, others: Floats) -> Floats:
    """(n,) Euclidean distances."""
    return np.asarray(np.linalg.norm(others - who, axis=1), np.float32)


def _plain(way: str) -> str:
    return "".join(letter if letter.isalnum() else "-" for letter in way)


def asked_feelings(sitters: Mapping[str, Sitter]) -> dict[str, Bytes]:
    """Six feelings of each portrait with and without completion, by the name that the judge of
    feelings looks for: feeling_FEELING_on|off_WHO."""
    out = {}
    for who, sitter in sitters.items():
        for name, weights in FEELINGS.items():
            rig = target_rig(sitter.fitted, vector((weights, FULL)))
            token = sitter.surface.rig_to_token(rig)
            out[f"feeling_{name}_on_{who}"] = sitter.draw(token)
            if sitter.completed:
                out[f"feeling_{name}_off_{who}"] = sitter.plain.render(token)
    return out


def feeling_figures(read: Reading) -> dict[str, Any]:
    """Share of pictures whose feeling is read as asked, and by feeling; chance is one in seven."""
    out: dict[str, Any] = {}
    names = [name.split("_", 3) for name in read.names if name.startswith("feeling_")]
    for how in sorted({part[2] for part in names}):
        right: dict[str, list[bool]] = {}
        for part in (p for p in names if p[2] == how):
            felt = read.felt("_".join(part))
            if felt is not None:
                right.setdefault(part[1], []).append(felt == part[1])
        every = [hit for hits in right.values() for hit in hits]
        out[how] = {"accuracy": round(float(np.mean(every)), 4) if every else None,
                    "n": len(every),
                    "by_feeling": {k: round(float(np.mean(v)), 3) for k, v in right.items()},
                    }  # fmt: skip
    return out
