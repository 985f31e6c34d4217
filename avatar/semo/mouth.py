"""The mouth's inside: teeth, gums, tongue and lining in the light that the lips let in.

Axis legend: N chart points, I points inside, h w samples of a window.
"""

from enum import Enum
from typing import Any

import cv2
import numpy as np
from numba import njit

from avatar.semo.completion import Covered
from avatar.semo.compose import ATTRIBUTES
from avatar.semo.inside import colours_inside
from avatar.semo.oral import upper_points
from avatar.semo.own_teeth import gain_at, own_gain, picked
from avatar.semo.raster import OPTIONS, Seen, rasterise
from avatar.semo.shading import lit, smoothly, smoothstep, srgb, to_linear
from avatar.semo.stage import Posed
from avatar.semo.surface import FaceSurface
from avatar.semo.types import Appearance, Bytes, FittedPortrait, Floats, Region
from avatar.semo.window import SAMPLES, Window, group

_NO_MAP: Any = None  # both coordinates are in the first map
_SOFTNESS = 0.07  # cm, standard deviation of the blur over what is soft
_BLEED = 0.8  # weight of teeth in the blur of flesh beside them
_MARGIN = 0.25  # cm of skin around the lips in a window
_INSIDE = (Region.LINING, Region.TEETH, Region.GUMS, Region.TONGUE)
_EYE_SOCKETS = 1.0  # cm above the origin; lining above belongs to the eyes
_SOCKET_LIGHT = 0.5
_BEFORE = 0.25  # cm behind the inner lips' line that all their light reaches
# Squared radius, cm^2, of the opening that lets light in: with closed lips, and what is added of
# the product of its half axes.
_NARROW, _WIDE = 0.15, 1.2
# Teeth behind narrow lips lie in their shadow, behind wide ones in the light: exponent of the gap's
# share of the mouth's width, the share where neither is, least and most. Told from 48 photos.
_GAP, _GAP_EVEN, _GAP_BOUNDS = 0.5, 0.13, (0.6, 1.15)
_ASIDE = 0.6  # of the way to the side counts as distance: the opening is wide
# Flesh behind an opening lies deeper in its own shadow than teeth, and under the upper lip's.
_DEEP = {Region.TEETH: 0.0, Region.GUMS: 0.0, Region.TONGUE: 0.65, Region.LINING: 0.8}
_AMBIENT = 0.07  # light that lips and cheeks send to what lies right behind them
_REDDER = 0.55  # what green and blue lose where no light comes directly
_LEAST_GAP = 0.3  # cm between the lips, of a mouth that has a roof
_ROOF = 0.6  # of the light is lost under the roof of the mouth
# Of the light goes everywhere: teeth shine through.
_SOFT = {Region.TEETH: 0.6, Region.GUMS: 0.6, Region.TONGUE: 0.5, Region.LINING: 0.3}
_WET = {Region.TEETH: 0.06, Region.GUMS: 0.05, Region.TONGUE: 0.12, Region.LINING: 0.0}
_LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)
_AT_RIM = 0.6  # of the light reaches what lies right behind a lip
_ABOVE = 0.68  # of what shades a place lies above it: the upper lip does more than the lower
# cm from the rim of an open mouth, and luminance beside teeth, for the portrait's own teeth.
_SEEN, _LEAST_TEETH = 0.05, 0.05  # cm from the rim; cm^2: teeth that tell their brightness
_RIM, _PALE = 0.14, (0.3, 0.55)
_MOVED = (0.02, 0.15)  # cm of lip motion over which the portrait's own mouth gives way


class Own(Enum):
    """What a mouth that is drawn all over takes from the portrait's own: the brightness of its
    teeth, or nothing."""

    COLOUR = 1
    NOTHING = 0


