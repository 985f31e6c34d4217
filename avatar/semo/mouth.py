"""The mouth's inside: teeth, gums, tongue and lining in the light that the lips let in.

Axis legend: N chart points, I points inside, h w samples of a window.
"""

from typing import Any

import cv2
import numpy as np
from numba import njit

from avatar.semo.raster import OPTIONS, Seen, rasterise
from avatar.semo.shading import lit, smoothly, smoothstep, srgb, to_linear
from avatar.semo.stage import Posed
from avatar.semo.types import Appearance, Bytes, Chart, FittedPortrait, Floats, Region
from avatar.semo.window import SAMPLES, Window, group

_NO_MAP: Any = None  # both coordinates are in the first map
_SOFTNESS = 0.07  # cm, standard deviation of the blur over what is soft
_MARGIN = 0.25  # cm of skin around the lips in a window
_INSIDE = (Region.LINING, Region.TEETH, Region.GUMS, Region.TONGUE)
_EYE_SOCKETS = 1.0  # cm above the origin; lining above belongs to the eyes
_SOCKET_LIGHT = 0.5
_BEFORE = 0.5  # cm before the lips' line where their light seems to come from
# Distance at which light has halved: cm with closed lips, and more for each cm between them.
_NARROW, _WIDE = 1.1, 0.7
# Of the light goes everywhere: teeth shine through.
_SOFT = {Region.TEETH: 0.6, Region.GUMS: 0.4, Region.TONGUE: 0.3, Region.LINING: 0.3}
_WET = {Region.TEETH: 0.06, Region.GUMS: 0.05, Region.TONGUE: 0.12, Region.LINING: 0.0}
# Luminance of teeth is at least this of the skin's, and so much for very dark and light skin.
_TEETH_TO_SKIN, _LEAST_TEETH = 1.5, (0.4, 0.6)
# Light on back teeth, and so many cm behind the front ones they are.
_BACK, _BACK_TEETH = {Region.TEETH: 0.25, Region.GUMS: 0.5}, (3.0, 1.0)
_LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)
_MOVED = (0.02, 0.15)  # cm of lip motion over which the portrait's own mouth gives way


