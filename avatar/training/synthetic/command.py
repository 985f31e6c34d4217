"""Make a set of labelled shards: rendered people and, if asked, re-posed photos."""

import argparse
import logging
from collections.abc import Sequence
from pathlib import Path

from avatar.training.synthetic.config import Config

MAP = "landmark_map.npz"
_NUMBERS = {
    "seed": (0, "the set's; the same gives the same files, bit for bit"),
    "people": (60, "rendered people"),
    "frames": (24, "frames of each"),
    "size": (256, "pixels a side"),
    "stride": (4, "every so many frames of a performance at 25 fps"),
    "share": (1, "so many people in a row play the same performance"),
    "first": (0, "number of the first person"),
    "photos": (0, "photos to fit and re-pose, needs --portraits"),
}


def main(arguments: Sequence[str] | None = None) -> int:
    """Parse the arguments and make the set; the process's exit code."""
    parser = _parser()
    given = parser.parse_args(arguments)
    where = given.landmark_map or given.out / MAP
    if given.photos and given.portraits is None:
        parser.error("--photos needs --portraits")
    if not (given.pack / "head.npz").is_file():
        parser.error(f"{given.pack} is no face pack: it has no head.npz")
    if not where.is_file():
        calibrate = "python -m avatar.training.synthetic.calibrate --pack DIR --out"
        parser.error(f"{where} is missing; make it once: {calibrate} {where}")
    logging.basicConfig(level=logging.INFO if given.verbose else logging.WARNING)
    config = Config(
        seed=given.seed, people=given.people, frames=given.frames, size=given.size,
        stride=given.stride, share=given.share, first=given.first,
    )  # fmt: skip
    _people(given.pack, where, config, given.out)
    if given.photos:
        _photos(given.portraits, config, given.out, given.photos)
    return 0


def _people(pack: Path, landmark_map: Path, config: Config, out: Path) -> None:
    from tqdm import tqdm

    from avatar.training.synthetic.labels import load_landmark_map
    from avatar.training.synthetic.produce import produce
    from avatar.training.synthetic.wardrobe import load_wardrobe
    from avatar.training.synthetic.world import make_world

    landmarks = load_landmark_map(landmark_map)
    shards = produce(make_world(load_wardrobe(pack)), landmarks, config, out)
    for _ in tqdm(shards, total=config.people, unit="person", desc="people"):
        pass


def _photos(portraits: Path, config: Config, out: Path, count: int) -> None:
    from tqdm import tqdm

    from avatar.training.synthetic.photos import produce_photos

    for _ in tqdm(produce_photos(portraits, config, out, count), unit="photo", desc="photos"):
        pass


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="limner synthesize", description=__doc__)
    parser.add_argument("--pack", type=Path, required=True, help="the face pack's folder")
    parser.add_argument("--portraits", type=Path, help="folder of photos (JPEG)")
    parser.add_argument("--out", type=Path, required=True, help="where the shards go")
    parser.add_argument("--landmark-map", type=Path, help=f"default: OUT/{MAP}")
    for name, (default, text) in _NUMBERS.items():
        parser.add_argument(f"--{name}", type=int, default=default, help=f"{text} ({default})")
    parser.add_argument("--verbose", action="store_true", help="say what is made")
    return parser
