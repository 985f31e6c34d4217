"""The 150 landmarks that describe a face in a picture.

Groups follow the FaceMesh topology: the face oval runs clockwise in the picture from the top; lips
run from the subject's right corner along the upper lip, then back along the lower lip; eyes from
the outer corner along the upper lid, then back along the lower lid; irises have the centre first.
Left and right are the subject's: the left eye stands on the right side of the picture.
"""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

GROUPS: dict[str, int] = {
    "face_oval": 36,
    "lips_outer": 20,
    "lips_inner": 20,
    "right_eye": 16,
    "left_eye": 16,
    "right_iris": 5,
    "left_iris": 5,
    "right_brow": 10,
    "left_brow": 10,
    "nose": 12,
}
COUNT = sum(GROUPS.values())  # 150


@dataclass(frozen=True, slots=True, eq=False)
class Landmarks:
    """points: (150, 2) float32, x right and y down in pixels of a picture, in `GROUPS` order."""

    points: NDArray[np.float32]

    def group(self, name: str) -> NDArray[np.float32]:
        """(n, 2) points of one group. Raises KeyError for an unknown name."""
        sizes = list(GROUPS.values())
        at = list(GROUPS).index(name) if name in GROUPS else None
        if at is None:
            raise KeyError(name)
        start = sum(sizes[:at])
        return self.points[start : start + sizes[at]]

    def scaled(self, factor: float, offset: tuple[float, float] = (0.0, 0.0)) -> "Landmarks":
        """The same face in a picture moved by -offset (pixels), then scaled by factor."""
        moved = self.points - np.asarray(offset, np.float32)
        return Landmarks(moved * np.float32(factor))

    @classmethod
    def from_groups(cls, groups: dict[str, list[list[float]]]) -> "Landmarks":
        """From the JSON form {group: [[x, y], ...]}. Raises ValueError if a group is off."""
        for name, count in GROUPS.items():
            if np.shape(groups.get(name, ())) != (count, 2):
                raise ValueError(f"landmark group {name!r} must hold {count} points")
        return cls(np.concatenate([np.asarray(groups[name], np.float32) for name in GROUPS]))
