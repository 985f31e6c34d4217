"""Train the audio encoder, measure it on held-out takes and store it: one command.

Takes come from `python -m avatar.training.performance`. --prepare N only turns up to N new takes
into features (again and again with --watch); otherwise all new ones are, then the training begins.
With --resume it goes on from OUT/audio_encoder.safetensors; --minutes 0 only measures and stores
what is there.
"""

import argparse
import json
import logging
import sys
import time
from dataclasses import replace
from pathlib import Path

import torch

from avatar.training.audio.cache import prepare
from avatar.training.audio.config import Config
from avatar.training.audio.evaluate import chosen, energy_jaw, measured
from avatar.training.audio.export import export
from avatar.training.audio.plot import plot
from avatar.training.audio.train import CHECKPOINT, Corpus, Run, build, held_out_figures, scale_of
from avatar.training.audio.train import train as train_encoder

MOST = 60  # held-out takes of a kind that are measured in the end


def parsed() -> argparse.Namespace:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--takes", type=Path, help="folder of takes: train, val, real_train, ...")
    parser.add_argument("--cache", type=Path, required=True, help="features of takes")
    parser.add_argument("--out", type=Path, help="checkpoint, log, net, curve")
    parser.add_argument("--prepare", type=int, default=0, help="only prepare so many takes")
    parser.add_argument("--watch", type=float, default=0.0, help="minutes to wait for new takes")
    parser.add_argument("--minutes", type=float, default=Config().minutes)
    parser.add_argument("--contrast", type=float, default=Config().contrast)
    parser.add_argument("--augmented", type=float, default=Config().augmented)
    parser.add_argument("--rate", type=float, default=Config().rate)
    parser.add_argument("--resume", action="store_true", help="go on from OUT's checkpoint")
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--note", default="", help="last column of the log")
    return parser.parse_args()


def main() -> None:
    """Prepare, train, measure, store."""
    args = parsed()
    logging.basicConfig(level=logging.INFO)
    torch.set_num_threads(args.threads)
    config = replace(Config(), contrast=args.contrast, augmented=args.augmented, rate=args.rate)
    if args.prepare:
        _prepare(args, config)
        return
    if args.out is None:
        raise SystemExit("--out is needed to train")
    if args.takes and args.minutes:
        prepare(args.takes, args.cache, config)
    if args.minutes:
        train_encoder(Run(args.cache, args.out, args.minutes, args.resume, args.note), config)
    _finish(args)


def _prepare(args: argparse.Namespace, config: Config) -> None:
    end, left = time.monotonic() + 60 * args.watch, args.prepare
    while left > 0:
        done = prepare(args.takes, args.cache, config, left)
        left -= done
        if time.monotonic() > end:
            return
        if not done:
            time.sleep(10)


def _finish(args: argparse.Namespace) -> None:
    """Store the net, draw the log, say the figures."""
    nets, corpus = build(args.out / CHECKPOINT), Corpus(args.cache)
    corpus.refresh()
    export(nets.encoder, args.out / "audio_encoder.onnx")
    if (args.out / "log.csv").exists():
        plot(args.out / "log.csv", args.out / "curve.png")
    figures = held_out_figures(nets, corpus, scale_of(corpus.items["train"]), MOST)
    for name, split in (("val", "val"), ("real", "real_val")):
        some = chosen(corpus.items[split], augmented=False, most=MOST)
        if some:
            found = measured(energy_jaw, some)
            figures |= {f"energy_{name}_{key}": value for key, value in found.items()}
    text = json.dumps({name: round(value, 4) for name, value in figures.items()}, indent=1)
    (args.out / "figures.json").write_text(text + "\n")
    sys.stdout.write(text + "\n")


if __name__ == "__main__":
    main()
