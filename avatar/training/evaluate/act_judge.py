"""Independent models look at films: landmarks, blendshapes, head pose (MediaPipe), feeling (FER).

Runs in the judges' environment (`start`). A film is FOLDER/NAME.npy, (F, S, S, 3) uint8; what is
read of it is FOLDER/NAME.npz: names (52,), scores (F, 52), points (F, 150, 2) picture shares,
turn (F, 3) degrees, feeling (F, 7) shares of `motion_judge.FEELINGS` where NAME ends with _felt;
nan where nothing was found. Axis legend: F frames, S px.
"""

import importlib
import sys
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from avatar.training.evaluate.album import Bytes, Floats
from avatar.training.evaluate.judge import SCORES, FaceJudge
from avatar.training.evaluate.motion_judge import FEELINGS
from avatar.training.landmarks.layout import INDICES

FELT = "_felt"


class FeelingNet:
    """The net of `motion_judge.FeelingJudge` on a face whose landmarks are known already."""

    def __init__(self) -> None:
        """Raises ImportError where it cannot run."""
        self._faces: Any = importlib.import_module("mp_face")
        self._fer: Any = importlib.import_module("fer_xception")
        self._net = self._fer.load("big")

    def read(self, rgb: Bytes, points: Floats) -> Floats:
        """(7,) shares; points: (150, 2) picture shares."""
        bgr = np.ascontiguousarray(rgb[..., ::-1])
        box = self._faces.box(points * np.array(rgb.shape[1::-1], np.float32))
        crop = self._faces.crop(bgr, box, self._net.inp[1])
        grey = cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY)
        return np.asarray(self._net(self._fer.prep(grey))[0].numpy(), np.float32)


def read_film(frames: Bytes, face: FaceJudge, feeling: FeelingNet | None) -> dict[str, Any]:
    """See the module's text; equal frames are read once."""
    count = len(frames)
    out: dict[str, Any] = {
        "names": np.zeros(SCORES, "U32"),
        "scores": np.full((count, SCORES), np.nan, np.float32),
        "points": np.full((count, len(INDICES), 2), np.nan, np.float32),
        "turn": np.full((count, 3), np.nan, np.float32),
        "feeling": np.full((count, len(FEELINGS)), np.nan, np.float32),
    }
    for at, rgb in enumerate(frames):
        if at and np.array_equal(rgb, frames[at - 1]):
            for key in ("scores", "points", "turn", "feeling"):
                out[key][at] = out[key][at - 1]
            continue
        found = face.read(rgb)
        for key, value in (found or {}).items():
            if key == "names":
                out[key][:] = value
            else:
                out[key][at] = value
        if feeling is not None and found is not None:
            out["feeling"][at] = feeling.read(rgb, found["points"])
    return out


def main() -> None:
    """`python -m avatar.training.evaluate.act_judge FOLDER`: read what is not yet read."""
    cv2.setNumThreads(1)
    waiting = [f for f in sorted(Path(sys.argv[1]).glob("*.npy")) if not _read(f).exists()]
    face = FaceJudge() if waiting else None
    feeling = FeelingNet() if any(f.stem.endswith(FELT) for f in waiting) else None
    for file in waiting:
        assert face is not None
        felt = feeling if file.stem.endswith(FELT) else None
        found = read_film(np.load(file, mmap_mode="r"), face, felt)
        part = file.with_suffix(".part.npz")
        np.savez(part, **found)
        part.replace(_read(file))


def _read(film: Path) -> Path:
    return film.with_suffix(".npz")


if __name__ == "__main__":
    main()
