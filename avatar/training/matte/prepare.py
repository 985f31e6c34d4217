"""Make the pictures with mattes: photos labelled by MediaPipe, renders with exact mattes.

Runs once, in an environment of its own (mediapipe 0.10.21, numpy < 2, scipy, pillow). `--tools`
holds the folders `facerender`, `photofit` and `judges` of the project's references; they are no
packages and import one another by name, so the work runs in a child that finds them.
Each chunk is an .npz in `--cache` with
  images (N,S,S,3) uint8 RGB: photos as they are; renders: the person's own colour wherever it is
  mattes (N,S,S) uint8, 255 = all person; name (N,) str.
"""

from __future__ import annotations

import argparse
import importlib
import logging
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from avatar.matte_net import refined
from avatar.training.landmarks.prepare import environment
from avatar.training.matte.config import Config
from avatar.training.matte.layers import filled

LOG = logging.getLogger(__name__)
Sample = tuple[np.ndarray, np.ndarray, str]


class Teacher:
    """MediaPipe's selfie segmentation (Apache-2.0); only in a child started by `main`."""

    def __init__(self) -> None:
        self.mp: Any = importlib.import_module("mediapipe")
        tasks: Any = importlib.import_module("mediapipe.tasks.python")
        folder = Path(str(self.mp.__file__)).parent / "modules/selfie_segmentation"
        base = tasks.BaseOptions(model_asset_path=str(folder / "selfie_segmentation.tflite"))
        options = tasks.vision.ImageSegmenterOptions(
            base_options=base, output_confidence_masks=True
        )
        self.net: Any = tasks.vision.ImageSegmenter.create_from_options(options)

    def _once(self, rgb: np.ndarray) -> np.ndarray:
        """(H,W) float32, the model's own answer."""
        picture = self.mp.Image(
            image_format=self.mp.ImageFormat.SRGB, data=np.ascontiguousarray(rgb)
        )
        answer = self.net.segment(picture).confidence_masks[0].numpy_view()
        return np.array(answer, np.float32).reshape(rgb.shape[:2])

    def matte(self, rgb: np.ndarray) -> np.ndarray:
        """(H,W) float32 in 0..1: mean with the mirrored picture, on the picture's edges."""
        mean = 0.5 * (self._once(rgb) + self._once(rgb[:, ::-1])[:, ::-1])
        return refined(np.ascontiguousarray(rgb), mean.astype(np.float32))


def photos(folder: Path, side: int) -> Iterator[Sample]:
    """Every portrait once; held-out ones too: `data.py` tells them apart by name."""
    teacher = Teacher()
    for path in sorted(folder.glob("*.jpg")):
        bgr = cv2.imread(str(path))
        assert bgr is not None, path
        matte = teacher.matte(np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8))
        small = cv2.resize(bgr, (side, side), interpolation=cv2.INTER_AREA)[..., ::-1]
        yield small, _shrunk(matte, side), path.stem


def _shrunk(matte: np.ndarray, side: int) -> np.ndarray:
    """(side,side) uint8."""
    small = cv2.resize(matte, (side, side), interpolation=cv2.INTER_AREA)
    return np.rint(255 * np.clip(small, 0, 1)).astype(np.uint8)


def renders(config: Config, people: int, rng: np.random.Generator) -> Iterator[Sample]:
    """Synthetic people by the reference renderer, drawn before black and before white."""
    fp: Any = importlib.import_module("portrait")
    expr: Any = importlib.import_module("expr")
    pack = fp.Pack()
    for number in range(people):
        person = fp.Person(pack, rng, ao_n=16)
        for _ in range(config.each):
            turn = np.radians(np.clip(rng.normal(0, 1, 3) * [17, 9, 6], -45, 45))
            weights = expr.mix((expr.EMO[rng.choice(list(expr.EMO))], rng.uniform(0, 0.9)))
            posed = person.pose(weights, rng.normal(0, 0.15, 2), turn)
            light, camera = fp.random_light(rng), fp.Camera(rng)
            camera.h *= rng.uniform(0.8, 1.25)
            rgb, alpha = _layers(fp, person, posed, camera, light, config.render_side)
            yield rgb, alpha, f"render_{number:04d}"


def _layers(
    fp: Any, person: Any, posed: Any, camera: Any, light: Any, side: int
) -> tuple[np.ndarray, np.ndarray]:
    """The person's own colours (S,S,3) uint8 and exact matte (S,S) uint8.

    The renderer keeps its linear picture: c = a * own + (1 - a) * behind, for both grounds.
    """
    linear, drawn = [], []
    for ground in (0.0, 1.0):
        behind = np.full((4 * side * side, 3), ground, np.float32)
        drawn.append(fp.render(person, posed, camera, *light, behind, side, ss=2))
        column = person.scene.buf[(2 * side, 2 * side)][3]
        linear.append(np.array(column, np.float32).reshape(2 * side, 2 * side, 3))
    alpha = 1 - (linear[1] - linear[0]).mean(2)
    small = cv2.resize(np.clip(alpha, 0, 1), (side, side), interpolation=cv2.INTER_AREA)
    sure = (small > 0.98).astype(np.float32)
    return filled(np.asarray(drawn[0]), sure), _shrunk(alpha, side)


def store(samples: Iterator[Sample], cache: Path, prefix: str, chunk: int = 200) -> None:
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
    images, mattes, names = (list(column) for column in zip(*rows, strict=True))
    path = cache / f"{prefix}_{count:03d}.npz"
    np.savez(path, images=np.stack(images), mattes=np.stack(mattes), name=np.array(names))
    LOG.info("%s %d: %d pictures", prefix, count, len(rows))
    return count + 1


def prepare(args: argparse.Namespace) -> None:
    """Make everything that the arguments ask for."""
    cv2.setNumThreads(1)
    config = Config()
    if "photos" in args.what:
        store(photos(args.portraits, config.photo_side), args.cache, "photos")
    if "renders" in args.what:
        rng = np.random.default_rng(config.seed)
        store(renders(config, args.people, rng), args.cache, "renders")


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("pack", "portraits", "tools", "cache"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--people", type=int, default=150, help="synthetic people")
    parser.add_argument("--what", nargs="+", default=["photos", "renders"])
    parser.add_argument("--child", action="store_true", help=argparse.SUPPRESS)
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO)
    args.cache.mkdir(parents=True, exist_ok=True)
    if args.child:
        prepare(args)
        return
    command = [sys.executable, "-m", "avatar.training.matte.prepare", *sys.argv[1:], "--child"]
    found = environment(args.tools, args.pack, args.cache)
    raise SystemExit(subprocess.run(command, env=found, check=False).returncode)


if __name__ == "__main__":
    main()
