"""Independent models read an album: MediaPipe's face landmarker and dlib's face embedding.

Runs in the judges' environment (`start`); the models never see what was asked. Each photo of each
renderer gets a `reading.npz`:
  names (52,) of the blendshapes, scores (A, 52), points (A, 150, 2) picture shares,
  turn (A, 3) yaw, pitch, roll in degrees with the signs of `avatar.rig.POSE`,
  embedding (A, 128); NaN where nothing was found.
Axis legend: A asks.
"""

import importlib
import json
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from avatar.training.evaluate.album import SOURCE, Album, read_rgb, write_json
from avatar.training.evaluate.photofit import Bench
from avatar.training.landmarks.layout import INDICES

SCORES, DIMS = 52, 128
JITTERS = 1


def start(bench: Bench, album: Album, renderers: list[str]) -> None:
    """Read in the judges' environment what has no reading yet."""
    folders = [bench.tools / "judges", bench.dlib]
    bench.run(__name__, folders, str(album.folder), str(bench.dlib / "models"), *renderers)


class FaceJudge:
    """MediaPipe's landmarks, blendshapes and head pose."""

    def __init__(self) -> None:
        self._faces: Any = importlib.import_module("mp_face")
        self._detector = self._faces.make()

    def read(self, rgb: np.ndarray) -> dict[str, Any] | None:
        """One face of an (H, W, 3) picture."""
        found = self._faces.run(self._detector, np.ascontiguousarray(rgb[..., ::-1]))
        if found is None:
            return None
        points, scores, matrix = found
        r = np.asarray(matrix)[:3, :3]
        turn = [np.arctan2(r[0, 2], r[2, 2]), -np.arcsin(np.clip(r[1, 2], -1, 1)),
                -np.arctan2(r[1, 0], r[1, 1])]  # fmt: skip
        sides = np.array(rgb.shape[1::-1], np.float32)
        return {"names": list(scores), "scores": list(scores.values()),
                "points": points[INDICES, :2] / sides, "turn": np.degrees(turn)}  # fmt: skip


class IdentityJudge:
    """dlib's 128-d face embedding (Euclidean distance; its authors call < 0.6 the same person)."""

    def __init__(self, models: Path) -> None:
        dlib: Any = importlib.import_module("dlib")
        self._find = dlib.get_frontal_face_detector()
        self._shape = dlib.shape_predictor(str(models / "shape_predictor_5_face_landmarks.dat"))
        weights = models / "dlib_face_recognition_resnet_model_v1.dat"
        self._net = dlib.face_recognition_model_v1(str(weights))

    def embed(self, rgb: np.ndarray) -> np.ndarray | None:
        """(128,) of the largest face, None where dlib's own detector finds none."""
        rgb = np.ascontiguousarray(rgb)
        boxes = self._find(rgb, 0) or self._find(rgb, 1)
        if not boxes:
            return None
        box = max(boxes, key=lambda b: b.area())
        return np.array(self._net.compute_face_descriptor(rgb, self._shape(rgb, box), JITTERS))


def read_frames(frames: list[Path], size: int, face: FaceJudge, who: IdentityJudge) -> Any:
    """Readings of some pictures, see the module's text."""
    count = len(frames)
    out: dict[str, Any] = {
        "names": np.zeros(SCORES, "U32"),
        "scores": np.full((count, SCORES), np.nan, np.float32),
        "points": np.full((count, len(INDICES), 2), np.nan, np.float32),
        "turn": np.full((count, 3), np.nan, np.float32),
        "embedding": np.full((count, DIMS), np.nan, np.float32),
    }
    for at, file in enumerate(frames):
        rgb = at_size(read_rgb(file), size)
        found, embedding = face.read(rgb), who.embed(rgb)
        for key, value in (found or {}).items():
            if key == "names":
                out[key][:] = value
            else:
                out[key][at] = value
        if embedding is not None:
            out["embedding"][at] = embedding
    return out


def at_size(rgb: np.ndarray, size: int) -> np.ndarray:
    """The picture at the size of the answers."""
    if rgb.shape[0] == size:
        return rgb
    return np.asarray(cv2.resize(rgb, (size, size), interpolation=cv2.INTER_AREA))


def waiting(album: Album, renderers: list[str]) -> Iterator[tuple[Path, list[Path]]]:
    """Each reading to make with the pictures it reads."""
    for photo, asked in album.asked.items():
        if not album.source(photo).exists():
            continue
        yield album.folder / SOURCE / f"{photo}.npz", [album.source(photo)]
        for name in renderers:
            state = album.state(name, photo)
            if state and "failed" not in state:
                frames = [album.frame(name, photo, at) for at in range(len(asked))]
                yield album.place(name, photo) / "reading.npz", frames


def variants(rgb: np.ndarray) -> Iterator[np.ndarray]:
    """The same photo of the same person, as other cameras and programs would have it."""
    lower = cv2.imencode(".jpg", rgb, [cv2.IMWRITE_JPEG_QUALITY, 30])[1]
    yield np.asarray(cv2.imdecode(lower, cv2.IMREAD_COLOR))
    yield (rgb.astype(np.float32) * 0.75).astype(np.uint8)
    yield (255 * (rgb / 255.0) ** 0.75).astype(np.uint8)
    yield np.ascontiguousarray(rgb[:, ::-1])
    half = cv2.resize(rgb, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA)
    yield np.asarray(cv2.resize(half, rgb.shape[1::-1], interpolation=cv2.INTER_LINEAR))
    middle = (rgb.shape[1] / 2, rgb.shape[0] / 2)
    turn = cv2.getRotationMatrix2D(middle, 8, 1.08)
    yield np.asarray(cv2.warpAffine(rgb, turn, rgb.shape[1::-1], borderMode=cv2.BORDER_REPLICATE))


def calibrate(album: Album, who: IdentityJudge) -> dict[str, object]:
    """What the identity judge says of the same photo changed, and of different people."""
    base, same = [], []
    for photo in filter(lambda name: album.source(name).exists(), album.asked):
        rgb = at_size(read_rgb(album.source(photo)), album.size)
        own = who.embed(rgb)
        if own is None:
            continue
        base.append(own)
        others = [who.embed(changed) for changed in variants(rgb)]
        same += [float(np.linalg.norm(o - own)) for o in others if o is not None]
    people = np.array(base)
    away = np.linalg.norm(people[:, None] - people[None], axis=2)
    other = away[np.triu_indices(len(people), 1)]
    shares = (1, 10, 50, 90, 99)
    return {"people": len(base), "percentiles": shares,
            "same_photo_changed": np.percentile(same, shares).round(3).tolist(),
            "different_people": np.percentile(other, shares).round(3).tolist()}  # fmt: skip


def main() -> None:
    """`python -m avatar.training.evaluate.judge ALBUM MODELS RENDERER...`."""
    album, models, renderers = Album.open(Path(sys.argv[1])), Path(sys.argv[2]), sys.argv[3:]
    cv2.setNumThreads(1)
    todo = [(file, frames) for file, frames in waiting(album, renderers) if not file.exists()]
    file = album.folder / "calibration.json"
    if not todo and file.exists():
        return
    face, who = FaceJudge(), IdentityJudge(models)
    for reading, frames in todo:
        np.savez_compressed(reading, **read_frames(frames, album.size, face, who))
    if not file.exists():
        write_json(file, calibrate(album, who))
    sys.stdout.write(json.dumps({"read": len(todo)}) + "\n")


if __name__ == "__main__":
    main()
