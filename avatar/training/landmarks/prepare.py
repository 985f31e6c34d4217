"""Make the labelled frames: photos, re-posed training photos and renders, labelled by MediaPipe.

Runs once, in an environment of its own (mediapipe 0.10.21, numpy < 2, scipy, pillow, onnxruntime).
`--tools` holds the folders `facerender`, `photofit` and `judges` of the project's references; they
are no packages and import one another by name, so the work runs in a child that finds them.
Held-out photos are only stored as photos: they are never re-posed. Each chunk is an .npz in
`--cache` with
  images (N,S,S,3) uint8 RGB, points (N,150,2) float32 in pixels of that picture, name (N,) str.
"""

from __future__ import annotations

import argparse
import importlib
import logging
import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from avatar.landmark_net import MIRROR
from avatar.training.landmarks.config import Config, held_out_names
from avatar.training.landmarks.layout import INDICES

LOG = logging.getLogger(__name__)
Sample = tuple[np.ndarray, np.ndarray, str]
PHOTO_SIDE, REFIT_SIDE, RENDER_SIDE = 1024, 512, 320


class Tools:
    """The reference renderers and the labelling model; only in a child started by `main`."""

    def __init__(self) -> None:
        self.mp: Any = importlib.import_module("mp_face")
        self.portrait: Any = importlib.import_module("portrait")
        self.photohead: Any = importlib.import_module("photohead")
        self.common: Any = importlib.import_module("common")
        self.expr: Any = importlib.import_module("expr")
        self.detector = self.mp.make()

    def label(self, bgr: np.ndarray, mirror: bool = False) -> np.ndarray | None:
        """(150,2) px of the one face in an (H,W,3) picture; mirror: mean with the flipped one."""
        found = self.mp.run(self.detector, bgr)
        if found is None:
            return None
        points: np.ndarray = found[0][INDICES, :2].astype(np.float32)
        other = self.label(np.ascontiguousarray(bgr[:, ::-1])) if mirror else None
        if other is None:
            return points
        mean: np.ndarray = 0.5 * (points + (np.array([bgr.shape[1], 0]) + other * [-1, 1])[MIRROR])
        return mean

    def expression(self, rng: np.random.Generator) -> dict[str, float]:
        """Random ARKit weights: a viseme, an emotion and a blink, each with some chance."""
        e, parts = self.expr, []
        if rng.random() < 0.7:
            parts.append((e.VIS[rng.choice(list(e.VIS))], rng.uniform(0.2, 1.0)))
        if rng.random() < 0.6:
            parts.append((e.EMO[rng.choice(list(e.EMO))], rng.uniform(0.2, 0.9)))
        if rng.random() < 0.2:
            parts.append((e.BLINK, rng.uniform(0.2, 1.0)))
        mixed: dict[str, float] = e.mix(*parts) if parts else {}
        return mixed


def photos(tools: Tools, folder: Path) -> Iterator[Sample]:
    """Every portrait once, at 1024 px."""
    for path in sorted(folder.glob("*.jpg")):
        bgr = cv2.imread(str(path))
        assert bgr is not None, path
        points = tools.label(bgr, mirror=True)
        if points is not None:
            small = cv2.resize(bgr, (PHOTO_SIDE, PHOTO_SIDE), interpolation=cv2.INTER_AREA)
            yield small, points * (PHOTO_SIDE / bgr.shape[0]), path.stem


def refits(tools: Tools, folder: Path, each: int, rng: np.random.Generator) -> Iterator[Sample]:
    """Training photos, re-posed with other expressions, gazes and head turns."""
    shared, matte = tools.photohead.Shared(), tools.common.Matte()
    held = set(held_out_names(folder, Config()))
    for path in (p for p in sorted(folder.glob("*.jpg")) if p.stem not in held):
        bgr = cv2.imread(str(path))
        found = tools.mp.run(tools.detector, bgr)
        if bgr is None or found is None:
            continue
        try:
            head = tools.photohead.PhotoHead(shared, bgr, found[0], found[1], matte(bgr))
        except Exception as error:  # a photo that cannot be fitted is left out
            LOG.warning("skipped %s: %s", path.stem, error)
            continue
        for _ in range(each):
            turn = np.radians(np.clip(rng.normal(0, 1, 3) * [8, 6, 4], -16, 16))
            gaze = np.clip(rng.normal(0, 1, 2) * [0.25, 0.14], -0.5, 0.5)
            made = head.render(tools.expression(rng), gaze=gaze, rot=turn, size=REFIT_SIDE, ss=1)
            points = tools.label(made["image"])
            if made["exposed"] < 0.008 and points is not None:
                yield made["image"], points, path.stem