class Mouth:
    """The mouth of one portrait at one size. Holds nothing that changes."""

    def __init__(
        self, chart: Chart, fitted: FittedPortrait, appearance: Appearance, rest: Posed, size: int
    ) -> None:
        self._chart, self._rest, self._size = chart, rest, size
        self._pixels = float(fitted.camera.focal * size / -rest.points[:, 2].mean())
        self._at = chart.points_of(*_INSIDE)
        self._light = appearance.light
        self._forward = fitted.camera.rotation[:, 2]
        self._white = appearance.white
        self._region = chart.point_region[self._at]
        self._own = self._shape(rest.marks[group("lips_inner")])
        lining = self._region == Region.LINING
        columns = (
            self._lit(fitted, appearance),
            np.array([_SOFT[Region(r)] for r in self._region])[:, None],
            np.array([_WET[Region(r)] for r in self._region])[:, None],
            (lining & (fitted.rest[self._at, 1] > _EYE_SOCKETS))[:, None],
            self._photographed(appearance)[:, None],
        )
        self._still = np.ascontiguousarray(np.concatenate(columns, 1), np.float32)

    def fill(self, posed: Posed, out: Floats) -> None:
        """Columns 4 to 7 of attributes out (N, 9) of the points inside."""
        marks = posed.marks[group("lips_inner")]
        moved = float(np.abs(self._shape(marks) - self._own).max())
        gap = max(0.0, float((marks[4:7, 1] - marks[16:13:-1, 1]).mean()))
        window = marks.mean(0) + _BEFORE * self._forward
        spread, own = _NARROW + _WIDE * gap, 1 - smoothly(moved, *_MOVED)
        vectors = (window, self._forward, self._white, (spread, own, 0))
        shape = (posed.points, posed.normals)
        lamp = (self._light, np.asarray(np.stack(vectors), np.float32))
        _shade(self._at, shape, self._still, lamp, out)

    def window(self, posed: Posed) -> Window | None:
        """Where the lips are."""
        marks = posed.marks_at[group("lips_outer")]
        return Window.around(marks, _MARGIN * self._pixels, self._size)

    def light(self, inside: Floats) -> Floats:
        """(h, w) 1 where the inside shows, to (h, w) light that the lips let reach it."""
        reach = max(1, round(0.22 * self._pixels * SAMPLES))
        soft = cv2.blur(inside, (2 * reach + 1, 2 * reach + 1), borderType=cv2.BORDER_CONSTANT)
        soft = cv2.blur(soft, (2 * reach + 1, 2 * reach + 1), borderType=cv2.BORDER_CONSTANT)
        return np.asarray(np.clip(0.5 + 0.85 * soft, 0, 1), np.float32)

    def soften(self, seen: Seen, window: Window, posed: Posed, out: Bytes) -> None:
        """Blur tongue, gums and lining in out (S, S, 3): they are soft, their triangles are not.

        seen: (2 h, 2 w) samples of the window.
        """
        moved = float(np.abs(self._shape(posed.marks[group("lips_inner")]) - self._own).max())
        strength = np.float32(smoothly(moved, *_MOVED))
        kind = self._chart.region[np.maximum(seen.hit, 0)]
        flesh = ((kind == Region.LINING) | (kind == Region.GUMS) | (kind == Region.TONGUE)).astype(
            np.float32
        )
        part = out[window.top : window.bottom, window.left : window.right]
        share = cv2.resize(flesh, part.shape[1::-1], interpolation=cv2.INTER_AREA)[..., None]
        if strength <= 0 or not share.any():
            return
        sigma = max(0.5, _SOFTNESS * self._pixels)
        total = cv2.GaussianBlur(part * share, (0, 0), sigma)
        weight = np.maximum(cv2.GaussianBlur(share, (0, 0), sigma), np.float32(0.02))[..., None]
        change = (total / weight - part) * (share * strength)
        part[:] = np.clip(np.round(part + change), 0, 255).astype(np.uint8)

    @staticmethod
    def _shape(marks: Floats) -> Floats:
        return np.asarray(marks - marks.mean(0), np.float32)

    def _lit(self, fitted: FittedPortrait, appearance: Appearance) -> Floats:
        """(I, 3) colours inside, brighter if teeth would be dull beside the skin: the white of the
        eyes, from which they are told, often lies in shadow."""
        colour = appearance.inside_colour[self._at]
        teeth = colour[self._region == Region.TEETH] @ _LUMINANCE
        shown = (self._chart.point_region == Region.SKIN) & (appearance.seen > 0.8)
        if not len(teeth) or not shown.any():
            return colour
        side = fitted.rgb.shape[0]
        at = np.clip(appearance.source[shown] * side, 0, side - 1).astype(np.int32)
        skin = np.median(to_linear(fitted.rgb[at[:, 1], at[:, 0]]) @ _LUMINANCE)
        least = np.clip(_TEETH_TO_SKIN * skin, *_LEAST_TEETH)
        brighter = max(1.0, float(least / teeth.mean()))
        return np.asarray(colour * brighter * self._fading(fitted)[:, None], np.float32)

    def _fading(self, fitted: FittedPortrait) -> Floats:
        """(I,) cheeks shade the back teeth and gums."""
        depth = fitted.rest[self._at, 2]
        front = float(depth[self._region == Region.TEETH].max())
        shaded = 1 - smoothstep(front - depth, *_BACK_TEETH)
        least = np.array([_BACK.get(Region(r), 1.0) for r in self._region])
        return np.asarray((1 - (1 - least) * shaded) * self._furrow(fitted), np.float32)

    def _furrow(self, fitted: FittedPortrait) -> Floats:
        """(I,) the tongue is darker in its middle line and at its sides."""
        tongue = self._region == Region.TONGUE
        if not tongue.any():
            return np.ones(len(self._at), np.float32)
        x = fitted.rest[self._at, 0]
        aside = np.abs(x - np.median(x[tongue]))
        shade = (1 - 0.2 * np.exp(-((aside / 0.22) ** 2))) * (1 - 0.4 * smoothstep(aside, 1.0, 2.2))
        return np.asarray(np.where(tongue, shade, 1), np.float32)

    def _photographed(self, appearance: Appearance) -> Floats:
        """(I,) how far teeth and gums are the portrait's own, well inside its open mouth."""
        none = np.zeros(len(self._at), np.float32)
        window = self.window(self._rest)
        if window is None:
            return none
        seen = Seen.empty(*window.shape)
        rasterise(self._rest.screen, self._chart.triangles, window.view(), tuple(seen))
        inside = (np.isin(self._chart.region[seen.hit], _INSIDE)) & (seen.hit >= 0)
        rim = cv2.distanceTransform(inside.astype(np.uint8), cv2.DIST_L2, 3)
        deep = np.clip(rim / (0.12 * self._pixels * SAMPLES) - 0.5, 0, 1).astype(np.float32)
        at = (self._rest.screen[self._at, :2] - window.corner()) * SAMPLES - np.float32(0.5)
        share = cv2.remap(deep, at[:, None].astype(np.float32), _NO_MAP, cv2.INTER_LINEAR)[:, 0]
        front = self._region == Region.TEETH
        return np.asarray(share * front * appearance.seen[self._at], np.float32)


