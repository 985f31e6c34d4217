"""Squares before a lens, for the tests of the synthetic world's kernels."""

import numpy as np

from avatar.training.synthetic.buffers import Fragments, Mesh

PIXELS = 24  # of the small pictures


def sheet(depth: float, half: float, cells: int = 4) -> tuple[np.ndarray, np.ndarray]:
    """Vertices and triangles of a square that faces a camera at the origin."""
    line = np.linspace(-half, half, cells + 1, dtype=np.float32)
    x, y = np.meshgrid(line, line)
    vertices = np.stack([x.ravel(), y.ravel(), np.full(x.size, -depth)], 1).astype(np.float32)
    k = np.arange(x.size).reshape(x.shape)
    a, b, c, d = k[:-1, :-1], k[:-1, 1:], k[1:, :-1], k[1:, 1:]
    lower, upper = np.stack([a, b, d], -1), np.stack([a, d, c], -1)
    return vertices, np.concatenate([lower.reshape(-1, 3), upper.reshape(-1, 3)]).astype(np.int32)


def everything(mesh: Mesh) -> np.ndarray:
    return np.arange(len(mesh.triangles), dtype=np.int32)


def on_screen(points: np.ndarray, side: int) -> np.ndarray:
    """(V,3) sample x, y and 1/depth for a lens that shows 16 cm at half a metre."""
    inverse = -1 / points[:, 2]
    scale = side * 50.0 / 16.0
    x, y = side / 2 + scale * points[:, 0] * inverse, side / 2 - scale * points[:, 1] * inverse
    return np.ascontiguousarray(np.stack([x, y, inverse], 1), np.float32)


def fragments(side: int) -> Fragments:
    return Fragments(
        np.empty((side, side), np.float32),
        np.empty((side, side), np.int32),
        np.empty((side, side, 2), np.float32),
    )
