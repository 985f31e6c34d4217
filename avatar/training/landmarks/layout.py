"""The 150-point layout as MediaPipe FaceMesh indices and its groups as slices."""

from __future__ import annotations

import numpy as np

GROUPS: dict[str, tuple[int, ...]] = {
    "face_oval": (
        *(10, 338, 297, 332, 284, 251, 389, 356, 454, 323, 361, 288, 397, 365, 379, 378, 400, 377),
        *(152, 148, 176, 149, 150, 136, 172, 58, 132, 93, 234, 127, 162, 21, 54, 103, 67, 109),
    ),
    "lips_outer": (
        *(
            61,
            185,
            40,
            39,
            37,
            0,
            267,
            269,
            270,
            409,
            291,
            375,
            321,
            405,
            314,
            17,
            84,
            181,
            91,
            146,
        ),
    ),
    "lips_inner": (
        *(
            78,
            191,
            80,
            81,
            82,
            13,
            312,
            311,
            310,
            415,
            308,
            324,
            318,
            402,
            317,
            14,
            87,
            178,
            88,
            95,
        ),
    ),
    "right_eye": (*(33, 246, 161, 160, 159, 158, 157, 173, 133, 155, 154, 153, 145, 144, 163, 7),),
    "left_eye": (
        *(263, 466, 388, 387, 386, 385, 384, 398, 362, 382, 381, 380, 374, 373, 390, 249),
    ),
    "right_iris": (468, 469, 470, 471, 472),
    "left_iris": (473, 474, 475, 476, 477),
    "right_brow": (46, 53, 52, 65, 55, 70, 63, 105, 66, 107),
    "left_brow": (276, 283, 282, 295, 285, 300, 293, 334, 296, 336),
    "nose": (168, 6, 197, 195, 5, 4, 1, 98, 97, 2, 326, 327),
}
INDICES = np.array([i for group in GROUPS.values() for i in group])  # (150,) FaceMesh indices


def _slices() -> dict[str, slice]:
    """Where each group lies in the (150,) order."""
    out, start = {}, 0
    for name, group in GROUPS.items():
        out[name] = slice(start, start + len(group))
        start += len(group)
    return out


SLICES = _slices()
