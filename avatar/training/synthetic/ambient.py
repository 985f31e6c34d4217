"""How much of the surrounding light reaches each vertex.

Visibility is counted over directions on a Fibonacci sphere, each with a height map seen from there.
Axis legend: V vertices, K states of the mouth.
"""

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np

from avatar.rig import EXPRESSIONS
from avatar.training.pack import HeadPack, Section
from avatar.training.synthetic.buffers import Floats, Ints, Scene
from avatar.training.synthetic.raster import add_visibility, height_map, normals

UPPER_LIP, LOWER_LIP = 62, 66  # of the 68 marks: inner lips, middle
# The mouth's states: jawOpen and lip raising weights; the gap follows from them.
MOUTH_STATES = ((0.0, 0.0), (0.06, 0.2), (0.2, 0.3), (0.42, 0.3), (0.8, 0.2))


class Box(NamedTuple):
    """What a height map shows: centre (3,), radius cm, samples a side, bias cm."""

    centre: tuple[float, float, float]
    radius: float
    size: int
    bias: float


WHOLE = Box((0, -2, 1), 26.0, 200, 0.22)
MOUTH = Box((0, -3, 7), 10.5, 320, 0.08)


def towards(direction: Floats, box: Box) -> Floats:
    """(3,4): positions to samples x, y and height along a direction, for `height_map`."""
    z = direction / np.linalg.norm(direction)
    up = np.array([0, 1, 0]) if abs(z[1]) < 0.9 else np.array([1, 0, 0])
    x = np.cross(up, z)
    x /= np.linalg.norm(x)
    scale = box.size / (2 * box.radius)
    out = np.zeros((3, 4), np.float32)
    out[0, :3], out[1, :3], out[2, :3] = x * scale, np.cross(z, x) * scale, z
    out[:, 3] = np.array([box.size / 2, box.size / 2, 0]) - out[:, :3] @ np.array(box.centre)
    return out


def transformed(points: Floats, matrix: Floats) -> Floats:
    """(V,3) by (3,4)."""
    return np.ascontiguousarray(points @ matrix[:, :3].T + matrix[:, 3], np.float32)


def ambient_light(points: Floats, scene: Scene, order: Ints, box: Box, directions: int) -> Floats:
    """(V,) in 0..1 for vertices (V,3); order: triangles that hide others."""
    normal, area = np.empty_like(points), np.empty(len(points), np.float32)
    normals(points, scene.mesh.triangles, normal, area)
    heights = np.empty((box.size, box.size), np.float32)
    seen, total = np.zeros(len(points), np.float32), np.zeros(len(points), np.float32)
    for direction in _sphere(directions):
        screen = transformed(points, towards(direction, box))
        height_map(order, scene, screen, heights)
        screen[:, 2] += box.bias
        facing = np.ascontiguousarray(normal @ direction, np.float32)
        add_visibility(screen, facing, heights, seen, total)
    return np.asarray(seen / np.maximum(total, 1e-6), np.float32)


def _sphere(count: int) -> Floats:
    """(count,3) directions spread evenly."""
    i = np.arange(count) + 0.5
    down, around = np.arccos(1 - 2 * i / count), np.pi * (1 + 5**0.5) * i
    flat = np.sin(down)
    return np.stack([np.cos(around) * flat, np.cos(down), np.sin(around) * flat], 1).astype(
        np.float32
    )


@dataclass(frozen=True, slots=True, eq=False)
class MouthLight:
    """gaps (K,) cm between the inner lips; ambient (K,V) of the mean head in that state."""

    gaps: Floats
    ambient: Floats

    def at(self, gap: float) -> Floats:
        """(V,) for a gap, between the states."""
        k = int(np.clip(np.searchsorted(self.gaps, gap), 1, len(self.gaps) - 1))
        low, high = self.gaps[k - 1], self.gaps[k]
        share = np.float32(np.clip((gap - low) / (high - low), 0, 1))
        return np.asarray(self.ambient[k - 1] * (1 - share) + self.ambient[k] * share, np.float32)


def lip_gap(points: Floats, head: HeadPack) -> float:
    """Distance of the inner lips' middles, cm."""
    upper, lower = head.marks68[UPPER_LIP], head.marks68[LOWER_LIP]
    return float(np.linalg.norm(points[upper] - points[lower]))


def mouth_light(head: HeadPack, scene: Scene, directions: int) -> MouthLight:
    """Bake the mean head; scene: the head alone, veils are skipped."""
    order = np.arange(len(scene.mesh.triangles), dtype=np.int32)
    gaps, ambient = [], []
    for jaw, raised in MOUTH_STATES:
        weights = np.zeros(len(EXPRESSIONS), np.float32)
        weights[EXPRESSIONS.index("jawOpen")] = jaw
        for name in ("mouthUpperUp_L", "mouthUpperUp_R", "mouthLowerDown_L", "mouthLowerDown_R"):
            weights[EXPRESSIONS.index(name)] = raised
        points = head.blend(np.zeros(len(head.identity), np.float32), weights)
        gaps.append(lip_gap(points, head))
        baked = ambient_light(points, scene, order, MOUTH, directions)
        ambient.append(_smoothed(baked, head))
    return MouthLight(np.array(gaps, np.float32), np.stack(ambient))


def _smoothed(values: Floats, head: HeadPack, rounds: int = 3) -> Floats:
    """Averaged over neighbours; inside parts more: the bake is coarser than the teeth."""
    edges = np.concatenate([head.triangles[:, [a, b]] for a, b in ((0, 1), (1, 2), (2, 0))])
    edges = np.concatenate([edges, edges[:, ::-1]])
    count = np.bincount(edges[:, 0], minlength=len(values)).clip(1)
    inner = np.isin(head.vertex_section, (Section.SOCKET, Section.GUMS, Section.TEETH))
    out = values
    for _ in range(rounds):
        mean = np.bincount(edges[:, 0], out[edges[:, 1]], minlength=len(out)) / count
        out = np.where(inner, mean, 0.5 * (out + mean)).astype(np.float32)
    return out
