"""Dense correction: spreads what a fit leaves at the landmarks smoothly over the face, so that the
projected lips, lids and contour land on the picture's.

The spread minimises bending (squared Laplacian of the chart's graph) plus the weighted distance at
the landmarks, so it is linear and one basis serves every portrait.
Axis legend: N chart points, P corrected points, L 150 landmarks.
"""

from dataclasses import dataclass

import numpy as np

from avatar.landmarks import COUNT, GROUPS
from avatar.semo.banded import Entries, solve
from avatar.semo.mesh import Graph
from avatar.semo.types import Chart, Floats, Ints

STIFFNESS = 6.0  # of bending
# Weight of the landmarks of each group; irises move the eyeballs, not the skin.
WEIGHTS = {"face_oval": 0.15, "lips_outer": 3.0, "lips_inner": 3.0, "right_eye": 3.0,
           "left_eye": 3.0, "right_iris": 0.0, "left_iris": 0.0}  # fmt: skip
_REST, _CHEST = 1e-5, 3e-3  # pull of a point towards no correction, of one of the chest
_CHEST_Y = -9.0  # cm


@dataclass(frozen=True, slots=True, eq=False)
class Correction:
    """points: (P,) of the chart; basis: (P, 150): a move of each landmark to one of each point."""

    points: Ints
    basis: Floats

    def spread(self, moves: Floats, count: int) -> Floats:
        """(150, 3) moves of the landmarks, cm, to (N, 3) moves of all `count` points."""
        out = np.zeros((count, 3), np.float32)
        out[self.points] = self.basis @ moves
        return out


def build_correction(chart: Chart, graph: Graph, mean: Floats) -> Correction:
    """The basis of a chart: `graph` joins the points that may bend; mean (N, 3) positions."""
    weight = np.concatenate([np.full(n, WEIGHTS.get(g, 0.5)) for g, n in GROUPS.items()])
    bending = _bending(graph)
    data, right = _attachment(chart, graph, weight)
    hold = np.where(mean[graph.points, 1] < _CHEST_Y, _CHEST, _REST)
    diagonal = np.arange(len(graph.points), dtype=np.int32)
    entries = Entries(
        np.concatenate([bending.rows, data.rows, diagonal]),
        np.concatenate([bending.columns, data.columns, diagonal]),
        np.concatenate([STIFFNESS * bending.values, data.values, hold]),
    )
    return Correction(graph.points, solve(entries, graph.order, right).astype(np.float32))


def _bending(graph: Graph) -> Entries:
    """B^T B for B the graph's Laplacian with rows divided by the degree."""
    count = len(graph.points)
    diagonal = np.arange(count, dtype=np.int32)
    rows = np.concatenate([graph.rows, graph.columns, diagonal])
    columns = np.concatenate([graph.columns, graph.rows, diagonal])
    share = graph.weights.astype(np.float64)
    degree = graph.degree().astype(np.float64)
    values = np.concatenate(
        [-share / degree[graph.rows], -share / degree[graph.columns], np.ones(count)]
    )
    order = np.argsort(rows, kind="stable")
    return _products(columns[order], values[order], np.bincount(rows, minlength=count))


def _products(columns: Ints, values: np.ndarray, lengths: np.ndarray) -> Entries:
    """Entries of the sum over rows of r r^T for rows r given one after the other."""
    starts = np.cumsum(lengths) - lengths
    pairs = lengths**2
    row = np.repeat(np.arange(len(lengths)), pairs)
    within = np.arange(len(row)) - np.repeat(np.cumsum(pairs) - pairs, pairs)
    first = starts[row] + within // lengths[row]
    second = starts[row] + within % lengths[row]
    return Entries(columns[first], columns[second], values[first] * values[second])


def _attachment(chart: Chart, graph: Graph, weight: np.ndarray) -> tuple[Entries, np.ndarray]:
    """A^T W A and A^T W (P, 150), where A (150, P) picks the landmarks."""
    place = graph.place[chart.landmark_points]
    usable = (place >= 0).all(1) & (weight > 0)
    at, share = place[usable], chart.landmark_weights[usable].astype(np.float64)
    outer = share[:, :, None] * share[:, None, :] * weight[usable][:, None, None]
    rows = np.repeat(at, 3, axis=1).reshape(-1)
    columns = np.tile(at, (1, 3)).reshape(-1)
    right = np.zeros((len(graph.points), COUNT))
    np.add.at(
        right,
        (at, np.flatnonzero(usable)[:, None].repeat(3, 1)),
        share * weight[usable][:, None],
    )
    return Entries(rows, columns, outer.reshape(-1)), right
