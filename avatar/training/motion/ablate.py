"""`limner train motion --ablate`: short equal runs with one setting changed at a time.

Every run has the same frames, steps, batches and seed. Writes OUT/motion_ablations.csv (the last
figures), OUT/motion_ablations_log.csv (the curves) and OUT/motion_ablations.png.
"""

import argparse
import json
import logging
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch

from avatar.training.ablation_tables import log_rows, write_table
from avatar.training.motion.config import Config
from avatar.training.motion.data import load_rendered
from avatar.training.motion.frames import REPOSED, Frames
from avatar.training.motion.identity import tell
from avatar.training.motion.plot import read
from avatar.training.motion.probe import Seen, seen
from avatar.training.motion.supervised import Data, load
from avatar.training.motion.train import begin, encoder_of, train

LOG = logging.getLogger(__name__)
BASE: dict[str, Any] = {"steps": 80, "batch": 32, "warm_up": 12, "average": 0.95}
BASE |= {"hidden_frames": (0.6, 0.3)}
PEOPLE = 20  # of each folder
HELD = 80  # held-out frames of each kind

RUNS: dict[str, dict[str, Any]] = {
    "base (half hidden, 64, all data)": {},
    "nothing hidden": {"hidden": 0.0},
    "0.3 hidden": {"hidden": 0.3},
    "0.75 hidden": {"hidden": 0.75},
    "token of 32": {"token": 32},
    "token of 128": {"token": 128},
    "no cross-identity pairs": {"cross_identity": False},
    "no scaffold": {"scaffold": False},
    "no photos": {"photos": False},
}


def main(arguments: list[str]) -> None:
    """Run all, or those named, and draw the curves."""
    parser = argparse.ArgumentParser(prog="limner train motion --ablate", description=__doc__)
    parser.add_argument("--shards", type=Path, action="append", default=[])
    parser.add_argument("--probe", type=Path, help="shards of people in one performance")
    parser.add_argument("--cache", type=Path, required=True, help="re-posed photos' frames")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--only", action="append", choices=list(RUNS))
    parser.add_argument("--steps", type=int, default=BASE["steps"])
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO)
    torch.set_num_threads(1)
    cv2.setNumThreads(1)
    given.out.mkdir(parents=True, exist_ok=True)
    data = load(given.shards, given.cache, Config(), (PEOPLE, HELD))
    people = None if given.probe is None else people_of(given.probe, given.cache)
    for name in given.only or RUNS:
        run_one(
            name, Config(**BASE | {"steps": given.steps} | RUNS[name]), (data, people), given.out
        )
        draw(given.out)


def people_of(folder: Path, cache: Path) -> tuple[Seen, int]:
    """Frames of people who all play the same, person by person in order of time; how many."""
    parts = list(load_rendered(folder, "held_out", cache))
    return seen(Frames.joined(parts)), len(parts)


def run_one(
    name: str, config: Config, given: tuple[Data, tuple[Seen, int] | None], out: Path
) -> None:
    """One short training and its rows; nothing if it has been done before."""
    folder = out / "".join(letter if letter.isalnum() else "_" for letter in name)
    done = folder / "figures.json"
    if done.exists():
        return
    folder.mkdir(exist_ok=True)
    data, people = given
    frames = data.train if config.photos else data.train.only(data.train.kind < REPOSED)
    run = begin(config, None)
    figures = train(run, frames, data.held, folder, config)
    if people is not None:
        token = encoder_of(run.average)(people[0].looks)[0]
        told = tell(token.reshape(people[1], -1, token.shape[1]))
        figures |= {"who_linear": told.linear, "who_net": told.hidden, "who_chance": told.chance}
    done.write_text(json.dumps({"name": name, "steps": run.step, **figures}, indent=1))
    LOG.info("%s: %s", name, figures)


def draw(out: Path) -> None:
    """One table, one log and one picture of all runs there are."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    found = {name: out / "".join(c if c.isalnum() else "_" for c in name) for name in RUNS}
    found = {name: path for name, path in found.items() if (path / "figures.json").exists()}
    rows = [json.loads((path / "figures.json").read_text()) for path in found.values()]
    write_table(out / "motion_ablations.csv", rows)
    logs = {name: read(path / "motion_encoder_log.csv") for name, path in found.items()}
    write_table(
        out / "motion_ablations_log.csv", [row for pair in logs.items() for row in log_rows(*pair)]
    )
    figure, axes = pyplot.subplots(1, 4, figsize=(16, 4))
    wanted = ("photo_r2_all", "render_r2_all", "photo_lips_mm", "photo_lids_mm")
    for axis, column in zip(axes, wanted, strict=True):
        for name, log in logs.items():
            axis.plot(log["step"], log.get(column, [np.nan] * len(log["step"])), label=name)
        axis.set(xlabel="step", title=column)
    axes[0].legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(out / "motion_ablations.png", dpi=90)
    pyplot.close(figure)
