"""A drawn face with known landmarks, for tests that need to know every pixel."""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from avatar.landmarks import GROUPS, Landmarks
from avatar.types import Portrait

SIZE = 512
UNIT = 80.0  # distance of the eyes in px
CENTRE = np.array([256.0, 220.0])  # between the eyes
SKIN, LIP, WHITE, IRIS, LINE = (205, 160, 135), (185, 95, 90), (235, 232, 228), (60, 90, 70), 30


def _ring(at: tuple[float, float], size: tuple[float, float], angles: NDArray[Any]) -> NDArray[Any]:
    x, y = at[0] + size[0] * np.cos(angles), at[1] + size[1] * np.sin(angles)
    return np.stack([x, y], -1)


def _eye(x: float, sign: int) -> NDArray[Any]:
    """From the outer corner along the upper lid, back along the lower; sign -1: right eye."""
    turn = np.linspace(0, 2 * np.pi, 17)[:16]
    return np.stack([x + sign * 0.19 * np.cos(turn), -0.085 * np.sin(turn)], -1)


def _lips(half: float, up: float, down: float) -> NDArray[Any]:
    turn = np.linspace(0, 2 * np.pi, 21)[:20]
    y = np.where(np.sin(turn) > 0, -up, -down) * np.sin(turn)
    return np.stack([-half * np.cos(turn), 1.05 + y], -1)


def _brow(sign: int) -> NDArray[Any]:
    x = sign * np.linspace(0.78, 0.22, 5)
    return np.concatenate([np.stack([x, np.full(5, y)], -1) for y in (-0.24, -0.32)])


def groups() -> dict[str, NDArray[Any]]:
    """Landmarks in eye distances from the middle of the eyes."""
    top = -np.pi / 2
    oval = _ring((0, 0.45), (0.98, 1.15), top + np.linspace(0, 2 * np.pi, 37)[:36])
    iris = np.array([[0, 0], [1, 0], [0, -1], [-1, 0], [0, 1]]) * 0.08
    nose = [[0, y] for y in np.linspace(0, 0.55, 7)]
    nose += [[-0.17, 0.6], [-0.08, 0.66], [0, 0.68], [0.08, 0.66], [0.17, 0.6]]
    return {
        "face_oval": oval,
        "lips_outer": _lips(0.40, 0.10, 0.12),
        "lips_inner": _lips(0.36, 0.0, 0.0),
        "right_eye": _eye(-0.5, -1),
        "left_eye": _eye(0.5, 1),
        "right_iris": iris + np.array([-0.5, 0]),
        "left_iris": iris + np.array([0.5, 0]),
        "right_brow": _brow(-1),
        "left_brow": _brow(1),
        "nose": np.array(nose),
    }


def landmarks() -> Landmarks:
    """Of `picture`, in its pixels."""
    made = groups()
    points = np.concatenate([made[name] for name in GROUPS]) * UNIT + CENTRE
    return Landmarks(points.astype(np.float32))


def picture() -> NDArray[np.uint8]:
    """(512, 512, 3): a face before a wall of stripes."""
    rgb = np.full((SIZE, SIZE, 3), 225, np.uint8)
    rgb[:, ::32] = LINE
    marks = landmarks()

    def fill(points: NDArray[Any], colour: tuple[int, int, int]) -> None:
        cv2.fillPoly(rgb, [np.rint(points * 16).astype(np.int32)], colour, cv2.LINE_AA, 4)

    neck = np.array([[-0.5, 1.2], [0.5, 1.2], [0.6, 3.0], [-0.6, 3.0]]) * UNIT + CENTRE
    fill(neck, SKIN)
    head = _ring((0, 0.15), (1.0, 1.45), np.linspace(0, 2 * np.pi, 73)) * UNIT + CENTRE
    fill(head, SKIN)
    fill(marks.group("lips_outer"), LIP)
    seam = np.rint(marks.group("lips_inner")[:11] * 16).astype(np.int32)
    cv2.polylines(rgb, [seam], False, (120, 55, 50), 1, cv2.LINE_AA, 4)
    for side in ("right", "left"):
        fill(marks.group(f"{side}_eye"), WHITE)
        centre = np.rint(marks.group(f"{side}_iris")[0] * 16).astype(int)
        radius = int(0.08 * UNIT * 16)
        cv2.circle(rgb, tuple(int(v) for v in centre), radius, IRIS, -1, cv2.LINE_AA, 4)
        brow = marks.group(f"{side}_brow")
        fill(np.concatenate([brow[:5], brow[:4:-1]]), (70, 50, 40))
    return rgb


def portrait() -> Portrait:
    """The drawn face as a portrait."""
    return Portrait("drawn", "Drawn", "A drawing.", picture(), landmarks())
