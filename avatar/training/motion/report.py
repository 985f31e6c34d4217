"""`limner train motion --report`: held-out figures of the shipped encoder, as the product runs it.

Writes OUT/motion_encoder_r2.csv (R2 of every rig parameter) and OUT/motion_encoder_figures.json.
"""

import argparse
import csv
import json
import sys
from pathlib import Path

import cv2
import numpy as np
import torch

from avatar.rig import RIG
from avatar.semo.encoder import WEIGHTS, MaskedMotionEncoder
from avatar.semo.loading import load_surface
from avatar.semo.surface import FaceSurface
from avatar.semo.types import Floats
from avatar.training.motion.batches import Looks
from avatar.training.motion.data import load_rendered, load_reposed
from avatar.training.motion.frames import Frames
from avatar.training.motion.identity import from_first, tell
from avatar.training.motion.probe import Encode, Seen, figures, r2_of, seen

JITTER = 3  # seed of how held-out squares are off
AT_ONCE = 16


def main(arguments: list[str]) -> None:
    """Measure and write."""
    parser = argparse.ArgumentParser(prog="limner train motion --report", description=__doc__)
    parser.add_argument("--shards", type=Path, action="append", default=[])
    parser.add_argument("--probe", type=Path, help="shards of people in one performance")
    parser.add_argument("--cache", type=Path, help="re-posed photos' frames")
    parser.add_argument("--weights", type=Path, default=WEIGHTS)
    parser.add_argument("--out", type=Path, required=True)
    given = parser.parse_args(arguments)
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    encode, surface = product(MaskedMotionEncoder(given.weights)), load_surface()
    report: dict[str, dict[str, float]] = {}
    rows: dict[str, dict[str, float]] = {}
    for name, held in held_out(given.shards, given.cache).items():
        report[name] = figures(encode, surface, held) | {"frames": float(len(held.rig))}
        rows[name] = r2_of(surface.token_to_rig(encode(held.looks)[0]), held.rig)
    if given.probe is not None:
        report["identity"] = identity(encode, surface, given.probe, given.cache)
    table(rows, given.out / "motion_encoder_r2.csv")
    text = json.dumps(_rounded(report), indent=1) + "\n"
    (given.out / "motion_encoder_figures.json").write_text(text)
    sys.stdout.write(text)


def held_out(shards: list[Path], cache: Path | None) -> dict[str, Seen]:
    """Held-out frames by name, each as a tracker would cut it: a little off."""
    rendered = [part for folder in shards for part in load_rendered(folder, "held_out", cache)]
    posed = [] if cache is None else list(load_reposed(cache, "held_out"))
    found = {"render": rendered, "photo": posed}
    return {name: seen(Frames.joined(parts), JITTER) for name, parts in found.items() if parts}


def product(encoder: MaskedMotionEncoder) -> Encode:
    """The shipped encoder as figures take it: it finds its glimpses itself."""

    def encode(looks: Looks) -> tuple[Floats, Floats, Floats]:
        starts = range(0, len(looks.whole), AT_ONCE)
        parts = [encoder.encode(looks.whole[start : start + AT_ONCE]) for start in starts]
        names = ("token", "placement", "present")
        token, placement, present = (
            np.concatenate([getattr(part, name) for part in parts]) for name in names
        )
        return token, placement, present

    return encode


def identity(
    encode: Encode, surface: FaceSurface, folder: Path, cache: Path | None
) -> dict[str, float]:
    """Shares of right answers to who it is, over chance."""
    parts = list(load_rendered(folder, "held_out", cache))
    many = seen(Frames.joined(parts), JITTER)
    token = encode(many.looks)[0]
    true = surface.rig_to_token(many.rig)
    out: dict[str, float] = {"people": float(len(parts))}
    for name, values in (("token", token), ("truth", true)):
        each = values.reshape(len(parts), -1, values.shape[1])
        for way, some in (("", each), ("_from_first", from_first(each))):
            told = tell(some)
            out[f"{name}{way}_linear_over_chance"] = told.linear / told.chance
            out[f"{name}{way}_net_over_chance"] = told.hidden / told.chance
    return out


def table(rows: dict[str, dict[str, float]], path: Path) -> None:
    """R2 of every rig parameter, a column for each set; empty where it hardly moves."""
    with path.open("w", newline="") as stream:
        writer = csv.writer(stream)
        writer.writerow(["parameter", *rows])
        for name in RIG:
            known = [rows[kind].get(name) for kind in rows]
            writer.writerow([name, *("" if value is None else f"{value:.3f}" for value in known)])


def _rounded(report: dict[str, dict[str, float]]) -> dict[str, dict[str, float]]:
    return {k: {name: round(v, 4) for name, v in part.items()} for k, part in report.items()}
