"""Eyes: eyeball textures, closing lids, the shadow of the lids.

Axis legend: N chart points, E texels along a texture's side, h w samples of a window.
"""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from avatar.rig import GAZE_AT
from avatar.semo.lashes import Lashes, rounded
from avatar.semo.lid_paint import Lid, LidPaint
from avatar.semo.pixels import packed
from avatar.semo.pose import rotation
from avatar.semo.raster import Seen, rasterise
from avatar.semo.shading import smoothly, smoothstep
from avatar.semo.stage import Posed
from avatar.semo.surface import FaceSurface
from avatar.semo.types import (
    EYE_SPAN,
    Appearance,
    Bytes,
    Chart,
    FittedPortrait,
    Floats,
    Ints,
    Region,
)
from avatar.semo.window import SAMPLES, Window, group

_NO_MAP: Any = None  # both coordinates are in the first map
_SIDES = (("left_eye", Region.LEFT_EYE), ("right_eye", Region.RIGHT_EYE))
_MARGIN = 0.12  # cm of skin around the lids in a window
_LEAST_GAP = 0.35  # cm: lids nearer than this in the portrait count as that far apart
_CLOSING = (0.1, 0.55)  # share of the way over which a lid takes its own colour
_SHUT = (0.85, 1.0)  # the same over which the last of the eye is covered
_LID_SHARE = 0.92
_LASHES = (-0.02, 0.04)  # cm from the rim of the lid over which its own pixels, lashes, give way
# Gaze away from the portrait's, radians, over which the texture replaces the portrait's pixels.
_TURNED = (0.01, 0.1)
# Lid motion, shares of the eye's opening, over which only what the portrait shows stays its own.
_WIDENED = (0.01, 0.08)
_SHADED, _RIM = 0.12, 0.08  # cm of the portrait's eyeball that lashes shade, and at all lids
_GLINT = 18  # of 255 brighter than around it
_GLINT_STAYS = 0.8  # of a turn of the eye: the catch-light belongs to the lamp, not to the iris
_SHADOW = 0.5  # of the light is lost right under the upper lid
_SHADOW_REACH = 0.16  # cm
_REACH = 6.0  # cm from an eye: what is farther never comes before it