@njit(
    "void(int32[::1], UniTuple(float32[:,::1], 2), float32[:,::1], Tuple((float32[::1],"
    " float32[:,::1])), float32[:,::1])",
    **OPTIONS,
)
def _shade(inside, shape, still, lamp, out):  # type: ignore[no-untyped-def]
    """Columns 4 to 7 of out for the points inside (I,).

    The lips are taken for a round window, whose light falls off as 1 / (1 + (distance / size)^2)
    and is most for what faces it. shape: points and normals; still: (I, 7) linear colour, share of
    light that goes everywhere, wetness, whether in an eye socket, share of the portrait's pixel;
    lamp: (9,) spherical harmonics, (4, 3) the window's middle, the head's forward direction, white,
    and the window's size and the least share of the portrait's pixel.
    """
    points, normals = shape
    light, vectors = lamp
    one, before = np.float32(1), np.float32(_BEFORE)
    for i in range(inside.shape[0]):
        v = inside[i]
        nx, ny, nz = normals[v, 0], normals[v, 1], normals[v, 2]
        x, y, z = points[v, 0], points[v, 1], points[v, 2]
        wx, wy, wz = vectors[0, 0] - x, vectors[0, 1] - y, vectors[0, 2] - z
        distance = np.sqrt(wx * wx + wy * wy + wz * wz) + np.float32(1e-3)
        facing = max((wx * nx + wy * ny + wz * nz) / distance, np.float32(0))
        far = max(distance - before, np.float32(0)) / vectors[3, 0]
        bright = (still[i, 3] + (one - still[i, 3]) * facing) / (one + far * far)
        if still[i, 5] > np.float32(0.5):
            bright = np.float32(_SOCKET_LIGHT)
        # Seen from outside, what lies inside faces forward more than its bumps do.
        nx = np.float32(0.6) * nx + np.float32(0.4) * vectors[1, 0]
        ny = np.float32(0.6) * ny + np.float32(0.4) * vectors[1, 1]
        nz = np.float32(0.6) * nz + np.float32(0.4) * vectors[1, 2]
        scale = one / np.sqrt(nx * nx + ny * ny + nz * nz)
        nx, ny, nz = nx * scale, ny * scale, nz * scale
        bright *= min(max(lit(light, nx, ny, nz), np.float32(0.3)), np.float32(1.5))
        mirror = -(nx * x + ny * y + nz * z) / np.sqrt(x * x + y * y + z * z)
        shine = max(mirror, np.float32(0)) ** 30 * still[i, 4] * bright
        for c in range(3):
            out[v, 4 + c] = srgb(still[i, c] * bright + shine * vectors[2, c])
        out[v, 7] = max(still[i, 6], vectors[3, 1])
