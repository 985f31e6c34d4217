"""From a picture of a face to what the face does: one motion token (runs on the CPU, no torch).

The encoder looks at an upright square cut around the head (`avatar.semo.facing.canonical`) and says
a token of the surface, where the head really is in the square, and whether there is one at all.
Training: `avatar.training.motion`. Axis legend: B batch, S pixels of the input's side.
"""

from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from avatar.landmark_net import INPUTS, part_squares
from avatar.semo.types import TOKEN, Bytes, Floats
from emotion.errors import ConfigError
from speech.onnx import session

SIDE = 192  # px of the encoder's input
PATCH = 16  # px of a patch, the unit that training hides
MARGIN, LOOK = 16, 112  # px added around the input, and what is left of it at half the size
GLIMPSE = 64  # px of a look at an eye or the mouth
PLACES = 12  # numbers that say where the three glimpses lie
GREY = 128  # of a hidden patch
WEIGHTS = Path(__file__).parents[1] / "weights" / "motion_encoder.onnx"
LANDMARKS = WEIGHTS.with_name("landmarks.onnx")


@dataclass(frozen=True, slots=True, eq=False)
class Encoding:
    """token: (B, 64), with yaw, pitch and roll, without a shift of the head; placement: (B, 3)
    anchor from its canonical place, x and y in sides of the square, and the log of the canonical
    side over the square's; present: (B,) certainty in [0, 1] that a face is in sight; points:
    (B, 150, 2) landmarks in shares of the square, by one quick look."""

    token: Floats
    placement: Floats
    present: Floats
    points: Floats


class MaskedMotionEncoder:
    """The trained encoder. Holds nothing that changes."""

    def __init__(self, model: bytes | Path = WEIGHTS, landmarks: Path = LANDMARKS) -> None:
        """model: the ONNX file or its bytes; landmarks: the landmark nets, whose first look says
        where eyes and mouth are. Raises ConfigError if a file is missing."""
        for path in (model, landmarks):
            if isinstance(path, Path) and not path.is_file():
                raise ConfigError(
                    f"The motion encoder's {path} is missing.",
                    "Restore the file from the repository, or train it: limner train motion.",
                )
        self._session = session(model)
        self._first_look = session(landmarks)

    def encode(self, patches: Bytes) -> Encoding:
        """(B, S, S, 3) uint8 canonical squares to what they show.

        Raises ValueError for arrays of another shape or type.
        """
        if patches.ndim != 4 or patches.shape[1:] != (SIDE, SIDE, 3) or patches.dtype != np.uint8:
            raise ValueError(f"patches are (B, {SIDE}, {SIDE}, 3) uint8, not {patches.shape}")
        points = self._points(patches)
        seen = [glimpses(*pair) for pair in zip(patches, points, strict=True)]
        columns = (np.stack(column) for column in zip(*seen, strict=True))
        feed = dict(zip(("right", "left", "mouth", "places"), columns, strict=True))
        answers = self._session.run(["token", "placement", "present"], feed | {"whole": patches})
        token, placement, logit = (np.asarray(answer, np.float32) for answer in answers)
        assert token.shape[1] == TOKEN
        present = np.asarray(1 / (1 + np.exp(-logit)), np.float32)
        return Encoding(token, placement, present, points / np.float32(SIDE))

    def _points(self, patches: Bytes) -> Floats:
        """(B, 150, 2) landmarks, px of the patches."""
        feed = {name: np.zeros((0, 3, side, side), np.float32) for name, side in INPUTS.items()}
        looks = np.stack([overview(patch) for patch in patches])
        feed["crop"] = looks.transpose(0, 3, 1, 2).astype(np.float32)
        share = np.asarray(self._first_look.run(["crop_out"], feed)[0], np.float32)[:, :-1]
        points = share.reshape(len(patches), -1, 2) * np.float32(SIDE + 2 * MARGIN) - MARGIN
        return np.asarray(points, np.float32)


def overview(patch: Bytes) -> Bytes:
    """(S, S, 3) with a margin and at half the size, (LOOK, LOOK, 3)."""
    wide = cv2.copyMakeBorder(patch, *(MARGIN,) * 4, cv2.BORDER_REPLICATE)
    return np.asarray(cv2.resize(wide, (LOOK, LOOK), interpolation=cv2.INTER_AREA), np.uint8)


def glimpses(patch: Bytes, points: Floats) -> tuple[Bytes, Bytes, Bytes, Floats]:
    """Looks at the right eye, the left eye (mirrored) and the mouth, (G, G, 3) each, and where they
    lie (12,); patch (S, S, 3); points: (150, 2) px in it."""
    squares = part_squares(np.asarray(points, np.float32))
    right, left, mouth = (square.cut(patch, GLIMPSE) for square in squares)
    where = [(s.x - SIDE / 2, s.y - SIDE / 2, s.side, 100 * s.roll) for s in squares]
    places = (np.array(where) / 20).astype(np.float32).ravel()
    return right, np.ascontiguousarray(left[:, ::-1]), mouth, places
