"""Make a set of labelled shards of rendered people, re-posed photos, or clips of people who speak.

Shards are one .npz a person, see `avatar.training.synthetic.shards`. With --clips only clips are
made: MP4 files in --out, their truth in --truth, see `avatar.training.synthetic.clips`.
"""

import argparse
import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from avatar.training.synthetic.config import Config

MAP = "landmark_map.npz"
_NUMBERS = {
    "seed": (0, "the set's; the same gives the same files, bit for bit"),
    "people": (60, "rendered people"),
    "frames": (24, "frames of each"),
    "size": (256, "pixels a side"),
    "stride": (4, "every so many frames of a performance at 25 fps"),
    "share": (1, "so many people in a row, of one split, play the same performance"),
    "shot": (8, "frames of a shot, which keeps camera, light and background"),
    "turn": (0, "degrees by which heads turn, from nearly frontal at a shot's first frame"),
    "turning": (100, "per cent of the shots with such turns"),
    "first": (0, "number of the first person"),
    "photos": (0, "photos to fit and re-pose, needs --portraits"),
    "clips": (0, "clips to make, one of each person, instead of shards"),
    "seconds": (8, "of each clip"),
    "take": (0, "of the clips: another one shows the same people in the same place anew"),
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
        stride=given.stride, share=given.share, first=given.first, frames_per_shot=given.shot,
        only=given.split, turn=given.turn, turn_share=given.turning / 100,
    )  # fmt: skip
    if given.clips:
        truth = given.truth or given.out.with_name(f"{given.out.name}_truth")
        _clips(given, replace(config, people=given.clips), truth)
        return 0
    if config.people:
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


def _clips(given: argparse.Namespace, config: Config, truth: Path) -> None:
    from tqdm import tqdm

    from avatar.training.synthetic.clips import FAULTS, ClipStudio, produce_clips
    from avatar.training.synthetic.labels import load_landmark_map
    from avatar.training.synthetic.wardrobe import load_wardrobe
    from avatar.training.synthetic.world import make_world
    from speech.tts import EmbeddedVoices

    landmarks = load_landmark_map(given.landmark_map or given.out / MAP)
    world = make_world(load_wardrobe(given.pack))
    studio = ClipStudio(world, landmarks, EmbeddedVoices(), config, given.seconds, given.take)
    faults = FAULTS if given.faults else (None,)
    made = produce_clips(studio, given.out, truth, faults)
    for _ in tqdm(made, total=len(faults) * config.people, unit="clip", desc="clips"):
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
    parser.add_argument(
        "--split",
        choices=("train", "held_out"),
        help="make only people who may be trained on, or only those who may not (both)",
    )
    parser.add_argument("--truth", type=Path, help="where the clips' truth goes (OUT_truth)")
    parser.add_argument(
        "--faults", action="store_true", help="clips with faults instead, one of each kind"
    )
    parser.add_argument("--verbose", action="store_true", help="say what is made")
    return parser
