"""The person of a portrait as a body: how deep hair, ears and neck lie.

The face surface knows the skull, not the hair. Here all of the matte is inflated between its
outline, which lies as deep as the head's own, and the face: the square of the height above the
outline solves Poisson's equation, which is exact for a sphere. Axis legend: N chart points, G cells
along each side of the grid around the face, C cells of the body, M places on the outline, K = C +
M, W = _FINE pixels.
"""

from dataclasses import dataclass, replace

import cv2
import numpy as np
from numba import njit

from avatar.semo.imaging import pull_push
from avatar.semo.outline import INSIDE, Lens, Outline, outline_of, read
from avatar.semo.raster import OPTIONS, Seen, rasterise
from avatar.semo.shading import smoothstep
from avatar.semo.stage import Posed
from avatar.semo.surface import FaceSurface
from avatar.semo.types import Chart, FittedPortrait, Floats, Ints, Region

_f = np.float32
_FINE = 256  # px of a side of the picture in which the body is found
_COARSE = 2  # px of it to a step in which it is inflated
_ROUNDS = 150  # of the relaxation
_OVER = 1.9  # over-relaxation
_OUTLINE = 3.0  # cells that a place on the outline counts as
_LEAST = 0.05  # of a cell
_ROUND = 9.0  # cm: radius of the body next to its outline
_LOOSE = (6.0, 9.0)  # cm beside the middle from where hair hangs loose


@dataclass(frozen=True, slots=True, eq=False)
class Body:
    """at: (K, 2) picture shares of cells, then of places on the outline; share: (K,) how many cells
    of the motion around the face each tells.
    model: (K, 3) in model space with the portrait's expression; ahead: (K, 3) 1 cm further out of
    the body; towards: (M, 3) 1 cm nearer to the camera; weights: (K, 2) turning with head and neck.
    nearest: (C,) place on the outline next to each cell; facing: (C,) cosine to the camera in the
    portrait; outward: (M, 2), reach: (M, A) see `Outline`."""

    at: Floats
    share: Floats
    model: Floats
    ahead: Floats
    towards: Floats
    weights: Floats
    nearest: Ints
    facing: Floats
    outward: Floats
    reach: Floats


@dataclass(frozen=True, slots=True, eq=False)
class _Head:
    """depth: (W, W) cm, 0 where nothing is; hit: (W, W) bool; weights: (W, W, 2); tells: (W, W)."""

    depth: Floats
    hit: np.ndarray
    weights: Floats
    tells: Floats


@dataclass(frozen=True, slots=True, eq=False)
class _Form:
    """height2: (W, W) squared height above the outline's depth, rim (W, W), cm."""

    height2: Floats
    rim: Floats


@dataclass(frozen=True, slots=True, eq=False)
class _Cells:
    """See `Body`; camera (C, 3) in camera space."""

    at: Floats
    share: Floats
    camera: Floats


def body_of(
    surface: FaceSurface, fitted: FittedPortrait, rest: Posed, tells: Floats, still: Floats
) -> Body:
    """The body of a portrait.

    rest: the surface as the portrait shows it, in a picture of side 1; tells: (N,) in [0, 1], how
    far the surface itself tells the motion around a point; still: (G, G) how much a cell is known
    not to move.
    """
    chart = surface.chart
    head, lens = _rastered(chart, rest, tells), Lens(fitted.camera, _FINE)
    matte = _resized(fitted.matte, _FINE)
    rim = _rim_depth(head)
    form = _Form(_inflated(matte > INSIDE, head, rim, lens), rim)
    skin = np.ascontiguousarray(rest.points[chart.point_region == Region.SKIN])
    outline = outline_of(matte, rim, lens, skin)
    cells = _cells(matte > INSIDE, form, head, lens, len(still))
    if not len(outline.at):  # nothing to hold on to
        cells = _Cells(*(getattr(cells, name)[:0] for name in _Cells.__slots__))
    body = _joined(cells, outline, lens)
    weights = _weights(surface.chart, surface.weights.mean, body.model)
    return replace(body, weights=weights * (1 - read(still, body.at))[:, None])


def _weights(chart: Chart, mean: Floats, points: Floats) -> Floats:
    """(K, 2) how far points (K, 3) in model space turn with head and neck: as skin at their height
    does, loose hair beside it more evenly."""
    skin = chart.point_region == Region.SKIN
    levels = np.arange(-20, 0, dtype=np.float32)
    near = np.abs(mean[skin, 1] - levels[:, None]) < 1
    rows = [
        (near * weight[skin]).sum(1) / np.maximum(near.sum(1), 1)
        for weight in (chart.head_weight, chart.neck_weight)
    ]
    y = points[:, 1]
    beside = smoothstep(np.abs(points[:, 0]), *_LOOSE)
    loose = (smoothstep(y, -16.0, -6.0), smoothstep(y, -18.0, -8.0))
    both = [
        np.interp(y, levels, row) * (1 - beside) + free * beside
        for row, free in zip(rows, loose, strict=True)
    ]
    return np.ascontiguousarray(np.stack(both, 1), np.float32)


def _joined(cells: _Cells, outline: Outline, lens: Lens) -> Body:
    at = np.concatenate([cells.at, outline.at])
    places = np.full(len(outline.at), _OUTLINE, np.float32)
    nearest = _nearest(cells.at, outline.at)
    ahead, facing = _round(cells, outline, nearest, lens)
    return Body(
        at=at,
        share=np.concatenate([cells.share, places]),
        model=lens.model(np.concatenate([cells.camera, outline.camera])),
        ahead=lens.model(np.concatenate([ahead, outline.ahead])),
        towards=lens.model(outline.towards),
        weights=np.zeros((len(at), 2), np.float32),
        nearest=nearest,
        facing=facing,
        outward=outline.outward,
        reach=outline.reach,
    )


