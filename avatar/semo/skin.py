"""Attributes of the surface's points: where the portrait shows each, how it is lit, who moves it.

Axis legend: N chart points.
"""

import numpy as np
from numba import njit

from avatar.rig import POSE_AT
from avatar.semo.raster import INLINE, OPTIONS
from avatar.semo.shading import irradiance, light_points, smoothly, smoothstep
from avatar.semo.stage import Posed
from avatar.semo.types import Appearance, Chart, Floats, Region

_f = np.float32
# Hidden skin has taken its continued texture after so much expression (cm) or turn (radians).
_MOVED = (0.01, 0.07)
_TURNED = (0.01, 0.07)
# Cosines to the camera in the portrait between which sides and neck go over to the surface's own
# motion: below, the motion around stretches what turns in from behind.
_FRONT = (0.4, 0.7)
# Light ratio: bounds, and its strength in sRGB (1 / 2.2 would be all of it).
_RATIO = (0.55, 1.4)
_STRENGTH = 0.7 / 2.2


class Skin:
    """What of the skin does not change over frames. Holds nothing that changes."""

    def __init__(
        self, chart: Chart, mean: Floats, appearance: Appearance, rest: Posed, size: int
    ) -> None:
        """mean: (N, 3) the mean face in model space, by which sides and neck are told."""
        self._light = appearance.light
        self._rest = rest
        zone, low, high = _rims(chart, mean)
        at = rest.screen[:, :2]
        away = appearance.source * np.float32(size) - at
        light = irradiance(rest.normals, appearance.light)
        front = smoothstep(facing(rest), *_FRONT)
        hold = appearance.hold * (1 - zone * (1 - front))
        columns = (at, away, light, facing(rest), hold, zone, low, high)
        self._still = np.ascontiguousarray(
            np.concatenate([np.reshape(c, (len(at), -1)) for c in columns], 1), np.float32
        )
        self._irradiance = np.empty(len(at), np.float32)

    def fill(self, posed: Posed, out: Floats) -> None:
        """Columns 0 to 3 of attributes out (N, 9)."""
        turned = smoothly(float(np.abs(posed.rig[POSE_AT][:2]).max()), *_TURNED)
        change = posed.displacement - self._rest.displacement
        light_points(posed.normals, self._light, self._irradiance)
        views = (posed.points, posed.normals)
        _fill(views, change, self._irradiance, self._still, np.float32(turned), out)


def facing(posed: Posed) -> Floats:
    """(N,) cosine between each normal and the way to the camera."""
    along = -(posed.normals * posed.points).sum(1)
    return np.asarray(along / np.linalg.norm(posed.points, axis=1), np.float32)


def _rims(chart: Chart, mean: Floats) -> tuple[Floats, Floats, Floats]:
    """(N,) each: the zone (sides of the face, neck) in which skin goes over to the motion around it
    as it turns away from the camera, and between which cosines it does."""
    _, y, z = mean.T
    neck = (chart.head_weight < 0.98) | ((y < -4.5) & (z < 6.2))
    side = smoothstep(y, -9.0, -7.0) * smoothstep(z, 8.5, 6.0)
    zone = np.where(neck, 1, side) * (chart.point_region == Region.SKIN)
    low = np.where(chart.head_weight < 0.9, 0.02, 0.06)
    high = np.where(chart.head_weight < 0.9, 0.12, 0.34)
    return (np.asarray(a, np.float32) for a in (zone, low, high))  # type: ignore[return-value]


@njit(**INLINE)
def _smooth(x, low, high):  # type: ignore[no-untyped-def]
    t = min(max((x - low) / (high - low), _f(0)), _f(1))
    return t * t * (_f(3) - _f(2) * t)


@njit(
    "void(UniTuple(float32[:,::1], 2), float32[:,::1], float32[::1], float32[:,::1], float32,"
    " float32[:,::1])",
    **OPTIONS,
)
def _fill(views, change, irradiance, still, turned, out):  # type: ignore[no-untyped-def]
    points, normals = views
    for v in range(points.shape[0]):
        dx, dy, dz = change[v, 0], change[v, 1], change[v, 2]
        moved = _smooth(np.sqrt(dx * dx + dy * dy + dz * dz), _f(_MOVED[0]), _f(_MOVED[1]))
        moved = max(moved, turned)
        px, py, pz = points[v, 0], points[v, 1], points[v, 2]
        toward = -(normals[v, 0] * px + normals[v, 1] * py + normals[v, 2] * pz)
        toward /= np.sqrt(px * px + py * py + pz * pz)
        ratio = min(max(irradiance[v] / still[v, 4], _f(_RATIO[0])), _f(_RATIO[1]))
        sure = _smooth(min(toward, still[v, 5]), _f(0.12), _f(0.5))
        out[v, 0] = still[v, 0] + still[v, 2] * moved
        out[v, 1] = still[v, 1] + still[v, 3] * moved
        out[v, 2] = _f(1) + (ratio ** _f(_STRENGTH) - _f(1)) * sure
        away = _f(1) - _smooth(toward, still[v, 8], still[v, 9])
        out[v, 3] = still[v, 6] * (_f(1) - still[v, 7] * away)
