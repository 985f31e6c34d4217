"""Where teeth and tongue lie in one person's mouth.

The surface puts both where an average head has them; lips differ from person to person by more than
the millimetres of upper teeth that speech shows. Axis legend: N chart points.
"""

from dataclasses import replace

import cv2
import numpy as np

from avatar.rig import INDEX, rig
from avatar.semo.imaging import LUMINANCE
from avatar.semo.shading import smoothly, smoothstep, to_linear
from avatar.semo.surface import FaceSurface
from avatar.semo.types import Appearance, Chart, FittedPortrait, Floats, Ints, Region
from avatar.semo.window import group

_OPEN = 0.3  # jawOpen, added to the neutral face, at which teeth are measured
# cm of upper incisors that show below the lip then. Less or more is moved as far as allowed.
_SHOWN, _LOWER, _HIGHER = (0.23, 0.36), 0.5, 0.12
_FRONT = (0.8, 1.2)  # cm: incisors are so near to the middle, and behind the foremost tooth
_LOWER_SHOWN = -0.12  # cm of lower incisors at most: hidden
_RECESSION = 0.12  # cm that gums lie higher on the teeth than the surface has them
_FEWEST, _ARCH = 12, 6.5  # points of a tooth; cm before the origin: middle of the arch
_APART = 0.32
_STILL = 0.05  # cm of motion with the jaw: of upper teeth and gums
_UPPER_MIDDLE, _LOWER_MIDDLE = slice(4, 7), slice(14, 17)  # of the inner lips' landmarks
_PHOTO_OPEN = 0.35  # cm between the lips in the portrait, for its own teeth to be measured
_PALE = 0.55  # luminance of teeth, of the brightest in the same mouth
_JAW = (0.02, 0.3)  # jawOpen over which the tongue comes down
_DROP, _BACK = 0.52, 0.35  # of its height, and cm that the tip goes back


def with_jaw(surface: FaceSurface) -> Floats:
    """(N, 3) cm that a fully open jaw moves each point."""
    moved = surface.displacement(surface.rig_to_token(rig({"jawOpen": 1.0})))
    return np.asarray(moved - surface.displacement(surface.rig_to_token(rig())), np.float32)


def upper_points(surface: FaceSurface, *regions: Region) -> Ints:
    """Points of teeth or gums that the jaw does not move."""
    points = surface.chart.points_of(*regions)
    still = np.linalg.norm(with_jaw(surface)[points], axis=1) < _STILL
    return np.asarray(points[still], np.int32)


def placed(
    surface: FaceSurface, fitted: FittedPortrait, appearance: Appearance
) -> tuple[FittedPortrait, Appearance]:
    """The same portrait with its teeth and gums moved up or down; upper gums only move up.

    The upper incisors then show 2 to 3 mm below an opened upper lip, or end where the portrait's
    own teeth do; the lower ones hide behind an opened lower lip.
    """
    jaw = np.linalg.norm(with_jaw(surface), axis=1) >= _STILL
    upper, lower = _shown(surface, fitted, _opened(fitted), jaw)
    own = _ends_in_portrait(surface, fitted, jaw)
    down = float(np.clip(own if own is not None else _asked(upper), -_HIGHER, _LOWER))
    points = surface.chart.points_of(Region.TEETH, Region.GUMS)
    gums = surface.chart.point_region[points] == Region.GUMS
    above = np.where(gums, min(down, 0.0) - _RECESSION, down)
    rest, source = fitted.rest.copy(), appearance.source.copy()
    rest[points, 1] -= np.where(jaw[points], np.clip(lower - _LOWER_SHOWN, 0, _LOWER), above)
    camera = fitted.camera
    displacement = surface.displacement(surface.rig_to_token(fitted.rig))
    source[points] = camera.project(camera.to_camera((rest + displacement)[points]))[0]
    return replace(fitted, rest=rest), replace(appearance, source=source)


def tongue_drop(surface: FaceSurface, rest: Floats) -> tuple[Ints, Floats]:
    """Points of the tongue (M,), and (M, 3) cm that it comes down to lie behind the lower teeth."""
    points = surface.chart.points_of(Region.TONGUE)
    share = np.clip(np.linalg.norm(with_jaw(surface)[points], axis=1), 0, 1)[:, None]
    at = rest[points]
    height, depth = at[:, 1] - at[:, 1].min(), at[:, 2]
    tip = np.clip((depth - depth.max() + 3) / 3, 0, 1)
    drop = np.stack([np.zeros_like(height), -_DROP * height, -_BACK * tip], 1)
    return points, np.asarray(drop * share, np.float32)


def lowered(jaw: float) -> float:
    """How far the tongue has come down with the jaw, 0 to 1."""
    return smoothly(jaw, *_JAW)


