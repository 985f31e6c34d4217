"""Facial action units (FACS) to the six emotions."""

import re
from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from emotion.errors import MediaError
from emotion.types import EMOTIONS

# EMFACS prototypes (Friesen and Ekman 1983): the units that show each emotion.
PROTOTYPES: Mapping[str, tuple[int, ...]] = {
    "happy": (6, 12),
    "sad": (1, 4, 15),
    "angry": (4, 5, 7, 23),
    "fearful": (1, 2, 4, 5, 7, 20, 26),
    "disgusted": (9, 15, 16),
    "surprised": (1, 2, 5, 26),
}
_RELATED = {10: 9, 11: 15, 13: 12, 14: 12, 17: 15, 24: 23, 25: 26, 27: 26}
_NAME = re.compile(r"(?:AU)?\s*(\d{1,2})[LRlr]?", re.IGNORECASE)
_UNITS = tuple(sorted({unit for units in PROTOTYPES.values() for unit in units}))
UNITS = tuple(sorted({*_UNITS, *_RELATED}))  # the numbers that say something about a feeling
_ROUNDS = 200  # of coordinate descent; the error is far below a rounding step after 50


def strengths_from_units(units: Mapping[str, float]) -> NDArray[np.float32]:
    """(6,) float32 in [0, 1]: the emotions whose prototypes best explain the units given.

    units: intensity in [0, 1] by name, e.g. {"AU6": 0.5, "AU12": 0.7}.
    Raises MediaError on a name that is no unit or an intensity out of range.
    """
    shown = np.zeros(len(_UNITS))
    for name, value in units.items():
        unit = _unit(name, value)
        unit = _RELATED.get(unit, unit)
        if unit in _UNITS:
            shown[_UNITS.index(unit)] = max(shown[_UNITS.index(unit)], value)
    return _explain(shown).astype(np.float32)


def unit_vector(units: Mapping[str, float]) -> NDArray[np.float32]:
    """(U,) float32 in [0, 1] in the order of `UNITS`; units that tell nothing are left out.

    units: as in `strengths_from_units`, with the same errors.
    """
    vector = np.zeros(len(UNITS), np.float32)
    for name, value in units.items():
        unit = _unit(name, value)
        if unit in UNITS:
            at = UNITS.index(unit)
            vector[at] = max(float(vector[at]), value)
    return vector


def _unit(name: str, value: float) -> int:
    match = _NAME.fullmatch(name.strip())
    if not match:
        raise MediaError(f"{name[:40]!r} is no action unit.", 'Write for example "AU12".')
    if not 0.0 <= value <= 1.0:
        raise MediaError(f"The intensity {value} of {name} is not between 0 and 1.", "Correct it.")
    return int(match.group(1))


def _explain(shown: NDArray[np.float64]) -> NDArray[np.float64]:
    """Non-negative least squares by coordinate descent."""
    table = np.array([[unit in PROTOTYPES[e] for e in EMOTIONS] for unit in _UNITS], float)
    found = np.zeros(len(EMOTIONS))
    for _ in range(_ROUNDS):
        for i in range(len(EMOTIONS)):
            rest = shown - table @ found + table[:, i] * found[i]
            found[i] = min(max(float(table[:, i] @ rest) / float(table[:, i].sum()), 0.0), 1.0)
    return np.where(found < 0.02, 0.0, found)
