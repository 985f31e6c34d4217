"""Command line of emotion-to-latents' training: `limner train emotion`.

Stages, in this order: space (seconds), text (an hour on one core), voice (minutes). Each writes
its shipped file to --out, its log and its checkpoint beside it, and goes on where it stopped with
--resume. --report measures what is shipped; --ablate repeats short runs with one thing left out.
"""

import argparse
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

import torch

from emotion.errors import LimnerError
from emotion.training.stages import ablate, report, train
from emotion.weight_files import WEIGHTS

LOG = logging.getLogger(__name__)


def main(arguments: Sequence[str] | None = None) -> int:
    """Run what the options ask for; the exit status."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    asked = _parser().parse_args(arguments)
    torch.set_num_threads(1)
    asked.out.mkdir(parents=True, exist_ok=True)
    try:
        work = report if asked.report else ablate if asked.ablate else train
        return 0 if work(asked) else 3
    except LimnerError as error:
        LOG.error("%s", error)
        return 1


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="limner train emotion", description=__doc__)
    parser.add_argument(
        "stage", nargs="?", default="text", choices=["space", "text", "voice"], help="what to train"
    )
    parser.add_argument("--emotion-text", type=Path, help="GoEmotions in Ekman's grouping")
    parser.add_argument("--takes", type=Path, help="performances: train/ and val/")
    parser.add_argument("--speech", type=Path, help="real recordings with transcripts.csv")
    parser.add_argument("--cache", type=Path, default=Path("emotion-cache"), help="for text")
    parser.add_argument("--out", type=Path, default=WEIGHTS, help="where weights and logs go")
    parser.add_argument("--minutes", type=float, default=1e9, help="stop after so many, to resume")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoint")
    parser.add_argument("--report", action="store_true", help="measure what is shipped")
    parser.add_argument("--ablate", action="store_true", help="short runs, one thing left out")
    return parser


if __name__ == "__main__":
    sys.exit(main())
