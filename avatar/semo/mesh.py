"""A chart's points and edges as a weighted graph.

Axis legend: N chart points, P points of a graph, E edges.
"""

from dataclasses import dataclass

import numpy as np

from avatar.semo.banded import Entries, band_order
from avatar.semo.types import Chart, Floats, Ints, Region

_WELD = 1000.0  # points per cm: points of the mean person that close are one


@dataclass(frozen=True, slots=True, eq=False)
class Graph:
    """points: (P,) chart points; place: (N,) their number in the graph, -1 for the others; rows,
    columns: (E,) ends of each edge as numbers in the graph; weights: (E,) 1 / length, 1/cm;
    order: (P,) for `banded.solve`."""

    points: Ints
    place: Ints
    rows: Ints
    columns: Ints
    weights: Floats
    order: Ints

    def degree(self) -> Floats:
        """(P,) sums of the weights of each point's edges."""
        both = np.concatenate([self.rows, self.columns])
        weights = np.concatenate([self.weights, self.weights])
        return np.bincount(both, weights, len(self.points)).astype(np.float32)

    def laplacian(self, extra: Floats) -> Entries:
        """Degree minus weights, plus `extra` (P,) on the diagonal."""
        diagonal = np.arange(len(self.points), dtype=np.int32)
        rows = np.concatenate([self.rows, self.columns, diagonal])
        columns = np.concatenate([self.columns, self.rows, diagonal])
        edges = -self.weights.astype(np.float64)
        return Entries(
            rows, columns, np.concatenate([edges, edges, self.degree().astype(np.float64) + extra])
        )

    def mean_of_neighbours(self, values: Floats) -> Floats:
        """(P,) weighted means of (P,) values over each point's neighbours."""
        total = np.bincount(self.rows, self.weights * values[self.columns], len(self.points))
        total += np.bincount(self.columns, self.weights * values[self.rows], len(self.points))
        return (total / np.maximum(self.degree(), 1e-6)).astype(np.float32)


def mesh_graph(chart: Chart, positions: Floats, regions: tuple[Region, ...]) -> Graph:
    """The graph of some regions' points; points at one position are joined, (N, 3) cm."""
    points = chart.points_of(*regions)
    place = _places(points, len(positions))
    local = place[chart.triangles]
    local = local[(local >= 0).all(1)]
    pairs = np.concatenate([local[:, :2], local[:, 1:], local[:, ::2], _welds(positions[points])])
    edges = np.unique(np.sort(pairs, axis=1), axis=0).astype(np.int32)
    rows, columns = np.ascontiguousarray(edges.T)
    lengths = np.linalg.norm(positions[points[rows]] - positions[points[columns]], axis=1)
    weights = (1 / (lengths + 0.05)).astype(np.float32)
    return Graph(points, place, rows, columns, weights, band_order(rows, columns, len(points)))


def subgraph(graph: Graph, keep: np.ndarray) -> Graph:
    """The part of a graph whose points `keep` (N,) bool."""
    inside = keep[graph.points]
    points = graph.points[inside]
    place = _places(points, len(graph.place))
    edges = inside[graph.rows] & inside[graph.columns]
    rows = place[graph.points[graph.rows[edges]]]
    columns = place[graph.points[graph.columns[edges]]]
    order = band_order(rows, columns, len(points))
    return Graph(points, place, rows, columns, graph.weights[edges], order)


def _places(points: Ints, count: int) -> Ints:
    place = np.full(count, -1, np.int32)
    place[points] = np.arange(len(points), dtype=np.int32)
    return place


def _welds(positions: Floats) -> Ints:
    """(E, 2) pairs of points at one position: seams of the chart are none of the face."""
    keys = np.round(positions * _WELD).astype(np.int64)
    order = np.lexsort(keys.T)
    same = (np.diff(keys[order], axis=0) == 0).all(1)
    return np.stack([order[:-1][same], order[1:][same]], 1).astype(np.int32)
