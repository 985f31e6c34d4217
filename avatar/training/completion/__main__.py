"""Train the completion net, measure it on held-out pictures and store it: one command.

The samples are made first and stored in OUT/samples.npz; delete that after a change of the decoder.
With --resume the training goes on from OUT/completion.pt; --minutes 0 only measures and stores.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import logging
import sys
from dataclasses import asdict
from pathlib import Path

import cv2
import torch

from avatar.training.completion.config import Config
from avatar.training.completion.data import Kind, samples
from avatar.training.completion.evaluate import draw, figures
from avatar.training.completion.export import export
from avatar.training.completion.model import parameters
from avatar.training.completion.plot import plot
from avatar.training.completion.train import load, train


def parsed() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--portraits", type=Path, required=True, help="folder of photos")
    parser.add_argument("--shards", type=Path, help="frames made by avatar.training.synthetic")
    parser.add_argument("--out", type=Path, required=True, help="samples, checkpoint, log, net")
    parser.add_argument("--minutes", type=float, default=Config().minutes)
    parser.add_argument("--resume", action="store_true", help="go on from OUT/completion.pt")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--draw", type=Path, help="picture of held-out photos' mouths to write")
    if importlib.util.find_spec("onnx") is None:
        parser.error("the package onnx, which writes the net, is not installed: pip install onnx")
    return parser.parse_args()


def main() -> None:
    """Prepare, train, store, measure."""
    args, config = parsed(), Config()
    logging.basicConfig(level=logging.INFO)
    torch.set_num_threads(args.threads)
    cv2.setNumThreads(1)
    args.out.mkdir(parents=True, exist_ok=True)
    found = samples(args.portraits, args.shards, args.out / "samples.npz", config)
    if args.minutes > 0:
        train(args, found, config)
    net, held = load(args.out / "completion.pt", config), found.only(found.held)
    export(net, args.out / "completion.onnx")
    if (args.out / "log.csv").exists():
        plot(args.out / "log.csv", args.out / "curve.png")
    report: dict[str, object] = {"parameters": parameters(net), "samples": len(found.drawn)}
    for kind in Kind:
        measured = figures(net, held.only(held.kind == kind))
        report[f"held out, {kind.name.lower()}"] = None if measured is None else asdict(measured)
    sys.stdout.write(json.dumps(report, indent=1) + "\n")
    if args.draw:
        draw(net, held.only(held.kind == Kind.PHOTO), args.draw)


if __name__ == "__main__":
    main()
