"""Train what completes the pictures of the motion decoder: one command.

--part folds: folds, wrinkles and shading of the skin (needs --pack and --landmark-map, or
--shards). --part mouth: light and colour inside the mouth (needs --portraits). Samples are made
first and stored in OUT; delete them after a change of the decoder or the world. With --resume the
training goes on from OUT; --minutes 0 only measures and stores.
"""

from __future__ import annotations

import argparse
import importlib.util
import json
import logging
import sys
from dataclasses import replace
from pathlib import Path

import cv2
import torch

from avatar.training.completion import fold_command, mouth_command
from avatar.training.completion.config import Config, FoldConfig, Sittings


def parsed() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(prog="limner train completion", description=__doc__)
    parser.add_argument("--part", choices=("folds", "mouth"), default="folds")
    parser.add_argument("--pack", type=Path, help="folds: the face pack's folder")
    parser.add_argument("--landmark-map", type=Path, help="folds: as `limner synthesize` takes it")
    parser.add_argument("--people", type=int, default=Sittings().people, help="folds: to render")
    parser.add_argument("--shards", type=Path, help="frames made by `limner synthesize`")
    parser.add_argument("--portraits", type=Path, help="mouth: folder of photos")
    parser.add_argument("--out", type=Path, required=True, help="samples, checkpoint, log, nets")
    parser.add_argument("--minutes", type=float, help="of training")
    parser.add_argument("--resume", action="store_true", help="go on from OUT's checkpoint")
    parser.add_argument("--regions", action="store_true", help="folds: figures of whole pictures")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--draw", type=Path, help="mouth: picture of held-out mouths to write")
    if importlib.util.find_spec("onnx") is None:
        parser.error("the package onnx, which writes the nets, is not installed: pip install onnx")
    given = parser.parse_args()
    if given.part == "mouth" and given.portraits is None:
        parser.error("--part mouth needs --portraits")
    rendered = given.pack is not None and given.landmark_map is not None
    if given.part == "folds" and not rendered and given.shards is None:
        parser.error("--part folds needs --pack and --landmark-map, or --shards")
    return given


def main() -> None:
    """Prepare, train, store, measure."""
    args = parsed()
    logging.basicConfig(level=logging.INFO)
    torch.set_num_threads(args.threads)
    cv2.setNumThreads(1)
    args.out.mkdir(parents=True, exist_ok=True)
    report = _mouth(args) if args.part == "mouth" else _folds(args)
    sys.stdout.write(json.dumps(report, indent=1) + "\n")


def _mouth(args: argparse.Namespace) -> dict[str, object]:
    if args.minutes is None:
        args.minutes = Config().minutes
    return mouth_command.run(args, Config())


def _folds(args: argparse.Namespace) -> dict[str, object]:
    config = FoldConfig()
    minutes = config.minutes if args.minutes is None else args.minutes
    task = fold_command.Task(
        args.pack, args.landmark_map, args.shards, args.out, minutes, args.resume
    )
    made = replace(Sittings(), people=args.people)
    report = fold_command.run(task, config, made)
    if args.regions:
        report["regions"] = fold_command.region_figures(task, made)
    return report


if __name__ == "__main__":
    main()