class Eyes:
    """Both eyes of one portrait at one size. Holds nothing that changes."""

    def __init__(
        self,
        surface: FaceSurface,
        fitted: FittedPortrait,
        appearance: Appearance,
        rest: Posed,
        size: int,
    ) -> None:
        chart = surface.chart
        self._chart, self._rest, self._size = chart, rest, size
        self._lid_weight = _lid_weights(appearance, rest)
        self._lids = [np.flatnonzero(w > 0.01).astype(np.int32) for w in self._lid_weight]
        self.pixels = float(fitted.camera.focal * size / -rest.points[:, 2].mean())
        self._balls = [chart.points_of(region) for _, region in _SIDES]
        self._gaps = self._lid_gaps(rest)
        self._radius = fitted.eye_radius
        self.near = _around_eyes(chart, fitted)
        self._paint = LidPaint(self.near, appearance)
        pictures = (fitted.rgb, appearance.closed)
        rims = [rest.marks_at[group(name)][:9] for name, _ in _SIDES]
        self._lashes = [Lashes(pictures, rim, self.pixels, size) for rim in rims]
        iris = fitted.iris_radius / EYE_SPAN / 2
        split = [_without_glint(rgb, iris) for rgb in appearance.eyes]
        self.textures = np.stack(
            [self._texture(fitted, split[side][0], side) for side in range(2)]
            + [self._fitting(split[side][1]) for side in range(2)]
        )

    def prepare(self, fitted: FittedPortrait, out: Floats) -> None:
        """The columns of attributes (N, 9) that never change: texture positions."""
        for side, at in enumerate(self._balls):
            away = (fitted.rest[at] - fitted.eye_centres[side]) * np.float32(1 / (2 * EYE_SPAN))
            out[at, 4] = np.clip(0.5 + away[:, 0], 0, 1)
            out[at, 5] = np.clip(0.5 - away[:, 1], 0, 1)

    def fill(self, posed: Posed, out: Floats) -> None:
        """What of attributes out (N, 9) changes of eyeballs and lids."""
        turned = posed.rig[GAZE_AT] - self._rest.rig[GAZE_AT]
        kept = 1 - smoothly(float(np.abs(turned).max()), *_TURNED)
        gaps = self._lid_gaps(posed)
        for side, at in enumerate(self._balls):
            whole = max(self._gaps[side], _LEAST_GAP)
            closed = (self._gaps[side] - gaps[side]) / whole
            closing = smoothly(closed, *_CLOSING)
            behind = _GLINT_STAYS * self._radius[side] * np.sin(turned) / (2 * EYE_SPAN)
            out[at, 2], out[at, 3] = behind
            out[at, 6] = 1 - smoothly(abs(closed), *_WIDENED)
            out[at, 7] = kept
            lid = self._lids[side]
            share = _LID_SHARE * closing * self._lid_weight[side][lid]
            out[lid, 7] = share
            # Stretched triangles have wild normals, and the lid's colour is lit already.
            out[lid, 2] += (1 - out[lid, 2]) * share

    def window(self, posed: Posed, side: int) -> Window | None:
        """Where the lids and the eyeball of one side are."""
        marks = posed.marks_at[group(_SIDES[side][0])]
        points = np.concatenate([marks, posed.screen[self._lids[side], :2]])
        return Window.around(points, _MARGIN * self.pixels, self._size)

    def draw_lashes(self, posed: Posed, side: int, window: Window, out: Bytes) -> None:
        """Cover a closing lid of one side with its skin and lashes, in out (S, S, 3)."""
        closed = self._closed(posed, side)
        closing = smoothly(closed, *_CLOSING)
        if closing <= 0:
            return
        rim = rounded(posed.marks_at[group(_SIDES[side][0])][:9])
        lid = self._lids[side]
        shares = np.float32(closing) * self._lid_weight[side][lid]
        shut = smoothly(closed, *_SHUT)
        self._paint.draw(posed.screen, Lid(lid, shares, rim, shut), window, out)
        self._lashes[side].draw(rim, closed, window, out)

    def _closed(self, posed: Posed, side: int) -> float:
        """How far the lids of one side are on their way from the portrait's gap to none."""
        whole = max(self._gaps[side], _LEAST_GAP)
        return (self._gaps[side] - self._lid_gaps(posed)[side]) / whole

    def light(self, inside: Floats) -> Floats:
        """(h, w) 1 where an eyeball shows, to (h, w) light that the lids let reach it."""
        reach = max(1, round(_SHADOW_REACH * self.pixels * SAMPLES))
        soft = cv2.blur(inside, (2 * reach + 1, 2 * reach + 1), borderType=cv2.BORDER_CONSTANT)
        lower = np.zeros_like(soft)
        lower[reach:] = soft[:-reach]
        return np.asarray(1 - _SHADOW * np.clip(1 - 1.6 * lower, 0, 1), np.float32)

    @staticmethod
    def _lid_gaps(posed: Posed) -> list[float]:
        """Mean height of the left and the right eye's opening, cm."""
        gaps = []
        for name, _ in _SIDES:
            eye = posed.marks[group(name)]
            gaps.append(float((eye[1:8, 1] - eye[:8:-1, 1]).mean()))
        return gaps

    def _texture(self, fitted: FittedPortrait, rgb: Bytes, side: int) -> NDArray[np.uint32]:
        """(E, E) uint32: colour, and in the fourth byte where the portrait shows the eyeball."""
        texels = self._texels(rgb)
        shown = np.round(255 * self._shown(fitted, side, texels)).astype(np.uint8)
        return self._fitting(rgb, shown)

    def _texels(self, rgb: Bytes) -> int:
        """E, about as fine as the samples of a window."""
        return int(np.clip(2 * EYE_SPAN * self.pixels * SAMPLES, 16, rgb.shape[0]))

    def _fitting(self, rgb: Bytes, alpha: Bytes | None = None) -> NDArray[np.uint32]:
        texels = self._texels(rgb)
        small = cv2.resize(rgb, (texels, texels), interpolation=cv2.INTER_AREA)
        fourth = np.zeros((texels, texels), np.uint8) if alpha is None else alpha
        return packed(np.dstack([small, fourth]))

    def _shown(self, fitted: FittedPortrait, side: int, texels: int) -> Floats:
        """(E, E) share of each texel in the portrait's opening of the lids."""
        name, region = _SIDES[side]
        marks = self._rest.marks_at[group(name)]
        window = Window.around(marks, 0.3 * self.pixels, self._size)
        if window is None:
            return np.zeros((texels, texels), np.float32)
        seen = Seen.empty(*window.shape)
        rasterise(self._rest.screen, self._chart.triangles, window.view(), tuple(seen))
        opening = (self._chart.region[seen.hit] == region) & (seen.hit >= 0)
        lashes = round(_SHADED * self.pixels * SAMPLES)
        clear = opening.copy()
        clear[lashes:] &= opening[: len(opening) - lashes]
        rim = cv2.distanceTransform(clear.astype(np.uint8), cv2.DIST_L2, 3)
        soft = np.clip(rim / (_RIM * self.pixels * SAMPLES), 0, 1).astype(np.float32)
        at = self._texels_at(fitted, side, texels)
        at = (at - window.corner()) * SAMPLES - np.float32(0.5)
        found = cv2.remap(soft, at.astype(np.float32), _NO_MAP, cv2.INTER_LINEAR)
        return np.asarray(found, np.float32)

    def _texels_at(self, fitted: FittedPortrait, side: int, texels: int) -> Floats:
        """(E, E, 2) pixels where the portrait shows each texel's point of the eyeball."""
        span = ((np.arange(texels, dtype=np.float32) + 0.5) / texels * 2 - 1) * EYE_SPAN
        x, y = np.meshgrid(span, -span)
        z = np.sqrt(np.maximum(fitted.eye_radius[side] ** 2 - x * x - y * y, 0.05))
        gaze = self._rest.rig[GAZE_AT]
        turn = rotation(float(gaze[0]), float(gaze[1]), 0.0)
        model = np.stack([x, y, z], -1) @ turn.T + fitted.eye_centres[side]
        xy, _ = fitted.camera.project(fitted.camera.to_camera(model.astype(np.float32)))
        return np.asarray(xy * self._size, np.float32)


