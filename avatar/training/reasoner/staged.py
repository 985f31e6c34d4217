"""`limner train reasoner --takes DIR`: one stage of the training, from takes to the ONNX file."""

import argparse
import json
import logging
import sys
from functools import partial
from pathlib import Path

import torch

from avatar.training.reasoner.config import Config
from avatar.training.reasoner.export import export
from avatar.training.reasoner.figures import held_figures
from avatar.training.reasoner.plot import plot
from avatar.training.reasoner.tools import label_latents, takes_of
from avatar.training.reasoner.train import begin, keep, resume, train

HELD = 12  # held-out takes that figures are taken on while training


def parser() -> argparse.ArgumentParser:
    """Options of the training."""
    out = argparse.ArgumentParser(prog="limner train reasoner", description=__doc__)
    out.add_argument("--takes", type=Path, action="append", required=True, help="folder of npz")
    out.add_argument("--held", type=Path, action="append", required=True, help="never trained on")
    out.add_argument("--cache", type=Path, required=True, help="where features are kept")
    out.add_argument("--out", type=Path, required=True, help="checkpoint, log, curve, net")
    out.add_argument("--stage", type=int, choices=(1, 2), default=1)
    out.add_argument(
        "--start", type=Path, help="checkpoint or kept weights to begin with; needed by stage 2"
    )
    out.add_argument("--config", type=Path, help="JSON of settings that differ from the defaults")
    out.add_argument("--steps", type=int)
    out.add_argument("--minutes", type=float, help="of training in all, instead of steps")
    out.add_argument("--resume", action="store_true", help="go on from OUT's checkpoint")
    out.add_argument("--threads", type=int, default=1)
    out.add_argument("--most", type=int, help="takes of each folder")
    return out


def configured(given: argparse.Namespace) -> Config:
    """The settings asked for. Raises pydantic's ValidationError for unknown ones."""
    known = {} if given.config is None else json.loads(given.config.read_text())
    known["stage"] = given.stage
    given_here = {"steps": given.steps, "minutes": given.minutes}
    known |= {name: value for name, value in given_here.items() if value is not None}
    return Config(**known)


def main(arguments: list[str]) -> None:
    """Prepare, train, store."""
    given = parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO)
    torch.set_num_threads(given.threads)
    config = configured(given)
    if config.stage == 2 and given.start is None:
        raise SystemExit("Stage 2 needs a trained base: --start CHECKPOINT.")
    given.out.mkdir(parents=True, exist_ok=True)
    takes = takes_of(given.takes, given.cache, given.most)
    held = takes_of(given.held, given.cache, HELD)
    run = begin(config, takes, given.start)
    checkpoint = given.out / "reasoner_checkpoint.pt"
    if given.resume and checkpoint.exists():
        resume(run, checkpoint)
    latents = label_latents() if config.stage == 2 else None
    train(run, takes, config, given.out, (latents, partial(held_figures, held, latents)))
    export(run.average, given.out / "reasoner.onnx")
    keep(run.average, config, given.out / "reasoner.safetensors")
    plot(given.out / "reasoner_log.csv", given.out / "reasoner_curve.png")
    sys.stdout.write(f"{run.step} steps, {run.seconds:.0f} s\n")
