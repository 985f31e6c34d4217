"""Flattening and re-sampling patches of a mesh, so that the chart has points and triangles of its
own.

Axis legend: V vertices, F triangles, P sampled points. Lengths in cm, flat maps without unit.
"""

from collections import defaultdict
from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.linalg import spsolve
from scipy.spatial import Delaunay, cKDTree

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


RIM = 0.75  # of the wanted distance, along boundaries


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """Points on a mesh: triangle (P,) into the mesh's triangles, weights (P,3) of its corners;
    flat (P,2) in the patch's map; joined (T,3) triangles of the sampled points."""

    triangle: Ints
    weights: Floats
    flat: Floats
    joined: Ints


def boundary_loops(vertices: Floats, triangles: Ints) -> list[Ints]:
    """Vertex loops along the open edges, the longest (in cm) first."""
    edges: dict[tuple[int, int], int] = defaultdict(int)
    for corner in range(3):
        for a, b in zip(triangles[:, corner], triangles[:, (corner + 1) % 3], strict=True):
            edges[int(a), int(b)] += 1
    onward: dict[int, list[int]] = defaultdict(list)
    for a, b in edges:
        if (b, a) not in edges:
            onward[a].append(b)
    loops = []
    for start in list(onward):
        # A vertex at which two boundaries touch is left as often as it is entered.
        while onward[start]:
            loop, at = [start], onward[start].pop()
            while at != start:
                loop.append(at)
                at = onward[at].pop()
            loops.append(np.array(loop))
    length = [
        np.linalg.norm(np.diff(vertices[np.r_[lp, lp[0]]], axis=0), axis=1).sum() for lp in loops
    ]
    return [loops[at] for at in np.argsort(length)[::-1]]


def harmonic_map(vertices: Floats, triangles: Ints) -> Floats:
    """(V,2): a disk with the patch's longest boundary on the unit circle, by length; holes close
    themselves. One-to-one by Tutte's theorem, since all weights are positive. Vertices that the
    patch does not use are nan."""
    outer = boundary_loops(vertices, triangles)[0]
    weights = _edge_weights(vertices, triangles)
    steps = np.linalg.norm(np.diff(vertices[np.r_[outer, outer[0]]], axis=0), axis=1)
    angle = 2 * np.pi * np.r_[0, np.cumsum(steps)[:-1]] / steps.sum()
    flat = np.full((len(vertices), 2), np.nan)
    flat[outer] = np.stack([np.cos(angle), np.sin(angle)], 1)
    inner = np.setdiff1d(np.unique(triangles), outer)
    degree = np.asarray(weights.sum(1)).ravel()
    system = sp.diags(degree[inner]) - weights[inner][:, inner]
    flat[inner] = spsolve(system.tocsc(), weights[inner][:, outer] @ flat[outer])
    return flat


def _edge_weights(vertices: Floats, triangles: Ints) -> sp.csr_matrix:
    """Cotangent weights, kept positive: nearly conformal and without folds."""
    count = len(vertices)
    rows, columns, values = [], [], []
    for corner in range(3):
        at, a, b = (triangles[:, (corner + k) % 3] for k in range(3))
        left, right = vertices[a] - vertices[at], vertices[b] - vertices[at]
        area = np.linalg.norm(np.cross(left, right), axis=1)
        cotangent = (left * right).sum(1) / np.maximum(area, 1e-9)
        rows += [a, b]
        columns += [b, a]
        values += [cotangent, cotangent]
    joined = sp.coo_matrix(
        (np.concatenate(values), (np.concatenate(rows), np.concatenate(columns))), (count, count)
    ).tocsr()
    joined.data = np.clip(joined.data, 0.05, 20.0)
    return joined


def sample(
    vertices: Floats, triangles: Ints, flat: Floats, spacing: Floats, rng: np.random.Generator
) -> Samples:
    """Points about `spacing` (V,) apart on the patch, joined by Delaunay in its flat map.

    Every boundary loop is sampled along its edges, so that lids and lips keep their outline.
    """
    edge_triangle, edge_weights, loops = _loop_samples(vertices, triangles, spacing)
    many = _random_points(vertices, triangles, spacing, rng)
    triangle = np.r_[edge_triangle, many[0]]
    weights = np.r_[edge_weights, many[1]]
    chosen = _spread(_at(vertices, triangles, triangle, weights),
                     _at(spacing[:, None], triangles, triangle, weights)[:, 0],
                     len(edge_triangle))  # fmt: skip
    triangle, weights = triangle[chosen], weights[chosen]
    placed = _at(flat, triangles, triangle, weights)
    joined = Delaunay(placed).simplices.astype(np.int64)
    joined = _counter_clockwise(placed, joined)
    inside = ~_in_holes(placed, joined, loops)
    return Samples(triangle, weights, placed, joined[inside])