def _without_glint(rgb: Bytes, iris: float) -> tuple[Bytes, Bytes]:
    """(E, E, 3) an eyeball's texture without its catch-light, and that on black.

    iris: radius in shares of the texture's side. Bright spots much smaller than the iris count.
    """
    texels = rgb.shape[0]
    side = int(0.6 * iris * texels) | 1
    plain = cv2.medianBlur(np.ascontiguousarray(rgb), max(3, side))
    over = rgb.astype(np.int16) - plain
    span = (np.arange(texels) + 0.5) / texels - 0.5
    away = np.hypot(*np.meshgrid(span, span))
    spot = (over.min(2) > _GLINT) & (away < iris)
    soft = cv2.dilate(spot.astype(np.uint8), np.ones((3, 3), np.uint8))[..., None]
    glint = np.clip(over * soft, 0, 255).astype(np.uint8)
    return np.asarray(rgb - glint, np.uint8), glint


def _around_eyes(chart: Chart, fitted: FittedPortrait) -> tuple[Ints, Bytes]:
    """Triangles (T, 3) that can come before or beside an eye, and their regions (T,): a window has
    no need to look at all of them."""
    middle = fitted.rest[chart.triangles].mean(1)
    away = np.linalg.norm(middle[:, None] - fitted.eye_centres[None], axis=2).min(1)
    near = (away < _REACH) & (chart.region != Region.TEETH) & (chart.region != Region.GUMS)
    return np.ascontiguousarray(chart.triangles[near]), np.ascontiguousarray(chart.region[near])


def _lid_weights(appearance: Appearance, rest: Posed) -> Floats:
    """(2, N) how far the points of the left and the right upper lid lose the portrait's pixels when
    it closes: an open lid shows little but lashes, which must not be stretched over it."""
    weights = appearance.lid_weight.copy()
    for side, (name, _) in enumerate(_SIDES):
        at = np.flatnonzero(weights[side] > 0)
        away = _from_line(rest.points[at], rest.marks[group(name)][:9])
        weights[side][at] *= smoothstep(away, *_LASHES)
    return np.asarray(weights, np.float32)


def _from_line(points: Floats, line: Floats) -> Floats:
    """(P,) distance of points (P, 3) from a polyline (L, 3)."""
    start, along = line[:-1], np.diff(line, axis=0)
    away = points[:, None] - start
    share = np.clip((away * along).sum(2) / (along * along).sum(1), 0, 1)
    return np.asarray(np.linalg.norm(away - share[..., None] * along, axis=2).min(1), np.float32)
