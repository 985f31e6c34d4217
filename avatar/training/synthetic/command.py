"""Command line of the synthetic world."""

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path

from tqdm import tqdm

from avatar.training.synthetic.config import Config
from avatar.training.synthetic.labels import load_landmark_map
from avatar.training.synthetic.produce import produce
from avatar.training.synthetic.wardrobe import load_wardrobe
from avatar.training.synthetic.world import make_world

MAP = "landmark_map.npz"


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the arguments and make the set; the process's exit code."""
    parser = _parser()
    given = parser.parse_args(arguments)
    if given.photos and given.portraits is None:
        parser.error("--photos needs --portraits")
    where = given.landmark_map or given.out / MAP
    if not where.is_file():
        calibrate = "python -m avatar.training.synthetic.calibrate --pack DIR --out"
        parser.error(f"{where} is missing; make it once: {calibrate} {where}")
    logging.basicConfig(level=logging.INFO if given.verbose else logging.WARNING)
    config = Config(
        seed=given.seed, people=given.people, frames=given.frames, size=given.size,
        stride=given.stride, share=given.share, first=given.first,
    )  # fmt: skip
    world = make_world(load_wardrobe(given.pack))
    landmarks = load_landmark_map(where)
    shards = produce(world, landmarks, config, given.out)
    for _ in tqdm(shards, total=config.people, unit="person", desc="people"):
        pass
    if given.photos:
        _photos(given.portraits, config, given.out, given.photos)
    return 0


def _photos(portraits: Path, config: Config, out: Path, count: int) -> None:
    from avatar.training.synthetic.photos import produce_photos

    for _ in tqdm(produce_photos(portraits, config, out, count), unit="photo", desc="photos"):
        pass


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="limner synthesize", description=__doc__)
    parser.add_argument("--pack", type=Path, required=True, help="the face pack's folder")
    parser.add_argument("--portraits", type=Path, help="photos to fit and re-pose")
    parser.add_argument("--out", type=Path, required=True, help="where the shards go")
    parser.add_argument("--landmark-map", type=Path, help=f"default: OUT/{MAP}")
    for name, default in (("seed", 0), ("people", 60), ("frames", 24), ("size", 256),
                          ("stride", 4), ("share", 1), ("first", 0), ("photos", 0)):  # fmt: skip
        parser.add_argument(f"--{name}", type=int, default=default)
    parser.add_argument("--verbose", action="store_true")
    return parser
