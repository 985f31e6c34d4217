"""What a person may set by hand: every rig parameter and every action unit, within bounds."""

from collections.abc import Mapping
from math import isfinite

import numpy as np

from avatar.action_units import RIGS
from avatar.rig import EXPRESSIONS, GAZE_AT, INDEX, LOOKS, Vector, follow_gaze, rig
from emotion.errors import MediaError

# Lowest and highest value of each control, in the units of `avatar.rig`.
RANGES: Mapping[str, tuple[float, float]] = {
    **dict.fromkeys(EXPRESSIONS, (0.0, 1.0)),
    "gaze_x": (-0.52, 0.52),  # just below LOOK_FULL
    "gaze_y": (-0.43, 0.43),
    "yaw": (-0.5, 0.5),
    "pitch": (-0.35, 0.35),
    "roll": (-0.35, 0.35),
    "x": (-4.0, 4.0),
    "y": (-4.0, 4.0),
    "z": (-6.0, 6.0),
    **dict.fromkeys(RIGS, (0.0, 1.0)),
}
_LOW = np.array([RANGES[name][0] for name in INDEX], np.float32)
_HIGH = np.array([RANGES[name][1] for name in INDEX], np.float32)
_LOOKS = [INDEX[name] for name in LOOKS]


def rig_of(values: Mapping[str, float]) -> Vector:
    """(63,) float32 of values by control name; what is not named is 0.

    Units add to the parameters they move, the lids follow the gaze, and the sum stays in bounds.
    Raises MediaError for an unknown name or a value out of bounds.
    """
    total = rig()
    for name, value in values.items():
        _check(name, value)
        if name in INDEX:
            total[INDEX[name]] += value
        else:
            total += RIGS[name] * value
    total = total.clip(_LOW, _HIGH)
    looking = rig()
    looking[GAZE_AT] = total[GAZE_AT]
    total[_LOOKS] = (total[_LOOKS] + follow_gaze(looking)[_LOOKS]).clip(0, 1)
    return np.asarray(total, np.float32)


def _check(name: str, value: float) -> None:
    if name not in RANGES:
        raise MediaError(
            f"There is no control {name[:40]!r}.",
            'Use a rig parameter ("mouthSmile_L") or an action unit ("AU12").',
        )
    low, high = RANGES[name]
    if not (isfinite(value) and low - 1e-6 <= value <= high + 1e-6):
        raise MediaError(
            f"The control {name} is set to {value:g}.", f"Give {low:.3g} to {high:.3g}."
        )
