"""The motion of all that lies around the face: hair, ears, neck, shoulders, and the outline.

What the face's own surface tells is completed by the body that the portrait was inflated to
(`avatar.semo.body`): its cells turn with head and neck, next to the outline they go over to the
outline's motion, which keeps what the matte cut soft as it was. Axis legend: N chart points, C
cells, M places on the outline, K = C + M, G cells along each side of the grid.
"""

import numpy as np
from numba import njit

from avatar.semo.background import GRID, Surroundings
from avatar.semo.body import Body, body_of
from avatar.semo.outline import ARC, STEPS
from avatar.semo.raster import INLINE, OPTIONS
from avatar.semo.shading import smoothstep
from avatar.semo.skin import facing
from avatar.semo.stage import Posed, Stage
from avatar.semo.surface import FaceSurface
from avatar.semo.types import Appearance, FittedPortrait, Floats, Region

_f = np.float32
TELLS = (0.35, 0.7)  # cosine to the camera from which the surface tells depth and motion
# Cosines to the camera, now and in the portrait, between which the body's cells go over to the
# motion of the outline next to them.
_RINGS = (0.7, 1.4)
TURNED = (0.2, 0.65)


class Around:
    """Motion around one portrait's face. Holds nothing that changes."""

    def __init__(
        self, surface: FaceSurface, fitted: FittedPortrait, appearance: Appearance
    ) -> None:
        # In shares of a picture of side 1.
        self._stage = Stage(surface, fitted, 1)
        rest = self._stage.pose(self._stage.rest_token)
        tells, still = _tells(surface, appearance, rest), _shoulders(fitted)
        self._body = body = body_of(surface, fitted, rest, tells, still)
        self._body_rest = self._stage.carried(rest.rig, body.model, body.weights)[1]
        self._focal = np.float32(fitted.camera.focal)
        self._beyond = len(body.nearest)
        places, share = body.at[self._beyond :], body.share[self._beyond :]
        rings = [places + body.outward * np.float32(cells / GRID) for cells in _RINGS]
        anchors = (
            np.concatenate([body.at, *rings]),
            np.concatenate([body.share, *[share] * len(rings)]),
        )
        self._surroundings = Surroundings(rest.screen[:, :2], tells, still, anchors)

    @property
    def body(self) -> Body:
        """What the portrait was inflated to."""
        return self._body

    def field(self, posed: Posed, change: Floats) -> Floats:
        """(G, G, 2) picture shares: where what is seen at each cell's centre came from, relative to
        it; change: (N, 2) what the surface's points have moved by, picture shares."""
        body = self.motion(posed)
        # Next to the outline the background's edge moves with it.
        moves = np.concatenate([change, body, *[body[self._beyond :]] * len(_RINGS)])
        return self._surroundings.field(np.ascontiguousarray(moves))

    def motion(self, posed: Posed) -> Floats:
        """(K, 2) what the body's cells, then the outline's places have moved by, picture shares."""
        body, rig = self._body, posed.rig
        points, at = self._stage.carried(rig, body.model, body.weights)
        ahead = self._stage.carried(rig, body.ahead, body.weights)[0]
        turning = np.ascontiguousarray(body.weights[len(body.nearest) :])
        towards = self._stage.carried(rig, body.towards, turning)[0]
        out = np.empty((len(body.at), 2), np.float32)
        form = (body.nearest, body.facing, body.reach)
        body_motion(self._body_rest, (at, points, ahead, towards), form, self._focal, out)
        return out


def bare(mean: Floats) -> Floats:
    """(N,) in [0, 1] how far points of the mean head (N, 3) are skin that hair hardly covers."""
    _, y, z = mean.T
    side = np.maximum(smoothstep(z, 3.5, 5.5), smoothstep(y, -5.0, -7.0))
    return np.asarray(side * smoothstep(y, 10.0, 8.0), np.float32)


def _tells(surface: FaceSurface, appearance: Appearance, rest: Posed) -> Floats:
    """(N,) in [0, 1] how far the surface tells depth and motion of what is around a point."""
    skin = surface.chart.point_region == Region.SKIN
    sure = smoothstep(facing(rest), *TELLS) * bare(surface.weights.mean)
    return np.asarray(appearance.hold * skin * appearance.seen * sure, np.float32)


