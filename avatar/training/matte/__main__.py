"""Train the matte net, measure it on held-out pictures and store it: one command.

The pictures are made before by `python -m avatar.training.matte.prepare` (in an environment with
mediapipe). With --resume the training goes on from OUT/matte.pt; --minutes 0 only measures and
stores what is there.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from dataclasses import asdict
from pathlib import Path

import torch

from avatar.matte_net import MatteNet
from avatar.training.matte.config import Config
from avatar.training.matte.data import Cutouts
from avatar.training.matte.evaluate import draw, figures
from avatar.training.matte.export import export
from avatar.training.matte.plot import plot
from avatar.training.matte.train import held_out, load, train


def parsed() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--portraits", type=Path, required=True, help="photos (names: hold-out)")
    parser.add_argument("--cache", type=Path, required=True, help="pictures made by prepare.py")
    parser.add_argument("--shards", type=Path, help="frames made by avatar.training.synthetic")
    parser.add_argument("--out", type=Path, required=True, help="checkpoint, log, net, curve")
    parser.add_argument("--minutes", type=float, default=Config().minutes)
    parser.add_argument("--rate", type=float, default=0.0, help="peak rate; 0: as configured")
    parser.add_argument("--resume", action="store_true", help="go on from OUT/matte.pt")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--note", default="", help="last column of the log")
    parser.add_argument("--draw", type=Path, help="picture of held-out mattes to write")
    return parser.parse_args()


def main() -> None:
    """Train, store, measure."""
    args, config = parsed(), Config()
    logging.basicConfig(level=logging.INFO)
    torch.set_num_threads(args.threads)
    if args.minutes > 0:
        train(args, config)
    export(load(args.out / "matte.pt", config), args.out / "matte.onnx")
    if (args.out / "log.csv").exists():
        plot(args.out / "log.csv", args.out / "curve.png")
    held = held_out(args.cache, args.portraits, config)
    tests, net = Cutouts(args.cache, held, True, args.shards), MatteNet(args.out / "matte.onnx")
    found = {
        "net alone": asdict(figures(net.coarse, tests)),
        "with edges, 512 px": asdict(figures(net.find, tests, side=512)),
    }
    sys.stdout.write(json.dumps(found, indent=1) + "\n")
    if args.draw:
        draw(net, tests, args.draw)


if __name__ == "__main__":
    main()
