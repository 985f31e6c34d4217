"""Labels of rendered frames: landmarks, and where each surface point is in another frame.

Pixel positions are continuous: the centre of the first pixel is (0.5, 0.5). Axis legend: S pixels
of a side, V vertices, T triangles.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from avatar import landmarks
from avatar.training.landmarks.layout import INDICES
from avatar.training.synthetic.buffers import Floats, Ints

DEPTH_SLACK = 0.12  # cm by which a point may lie behind what the other frame shows
FACEMESH = 478  # points of a map that still has all of FaceMesh


@dataclass(frozen=True, slots=True, eq=False)
class LandmarkMap:
    """Where the 150 landmarks lie on the pack's mesh: vertices (150,3), weights (150,3)."""

    vertices: Ints
    weights: Floats

    def at(self, screen: Floats) -> Floats:
        """(150,2) px of vertices (V,3): pixel x, y, 1 / depth; perspective-correct."""
        corners = screen[self.vertices]
        near = self.weights * corners[..., 2]
        near = near / near.sum(1, keepdims=True)
        return np.asarray((corners[..., :2] * near[..., None]).sum(1), np.float32)

    def save(self, path: Path) -> None:
        """As .npz with `tri` and `bary`."""
        np.savez(path, tri=self.vertices, bary=self.weights)


def load_landmark_map(path: Path) -> LandmarkMap:
    """Read `tri` and `bary`, of the 150 points or of all 478 of FaceMesh. Raises ValueError."""
    with np.load(path) as data:
        vertices, weights = data["tri"].astype(np.int32), data["bary"].astype(np.float32)
    if len(vertices) == FACEMESH:
        vertices, weights = vertices[INDICES], weights[INDICES]
    if vertices.shape != (landmarks.COUNT, 3):
        raise ValueError(f"{path}: {len(vertices)} landmarks, {landmarks.COUNT} are needed")
    return LandmarkMap(vertices, weights)


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """What `flow_between` needs of a frame: triangle (S,S), -1 for none; weights (S,S,2) of its
    first two corners; depth (S,S) cm, 0 for none; screen (V,3) px x, y and 1 / depth."""

    triangle: Ints
    weights: Floats
    depth: Floats
    screen: Floats


def flow_between(target: Seen, source: Seen, triangles: Ints) -> tuple[Floats, NDArray[np.bool_]]:
    """Backward flow (S,S,2) px and visibility (S,S): where target's points are in source.

    The point that target shows at pixel p lies at p + flow in source; it is visible if source shows
    it, too. The background does not move. triangles (T,3).
    """
    size = len(target.triangle)
    there, depth = _positions(target, source, triangles)
    y, x = np.mgrid[0:size, 0:size].astype(np.float32) + np.float32(0.5)
    here = np.stack([x, y], -1)
    body = target.triangle >= 0
    flow = np.where(body[..., None], there - here, 0).astype(np.float32)
    visible = np.where(body, _unhidden(there, depth, source.depth), source.depth == 0)
    return flow, visible


def _positions(target: Seen, source: Seen, triangles: Ints) -> tuple[Floats, Floats]:
    """(S,S,2) px and (S,S) depth in source of target's points."""
    corners = source.screen[triangles[np.maximum(target.triangle, 0)]]
    u, v = target.weights[..., 0], target.weights[..., 1]
    shares = np.stack([u, v, 1 - u - v], -1)
    near = shares * corners[..., 2]
    inverse = near.sum(-1)
    near = near / inverse[..., None]
    there = (corners[..., :2] * near[..., None]).sum(-2)
    return there.astype(np.float32), (1 / inverse).astype(np.float32)


def _unhidden(there: Floats, depth: Floats, shown: Floats) -> NDArray[np.bool_]:
    """Whether points (..., 2) at a depth are not behind what a depth picture (S,S) shows.

    One of the four pixels around is enough, else every edge would be hidden.
    """
    size = len(shown)
    inside = ((there >= 0) & (there < size)).all(-1)
    base = np.floor(there - 0.5).astype(np.int32)
    out = np.zeros(depth.shape, bool)
    for dy in (0, 1):
        for dx in (0, 1):
            x = np.clip(base[..., 0] + dx, 0, size - 1)
            y = np.clip(base[..., 1] + dy, 0, size - 1)
            near = shown[y, x]
            out |= (near > 0) & (np.abs(depth - near) <= DEPTH_SLACK)
    return np.asarray(out & inside)