def _round(cells: _Cells, outline: Outline, nearest: Ints, lens: Lens) -> tuple[Floats, Floats]:
    """ahead (C, 3) in camera space and facing (C,) of a body that is round where it nears its
    outline, whatever creases lie between: hair beside a cheek does not turn away with the cheek."""
    apart = np.linalg.norm(cells.at - outline.at[nearest], axis=1)
    deep = apart * _FINE * lens.pixel(-cells.camera[:, 2]) / np.float32(_ROUND)
    across = 1 - np.minimum(deep, 1)
    facing = np.sqrt(1 - across**2).astype(np.float32)
    place = outline.camera[nearest]
    outward, towards = outline.ahead[nearest] - place, outline.towards[nearest] - place
    normal = outward * across[:, None] + towards * facing[:, None]
    return cells.camera + normal, facing


def _nearest(at: Floats, places: Floats) -> Ints:
    """(C,) the place (M, 2) next to each of (C, 2)."""
    if not len(places):
        return np.zeros(0, np.int32)
    apart = (places**2).sum(1) - 2 * at @ places.T
    return np.asarray(apart.argmin(1), np.int32)


def _rastered(chart: Chart, rest: Posed, tells: Floats) -> _Head:
    skin = np.ascontiguousarray(chart.triangles[chart.region == Region.SKIN])
    seen = Seen.empty(_FINE, _FINE)
    rasterise(rest.screen, skin, np.array([0, 0, _FINE], np.float32), tuple(seen))
    hit = seen.hit >= 0
    corners = skin[np.where(hit, seen.hit, 0)]
    two = np.where(hit[..., None], seen.weights, 0)
    share = np.dstack([two, 1 - two.sum(2)])
    values = np.stack([chart.head_weight, chart.neck_weight, tells], 1)
    found = (values[corners] * share[..., None]).sum(2) * hit[..., None]
    depth = np.divide(1, seen.near, out=np.zeros_like(seen.near), where=hit)
    return _Head(depth, hit, found[..., :2].astype(np.float32), found[..., 2].astype(np.float32))


def _resized(picture: Floats, side: int) -> Floats:
    how = cv2.INTER_AREA if picture.shape[0] > side else cv2.INTER_LINEAR
    return np.asarray(cv2.resize(picture, (side, side), interpolation=how), np.float32)


def _rim_depth(head: _Head) -> Floats:
    """(W, W) depth of the head's own outline, spread over the picture."""
    rim = np.zeros(head.hit.shape, np.float32)
    whole = head.hit.astype(np.uint8)
    for contour in cv2.findContours(whole, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0]:
        places = contour[((contour > 1) & (contour < _FINE - 2)).all((1, 2)), 0]
        rim[places[:, 1], places[:, 0]] = 1
    spread = pull_push(head.depth[..., None], rim)[..., 0]
    return np.asarray(cv2.GaussianBlur(spread, (0, 0), _FINE / 64), np.float32)


def _inflated(inside: np.ndarray, head: _Head, rim: Floats, lens: Lens) -> Floats:
    """(W, W) see `_Form`; the face is as the surface knows it."""
    known = inside & head.hit & (head.tells > 0.5)
    height = np.where(known, np.maximum(rim - head.depth, 0), 0)
    few = (slice(None, None, _COARSE),) * 2
    values = np.ascontiguousarray(height[few] ** 2, np.float32)
    source = np.ascontiguousarray(4 * (_COARSE * lens.pixel(rim[few])) ** 2, np.float32)
    _relax(values, source, (inside & ~known)[few].astype(np.uint8))
    return np.asarray(_resized(values, _FINE), np.float32)


def _cells(inside: np.ndarray, form: _Form, head: _Head, lens: Lens, grid: int) -> _Cells:
    """Middles of the grid's cells on the person, as far as the surface does not tell of them."""
    share = ((1 - head.tells) * inside).astype(np.float32)
    mean = cv2.resize(share, (grid, grid), interpolation=cv2.INTER_AREA)
    rows, columns = np.nonzero(mean > _LEAST)
    at = (np.stack([columns, rows], 1).astype(np.float32) + np.float32(0.5)) / np.float32(grid)
    smooth = np.asarray(cv2.GaussianBlur(form.height2, (0, 0), _FINE / grid / 2), np.float32)
    height = np.sqrt(np.maximum(read(smooth, at), 1e-4))
    depth = read(form.rim, at) - height
    return _Cells(at, mean[rows, columns], lens.camera(at, depth))


@njit("void(float32[:,::1], float32[:,::1], uint8[:,::1])", **OPTIONS)
def _relax(values, source, free):  # type: ignore[no-untyped-def]
    """Solve Poisson's equation (Laplacian = -source a pixel) where free, by over-relaxation."""
    rows, columns = values.shape
    for _ in range(_ROUNDS):
        for y in range(rows):
            for x in range(columns):
                if free[y, x] == 0:
                    continue
                up, down = values[max(y - 1, 0), x], values[min(y + 1, rows - 1), x]
                left, right = values[y, max(x - 1, 0)], values[y, min(x + 1, columns - 1)]
                mean = (up + down + left + right + source[y, x]) * _f(0.25)
                values[y, x] += _f(_OVER) * (mean - values[y, x])