def renders(tools: Tools, people: int, each: int, rng: np.random.Generator) -> Iterator[Sample]:
    """Random synthetic people in random light, pose and expression."""
    fp = tools.portrait
    pack = fp.Pack()
    for number in range(people):
        person = fp.Person(pack, rng, ao_n=16)
        for k in range(each):
            if k % 4 == 0:
                light, lamps = fp.random_light(rng)
                ground = fp.random_bg(rng, RENDER_SIDE)
            turn = np.radians(np.clip(rng.normal(0, 1, 3) * [17, 9, 6], -42, 42))
            gaze = np.clip(rng.normal(0, 1, 2) * [0.25, 0.14], -0.5, 0.5)
            posed = person.pose(tools.expression(rng), gaze, turn)
            rgb = fp.render(person, posed, fp.Camera(rng), light, lamps, ground, RENDER_SIDE, ss=1)
            bgr = np.ascontiguousarray(rgb[..., ::-1])
            points = tools.label(bgr)
            if points is not None:
                yield bgr, points, f"render_{number:04d}"


def store(samples: Iterator[Sample], cache: Path, prefix: str, chunk: int = 400) -> None:
    """Write the samples as cache/<prefix>_<k>.npz."""
    rows: list[Sample] = []
    count = 0
    for sample in samples:
        rows.append(sample)
        if len(rows) == chunk:
            count, rows = _write(rows, cache, prefix, count), []
    if rows:
        _write(rows, cache, prefix, count)


def _write(rows: list[Sample], cache: Path, prefix: str, count: int) -> int:
    """One chunk; returns the next chunk's number."""
    images = np.stack([r[0][..., ::-1] for r in rows])
    points = np.stack([r[1] for r in rows]).astype(np.float32)
    names = np.array([r[2] for r in rows])
    np.savez(cache / f"{prefix}_{count:03d}.npz", images=images, points=points, name=names)
    LOG.info("%s %d: %d frames", prefix, count, len(rows))
    return count + 1


def environment(tools: Path, pack: Path, cache: Path) -> dict[str, str]:
    """This process's variables, and those by which the tools and their data are found."""
    folders = [str((tools / name).resolve()) for name in ("photofit", "facerender", "judges")]
    inherited = os.environ.get("PYTHONPATH")
    return os.environ | {
        "PYTHONPATH": os.pathsep.join([*folders, *([inherited] if inherited else [])]),
        "FACEPACK": f"{pack}/",
        "FACERAST_BUILD": str(cache),
    }


def prepare(args: argparse.Namespace) -> None:
    """Make everything that the arguments ask for."""
    cv2.setNumThreads(1)
    rng = np.random.default_rng(Config().seed)
    tools = Tools()
    store(photos(tools, args.portraits), args.cache, "photos")
    store(refits(tools, args.portraits, args.refits, rng), args.cache, "refits")
    store(renders(tools, args.people, args.each, rng), args.cache, "renders")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("pack", "portraits", "tools", "cache"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--refits", type=int, default=20, help="frames of each training photo")
    parser.add_argument("--people", type=int, default=200, help="synthetic people")
    parser.add_argument("--each", type=int, default=16, help="frames of each of them")
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO)
    args.cache.mkdir(parents=True, exist_ok=True)
    if args.child:
        prepare(args)
        return
    command = [sys.executable, "-m", "avatar.training.landmarks.prepare", *sys.argv[1:], "--child"]
    found = environment(args.tools, args.pack, args.cache)
    raise SystemExit(subprocess.run(command, env=found, check=False).returncode)


if __name__ == "__main__":
    main()
