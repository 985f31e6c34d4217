"""Takes the tremble out of a driver's rig without making it late: lids and lips are held back
least, the turn of the head most."""

import numpy as np

from avatar.rig import EXPRESSIONS, GAZE_AT, INDEX, POSE_AT, SIZE, Vector
from avatar.semo.smoothing import OneEuro
from avatar.semo.types import Floats

_USUAL = 25.0  # values a second
_LONGEST = 0.5  # seconds without a value after which the next one stands as it is
# Hz at rest, and Hz more for each unit a second.
_SLOW, _WEIGHT = (1.6, 2.0), (2.5, 2.5)
_LIPS = ("jawOpen", "mouthClose", "mouthFunnel", "mouthPucker", "mouthRoll", "mouthPress",
         "mouthLowerDown", "mouthUpperUp")  # fmt: skip
_QUICK, _BLINK = (4.0, 4.0), (6.0, 6.0)
_GAZE, _TURN, _MOVE = (2.5, 8.0), (1.5, 7.0), (1.0, 0.35)


def _table() -> tuple[Vector, Vector]:
    """(63,) cutoff at rest and its rise."""
    table = np.empty((SIZE, 2), np.float32)
    for name in EXPRESSIONS:
        chosen = _WEIGHT
        if name.startswith(_LIPS):
            chosen = _QUICK
        elif name.startswith("eyeBlink"):
            chosen = _BLINK
        elif name.startswith(("brow", "cheek")):
            chosen = _SLOW
        table[INDEX[name]] = chosen
    table[GAZE_AT] = _GAZE
    table[POSE_AT.start : POSE_AT.start + 3] = _TURN
    table[POSE_AT.start + 3 : POSE_AT.stop] = _MOVE
    return table[:, 0], table[:, 1]


class Steady:
    """The filter for one stream of (63,) rigs."""

    def __init__(self) -> None:
        self._filter = OneEuro(_USUAL, *_table())
        self._at = 0.0

    def __call__(self, rig: Vector, at: float) -> Vector:
        """The (63,) rig without tremble; at: when it was seen, seconds, rising."""
        passed, self._at = at - self._at, at
        if not 0 < passed < _LONGEST:
            self._filter.reset()
        return self._filter(rig, passed)


def steadied(rigs: Floats, fps: float) -> Floats:
    """(F, 63) rigs of a whole clip without tremble, and not late: filtered in both directions."""
    forward, backward = Steady(), Steady()
    ahead = np.stack([forward(rig, (at + 1) / fps) for at, rig in enumerate(rigs)])
    behind = np.stack([backward(rig, (at + 1) / fps) for at, rig in enumerate(rigs[::-1])])[::-1]
    return np.asarray((ahead + behind) / 2, np.float32)
