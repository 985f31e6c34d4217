"""Train the nets of the portrait intake: landmarks, the second look at a face, the matte.

Data are made once by the judges' environment (mediapipe 0.10.21, numpy < 2) and cached; steps whose
results are in the cache are not done again, and trainings go on from their checkpoints.
"""

import argparse
import logging
import os
import shutil
import subprocess
import sys
from dataclasses import dataclass
from pathlib import Path

from avatar.semo.loading import WEIGHTS

LOG = logging.getLogger(__name__)
HERE = Path(__file__).parents[1]


@dataclass(frozen=True, slots=True)
class Step:
    """name; python: interpreter; module with its arguments; done: a file that shows that it ran."""

    name: str
    python: str
    arguments: tuple[str, ...]
    done: Path | None = None


def steps(given: argparse.Namespace) -> list[Step]:
    """What is to be run, in order."""
    cache, out = given.cache, given.out
    data = ("--pack", str(given.pack), "--portraits", str(given.portraits))
    tools = ("--tools", str(given.tools))
    marks, mattes = cache / "landmarks", cache / "mattes"
    minutes = () if given.minutes is None else ("--minutes", str(given.minutes))
    made = [
        Step("label faces", given.judges_python, (
            "avatar.training.landmarks.prepare", *data, *tools, "--cache", str(marks),
        ), marks / "photos_000.npz"),
        Step("label mattes", given.judges_python, (
            "avatar.training.matte.prepare", *data, *tools, "--cache", str(mattes),
        ), mattes / "photos_000.npz"),
    ]  # fmt: skip
    photos = ("--portraits", str(given.portraits))
    checkpoints = given.checkpoints or cache / "checkpoints"
    resumed = ("--resume",) if given.resume else ()
    shards = () if given.shards is None else ("--shards", str(given.shards))
    trained = [
        Step("train landmarks", sys.executable, (
            "avatar.training.landmarks.train", *photos, "--cache", str(marks),
            "--out", str(checkpoints), *minutes, *resumed,
        )),
        Step("store landmarks", sys.executable, (
            "avatar.training.landmarks.export", "--checkpoints", str(checkpoints),
            "--onnx", str(out / "landmarks.onnx"),
        )),
        Step("train matte", sys.executable, (
            "avatar.training.matte", *photos, "--cache", str(mattes), *shards,
            "--out", str(cache / "matte"), *minutes, *resumed,
        )),
    ]  # fmt: skip
    if given.nothing is not None:
        trained.append(Step("train second look", sys.executable, (
            "avatar.training.landmarks.check", *photos, "--cache", str(marks),
            "--nothing", str(given.nothing), "--out", str(cache / "check"), *minutes,
        )))  # fmt: skip
    return made + trained


def run(step: Step, number: int, count: int) -> None:
    """Run one step unless it is done. Raises SystemExit with its status if it fails."""
    if step.done is not None and step.done.exists():
        LOG.info("%d/%d %s: done before", number, count, step.name)
        return
    LOG.info("%d/%d %s", number, count, step.name)
    root = str(HERE.parents[1])
    child = os.environ | {"PYTHONPATH": root}  # the judges' environment knows nothing of us
    command = [step.python, "-m", *step.arguments]
    status = subprocess.run(command, env=child, cwd=root, check=False).returncode
    if status:
        raise SystemExit(status)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(prog="limner train intake", description=__doc__)
    for name, about in (
        ("pack", "folder of the face pack"),
        ("portraits", "folder of photographs (JPEG)"),
        ("tools", "folder with facerender, photofit and judges"),
        ("cache", "folder for labelled frames and checkpoints"),
    ):
        parser.add_argument(f"--{name}", type=Path, required=True, help=about)
    parser.add_argument("--judges-python", required=True, help="python with mediapipe 0.10.21")
    parser.add_argument("--shards", type=Path, help="frames made by limner synthesize")
    parser.add_argument("--nothing", type=Path, help="pictures without people, for the second look")
    parser.add_argument("--out", type=Path, default=WEIGHTS, help="folder of the weights")
    parser.add_argument("--minutes", type=float, default=None, help="of each net; as configured")
    parser.add_argument("--checkpoints", type=Path, help="of the landmark nets; default: in cache")
    parser.add_argument("--resume", action="store_true", help="go on from the checkpoints")
    given = parser.parse_args()
    logging.basicConfig(level=logging.INFO)
    everything = steps(given)
    for number, step in enumerate(everything, 1):
        run(step, number, len(everything))
    given.out.mkdir(parents=True, exist_ok=True)
    for made in (given.cache / "matte" / "matte.onnx", given.cache / "check" / "face_check.onnx"):
        if made.exists():
            shutil.copyfile(made, given.out / made.name)


if __name__ == "__main__":
    main()