def _loop_samples(
    vertices: Floats, triangles: Ints, spacing: Floats
) -> tuple[Ints, Floats, list[Ints]]:
    """Samples along all boundaries, and for each loop the indices of its samples."""
    owner = {}
    for corner in range(3):
        ends = np.sort(triangles[:, [corner, (corner + 1) % 3]], axis=1)
        owner.update({(int(a), int(b)): at for at, (a, b) in enumerate(ends)})
    found: list[int] = []
    shares: list[Floats] = []
    loops: list[Ints] = []
    for loop in boundary_loops(vertices, triangles):
        loop = _started(vertices, loop)
        first = len(found)
        closed = np.r_[loop, loop[0]]
        steps = np.linalg.norm(np.diff(vertices[closed], axis=0), axis=1)
        # Arc length measured in wanted spacings; rims show, so they are sampled more finely.
        wanted = RIM * 0.5 * (spacing[closed[:-1]] + spacing[closed[1:]])
        arc = np.r_[0, np.cumsum(steps / wanted)]
        count = max(8, round(arc[-1]))
        for position in np.arange(count) * arc[-1] / count:
            k = int(np.searchsorted(arc, position, "right")) - 1
            share = (position - arc[k]) / max(arc[k + 1] - arc[k], 1e-9)
            here, onward = int(closed[k]), int(closed[k + 1])
            at = owner[min(here, onward), max(here, onward)]
            corners = triangles[at]
            weight = np.where(corners == here, 1 - share, np.where(corners == onward, share, 0.0))
            found.append(at)
            shares.append(weight)
        loops.append(np.arange(first, len(found)))
    return np.array(found, np.int64), np.array(shares).reshape(-1, 3), loops


def _started(vertices: Floats, loop: Ints) -> Ints:
    """The loop from its leftmost vertex on, its upper side first: two patches that meet at a rim
    have the same points there."""
    loop = np.roll(loop, -int(vertices[loop, 0].argmin()))
    quarter = vertices[loop[: len(loop) // 2], 1].mean()
    return loop if quarter > vertices[loop, 1].mean() else np.r_[loop[:1], loop[:0:-1]]


def _random_points(
    vertices: Floats, triangles: Ints, spacing: Floats, rng: np.random.Generator, each: int = 14
) -> tuple[Ints, Floats]:
    """Candidates: about `each` for every point that will be kept."""
    a, b, c = (vertices[triangles[:, k]] for k in range(3))
    area = 0.5 * np.linalg.norm(np.cross(b - a, c - a), axis=1)
    density = area / spacing[triangles].mean(1) ** 2
    count = int(each * density.sum()) + 8
    triangle = rng.choice(len(triangles), count, p=density / density.sum())
    weights = rng.dirichlet((1, 1, 1), count)
    return triangle.astype(np.int64), weights


def _spread(points: Floats, spacing: Floats, keep: int) -> Ints:
    """Indices of a Poisson-disk choice: the first `keep` points always, others if none is near."""
    tree = cKDTree(points)
    free = np.ones(len(points), bool)
    chosen = list(range(keep))
    for at in range(keep):
        free[tree.query_ball_point(points[at], 0.62 * spacing[at])] = False
    for at in range(keep, len(points)):
        if free[at]:
            chosen.append(at)
            free[tree.query_ball_point(points[at], 0.8 * spacing[at])] = False
    return np.array(chosen)


def _at(values: Floats, triangles: Ints, triangle: Ints, weights: Floats) -> Floats:
    return np.asarray((values[triangles[triangle]] * weights[..., None]).sum(1))


def _counter_clockwise(flat: Floats, joined: Ints) -> Ints:
    a, b, c = (flat[joined[:, k]] for k in range(3))
    turn = (b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]
    out = joined.copy()
    out[turn < 0] = out[turn < 0][:, ::-1]
    return out[np.abs(turn) > 1e-14]


def _in_holes(flat: Floats, joined: Ints, loops: list[Ints]) -> NDArray[np.bool_]:
    """Triangles (T,) inside a hole: all corners on one loop but the outermost, and the middle in
    its polygon."""
    inside = np.zeros(len(joined), bool)
    middle = flat[joined].mean(1)
    for loop in loops[1:]:
        inside |= np.isin(joined, loop).all(1) & _in_polygon(middle, flat[loop])
    outer = loops[0]
    return inside | (np.isin(joined, outer).all(1) & ~_in_polygon(middle, flat[outer]))


def _in_polygon(points: Floats, polygon: Floats) -> NDArray[np.bool_]:
    x, y = points.T
    inside = np.zeros(len(points), bool)
    for a, b in zip(polygon, np.roll(polygon, -1, 0), strict=True):
        crosses = (a[1] > y) != (b[1] > y)
        at = a[0] + (y - a[1]) * (b[0] - a[0]) / np.where(b[1] == a[1], 1e-12, b[1] - a[1])
        inside ^= crosses & (x < at)
    return inside
