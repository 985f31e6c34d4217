"""The reference `photofit` answers an album's asks.

It is a set of scripts, no package, and needs MediaPipe: `start` runs this module in the judges'
environment with the scripts' folder on the path (photofit and its neighbour judges; FACEPACK is
the head pack's folder).
"""

import importlib
import os
import subprocess
import sys
import time
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from avatar.rig import EXPRESSIONS, GAZE_AT, POSE_AT, Vector
from avatar.training.evaluate.album import REFUSED, Album, read_rgb, write_json, write_rgb
from avatar.training.landmarks.layout import INDICES

NAME = "photofit"
FLOW = "--flow"
SKIN = 2  # sections below are skin
SEEN = 0.9  # share of a pixel that the photo shows
ROOT = Path(__file__).resolve().parents[3]


@dataclass(frozen=True, slots=True)
class Bench:
    """Where the references live: the judges' Python, the folder that holds photofit and judges,
    the head pack, a folder with dlib and its models."""

    python: Path
    tools: Path
    pack: Path
    dlib: Path

    def run(self, module: str, folders: list[Path], *arguments: str) -> None:
        """`python -m module` there, with the project and some folders to import from.

        Raises CalledProcessError if it fails.
        """
        path = os.pathsep.join(map(str, [ROOT, *folders]))
        env = os.environ | {"PYTHONPATH": path, "FACEPACK": f"{self.pack}/", "OMP_NUM_THREADS": "1"}
        subprocess.run([str(self.python), "-m", module, *arguments], env=env, check=True)


def start(bench: Bench, album: Album, flow: bool = False) -> None:
    """Let photofit answer in its own environment, where it has not yet; flow: with its flow."""
    folders = [bench.tools / "photofit", bench.tools / "judges"]
    bench.run(__name__, folders, str(album.folder), *([FLOW] if flow else []))


class Photofit:
    """The reference, loaded once; only in a child started by `start`."""

    def __init__(self) -> None:
        common: Any = importlib.import_module("common")
        self.faces: Any = importlib.import_module("mp_face")
        self.head: Any = importlib.import_module("photohead")
        self.shared = self.head.Shared()
        self.detector = self.faces.make()
        self.matte = common.Matte()

    def open(self, bgr: np.ndarray) -> Any:
        """A fitted head, or None where MediaPipe finds no face."""
        found = self.faces.run(self.detector, bgr)
        if found is None:
            return None
        return self.head.PhotoHead(self.shared, bgr, found[0], found[1], self.matte(bgr))


def shoot(head: Any, asked: Vector, size: int) -> tuple[np.ndarray, np.ndarray]:
    """(size, size, 3) RGB of a fitted head and (150, 2) shares of where its landmarks are."""
    weights = dict(zip(EXPRESSIONS, map(float, asked[: len(EXPRESSIONS)]), strict=True))
    gaze = asked[GAZE_AT].astype(float)
    turn = asked[POSE_AT][:3].astype(float) * [1, 1, -1]  # its roll is counter-clockwise
    drawn = head.render(weights, gaze=gaze, rot=turn, size=size, ss=1, labels=False)
    posed = head.posed(drawn["vec"], gaze, turn)[0]
    marks = head.fit.project(head.rig.at_landmarks(posed))[0][INDICES] / head.photo.shape[0]
    rgb = cv2.cvtColor(drawn["image"], cv2.COLOR_BGR2RGB)
    return np.asarray(rgb, np.uint8), marks.astype(np.float32)


def flow_of(head: Any, asked: Vector, size: int, side: int) -> dict[str, np.ndarray]:
    """What `avatar.training.evaluate.flow` calls an item of truth, at size x size of the source.

    The head works on a crop of the (side, side) source: positions and flow are moved there.
    """
    weights = dict(zip(EXPRESSIONS, map(float, asked[: len(EXPRESSIONS)]), strict=True))
    turn = asked[POSE_AT][:3].astype(float) * [1, 1, -1]
    work = head.photo.shape[0]
    drawn = head.render(weights, asked[GAZE_AT].astype(float), turn, work, ss=1)
    shown = (drawn["visible"] > SEEN) & (drawn["kind"] < SKIN)
    left, top = (side / 2 - head.fit.cx / head.scale, side / 2 - head.fit.cy / head.scale)
    own = (np.indices((size, size))[::-1].transpose(1, 2, 0) + 0.5) * (side / size)
    crop = ((own - [left, top]) * head.scale - 0.5).astype(np.float32)
    flow = cv2.remap(drawn["flow"], crop[..., 0], crop[..., 1], cv2.INTER_LINEAR)
    seen = cv2.remap(shown.astype(np.float32), crop[..., 0], crop[..., 1], cv2.INTER_LINEAR)
    scale = work / head.scale / side
    return {"flow": (flow * scale).astype(np.float16), "visible": seen > 0.99}


def answer(tools: Photofit, album: Album, photo: str, flow: bool) -> dict[str, object]:
    """Draw one photo's asks; what `done.json` shall say."""
    if not album.source(photo).exists():
        return {"failed": REFUSED}
    bgr = np.ascontiguousarray(read_rgb(album.source(photo))[..., ::-1])
    begun = time.perf_counter()
    head = tools.open(bgr)
    if head is None:
        return {"failed": "MediaPipe finds no face"}
    open_ms = (time.perf_counter() - begun) * 1e3
    points, frame_ms = [], []
    for at, asked in enumerate(album.asked[photo]):
        begun = time.perf_counter()
        rgb, marks = shoot(head, asked, album.size)
        frame_ms.append(round((time.perf_counter() - begun) * 1e3, 2))
        write_rgb(album.frame(NAME, photo, at), rgb)
        points.append(marks)
        if flow:
            truth = flow_of(head, asked, album.size, bgr.shape[0])
            file = album.frame(NAME, photo, at).with_suffix(".npz")
            np.savez_compressed(file, flow=truth["flow"], visible=truth["visible"])
    np.save(album.place(NAME, photo) / "points.npy", np.stack(points))
    return {"open_ms": round(open_ms, 1), "frame_ms": frame_ms}


def main() -> None:
    """`python -m avatar.training.evaluate.photofit ALBUM [--flow]`, in the judges' environment."""
    album = Album.open(Path(sys.argv[1]))
    cv2.setNumThreads(1)
    waiting = [photo for photo in album.asked if not album.state(NAME, photo)]
    tools = Photofit() if waiting else None
    for photo in waiting:
        assert tools is not None
        place = album.place(NAME, photo)
        place.mkdir(parents=True, exist_ok=True)
        write_json(place / "done.json", answer(tools, album, photo, FLOW in sys.argv))


if __name__ == "__main__":
    main()
