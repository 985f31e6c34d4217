"""A folder of asked and rendered pictures: what renderers write and judges read.

FOLDER/album.json names size, seed, photos, and for each photo the asked rigs.
FOLDER/source/PHOTO.png is the square portrait every renderer starts from, PHOTO.npy its landmarks.
FOLDER/RENDERER/PHOTO/NN.png is the answer to ask NN; beside it `done.json` (times in ms, or what
went wrong), `points.npy` (A, 150, 2), where the renderer says the landmarks are (picture shares),
and the judges' `reading.npz`. Axis legend: A asks, H W pixels.
"""

import json
import os
import shutil
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from avatar.rig import RIG

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]
SOURCE = "source"
REFUSED = "the intake refuses the photo"
_FAST = [cv2.IMWRITE_PNG_COMPRESSION, 1]


@dataclass(frozen=True, slots=True, eq=False)
class Album:
    """folder; size: side of the answers, px; asked: (A, 63) rigs by photo."""

    folder: Path
    size: int
    asked: dict[str, Floats]

    def save(self) -> "Album":
        """Write album.json. Raises ValueError if the folder holds an album of other asks."""
        file = self.folder / "album.json"
        if file.exists() and not _same(self, Album.open(self.folder)):
            raise ValueError(f"{self.folder} holds other asks: choose another folder or delete it")
        self.folder.mkdir(parents=True, exist_ok=True)
        asked = {name: np.round(rigs, 6).tolist() for name, rigs in self.asked.items()}
        write_json(file, {"size": self.size, "rig": list(RIG), "asked": asked})
        return self

    @classmethod
    def open(cls, folder: Path) -> "Album":
        """Read FOLDER/album.json. Raises ValueError if it was made for another rig."""
        data = json.loads((folder / "album.json").read_text("utf-8"))
        if tuple(data["rig"]) != RIG:
            raise ValueError(f"{folder}/album.json was made for another rig")
        asked = {name: np.array(rigs, np.float32) for name, rigs in data["asked"].items()}
        return cls(folder, int(data["size"]), asked)

    def source(self, photo: str) -> Path:
        """The picture every renderer starts from."""
        return self.folder / SOURCE / f"{photo}.png"

    def place(self, renderer: str, photo: str) -> Path:
        """The folder of a renderer's answers for a photo."""
        return self.folder / renderer / photo

    def frame(self, renderer: str, photo: str, at: int) -> Path:
        """The answer to ask number `at`."""
        return self.place(renderer, photo) / f"{at:02d}.png"

    def state(self, renderer: str, photo: str) -> dict[str, Any]:
        """What `done.json` says; empty while the photo is not drawn."""
        file = self.place(renderer, photo) / "done.json"
        return dict(json.loads(file.read_text("utf-8"))) if file.exists() else {}

    def forget(self, renderer: str) -> None:
        """Delete a renderer's answers and their readings."""
        shutil.rmtree(self.folder / renderer, ignore_errors=True)

    def renderers(self) -> list[str]:
        """Names of the renderers that have answered."""
        folders = (f for f in self.folder.iterdir() if f.is_dir() and f.name != SOURCE)
        return sorted(f.name for f in folders if any(f.glob("*/done.json")))


def write_json(file: Path, data: object) -> None:
    """Write whole or not at all."""
    part = file.with_suffix(".part")
    part.write_text(json.dumps(data, indent=1), "utf-8")
    os.replace(part, file)


def write_rgb(file: Path, rgb: Bytes) -> None:
    """(H, W, 3) uint8 RGB as PNG."""
    file.parent.mkdir(parents=True, exist_ok=True)
    if not cv2.imwrite(str(file), cv2.cvtColor(rgb, cv2.COLOR_RGB2BGR), _FAST):
        raise OSError(f"{file} cannot be written")


def read_rgb(file: Path) -> Bytes:
    """(H, W, 3) uint8 RGB of a picture file. Raises OSError where there is none."""
    bgr = cv2.imread(str(file), cv2.IMREAD_COLOR)
    if bgr is None:
        raise OSError(f"{file} cannot be read")
    return np.asarray(cv2.cvtColor(bgr, cv2.COLOR_BGR2RGB), np.uint8)


def _same(a: Album, b: Album) -> bool:
    if a.size != b.size or list(a.asked) != list(b.asked):
        return False
    pairs = ((rigs, b.asked[name]) for name, rigs in a.asked.items())
    return all(x.shape == y.shape and np.allclose(x, y, atol=1e-5) for x, y in pairs)
