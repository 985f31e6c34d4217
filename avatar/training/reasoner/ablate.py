"""`limner train reasoner --ablate`: short equal runs of stage 2 with one part missing at a time.

Every run has the same base, takes, steps, batches and seed. Writes OUT/ablations.csv (the last
held-out figures), OUT/ablations_log.csv (the curves) and OUT/ablations.png; runs that are done are
not repeated.
"""

import argparse
import json
import logging
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from avatar.training.ablation_tables import log_rows, write_table
from avatar.training.motion.plot import read
from avatar.training.reasoner.config import Config
from avatar.training.reasoner.figures import feelings, rigs
from avatar.training.reasoner.flow import LatentsOf
from avatar.training.reasoner.model import CONTEXT, Reasoner
from avatar.training.reasoner.rollout import Play, piece, play, starts_of
from avatar.training.reasoner.takes import Takes
from avatar.training.reasoner.tools import label_latents, takes_of
from avatar.training.reasoner.train import begin, train
from emotion.types import EMOTIONS

LOG = logging.getLogger(__name__)
STEPS, EVERY = 400, 45.0  # steps of a run; seconds between rows of its log
LENGTH, STREAMS, HELD = 300, 10, 12  # frames of a stretch, stretches, held-out takes

RUNS: dict[str, dict[str, Any]] = {
    "full": {},
    "one shared cross-attention": {"parts": {"experts": False}},
    "no global gate": {"parts": {"global_gate": False}},
    "no local gate": {"parts": {"local_gate": False}},
    "no noisy sampling": {"noisy": 0.0},
    **{f"without {name}": {"parts": {"without": at}} for at, name in enumerate(EMOTIONS)},
}


def main(arguments: list[str]) -> None:
    """Run all, or those named, and draw the curves."""
    parser = argparse.ArgumentParser(prog="limner train reasoner --ablate", description=__doc__)
    parser.add_argument("--takes", type=Path, action="append", required=True, help="folder of npz")
    parser.add_argument("--held", type=Path, action="append", required=True)
    parser.add_argument("--cache", type=Path, required=True, help="where features are kept")
    parser.add_argument("--base", type=Path, required=True, help="checkpoint of stage 1")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=STEPS)
    parser.add_argument("--only", action="append", choices=list(RUNS))
    parser.add_argument("--most", type=int, help="takes of each folder")
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO)
    torch.set_num_threads(given.threads)
    given.out.mkdir(parents=True, exist_ok=True)
    takes = takes_of(given.takes, given.cache, given.most)
    latents = label_latents()
    held = felt_figures(takes_of(given.held, given.cache, HELD), latents)
    for name in given.only or RUNS:
        config = configured(name, given.steps)
        run_one(name, config, (takes, given.base), (latents, held), given.out)
        draw(given.out)


def configured(name: str, steps: int) -> Config:
    """The settings of one run."""
    common: dict[str, Any] = {"stage": 2, "steps": steps, "average": 0.98, "every": EVERY}
    return Config(**common | {"warm_up": max(1, steps // 10)} | RUNS[name])


def felt_figures(held: Takes, latents: LatentsOf) -> Callable[[Reasoner], dict[str, float]]:
    """What a net's feelings are worth on held-out takes, in closed loop."""
    stretch = piece(held, starts_of(held, LENGTH, STREAMS), LENGTH)
    right = rigs(stretch.rig[:, CONTEXT:])

    def figures(net: Reasoner) -> dict[str, float]:
        found = feelings(rigs(play(net, stretch, Play(feeling=True), latents)), right, stretch)
        errors = [value for name, value in found.items() if name.startswith("felt_error_")]
        return {"felt_error": float(np.mean(errors)), **found}

    return figures


def run_one(
    name: str,
    config: Config,
    data: tuple[Takes, Path],
    tools: tuple[LatentsOf, Callable[[Reasoner], dict[str, float]]],
    out: Path,
) -> None:
    """One short training; data: takes and the base's checkpoint. Nothing if it is done already."""
    folder = folder_of(out, name)
    done = folder / "figures.json"
    if done.exists():
        return
    folder.mkdir(exist_ok=True)
    (folder / "reasoner_log.csv").unlink(missing_ok=True)  # of a run that was broken off
    takes, base = data
    run = begin(config, takes, base)
    train(run, takes, config, folder, tools)
    figures = tools[1](run.average)
    done.write_text(json.dumps({"name": name, "steps": run.step, **figures}, indent=1))
    (folder / "reasoner_checkpoint.pt").unlink()
    LOG.info("%s: %s", name, figures)


def folder_of(out: Path, name: str) -> Path:
    """Where a run writes."""
    return out / name.replace(" ", "_")


def draw(out: Path) -> None:
    """One table, one log and one picture of all runs there are."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    names = [name for name in RUNS if (folder_of(out, name) / "figures.json").exists()]
    rows = [json.loads((folder_of(out, name) / "figures.json").read_text()) for name in names]
    logs = {name: read(folder_of(out, name) / "reasoner_log.csv") for name in names}
    write_table(out / "ablations.csv", rows)
    write_table(
        out / "ablations_log.csv", [row for pair in logs.items() for row in log_rows(*pair)]
    )
    figure, axes = pyplot.subplots(1, 4, figsize=(18, 4.5))
    for axis, column in zip(axes, ("felt_error", "felt_corr", "felt_mouth"), strict=False):
        for name, log in logs.items():
            axis.plot(log["step"], log[column], marker=".", label=name)
        axis.set(xlabel="step", title=f"held out: {column}")
    axes[0].legend(fontsize=6)
    places = np.arange(len(EMOTIONS))
    for at, row in enumerate(rows):
        errors = [row.get(f"felt_error_{emotion}", np.nan) for emotion in EMOTIONS]
        axes[3].bar(places + 0.8 * at / len(rows), errors, 0.8 / len(rows), label=row["name"])
    axes[3].set_xticks(places + 0.4, EMOTIONS, fontsize=7)
    axes[3].set(title="held out: felt_error by feeling")
    figure.tight_layout()
    figure.savefig(out / "ablations.png", dpi=90)
    pyplot.close(figure)
