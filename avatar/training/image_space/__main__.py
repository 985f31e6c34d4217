"""Train the image-space variant, measure it beside the surface decoder and draw a sheet.

An ablation (docs/semo.md): nothing of it serves. The pairs are made first and stored in
OUT/pairs.npz; delete that after a change of shards or --config. With --resume the training goes on
from OUT/image_space.pt; --minutes 0 only measures. --config studio is the size for a GPU.
"""

from __future__ import annotations

import argparse
import json
import logging
import sys
from pathlib import Path

import cv2
import torch

from avatar.semo.loading import load_surface
from avatar.training.evaluate.album import write_json
from avatar.training.image_space.config import CONFIGS
from avatar.training.image_space.data import cached, pairs_of
from avatar.training.image_space.evaluate import compared, markdown
from avatar.training.image_space.model import parameters
from avatar.training.image_space.plot import plot
from avatar.training.image_space.train import STORED, TABLE, Run, load, train

LOG = logging.getLogger(__name__)
HELD_PAIRS = 4  # of each held-out person, looked at during training


def parsed() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(prog="limner train image-space", description=__doc__)
    parser.add_argument("--shards", type=Path, nargs="+", required=True, help="of synthesize")
    parser.add_argument("--held-out", type=Path, nargs="*", help="shards to measure on; --shards")
    parser.add_argument("--out", type=Path, required=True, help="checkpoint, log, figures, sheet")
    parser.add_argument("--config", choices=CONFIGS, default="small")
    parser.add_argument("--minutes", type=float, help="of CPU time; default: the config's")
    parser.add_argument(
        "--wall", type=float, default=1e9, help="at most so many minutes of wall time"
    )
    parser.add_argument("--steps", type=int, default=10**9, help="at most so many")
    parser.add_argument("--resume", action="store_true", help="go on from OUT/image_space.pt")
    parser.add_argument("--device", default="cpu", help='of torch, "cuda" for --config studio')
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--people", type=int, default=16, help="held-out ones to measure on")
    parser.add_argument("--frames", type=int, default=5, help="of each of their shots")
    return parser.parse_args()


def main() -> None:
    """Prepare, train, measure."""
    args = parsed()
    config = CONFIGS[args.config]
    logging.basicConfig(level=logging.INFO)
    torch.set_num_threads(args.threads)
    cv2.setNumThreads(1)
    args.out.mkdir(parents=True, exist_ok=True)
    held = args.held_out or args.shards
    minutes = config.minutes if args.minutes is None else args.minutes
    if minutes > 0:
        surface = load_surface()
        own = cached(
            args.out / "pairs.npz", lambda: pairs_of(args.shards, "train", surface, config)
        )
        tests = pairs_of(held, "held_out", surface, config, most=HELD_PAIRS)
        LOG.info("%d pairs to learn from", len(own.source))
        net = train(
            own,
            tests,
            config,
            Run(args.out, minutes, args.wall, args.steps, args.resume, args.device),
        )
    else:
        net = load(args.out / STORED, config)
    if (args.out / TABLE).exists():
        plot(args.out / TABLE, args.out / "curve.png")
    found = compared(net, held, args.people, args.frames, args.out / "sheet.png")
    write_json(args.out / "figures.json", found)
    text = markdown(found)
    (args.out / "figures.md").write_text(text, "utf-8")
    sys.stdout.write(text + json.dumps({"parameters": parameters(net)}) + "\n")


if __name__ == "__main__":
    main()
