"""Independent models look at single pictures: who is it (dlib), what is felt (an emotion net).

Runs in the judges' environment (`start`); the models never see what was asked. A folder holds
pictures and, afterwards, `reading.npz`: names (P,), embedding (P, 128), feeling (P, 7) shares of
`FEELINGS`; nan where nothing was found or that judge is not installed. Axis legend: P pictures.
"""

import importlib
import logging
import sys
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from avatar.training.evaluate.album import Bytes, Floats, read_rgb
from avatar.training.evaluate.judge import DIMS, IdentityJudge
from avatar.training.evaluate.photofit import Bench

LOG = logging.getLogger(__name__)
# The names of the emotions are the project's, in the order of the judge's answers.
FEELINGS = ("angry", "disgusted", "fearful", "happy", "sad", "surprised", "neutral")
READING = "reading.npz"


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """See the module's text."""

    names: tuple[str, ...]
    embedding: Floats
    feeling: Floats

    def who(self, name: str) -> Floats:
        """(128,) of one picture."""
        return np.asarray(self.embedding[self.names.index(name)], np.float32)

    def felt(self, name: str) -> str | None:
        """The likeliest of `FEELINGS`; None where no face was found."""
        shares = self.feeling[self.names.index(name)]
        return FEELINGS[int(shares.argmax())] if np.isfinite(shares).all() else None


def start(bench: Bench, folder: Path) -> Reading:
    """Let the judges read every PNG of a folder. Raises CalledProcessError if they fail."""
    bench.run(__name__, [bench.tools / "judges", bench.dlib], str(folder), str(bench.dlib))
    with np.load(folder / READING) as data:
        names = tuple(str(name) for name in data["names"])
        return Reading(names, data["embedding"], data["feeling"])


class FeelingJudge:
    """A small Xception net on the grey face (oarriaga/face_classification, FER2013)."""

    def __init__(self) -> None:
        """Raises ImportError where it cannot run."""
        self._faces: Any = importlib.import_module("mp_face")
        self._fer: Any = importlib.import_module("fer_xception")
        self._detector = self._faces.make()
        self._net = self._fer.load("big")

    def read(self, rgb: Bytes) -> Floats | None:
        """(7,) shares, None where there is no face."""
        bgr = np.ascontiguousarray(rgb[..., ::-1])
        found = self._faces.run(self._detector, bgr)
        if found is None:
            return None
        crop = self._faces.crop(bgr, self._faces.box(found[0]), self._net.inp[1])
        grey = cv2.cvtColor(crop, cv2.COLOR_BGR2GRAY)
        return np.asarray(self._net(self._fer.prep(grey))[0].numpy(), np.float32)


def _judge(make: Callable[[], Any], what: str) -> Any:
    try:
        return make()
    except (ImportError, OSError, RuntimeError) as error:
        LOG.warning("Nobody judges %s: %s", what, error)
        return None


def main() -> None:
    """`python -m avatar.training.evaluate.motion_judge FOLDER DLIB`."""
    folder, dlib = Path(sys.argv[1]), Path(sys.argv[2])
    cv2.setNumThreads(1)
    who = _judge(lambda: IdentityJudge(dlib / "models"), "identity")
    feeling = _judge(FeelingJudge, "feelings")
    files = sorted(folder.glob("*.png"))
    embedding = np.full((len(files), DIMS), np.nan, np.float32)
    shares = np.full((len(files), len(FEELINGS)), np.nan, np.float32)
    for at, file in enumerate(files):
        rgb = read_rgb(file)
        # Expressions are asked of the pictures made for it only: both judges cost time.
        wanted = feeling if file.stem.startswith("feeling") else None
        found = wanted.read(rgb) if wanted else None
        shares[at] = np.nan if found is None else found
        if wanted is None and who is not None:
            seen = who.embed(rgb)
            embedding[at] = np.nan if seen is None else seen
    names = np.array([file.stem for file in files])
    np.savez(folder / READING, names=names, embedding=embedding, feeling=shares)


if __name__ == "__main__":
    main()