class Mouth:
    """The mouth of one portrait at one size. Holds nothing that changes."""

    def __init__(
        self,
        surface: FaceSurface,
        fitted: FittedPortrait,
        appearance: Appearance,
        rest: Posed,
        size: int,
        own: Own | None = None,
    ) -> None:
        """own: what of the portrait's own mouth is used, all of it unless given."""
        self._chart = chart = surface.chart
        self._upper = upper_points(surface, Region.TEETH)
        self._rest, self._size = rest, size
        self._pixels = float(fitted.camera.focal * size / -rest.points[:, 2].mean())
        self._at = chart.points_of(*_INSIDE)
        self._light = appearance.light
        self._axes = fitted.camera.rotation.T  # to the side, up and forward
        self._white = appearance.white
        self._region = chart.point_region[self._at]
        self._own = self._shape(rest.marks[group("lips_inner")])
        self._keeps = own is None
        lining = self._region == Region.LINING
        columns = (
            colours_inside(chart, fitted, appearance, self._at, self._upper),
            np.array([_SOFT[Region(r)] for r in self._region])[:, None],
            np.array([_WET[Region(r)] for r in self._region])[:, None],
            (lining & (fitted.rest[self._at, 1] > _EYE_SOCKETS))[:, None],
            self._photographed(fitted, appearance)[:, None],
            np.array([_DEEP[Region(r)] for r in self._region])[:, None],
        )
        self._still = np.ascontiguousarray(np.concatenate(columns, 1), np.float32)
        if own is not Own.NOTHING:
            self._match(fitted)

    def fill(self, posed: Posed, out: Floats) -> None:
        """Columns 4 to 7 of attributes out (N, 9) of the points inside."""
        marks = posed.marks[group("lips_inner")]
        gap = max(0.0, float((marks[4:7, 1] - marks[16:13:-1, 1]).mean()))
        wide = float(np.linalg.norm(marks[10] - marks[0]))
        size, own = _NARROW + _WIDE * wide * gap / 4, 1 - self.moved(posed)
        reached = np.clip((gap / max(wide, 0.5) / _GAP_EVEN) ** _GAP, *_GAP_BOUNDS)
        last = ((size, own, max(gap, _LEAST_GAP)), (reached, min(reached, 1.0), 0))
        vectors = (*self._axes, marks.mean(0), self._white, *last)
        shape = (posed.points, posed.normals)
        lamp = (self._light, np.asarray(np.stack(vectors), np.float32))
        _shade(self._at, shape, self._still, lamp, out)

    def moved(self, posed: Posed) -> float:
        """How far the mouth is not the portrait's own any more, 0 to 1."""
        if not self._keeps:
            return 1.0
        lips = self._shape(posed.marks[group("lips_inner")])
        return smoothly(float(np.abs(lips - self._own).max()), *_MOVED)

    def covered(self, seen: Seen, points: Floats, window: Window) -> Covered:
        """What the samples of a window show; points: (N, 9) attributes."""
        hit = np.maximum(seen.hit, 0)
        kind = np.where(seen.hit >= 0, self._chart.region[hit], np.uint8(Region.SKIN))
        own = np.zeros(hit.shape, np.float32)
        if points[self._at, 7].any():
            own = points[:, 7][self._chart.triangles[hit]].mean(-1)
        return Covered.of(kind, own, (window.right - window.left, window.bottom - window.top))

    def window(self, posed: Posed) -> Window | None:
        """Where the lips are."""
        marks = posed.marks_at[group("lips_outer")]
        return Window.around(marks, _MARGIN * self._pixels, self._size)

    def light(self, inside: Floats) -> Floats:
        """(h, w) 1 where the inside shows, to (h, w) light that the lips let reach it."""
        reach = max(1, round(0.22 * self._pixels * SAMPLES))
        side = 2 * reach + 1
        above = (reach, min(side - 1, round(_ABOVE * side)))
        soft = cv2.blur(inside, (side, side), anchor=above, borderType=cv2.BORDER_CONSTANT)
        soft = cv2.blur(soft, (side, side), anchor=above, borderType=cv2.BORDER_CONSTANT)
        return np.asarray(np.clip(_AT_RIM + (1.35 - _AT_RIM) * soft, 0, 1), np.float32)

    def soften(self, covered: Covered, strength: float, part: Bytes) -> None:
        """Blur tongue, gums and lining in part (h, w, 3), the window: they are soft, their
        triangles are not."""
        flesh = covered.inside - covered.teeth
        sigma = max(0.5, _SOFTNESS * self._pixels)
        # Teeth shine through thin flesh: gaps between them are no holes.
        weight = (flesh + np.float32(_BLEED) * covered.teeth)[..., None]
        total = cv2.GaussianBlur(part * weight, (0, 0), sigma)
        weight = np.maximum(cv2.GaussianBlur(weight, (0, 0), sigma), np.float32(0.02))[..., None]
        change = (total / weight - part) * (flesh[..., None] * np.float32(strength))
        part[:] = np.clip(np.round(part + change), 0, 255).astype(np.uint8)

    def _match(self, fitted: FittedPortrait) -> None:
        """Bring the teeth's colours to what the portrait shows of them, if it does."""
        window = self.window(self._rest)
        if window is None:
            return
        points = np.zeros((len(self._rest.screen), ATTRIBUTES), np.float32)
        self.fill(self._rest, points)
        seen = Seen.empty(*window.shape)
        rasterise(self._rest.screen, self._chart.triangles, window.view(), tuple(seen))
        kind = np.where(seen.hit >= 0, self._chart.region[np.maximum(seen.hit, 0)], Region.SKIN)
        inside = np.isin(kind, _INSIDE).astype(np.float32)
        cell = self._pixels * SAMPLES  # samples of a cm
        deep = cv2.distanceTransform(inside.astype(np.uint8), cv2.DIST_L2, 3) > _SEEN * cell
        rows, columns = np.nonzero(deep & (kind == Region.TEETH))
        area = len(rows) / cell**2
        if area < _LEAST_TEETH:
            return
        corners = self._chart.triangles[seen.hit[rows, columns]]
        drawn = points[corners, 4:7].mean(1) * self.light(inside)[rows, columns, None]
        pixels = np.stack([columns, rows], 1) / SAMPLES + window.corner()
        shown = picked(fitted.rgb, (pixels / self._size).astype(np.float32))
        aside = fitted.rest[:, 0]
        exponents, tint = own_gain(shown, drawn, aside[corners].mean(1), area)
        teeth = self._region == Region.TEETH
        gain = gain_at(aside[self._at[teeth]], exponents)[:, None] * tint
        self._still[teeth, :3] *= gain

    @staticmethod
    def _shape(marks: Floats) -> Floats:
        return np.asarray(marks - marks.mean(0), np.float32)

    def _photographed(self, fitted: FittedPortrait, appearance: Appearance) -> Floats:
        """(I,) how far teeth and gums are the portrait's own, well inside its open mouth."""
        none = np.zeros(len(self._at), np.float32)
        window = self.window(self._rest)
        if window is None or not self._keeps:
            return none
        seen = Seen.empty(*window.shape)
        rasterise(self._rest.screen, self._chart.triangles, window.view(), tuple(seen))
        inside = (np.isin(self._chart.region[seen.hit], _INSIDE)) & (seen.hit >= 0)
        rim = cv2.distanceTransform(inside.astype(np.uint8), cv2.DIST_L2, 3)
        deep = np.clip(rim / (_RIM * self._pixels * SAMPLES) - 0.5, 0, 1).astype(np.float32)
        at = (self._rest.screen[self._at, :2] - window.corner()) * SAMPLES - np.float32(0.5)
        share = cv2.remap(deep, at[:, None].astype(np.float32), _NO_MAP, cv2.INTER_LINEAR)[:, 0]
        upper = np.isin(self._at, self._upper)
        pale = self._pale(fitted, appearance)
        return np.asarray(share * upper * pale * appearance.seen[self._at], np.float32)

    def _pale(self, fitted: FittedPortrait, appearance: Appearance) -> Floats:
        """(I,) whether the portrait shows something as bright as teeth there: not the dark between
        or beside them, which motion would carry where teeth belong."""
        side = fitted.rgb.shape[0]
        at = np.clip(appearance.source[self._at] * side, 0, side - 1).astype(np.int32)
        bright = to_linear(cv2.GaussianBlur(fitted.rgb, (0, 0), 1)[at[:, 1], at[:, 0]]) @ _LUMINANCE
        teeth = appearance.inside_colour[self._at[self._region == Region.TEETH]] @ _LUMINANCE
        return smoothstep(bright, *(share * float(teeth.max()) for share in _PALE))


