"""Frames and lenses of glasses as meshes that fit a head."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from avatar.training.synthetic.buffers import Floats, Ints
from avatar.training.synthetic.traits import Glasses

SIDES = 6  # of a tube
RIM = 40  # points around a lens


@dataclass(frozen=True, slots=True, eq=False)
class GlassesMesh:
    """vertices (V,3) cm; frame and lenses: triangles (T,3)."""

    vertices: Floats
    frame: Ints
    lenses: Ints


def glasses_mesh(glasses: Glasses, marks: Floats, eye_front: float) -> GlassesMesh:
    """Fit glasses to a face; marks: (68,3) of the rest shape, eye_front: z of the eyeballs, cm."""
    apart = 0.5 * (abs(marks[36:42, 0].mean()) + abs(marks[42:48, 0].mean())) + 0.1
    level = marks[36:48, 1].mean() - glasses.drop
    front = max(eye_front + glasses.distance, marks[27, 2] + 0.25)
    parts, lenses = [], []
    for side in (1, -1):
        rim = _rim(glasses, side * apart, level, front)
        parts.append(_tube(rim, glasses.tube, closed=True))
        lenses.append(rim)
        parts.append(_tube(_temple(glasses, marks, side, (apart, level, front)),
                           glasses.tube * 0.8, closed=False))  # fmt: skip
    inner = apart - glasses.width
    bridge = np.array([(-inner, level + 0.3, front), (0, level + 0.55, front + 0.15),
                       (inner, level + 0.3, front)])  # fmt: skip
    parts.append(_tube(bridge, glasses.tube, closed=False))
    return _joined(parts, lenses)


def _bend(x: NDArray[np.floating]) -> Floats:
    """How far the front curves back towards the temples."""
    return np.asarray(0.02 * np.abs(x) ** 1.5, np.float32)


def _rim(glasses: Glasses, centre: float, level: float, front: float) -> Floats:
    angle = np.linspace(0, 2 * np.pi, RIM, endpoint=False)
    c, s = np.cos(angle), np.sin(angle)
    x = centre + np.sign(c) * np.abs(c) ** (2 / glasses.square) * glasses.width
    y = level + np.sign(s) * np.abs(s) ** (2 / glasses.square) * glasses.height
    return np.stack([x, y, front - _bend(x)], 1).astype(np.float32)


def _temple(glasses: Glasses, marks: Floats, side: int, at: tuple[float, float, float]) -> Floats:
    apart, level, front = at
    ear = abs(marks[16 if side > 0 else 0, 0]) + 0.35
    x = apart + glasses.width
    z = front - float(_bend(np.array(x)))
    path = [(x, level + 0.5, z), (x + 0.06, level + 0.5, z - 0.5), (ear + 0.2, level + 0.6, z / 2),
            (ear + 0.25, level + 0.5, 0.5), (ear + 0.1, level - 1.2, -1.8)]  # fmt: skip
    return np.array(path, np.float32) * np.array([side, 1, 1], np.float32)


def _tube(path: Floats, radius: float, *, closed: bool) -> tuple[Floats, Ints]:
    """A tube around a polyline."""
    along = np.roll(path, -1, 0) - np.roll(path, 1, 0) if closed else np.gradient(path, axis=0)
    along = along / np.linalg.norm(along, axis=1, keepdims=True)
    helper = np.where(np.abs(along[:, 2:]) < 0.9, [[0, 0, 1.0]], [[0, 1.0, 0]])
    across = np.cross(along, helper)
    across /= np.linalg.norm(across, axis=1, keepdims=True)
    other = np.cross(along, across)
    angle = np.arange(SIDES) * 2 * np.pi / SIDES
    ring = np.cos(angle)[:, None] * across[:, None] + np.sin(angle)[:, None] * other[:, None]
    vertices = (path[:, None] + radius * ring).reshape(-1, 3)
    first = np.arange(len(path) if closed else len(path) - 1)[:, None]
    k = np.arange(SIDES)[None]
    a, b = first * SIDES + k, first * SIDES + (k + 1) % SIDES
    following = (first + 1) % len(path)
    c, d = following * SIDES + k, following * SIDES + (k + 1) % SIDES
    faces = np.concatenate([np.stack([a, b, c], -1), np.stack([b, d, c], -1)]).reshape(-1, 3)
    return vertices.astype(np.float32), faces.astype(np.int32)


def _joined(parts: list[tuple[Floats, Ints]], lenses: list[Floats]) -> GlassesMesh:
    vertices: list[Floats] = []
    frame, glass, at = [], [], 0
    for points, faces in parts:
        vertices.append(points)
        frame.append(faces + at)
        at += len(points)
    for rim in lenses:
        fan = np.arange(RIM)
        glass.append(np.stack([fan, (fan + 1) % RIM, np.full(RIM, RIM)], 1) + at)
        # A lens bulges: its highlight must not fill it all at once.
        centre = rim.mean(0, keepdims=True) + np.array([[0, 0, 0.12]], np.float32)
        vertices.append(np.concatenate([rim, centre]))
        at += RIM + 1
    return GlassesMesh(
        np.concatenate(vertices).astype(np.float32),
        np.concatenate(frame).astype(np.int32),
        np.concatenate(glass).astype(np.int32),
    )
