"""Command line of the surface's training: `limner train surface`."""

import argparse
import json
import logging
from pathlib import Path

import torch

from avatar.semo.loading import SURFACE
from avatar.training.surface.config import Config
from avatar.training.surface.plot import plot
from avatar.training.surface.train import Paths, train


def main() -> None:
    """Train (or go on training) and write weights, log and curve."""
    parser = argparse.ArgumentParser(prog="limner train surface", description=__doc__)
    parser.add_argument("--pack", type=Path, required=True, help="folder of the face pack")
    parser.add_argument(
        "--landmarks",
        type=Path,
        required=True,
        help="where landmarks lie on it: made by avatar.training.synthetic.calibrate",
    )
    parser.add_argument("--out", type=Path, default=SURFACE.parent, help="folder of the weights")
    parser.add_argument("--checkpoint", type=Path, default=None, help="to go on from, and write")
    parser.add_argument("--start", type=Path, default=None, help="weights to begin with")
    parser.add_argument("--steps", type=int, default=Config().steps)
    parser.add_argument("--seed", type=int, default=Config().seed)
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO)
    torch.set_num_threads(given.threads)
    given.out.mkdir(parents=True, exist_ok=True)
    checkpoint = given.checkpoint or given.out / "surface_checkpoint.pt"
    paths = Paths(given.pack, given.landmarks, given.out, checkpoint, given.start)
    figures = train(paths, Config(steps=given.steps, seed=given.seed))
    plot(given.out / "surface_log.csv", given.out / "surface_curve.png")
    logging.getLogger(__name__).info("held-out figures: %s", json.dumps(figures, indent=1))


if __name__ == "__main__":
    main()