@njit(
    "void(int32[::1], UniTuple(float32[:,::1], 2), float32[:,::1], Tuple((float32[::1],"
    " float32[:,::1])), float32[:,::1])",
    **OPTIONS,
)
def _shade(inside, shape, still, lamp, out):  # type: ignore[no-untyped-def]
    """Columns 4 to 7 of out for the points inside (I,).

    The lips are taken for a window of `size` cm^2, whose light falls off behind them as
    size / (size + distance^2), as it does on the axis of a disc, and is most for what faces it.
    shape: points and normals; still: (I, 8) linear colour, share of light that goes everywhere,
    wetness, whether in an eye socket, share of the portrait's pixel, how much it lies in its own
    shadow; lamp: (9,) spherical harmonics, (7, 3) the head's axes to the side, up and forward, the
    window's middle, white; the window's size, the least share of the portrait's pixel and the
    distance between the lips; the share of light that its height lets in, for teeth and for flesh.
    """
    points, normals = shape
    light, vectors = lamp
    one, before, size = np.float32(1), np.float32(_BEFORE), vectors[5, 0]
    for i in range(inside.shape[0]):
        v = inside[i]
        nx, ny, nz = normals[v, 0], normals[v, 1], normals[v, 2]
        x, y, z = points[v, 0], points[v, 1], points[v, 2]
        wx, wy, wz = vectors[3, 0] - x, vectors[3, 1] - y, vectors[3, 2] - z
        aside = (wx * vectors[0, 0] + wy * vectors[0, 1] + wz * vectors[0, 2]) * np.float32(_ASIDE)
        below = wx * vectors[1, 0] + wy * vectors[1, 1] + wz * vectors[1, 2]
        depth = wx * vectors[2, 0] + wy * vectors[2, 1] + wz * vectors[2, 2]
        distance = np.sqrt(wx * wx + wy * wy + wz * wz) + np.float32(1e-3)
        facing = max((wx * nx + wy * ny + wz * nz) / distance, np.float32(0))
        depth = max(depth - before, np.float32(0))
        reached = size / (size + depth * depth + aside * aside + below * below)
        bright = (still[i, 3] + (one - still[i, 3]) * facing) * reached
        high = min(max(np.float32(0.5) - below / vectors[5, 2], np.float32(0)), one)
        hidden = one - reached + np.float32(_ROOF) * high * reached
        bright *= one - still[i, 7] * hidden
        bright += np.float32(_AMBIENT) / (one + depth * depth)
        bright *= vectors[6, 1] if still[i, 7] > np.float32(0) else vectors[6, 0]
        if still[i, 5] > np.float32(0.5):
            bright = np.float32(_SOCKET_LIGHT)
        # Seen from outside, what lies inside faces forward more than its bumps do.
        nx = np.float32(0.6) * nx + np.float32(0.4) * vectors[2, 0]
        ny = np.float32(0.6) * ny + np.float32(0.4) * vectors[2, 1]
        nz = np.float32(0.6) * nz + np.float32(0.4) * vectors[2, 2]
        scale = one / np.sqrt(nx * nx + ny * ny + nz * nz)
        nx, ny, nz = nx * scale, ny * scale, nz * scale
        bright *= min(max(lit(light, nx, ny, nz), np.float32(0.3)), np.float32(1.5))
        mirror = -(nx * x + ny * y + nz * z) / np.sqrt(x * x + y * y + z * z)
        shine = max(mirror, np.float32(0)) ** 30 * still[i, 4] * bright
        # What light is left deep inside has met flesh, and is red.
        others = bright * (one - np.float32(_REDDER) * (one - reached))
        out[v, 4] = srgb(still[i, 0] * bright + shine * vectors[4, 0])
        out[v, 5] = srgb(still[i, 1] * others + shine * vectors[4, 1])
        out[v, 6] = srgb(still[i, 2] * others + shine * vectors[4, 2])
        out[v, 7] = max(still[i, 6], vectors[5, 1])