def _shoulders(fitted: FittedPortrait) -> Floats:
    """(G, G) how far a cell at the depth of the trunk lies below the neck or beside it, out of the
    head's and its hair's reach, where nothing moves."""
    camera = fitted.camera
    cells = (np.arange(GRID, dtype=np.float32) + 0.5) / GRID
    u, v = np.meshgrid(cells, cells)
    depth = -float(camera.translation[2])
    x = (u - camera.centre[0]) / camera.focal * depth - camera.translation[0]
    y = (camera.centre[1] - v) / camera.focal * depth - camera.translation[1]
    model = np.stack([x, y, np.zeros_like(x)], -1) @ camera.rotation
    aside, below = np.abs(model[..., 0]), -model[..., 1]
    beside = smoothstep(aside, 12.0, 17.0) * smoothstep(below, 4.0, 9.0)
    return np.asarray(np.maximum(smoothstep(below, 13.0, 17.0), beside), np.float32)


@njit(**INLINE)
def _smooth(x, low, high):  # type: ignore[no-untyped-def]
    t = min(max((x - low) / (high - low), _f(0)), _f(1))
    return t * t * (_f(3) - _f(2) * t)


@njit(**INLINE)
def _scaled(x, y, z):  # type: ignore[no-untyped-def]
    length = np.sqrt(x * x + y * y + z * z) + _f(1e-9)
    return x / length, y / length, z / length


@njit(**INLINE)
def _ends(x, n, v, reach):  # type: ignore[no-untyped-def]
    """From a place x on the turned body to its new outline, in camera space; n and v are 1 cm
    beyond x outward and where the camera was."""
    nx, ny, nz = n[0] - x[0], n[1] - x[1], n[2] - x[2]
    vx, vy, vz = v[0] - x[0], v[1] - x[1], v[2] - x[2]
    wx, wy, wz = _scaled(x[0], x[1], x[2])
    a, b = vx * wx + vy * wy + vz * wz, nx * wx + ny * wy + nz * wz
    # In the plane of n and v, at right angles to the line of sight.
    dx, dy, dz = _scaled(b * vx - a * nx, b * vy - a * ny, b * vz - a * nz)
    cosine, sine = dx * nx + dy * ny + dz * nz, dx * vx + dy * vy + dz * vz
    if cosine < _f(0):
        dx, dy, dz, cosine, sine = -dx, -dy, -dz, -cosine, -sine
    step = (np.arctan2(sine, cosine) / _f(np.radians(ARC)) + _f(1)) * _f((STEPS - 1) / 2)
    step = min(max(step, _f(0)), _f(STEPS - 1.001))
    first = np.int64(step)
    part = step - _f(first)
    length = reach[first] + (reach[first + 1] - reach[first]) * part
    return dx * length, dy * length


@njit(
    "void(float32[:,::1], UniTuple(float32[:,::1], 4), Tuple((int32[::1], float32[::1],"
    " float32[:,::1])), float32, float32[:,::1])",
    **OPTIONS,
)
def body_motion(rest, now, body, focal, out):  # type: ignore[no-untyped-def]
    """How far cells and outline move into out (K, 2), in units of a picture.

    rest: screen (K, 3) of `Body.model` in the portrait; now: the same, then `Body.model`,
    `Body.ahead` and `Body.towards` in camera space; body: nearest, facing, reach; focal: in the
    same units.
    """
    nearest, facing, reach = body
    count = nearest.shape[0]
    new, points, ahead, towards = now
    for m in range(count, out.shape[0]):
        x, y = _ends(points[m], ahead[m], towards[m - count], reach[m - count])
        out[m, 0] = new[m, 0] + x * focal * new[m, 2] - rest[m, 0]
        out[m, 1] = new[m, 1] - y * focal * new[m, 2] - rest[m, 1]
    for c in range(count):
        x, y, z = points[c, 0], points[c, 1], points[c, 2]
        toward = x * (x - ahead[c, 0]) + y * (y - ahead[c, 1]) + z * (z - ahead[c, 2])
        toward /= np.sqrt(x * x + y * y + z * z) + _f(1e-6)
        own = _smooth(min(toward, facing[c]), _f(TURNED[0]), _f(TURNED[1]))
        m = count + nearest[c]
        for k in range(2):
            out[c, k] = out[m, k] + (new[c, k] - rest[c, k] - out[m, k]) * own
