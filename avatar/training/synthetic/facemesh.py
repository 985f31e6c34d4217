"""FaceMesh on a stack of pictures: `python facemesh.py TOOLS IMAGES.npy POINTS.npy`.

Runs by itself in an environment with mediapipe 0.10.21 and numpy < 2; TOOLS holds judges/mp_face.py
and its weights. IMAGES: (R,S,S,3) uint8 RGB; POINTS: (R,478,2) float32 px, NaN where no face is
found.
"""

import importlib.util
import sys
from pathlib import Path
from typing import Any

import numpy as np

COUNT = 478


def _judge(tools: Path) -> Any:
    spec = importlib.util.spec_from_file_location("mp_face", tools / "judges" / "mp_face.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def main(tools: Path, given: Path, answer: Path) -> None:
    """Label every picture."""
    judge = _judge(tools)
    detector = judge.make()
    images = np.load(given)
    out = np.full((len(images), COUNT, 2), np.nan, np.float32)
    for at, image in enumerate(images):
        found = judge.run(detector, np.ascontiguousarray(image[..., ::-1]))
        if found is not None:
            out[at] = found[0][:, :2]
    np.save(answer, out)


if __name__ == "__main__":
    main(*(Path(argument) for argument in sys.argv[1:4]))
