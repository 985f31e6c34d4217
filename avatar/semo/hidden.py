"""Where the picture shows each point of the surface, and what stands in for what it hides.

Axis legend: N chart points, W side of the working picture in pixels.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from avatar.semo.banded import Entries, solve
from avatar.semo.imaging import blurred, pixel_of, polygon
from avatar.semo.mesh import Graph
from avatar.semo.prepared import EYES, LIPS_LOWER, LIPS_UPPER, PART, Prepared
from avatar.semo.shading import smoothstep
from avatar.semo.solve_landmarks import eye_distance
from avatar.semo.types import Floats, Region
from avatar.semo.view import WORK, View

_NEARER = 0.992  # of the depth that is drawn: points so little behind it are seen
_GRAZING = 0.06  # cosine: skin seen flatter is not told
_MOUTH_OPEN = 0.035  # lip gap in eye distances
# Eye distances outside of lids and lips from where their rims' colour is taken: lashes move with
# the lids, but teeth must not stick to lips that were measured a little too wide.
_LID_RIM, _LIP_RIM = 0.006, 0.014
_DEEP = 0.03  # eye distances: skin that far inside an opening is not skin that the picture shows
_LOOSE = 1e-6  # 1/cm: keeps parts of the skin that no seen point borders on solvable


@dataclass(frozen=True, slots=True, eq=False)
class Apertures:
    """Masks (W, W) uint8 of what lies between the left and the right lids, and the lips; None for
    a closed mouth."""

    eyes: tuple[np.ndarray, np.ndarray]
    mouth: np.ndarray | None

    def rims(self) -> list[tuple[slice, float]]:
        """The landmarks around each, and how far outside skin begins, eye distances."""
        lids = [(eye, _LID_RIM) for eye in EYES]
        return lids if self.mouth is None else [*lids, (PART["lips_inner"], _LIP_RIM)]


def apertures(landmarks: Floats) -> Apertures:
    """Of (150, 2) landmarks, picture shares."""
    gap = float(np.linalg.norm(landmarks[LIPS_UPPER[4]] - landmarks[LIPS_LOWER[4]]))
    opened = gap > _MOUTH_OPEN * eye_distance(landmarks)
    left, right = (polygon(landmarks[PART[f"{side}_eye"]], WORK) for side in ("left", "right"))
    return Apertures(
        (left, right), polygon(landmarks[PART["lips_inner"]], WORK) if opened else None
    )


def visible_points(known: Prepared, view: View) -> np.ndarray:
    """(N,) bool: the picture shows the point itself."""
    rows, columns = pixel_of(view.at, WORK)
    empty = np.where(view.depth == 0, np.float32(9), view.depth)
    nearest = cv2.erode(empty, np.ones((3, 3), np.uint8))
    seen = (view.inverse >= nearest[rows, columns] * _NEARER) & (view.facing > _GRAZING)
    inside = ((view.at > 1 / WORK) & (view.at < 1 - 1 / WORK)).all(1)
    return np.asarray(seen & inside)


def clear_of_openings(
    known: Prepared, at: Floats, visible: np.ndarray, landmarks: Floats, openings: Apertures
) -> tuple[Floats, np.ndarray]:
    """`at` (N, 2) and `visible` (N,) such that nothing that lids and lips open to sticks to them.

    Skin at their rims is moved to just outside; skin that would lie deep inside counts as hidden.
    """
    out, seen, apart = at.copy(), visible.copy(), eye_distance(landmarks)
    for rim, margin in openings.rims():
        near = _near(known.skin.points, at, landmarks[rim], 0.1 * apart)
        out[near], depth = outside(at[near], landmarks[rim], margin * apart)
        seen[near[depth > _DEEP * apart]] = False
    return out, seen


def extended_source(known: Prepared, at: Floats, visible: np.ndarray) -> Floats:
    """(N, 2) picture shares where each point's colour is taken from.

    Seen points (N, 2) and all but skin from where they are; hidden skin continues its neighbours'
    map over the surface as smoothly as can be (harmonic); the chest stays where it is.
    """
    out, graph = at.copy(), known.skin
    out[graph.points] = _harmonic(graph, at[graph.points], visible[graph.points])
    still = known.zones.still
    out[still] = at[still]
    return out


def _near(points: np.ndarray, at: Floats, rim: Floats, margin: float) -> np.ndarray:
    """Those of some chart points that lie in the box around a rim (n, 2)."""
    low, high = rim.min(0) - margin, rim.max(0) + margin
    return np.asarray(points[((at[points] > low) & (at[points] < high)).all(1)])


def outside(points: Floats, rim: Floats, margin: float) -> tuple[Floats, Floats]:
    """(n, 2) points moved to at least `margin` outside of a closed rim (m, 2); (n,) how far inside
    of it each was."""
    if cv2.contourArea(np.ascontiguousarray(rim, np.float32), oriented=True) < 0:
        rim = rim[::-1]
    ends = np.roll(rim, -1, axis=0)
    along = ends - rim
    outward = np.stack([along[:, 1], -along[:, 0]], 1) / np.linalg.norm(
        along, axis=1, keepdims=True
    )
    corner = outward + np.roll(outward, 1, axis=0)
    corner /= np.linalg.norm(corner, axis=1, keepdims=True)
    offset = points[:, None] - rim
    share = ((offset * along).sum(-1) / (along**2).sum(-1)).clip(0, 1)
    nearest = rim + along * share[..., None]
    best = np.linalg.norm(points[:, None] - nearest, axis=-1).argmin(1)
    rows = np.arange(len(points))
    foot, part = nearest[rows, best], share[rows, best][:, None]
    normal = corner[best] * (1 - part) + np.roll(corner, -1, axis=0)[best] * part
    normal /= np.linalg.norm(normal, axis=1, keepdims=True)
    depth = np.linalg.norm(points - foot, axis=1) * np.where(_inside(points, rim), 1, -1)
    moved = np.where((depth > -margin)[:, None], foot + margin * normal, points)
    return moved.astype(np.float32), depth.astype(np.float32)


def _inside(points: Floats, rim: Floats) -> np.ndarray:
    """(n,) bool: whether (n, 2) points lie in a closed rim (m, 2); even-odd rule."""
    ends = np.roll(rim, -1, axis=0)
    x, y = points[:, :1], points[:, 1:]
    spans = (rim[:, 1] > y) != (ends[:, 1] > y)
    height = np.where(spans, ends[:, 1] - rim[:, 1], 1)
    crossing = rim[:, 0] + (y - rim[:, 1]) / height * (ends[:, 0] - rim[:, 0])
    return np.asarray((spans & (x < crossing)).sum(1) % 2 == 1)


def _harmonic(graph: Graph, values: Floats, fixed: np.ndarray) -> Floats:
    """(P, 2) values that are as given where `fixed` (P,), and the mean of their neighbours else."""
    if fixed.all():
        return values
    free = np.cumsum(~fixed, dtype=np.int32) - 1  # number of each free point
    whole = graph.laplacian(np.full(len(values), _LOOSE))
    inner = ~fixed[whole.rows] & ~fixed[whole.columns]
    to_fixed = ~fixed[whole.rows] & fixed[whole.columns]
    pull = -whole.values[to_fixed, None] * values[whole.columns[to_fixed]]
    right = _LOOSE * values[~fixed].astype(np.float64)
    np.add.at(right, free[whole.rows[to_fixed]], pull)
    entries = Entries(free[whole.rows[inner]], free[whole.columns[inner]], whole.values[inner])
    order = graph.order[~fixed[graph.order]]
    out = values.copy()
    out[~fixed] = solve(entries, free[order], right)
    return out


def hold_of(known: Prepared, view: View, visible: np.ndarray) -> Floats:
    """(N,) in [0, 1]: how far the surface's own motion moves the picture, see `Appearance.hold`."""
    zones = known.zones
    frontal = smoothstep(view.facing, 0.10, 0.35)
    out = np.ones(len(view.at), np.float32)
    out[zones.outer] = (frontal * visible)[zones.outer]
    out[zones.ear] = 0
    # Sides of jaw and neck that turn away; not what is hidden below the chin.
    across, along = np.abs(view.normals[:, 0]), np.abs(view.normals[:, 1])
    sideways = across - np.float32(0.8) * along
    turned = 1 - smoothstep(sideways, -0.05, 0.2) * (1 - frontal)
    out[zones.low] = np.minimum(out, turned)[zones.low]
    graph = known.skin
    on_skin = out[graph.points]
    softened = 0.5 * on_skin + 0.5 * graph.mean_of_neighbours(on_skin)
    out[graph.points] = np.minimum(on_skin, softened)
    return out


def seen_share(known: Prepared, view: View, visible: np.ndarray, openings: Apertures) -> Floats:
    """(N,) in [0, 1], see `Appearance.seen`. Of the mouth's inside only upper teeth that an open
    mouth shows count."""
    chart = known.surface.chart
    out = np.asarray(smoothstep(view.facing, 0.05, 0.3) * visible, np.float32)
    inside = np.isin(chart.point_region, (Region.LINING, Region.GUMS, Region.TONGUE))
    out[inside] = 0
    teeth = chart.points_of(Region.TEETH)
    if openings.mouth is None:
        out[teeth] = 0
        return out
    inner = cv2.erode(openings.mouth, np.ones((5, 5), np.uint8))
    soft = blurred(inner, 1.5) / 255
    rows, columns = pixel_of(view.at[teeth], WORK)
    split = known.landmarks.mean[LIPS_UPPER[4], 1] - 0.35
    upper = known.surface.weights.mean[teeth, 1] > split
    out[teeth] = visible[teeth] * soft[rows, columns] * upper
    return out
