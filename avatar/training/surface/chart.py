"""The chart: points and triangles of our own on the face, its lining, teeth, tongue and eyes.

Built once from the mean head of a face pack. What the project ships of it are flat positions,
triangles and weights; where the points lie on the pack's mesh (`Attachment`) stays with training.
"""

from dataclasses import dataclass

import numpy as np
import scipy.sparse as sp
from numpy.typing import NDArray
from scipy.sparse.csgraph import connected_components
from scipy.spatial import cKDTree

from avatar.rig import EXPRESSIONS, rig
from avatar.semo.types import Chart, Region
from avatar.training.pack import HeadPack, Section
from avatar.training.surface.patches import Samples, boundary_loops, harmonic_map, sample

Floats = NDArray[np.float64]
Ints = NDArray[np.int64]

SEED = 11
# Wanted distance of points in cm, by what is near.
FINE, EYE, NOSE, FACE, SKULL = 0.14, 0.28, 0.32, 0.62, 1.5
LINING, GUMS, TOOTH, MOLAR, EYEBALL = 0.55, 0.36, 0.19, 0.42, 0.24
EYE_CAP = 1.35  # radians from the eye's axis that the chart covers


@dataclass(frozen=True, slots=True, eq=False)
class Attachment:
    """Chart points on the pack's mesh: corners (N,3) vertex ids, weights (N,3)."""

    corners: NDArray[np.int32]
    weights: NDArray[np.float32]

    def __call__(self, vertices: NDArray[np.float32]) -> NDArray[np.float32]:
        """(..., V, C) values at the mesh's vertices to (..., N, C) at the chart's points."""
        picked = vertices[..., self.corners, :]
        return np.asarray((picked * self.weights[..., None]).sum(-2), np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class _Piece:
    region: Region
    corners: Ints
    weights: Floats
    flat: Floats
    joined: Ints


def build_chart(
    pack: HeadPack, landmark_corners: NDArray[np.int32], landmark_weights: NDArray[np.float32]
) -> tuple[Chart, Attachment]:
    """The chart and where its points lie on the pack's mesh.

    landmark_corners, landmark_weights: (150,3) where the landmarks lie on the pack's mesh.
    """
    rng = np.random.default_rng(SEED)
    vertices = pack.vertices.astype(np.float64)
    pieces = [_skin(pack, vertices, rng), *_linings(pack, vertices, rng)]
    pieces += [_teeth(pack, vertices, rng), *_gums(pack, vertices, rng)]
    pieces += [
        _eyeball(pack, vertices, section, region, rng)
        for section, region in (
            (Section.LEFT_EYE, Region.LEFT_EYE),
            (Section.RIGHT_EYE, Region.RIGHT_EYE),
        )
    ]
    pieces.sort(key=lambda piece: piece.region)
    starts = np.cumsum([0] + [len(piece.corners) for piece in pieces])
    corners = np.concatenate([piece.corners for piece in pieces]).astype(np.int32)
    weights = np.concatenate([piece.weights for piece in pieces]).astype(np.float32)
    triangles = np.concatenate([p.joined + s for p, s in zip(pieces, starts, strict=False)])
    region = np.concatenate([np.full(len(p.joined), p.region) for p in pieces])
    point_region = np.concatenate([np.full(len(p.corners), p.region) for p in pieces])
    attachment = Attachment(corners, weights)
    at = attachment(pack.vertices)
    head, neck = _turn_weights(at, point_region)
    places = (landmark_corners, landmark_weights)
    parted = pack.blend(np.zeros(len(pack.identity), np.float32), _PARTED)
    marks = _landmarks(pack, parted, places, (attachment(parted), triangles, point_region))
    chart = Chart(
        _atlas(pieces),
        triangles.astype(np.int32),
        point_region.astype(np.uint8),
        region.astype(np.uint8),
        head,
        neck,
        *marks,
    )
    return chart, attachment


def _piece(region: Region, triangles: Ints, samples: Samples) -> _Piece:
    return _Piece(
        region, triangles[samples.triangle], samples.weights, samples.flat, samples.joined
    )


def _triangles(pack: HeadPack, *sections: Section) -> Ints:
    return pack.triangles[np.isin(pack.triangle_section, sections)].astype(np.int64)


def _spacing(pack: HeadPack, vertices: Floats, skin: Ints) -> Floats:
    """(V,) wanted distance: fine at lips and lids, coarse on the skull."""
    loops = boundary_loops(vertices, skin)
    lips, *eyes = sorted(loops[1:], key=lambda loop: vertices[loop, 1].mean())
    spacing = np.full(len(vertices), FACE)
    face = np.unique(_triangles(pack, Section.FACE))
    outer = np.linalg.norm((vertices - [0, 0, 2]) * [1, 0.8, 1], axis=1)
    away = _distance(vertices, face[(vertices[face, 2] > 5) & (vertices[face, 1] > -9)])
    spacing = np.where(away > 0.2, np.clip(FACE + 0.35 * away, FACE, SKULL), spacing)
    spacing[outer > 60] = SKULL
    for loop, fine, reach in ((lips, FINE, 1.0), *((eye, FINE, 0.55) for eye in eyes)):
        near = _distance(vertices, loop)
        spacing = np.minimum(spacing, fine + 0.22 * np.maximum(near - reach, 0))
    brows = (np.abs(vertices[:, 0]) < 6) & (vertices[:, 1] > 3) & (vertices[:, 1] < 7)
    spacing = np.where(brows & (vertices[:, 2] > 7), np.minimum(spacing, EYE + 0.08), spacing)
    nose = (np.abs(vertices[:, 0]) < 2.2) & (vertices[:, 1] < 2.5) & (vertices[:, 1] > -2.2)
    return np.where(nose & (vertices[:, 2] > 9), np.minimum(spacing, NOSE), spacing)


def _distance(vertices: Floats, of: Ints) -> Floats:
    return np.asarray(cKDTree(vertices[of]).query(vertices)[0])


def _skin(pack: HeadPack, vertices: Floats, rng: np.random.Generator) -> _Piece:
    triangles = _triangles(pack, Section.FACE, Section.HEAD)
    flat = harmonic_map(vertices, triangles)
    spacing = _spacing(pack, vertices, triangles)
    return _piece(Region.SKIN, triangles, sample(vertices, triangles, flat, spacing, rng))


def _linings(pack: HeadPack, vertices: Floats, rng: np.random.Generator) -> list[_Piece]:
    """Mouth bag and eye sockets; their rims are sampled as finely as the skin's."""
    pieces = []
    everything = _triangles(pack, Section.SOCKET)
    for triangles in _components(len(vertices), everything):
        rim = boundary_loops(vertices, triangles)[0]
        spacing = np.minimum(LINING, FINE + 0.25 * _distance(vertices, rim))
        flat = harmonic_map(vertices, triangles)
        samples = sample(vertices, triangles, flat, spacing, rng)
        pieces.append(_piece(Region.LINING, triangles, samples))
    return pieces


def _components(count: int, triangles: Ints) -> list[Ints]:
    ends = (triangles.ravel(), np.roll(triangles, 1, 1).ravel())
    graph = sp.coo_matrix((np.ones(triangles.size), ends), (count, count))
    labels = connected_components(graph, directed=False)[1][triangles[:, 0]]
    return [triangles[labels == label] for label in np.unique(labels)]


def _gums(pack: HeadPack, vertices: Floats, rng: np.random.Generator) -> list[_Piece]:
    """Gums and tongue are one sheet in the pack; the tongue lies inside the lower teeth."""
    triangles = _triangles(pack, Section.GUMS)
    flat = harmonic_map(vertices, triangles)
    spacing = np.full(len(vertices), GUMS)
    samples = sample(vertices, triangles, flat, spacing, rng)
    middle = vertices[triangles].mean(1)[samples.triangle]
    across = np.abs(middle[:, 0]) / 1.75
    along = (middle[:, 2] - 5.5) / 4.3
    tongue = (across**2 + np.maximum(along, 0) ** 2 < 1) & (middle[:, 1] > -5.0)
    tongue &= middle[:, 1] < -2.2
    out = []
    for region, mine in ((Region.GUMS, ~tongue), (Region.TONGUE, tongue)):
        whole = mine[samples.joined].sum(1) >= 2
        joined = samples.joined[whole]
        used = np.unique(joined)
        back = np.full(len(mine), -1)
        back[used] = np.arange(len(used))
        out.append(
            _Piece(
                region,
                triangles[samples.triangle][used],
                samples.weights[used],
                samples.flat[used],
                back[joined],
            )
        )
    return out


def _teeth(pack: HeadPack, vertices: Floats, rng: np.random.Generator) -> _Piece:
    """The outward side of every tooth, unrolled around the dental arch."""
    parts = []
    for triangles in _components(len(vertices), _triangles(pack, Section.TEETH)):
        outward = _outward(vertices, triangles)
        if len(outward) < 6:
            continue
        used = np.unique(outward)
        fine = TOOTH if vertices[used, 2].mean() > 8.2 else MOLAR
        flat = _unroll(vertices)
        try_spacing = np.full(len(vertices), fine)
        samples = sample(vertices, outward, flat, try_spacing, rng)
        parts.append(_piece(Region.TEETH, outward, samples))
    starts = np.cumsum([0] + [len(part.corners) for part in parts])
    return _Piece(
        Region.TEETH,
        np.concatenate([part.corners for part in parts]),
        np.concatenate([part.weights for part in parts]),
        np.concatenate([part.flat for part in parts]),
        np.concatenate([p.joined + s for p, s in zip(parts, starts, strict=False)]),
    )


ARCH_CENTRE = 5.0  # z of the axis around which teeth are unrolled, cm


def _unroll(vertices: Floats) -> Floats:
    angle = np.arctan2(vertices[:, 0], vertices[:, 2] - ARCH_CENTRE)
    return np.stack([2.6 * angle, vertices[:, 1]], 1)


def _outward(vertices: Floats, triangles: Ints) -> Ints:
    """The largest connected part of a tooth that can be seen from outside the arch."""
    a, b, c = (vertices[triangles[:, k]] for k in range(3))
    normal = np.cross(b - a, c - a)
    out = (a + b + c) / 3 - [0, 0, ARCH_CENTRE]
    out[:, 1] = 0
    size = np.linalg.norm(normal, axis=1) * np.linalg.norm(out, axis=1)
    seen = (normal * out).sum(1) > 0.08 * np.maximum(size, 1e-9)
    parts = _components(len(vertices), triangles[seen]) if seen.any() else []
    return max(parts, key=len) if parts else triangles[:0]


def _eyeball(
    pack: HeadPack, vertices: Floats, section: Section, region: Region, rng: np.random.Generator
) -> _Piece:
    """The front of one eyeball, flattened by angle from its axis."""
    triangles = _triangles(pack, section)
    centre = eye_centre(pack.vertices[np.unique(triangles)])
    way = vertices - centre
    angle = np.arctan2(np.linalg.norm(way[:, :2], axis=1), way[:, 2])
    flat = (
        angle[:, None]
        * way[:, :2]
        / np.maximum(np.linalg.norm(way[:, :2], axis=1, keepdims=True), 1e-9)
    )
    front = triangles[(angle[triangles] < EYE_CAP).all(1)]
    front = max(_components(len(vertices), front), key=len)
    samples = sample(vertices, front, flat, np.full(len(vertices), EYEBALL), rng)
    return _piece(region, front, samples)


EYE_DEPTH = 1.5  # cm from the back of the pack's eyeball to its centre


def eye_centre(eyeball: NDArray[np.float32]) -> NDArray[np.float32]:
    """(n,3) points of a whole eyeball, (3,) its centre."""
    centre = (eyeball.max(0) + eyeball.min(0)) / 2
    centre[2] = eyeball[:, 2].min() + EYE_DEPTH
    return np.asarray(centre, np.float32)


def _turn_weights(
    points: NDArray[np.float32], region: Ints
) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
    """How far points turn with head and neck: a smooth fall over throat and nape."""
    height = points[:, 1] + 0.35 * points[:, 2]
    head, neck = _smooth(height, -11.8, -7.2), _smooth(height, -15.5, -10.5)
    inner = region != Region.SKIN
    head[inner] = 1
    neck[inner] = 1
    return head.astype(np.float32), neck.astype(np.float32)


def _smooth(x: NDArray[np.float32], low: float, high: float) -> NDArray[np.float32]:
    t = np.clip((x - low) / (high - low), 0, 1)
    return np.asarray(t * t * (3 - 2 * t))


def _atlas(pieces: list[_Piece]) -> NDArray[np.float32]:
    """(N,2) in [0,1]: each piece's flat map in a cell of its own."""
    side = int(np.ceil(np.sqrt(len(pieces))))
    cells = []
    for at, piece in enumerate(pieces):
        low, span = piece.flat.min(0), np.ptp(piece.flat, axis=0).max()
        cells.append(((piece.flat - low) / span * 0.96 + 0.02 + [at % side, at // side]) / side)
    return np.concatenate(cells).astype(np.float32)


# Lips slightly apart: upper and lower lip lie on one another in the face at rest.
_PARTED = rig({"jawOpen": 0.3})[: len(EXPRESSIONS)]


def _landmarks(
    pack: HeadPack,
    vertices: NDArray[np.float32],
    places: tuple[NDArray[np.int32], NDArray[np.float32]],
    chart: tuple[NDArray[np.float32], Ints, Ints],
) -> tuple[NDArray[np.int32], NDArray[np.float32]]:
    """Landmarks on the chart (points, triangles, region of the points): the nearest point of the
    nearest triangle of skin or eyeball, where the pack's vertices lie as given."""
    points, triangles, region = chart
    corners, weights = places
    wanted = (vertices[corners] * weights[..., None]).sum(1)
    on_eye = np.isin(pack.vertex_section[corners[:, 0]], (Section.LEFT_EYE, Section.RIGHT_EYE))
    owners = region[triangles[:, 0]]
    out_points, out_weights = np.zeros((150, 3), np.int32), np.zeros((150, 3), np.float32)
    for eye in (False, True):
        mine = owners >= Region.LEFT_EYE if eye else owners == Region.SKIN
        usable = triangles[mine]
        for at in np.flatnonzero(on_eye == eye):
            near = np.argsort(np.linalg.norm(points[usable].mean(1) - wanted[at], axis=1))[:24]
            best = min(((*_closest(points[usable[t]], wanted[at]), t) for t in near),
                       key=lambda found: found[0])  # fmt: skip
            out_points[at], out_weights[at] = usable[best[2]], best[1]
    return out_points, out_weights


def _closest(corners: NDArray[np.float32], to: NDArray[np.float32]) -> tuple[float, Floats]:
    """Distance and weights of the point of a triangle that is (nearly) closest to `to`."""
    a, b, c = corners.astype(np.float64)
    basis = np.stack([b - a, c - a], 1)
    share = np.clip(np.linalg.lstsq(basis, to - a, rcond=None)[0], 0, 1)
    share = share / max(1.0, share.sum())
    return float(np.linalg.norm(a + basis @ share - to)), np.r_[1 - share.sum(), share]
