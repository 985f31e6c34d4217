"""Command line of training on real video: `limner train motion --data` and `--adapt`."""

import argparse
import json
import logging
import sys
from pathlib import Path

import cv2
import torch

from avatar.training.clips.adapt import AdaptSettings
from avatar.training.clips.folder import train_folder
from avatar.training.clips.person import adapt_person
from avatar.training.clips.settings import Settings
from emotion.errors import LimnerError


def parser() -> argparse.ArgumentParser:
    """The options."""
    out = argparse.ArgumentParser(prog="limner train motion", description=__doc__)
    what = out.add_mutually_exclusive_group(required=True)
    what.add_argument("--data", type=Path, help="folder of clips of people who agreed to it")
    what.add_argument("--adapt", type=Path, metavar="CLIP", help="a clip of one person")
    out.add_argument("--out", type=Path, help="folder of what is made (default: ./motion-NAME)")
    out.add_argument("--minutes", type=float, help="of training, without reading the clips")
    out.add_argument("--encoder", type=Path, help="weights to begin with instead of the shipped")
    only = "only measured: a folder (--data) or a clip (--adapt, may be repeated)"
    out.add_argument("--held", type=Path, action="append", default=[], help=only)
    out.add_argument("--seed", type=int)
    out.add_argument("--threads", type=int, default=1)
    return out


def main(arguments: list[str] | None = None) -> int:
    """Train; 0, or 1 with one line on standard error."""
    given = parser().parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(message)s")
    torch.set_num_threads(given.threads)
    cv2.setNumThreads(1)
    try:
        figures = _run(given)
    except LimnerError as error:
        sys.stderr.write(f"limner: {error}\n")
        return 1
    sys.stdout.write(json.dumps(figures, indent=1) + "\n")
    return 0


def _run(given: argparse.Namespace) -> dict[str, object]:
    named = (given.data or given.adapt).resolve()
    out = given.out or Path(f"motion-{named.stem}")
    changed = {name: getattr(given, name) for name in ("minutes", "seed")}
    changed = {name: value for name, value in changed.items() if value is not None}
    if given.adapt is None:
        held = given.held[0] if given.held else None
        return train_folder(given.data, out, Settings(**changed), given.encoder, held)
    out.mkdir(parents=True, exist_ok=True)
    adapt_person(given.adapt, given.held, out, AdaptSettings(**changed), given.encoder)
    done: dict[str, object] = json.loads((out / "figures.json").read_text())
    return done


if __name__ == "__main__":
    sys.exit(main())