def teeth_apart(chart: Chart, rest: Floats) -> Floats:
    """(N,) light that each point of teeth keeps beside its neighbour tooth, 1 elsewhere."""
    out = np.ones(len(rest), np.float32)
    tooth = _pieces(chart.triangles[chart.region == Region.TEETH], len(rest))
    points = chart.points_of(Region.TEETH)
    for piece in np.unique(tooth[points]):
        own = points[tooth[points] == piece]
        if len(own) < _FEWEST:
            continue
        flat = rest[own][:, ::2]
        # The arch runs around a point in its middle, so that across is along the arch.
        angle = np.arctan2(flat[:, 0], flat[:, 1] - _ARCH)
        side = np.abs(angle - (angle.min() + angle.max()) / 2) / max(float(np.ptp(angle)) / 2, 1e-3)
        out[own] = 1 - _APART * smoothstep(side, 0.55, 0.95)
    return out


def _pieces(triangles: Ints, count: int) -> Ints:
    """(count,) the lowest point that each point is joined with by triangles."""
    lowest = np.arange(count, dtype=np.int32)
    while True:
        least = lowest[triangles].min(1)
        joined = lowest.copy()
        for corner in range(3):
            np.minimum.at(joined, triangles[:, corner], least)
        if np.array_equal(joined, lowest):
            return lowest
        lowest = joined


def _opened(fitted: FittedPortrait) -> Floats:
    out = fitted.neutral.copy()
    out[INDEX["jawOpen"]] += _OPEN
    return out


def _asked(shown: float) -> float:
    """cm down."""
    least, most = _SHOWN
    return least - shown if shown < least else min(0.0, most - shown)


def _incisors(surface: FaceSurface, points: Ints) -> Ints:
    at = surface.weights.mean[points]
    aside, behind = _FRONT
    front = (np.abs(at[:, 0]) < aside) & (at[:, 2] > at[:, 2].max() - behind)
    return np.asarray(points[front], np.int32)


def _shown(
    surface: FaceSurface, fitted: FittedPortrait, weights: Floats, jaw: np.ndarray
) -> tuple[float, float]:
    """cm of upper incisors that the camera would see below the upper lip, and of lower ones above
    the lower lip; negative: hidden by so much. jaw: (N,) bool, what moves with it."""
    at = fitted.rest + surface.displacement(surface.rig_to_token(weights))
    camera = fitted.camera
    seen, near = camera.project(camera.to_camera(at))
    lips = surface.chart.at_landmarks(seen)[group("lips_inner")]
    teeth = surface.chart.points_of(Region.TEETH)
    upper, lower = (_incisors(surface, teeth[jaw[teeth] == moves]) for moves in (False, True))
    cm = float(near[upper].mean() * camera.focal)
    below = float(np.percentile(seen[upper, 1], 95)) - float(lips[_UPPER_MIDDLE, 1].mean())
    above = float(lips[_LOWER_MIDDLE, 1].mean()) - float(np.percentile(seen[lower, 1], 5))
    return below / cm, above / cm


def _ends_in_portrait(
    surface: FaceSurface, fitted: FittedPortrait, jaw: np.ndarray
) -> float | None:
    """cm that the incisors must come down to end where the portrait shows them to end; None if it
    does not show them."""
    lips = fitted.landmarks[group("lips_inner")]
    top, bottom = lips[_UPPER_MIDDLE], lips[_LOWER_MIDDLE][::-1]
    at = fitted.rest[surface.chart.points_of(Region.TEETH)]
    cm = fitted.camera.focal * float(fitted.camera.project(fitted.camera.to_camera(at))[1].mean())
    gap = float((bottom - top)[:, 1].mean()) / cm
    if gap < _PHOTO_OPEN:
        return None
    ends = _pale_share(fitted, top, bottom)
    return None if ends is None else ends * gap - _shown(surface, fitted, fitted.rig, jaw)[0]


def _pale_share(fitted: FittedPortrait, top: Floats, bottom: Floats) -> float | None:
    """How far down from the upper to the lower lip the portrait's mouth is pale, 0 to 1."""
    steps = np.linspace(0.06, 0.94, 23, dtype=np.float32)
    across = np.linspace(0, 1, 9, dtype=np.float32)[:, None, None]
    ends = [a[0] + across * (a[-1] - a[0]) for a in (top, bottom)]
    at = (ends[0] + steps[:, None] * (ends[1] - ends[0])) * fitted.rgb.shape[0] - np.float32(0.5)
    x, y = (np.ascontiguousarray(at[..., axis], np.float32) for axis in range(2))
    shown = np.asarray(cv2.remap(fitted.rgb, x, y, cv2.INTER_LINEAR), np.float32)
    bright = to_linear(shown) @ LUMINANCE
    profile = np.median(bright, axis=0)
    pale = profile > _PALE * profile.max()
    if pale[:12].sum() < 4 or profile.max() < 0.12:
        return None
    return float(steps[np.flatnonzero(pale).max()])
