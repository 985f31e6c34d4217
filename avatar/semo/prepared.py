"""What fitting needs of a face surface and no portrait changes: computed once for each surface.

Axis legend: N chart points, P some of them, I identity dims, K expression coefficients.
"""

from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from avatar.landmarks import GROUPS
from avatar.rig import INDEX, rig
from avatar.semo.correction import Correction, build_correction
from avatar.semo.mesh import Graph, mesh_graph, subgraph
from avatar.semo.shading import smoothstep
from avatar.semo.surface import FaceSurface
from avatar.semo.types import Floats, Ints, Region

PART = {
    name: slice(int(end) - count, int(end))
    for (name, count), end in zip(GROUPS.items(), np.cumsum(list(GROUPS.values())), strict=True)
}
# Landmarks of the upper and of the lower rim that face each other, from corner to corner.
LIPS_UPPER = np.arange(57, 66)
LIPS_LOWER = np.arange(75, 66, -1)
LIDS_UPPER = (np.arange(93, 100), np.arange(77, 84))  # left, right
LIDS_LOWER = (np.arange(107, 100, -1), np.arange(91, 84, -1))
EYES = (PART["left_eye"], PART["right_eye"])
IRISES = (PART["left_iris"], PART["right_iris"])
EYE_REGIONS = (Region.LEFT_EYE, Region.RIGHT_EYE)
INSIDE = (Region.LINING, Region.TEETH, Region.GUMS, Region.TONGUE)
_BULGE = 0.55  # cm from the axis within which the cornea bulges


@dataclass(frozen=True, slots=True, eq=False)
class LandmarkModel:
    """The surface at the 150 landmarks: mean (150,3), identity (I,150,3), expression (K,150,3);
    and at the eyeballs' centres, left and right: eyes (2,3), eyes_identity (I,2,3)."""

    mean: Floats
    identity: Floats
    expression: Floats
    eyes: Floats
    eyes_identity: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Eyeball:
    """points: (P,) of the chart; profile: (4,) powers of r^2 that give how far in front of the
    centre the eyeball's surface is at r cm from its axis; front: the same at the axis, cm."""

    points: Ints
    profile: Floats
    front: float


@dataclass(frozen=True, slots=True, eq=False)
class Zones:
    """By chart point (N,). outer: sides and back of the head, ears, top, where hair may hide the
    skin; ear; low: jaw sides and neck; still: chest; in_face: skin inside the face oval of the
    mean person. lid: (2, N) how far a point is skin of the left, right upper lid, in [0, 1]."""

    outer: np.ndarray
    ear: np.ndarray
    low: np.ndarray
    still: np.ndarray
    in_face: np.ndarray
    lid: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Prepared:
    """Everything above of one surface; skin: the graph of its skin."""

    surface: FaceSurface
    landmarks: LandmarkModel
    correction: Correction
    skin: Graph
    eyes: tuple[Eyeball, Eyeball]
    zones: Zones


@lru_cache(maxsize=2)
def prepared(surface: FaceSurface) -> Prepared:
    """What fitting needs of a surface; kept for the two surfaces used last."""
    weights = surface.weights
    chart, mean = weights.chart, weights.mean
    at_landmarks = _landmark_model(surface)
    soft = mesh_graph(chart, mean, (Region.SKIN, Region.LINING))
    left, right = (_eyeball(surface, region) for region in EYE_REGIONS)
    return Prepared(
        surface,
        at_landmarks,
        build_correction(chart, soft, mean),
        subgraph(soft, chart.point_region == Region.SKIN),
        (left, right),
        _zones(surface, at_landmarks.mean),
    )


def _landmark_model(surface: FaceSurface) -> LandmarkModel:
    weights, chart = surface.weights, surface.chart
    balls = [chart.points_of(region) for region in EYE_REGIONS]
    return LandmarkModel(
        chart.at_landmarks(weights.mean),
        chart.at_landmarks(weights.identity),
        chart.at_landmarks(weights.expression),
        np.stack([eye_centre(weights.mean[ball])[0] for ball in balls]),
        # Eyeballs move between people and hardly change: their middle tells where the centre is.
        np.stack([weights.identity[:, ball].mean(1) for ball in balls], 1),
    )


def eye_centre(points: Floats) -> tuple[Floats, float]:
    """Centre (3,) and radius of the sphere nearest to (P, 3) points, least squares."""
    system = np.concatenate([2 * points, np.ones((len(points), 1), np.float32)], 1)
    solution = np.linalg.lstsq(system.astype(float), (points.astype(float) ** 2).sum(1))[0]
    centre = solution[:3]
    return centre.astype(np.float32), float(np.sqrt(solution[3] + centre @ centre))


def _eyeball(surface: FaceSurface, region: Region) -> Eyeball:
    points = surface.chart.points_of(region)
    offsets = surface.weights.mean[points] - eye_centre(surface.weights.mean[points])[0]
    offsets = offsets[offsets[:, 2] > 0]
    r2 = (offsets[:, :2].astype(float) ** 2).sum(1)
    powers = r2[:, None] ** np.arange(4)
    near = r2 < 1.3**2
    profile = np.linalg.lstsq(powers[near], offsets[near, 2].astype(float))[0]
    return Eyeball(points, profile.astype(np.float32), float(offsets[:, 2].max()))


def _zones(surface: FaceSurface, landmarks: Floats) -> Zones:
    """Bounds in cm on the mean person; they hold for any chart as model space is the same."""
    chart = surface.chart
    x, y, z = surface.weights.mean.T
    skin = chart.point_region == Region.SKIN
    ear = skin & (np.abs(x) > 6.9) & (y > -3.2) & (y < 5.2) & (z < 4.4)
    outer = skin & (((z < 5.4) & (y > -3.6)) | (y > 12.0))
    low = skin & (y > -13) & (y < -1.5)
    oval = landmarks[PART["face_oval"]]
    inner = (y > oval[:, 1].min()) & (y < oval[:, 1].max()) & (z > oval[:, 2].min() + 1)
    lid = np.stack([_upper_lid(surface, side, landmarks) for side in range(2)])
    return Zones(outer, ear, low, skin & (y < -12), skin & inner & ~outer, lid)


def _upper_lid(surface: FaceSurface, side: int, landmarks: Floats) -> Floats:
    """(N,) in [0, 1]: the skin above the eye's corners that a blink moves."""
    blink = rig()
    blink[INDEX[("eyeBlink_L", "eyeBlink_R")[side]]] = 1
    moved = np.linalg.norm(_displacement(surface, blink), axis=1)
    corners = landmarks[EYES[side]][[0, 8], 1].mean()
    above = (surface.weights.mean[:, 1] > corners - 0.17) & (
        surface.chart.point_region == Region.SKIN
    )
    return np.asarray(smoothstep(moved, 0.12, 0.35) * above, np.float32)


def _displacement(surface: FaceSurface, weights: Floats) -> Floats:
    """(N, 3) cm that a rig vector moves the points by, from the neutral rig."""
    rigs = np.stack([np.zeros_like(weights), weights])
    both = surface.displacement(surface.rig_to_token(rigs))
    return np.asarray(both[1] - both[0], np.float32)
