"""What the parts of the training bring: short trainings of equal length, without one of them each.

Writes OUT/ablations.csv, held-out figures of each; trainings that are there are not run again.
"""

import argparse
import csv
import logging
from dataclasses import replace
from pathlib import Path

import torch

from avatar.training.audio.config import Config
from avatar.training.audio.train import Run, train
from avatar.training.completion.log import append_row

VARIANTS = {
    "all": Config(),
    "no contrast": replace(Config(), contrast=0.0),
    "no augmentation": replace(Config(), augmented=0.0),
    "no real recordings": replace(Config(), real=0.0),
}
COLUMNS = ("val_correlation", "real_correlation", "val_aug_correlation", "real_aug_correlation",
           "val_recall", "val_precision", "real_recall", "real_precision", "val_aug_silence",
           "real_aug_silence")  # fmt: skip


def main() -> None:
    """Train each variant and write its figures down."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cache", type=Path, required=True, help="as for avatar.training.audio")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=400)
    parser.add_argument("--only", nargs="*", default=list(VARIANTS), choices=list(VARIANTS))
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO)
    torch.set_num_threads(1)
    for name in args.only:
        folder = args.out / name.replace(" ", "_")
        if (folder / "done").exists():
            continue
        train(Run(args.cache, folder, 60.0, steps=args.steps, note=name), VARIANTS[name])
        with (folder / "log.csv").open(newline="") as stream:
            last = list(csv.DictReader(stream))[-1]
        fields = ("variant", "steps", *COLUMNS)
        row = [name, last["step"], *(last[column] for column in COLUMNS)]
        append_row(args.out / "ablations.csv", fields, row)
        (folder / "done").touch()


if __name__ == "__main__":
    main()
