"""Motion tokens to frames of one portrait.

The surface says where each visible point of skin is found in the portrait; those pixels are moved,
lit anew and laid over the background, eyes and mouth are drawn into windows. Axis legend: N chart
points, T triangles, S the side of a frame, G the side of the grid around the face.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import cv2
import numpy as np

from avatar.semo.around import Around
from avatar.semo.completion import Completion, Covered
from avatar.semo.compose import (
    ATTRIBUTES,
    compose_window,
    paint_skin,
    soften_folds,
    trace_flow,
    trace_skin,
)
from avatar.semo.extent import Extent, box_of, farthest
from avatar.semo.eyes import Eyes
from avatar.semo.folds import FoldNet, Folds, united
from avatar.semo.mouth import Mouth, Own
from avatar.semo.oral import placed
from avatar.semo.pixels import dense, sampled
from avatar.semo.raster import Seen, rasterise
from avatar.semo.rims import smooth_rims
from avatar.semo.skin import Skin
from avatar.semo.stage import Posed, Stage
from avatar.semo.surface import FaceSurface
from avatar.semo.types import Appearance, Bytes, Chart, FittedPortrait, Floats, Ints, Region
from avatar.semo.window import SAMPLES, Window

BACKGROUND = 255  # region of a pixel that no triangle shows
# Pixels at 512: less motion since the last frame shows that frame again. Nobody sees a quarter of a
# pixel, and a resting face is drawn every second or third time only.
_STILL = 0.25
_AT_REST = 0.01  # pixels from rest: the portrait itself
_MOUTH = 2  # among the parts drawn into windows, after the eyes


@dataclass(frozen=True, slots=True, eq=False)
class Flow:
    """flow: (S, S, 2) backward, source minus own position, picture shares; visible: (S, S) how far
    the portrait shows that point; region: (S, S) uint8 of `Region` or BACKGROUND."""

    flow: Floats
    visible: Floats
    region: Bytes


class MotionDecoder:
    """Draws one portrait. Keeps scratch memory: one thread at a time."""

    def __init__(
        self,
        surface: FaceSurface,
        fitted: FittedPortrait,
        appearance: Appearance,
        size: int,
        *,
        completion: Completion | None = None,
        folds: FoldNet | None = None,
    ) -> None:
        """completion: what is to complete the mouth's inside; folds: what is to give the skin its
        folds and wrinkles."""
        fitted, appearance = placed(surface, fitted, appearance)
        chart = surface.chart
        self._chart, self._size = chart, size
        self._whole_chart = (chart.triangles, chart.region)
        self._still = _STILL * size / 512
        self._stage = Stage(surface, fitted, size)
        self._rest = rest = self._stage.pose(self._stage.rest_token)
        self._base = _resized(fitted.rgb, size)
        person = _resized(np.round(appearance.person * 255).astype(np.uint8), size)
        plate = _resized(appearance.plate, size)
        front = dense(self._base, person)
        self._folds: Folds | None = None
        if folds is not None:
            self._folds = Folds(folds, surface, appearance, rest, (self._base, front))
            front = self._folds.front
        self._layers = (front, dense(plate, person))
        self._skin = Skin(chart, surface.weights.mean, appearance, rest, size)
        self._eyes = Eyes(surface, fitted, appearance, rest, size)
        self._mouth = Mouth(surface, fitted, appearance, rest, size)
        self._completion, self._own_mouth = completion, True
        self._around = Around(surface, fitted, appearance)
        self._outer = _outer(chart, appearance)
        self._points = _attributes(chart, appearance)
        self._eyes.prepare(fitted, self._points)
        self._seen = Seen.empty(size, size)
        self._source, self._shade = np.zeros((2, size, size, 2), np.float32)
        self._extent = Extent(appearance.person, size)
        self._last: tuple[Posed, Bytes] | None = None

    @classmethod
    def with_drawn_mouth(
        cls,
        surface: FaceSurface,
        fitted: FittedPortrait,
        appearance: Appearance,
        size: int,
        own: Own = Own.COLOUR,
    ) -> "MotionDecoder":
        """For training and comparison: draws the mouth's inside even where the portrait shows it,
        at rest too. own: Own.NOTHING draws teeth without a look at those that it shows."""
        made = cls(surface, fitted, appearance, size)
        person = placed(surface, fitted, appearance)
        made._mouth = Mouth(surface, *person, made._rest, size, own)
        made._own_mouth = False
        return made

    @property
    def rest_token(self) -> Floats:
        """(64,) the token that shows the portrait as it is."""
        return self._stage.rest_token

    def render(self, token: Floats) -> Bytes:
        """(64,) motion token to (S, S, 3) uint8 RGB. Raises ValueError unless it is finite."""
        posed = self._stage.pose(token)
        if self._last is None or farthest(self._last[0].screen, posed.screen) > self._still:
            self._last = posed, self._draw(posed)
        return self._last[1].copy()

    def _draw(self, posed: Posed) -> Bytes:
        out = self._base.copy()
        if self._own_mouth and farthest(self._rest.screen, posed.screen) < _AT_REST:
            return out
        field = self._prepare(posed)
        windows = self._windows(posed)
        fine = _fine(field)
        spans = self._extent.spans(field, self._points, posed.screen)
        if self._folds is not None and self._folds.shade(posed):
            spans = united(spans, self._folds.rows)
        self._draw_skin(posed, fine, (spans, windows), out)
        for part, window in windows.items():
            self._draw_window(posed, fine, window, part, out)
        return out

    def frames(self, tokens: Floats) -> Iterator[Bytes]:
        """(F, 64) to F frames."""
        for token in tokens:
            yield self.render(token)

    def flow(self, token: Floats) -> Flow:
        """(64,) to the exact motion of the frame that `render` draws."""
        posed = self._stage.pose(token)
        field = self._prepare(posed)
        seen = tuple(self._seen)
        rasterise(posed.screen, self._chart.triangles, _whole(), seen)
        flow = np.empty((self._size, self._size, 3), np.float32)
        region = np.empty((self._size, self._size), np.uint8)
        surface = (self._points, self._chart.triangles, self._chart.region)
        trace_flow(flow, region, surface, seen, self._layers[0], _fine(field))
        return Flow(flow[..., :2] / np.float32(self._size), flow[..., 2].copy(), region)

    def _prepare(self, posed: Posed) -> Floats:
        """Attributes of all points; motion around the face (G, G, 2), pixels."""
        self._skin.fill(posed, self._points)
        self._eyes.fill(posed, self._points)
        self._mouth.fill(posed, self._points)
        change = (posed.screen - self._rest.screen)[:, :2] * np.float32(1 / self._size)
        return self._around.field(posed, change) * np.float32(self._size)

    def _windows(self, posed: Posed) -> dict[int, Window]:
        """By part: 0, 1 left and right eye, _MOUTH."""
        found = {side: self._eyes.window(posed, side) for side in range(2)}
        found[_MOUTH] = self._mouth.window(posed)
        return {part: window for part, window in found.items() if window is not None}

    def _draw_skin(
        self, posed: Posed, field: Floats, reach: tuple[Ints, dict[int, Window]], out: Bytes
    ) -> None:
        spans, windows = reach
        box = box_of(spans)
        if box is None:
            return
        seen = tuple(self._seen.part(box.bottom - box.top, box.right - box.left))
        shape = (box.bottom - box.top, box.right - box.left)
        view = np.array([box.left, box.top, 1], np.float32)
        rasterise(posed.screen, self._outer, view, seen)
        left_out = np.stack([np.zeros(4, np.int32), *(window.box() for window in windows.values())])
        rows = np.ascontiguousarray(spans[box.top : box.bottom])
        extent = (box.corner(), rows, left_out)
        skin = np.ascontiguousarray(self._points[:, :4])
        surface = (skin, self._outer, self._chart.region)
        source, shade = _part(self._source, *shape), _part(self._shade, *shape)
        everywhere = cv2.resize(field, (self._size, self._size), interpolation=cv2.INTER_LINEAR)
        trace_skin(source, shade, surface, seen, everywhere, extent)
        found = sampled(self._layers[0], source)
        paint_skin(out, found, source, shade, self._layers[1], (seen[0], extent))
        soften_folds(out, seen, box.corner(), left_out)

    def _draw_window(
        self, posed: Posed, field: Floats, window: Window, part: int, out: Bytes
    ) -> None:
        whole = Seen.empty(*window.shape)
        seen = tuple(whole)
        triangles, regions = self._whole_chart if part == _MOUTH else self._eyes.near
        rasterise(posed.screen, triangles, window.view(), seen)
        inside = smooth_rims(whole, regions, self._eyes.pixels * SAMPLES)
        owner = self._mouth if part == _MOUTH else self._eyes
        light = owner.light(inside)
        surface = (self._points, triangles, regions)
        around = (field, light, window.corner())
        compose_window(out, surface, seen, self._layers, self._eyes.textures, around)
        if part == _MOUTH:
            self._finish_mouth(posed, whole, window, out)
        else:
            self._eyes.draw_lashes(posed, part, window, out)

    def _finish_mouth(self, posed: Posed, seen: Seen, window: Window, out: Bytes) -> None:
        moved = self._mouth.moved(posed)
        covered = self._mouth.covered(seen, self._points, window)
        if moved <= 0 or not covered.inside.any():
            return
        part = out[window.top : window.bottom, window.left : window.right]
        self._mouth.soften(covered, moved, part)
        if self._completion is not None:
            self._completion.complete(part, covered, moved)

    def mouth(self, token: Floats) -> tuple[Window, Covered] | None:
        """(64,) to where the mouth is in the frame that `render` draws, and what covers it."""
        posed = self._stage.pose(token)
        window = self._mouth.window(posed)
        if window is None:
            return None
        self._prepare(posed)
        seen = Seen.empty(*window.shape)
        rasterise(posed.screen, self._chart.triangles, window.view(), tuple(seen))
        smooth_rims(seen, self._chart.region, self._eyes.pixels * SAMPLES)
        return window, self._mouth.covered(seen, self._points, window)


def _part(scratch: Floats, height: int, width: int) -> Floats:
    return scratch.reshape(-1)[: 2 * height * width].reshape(height, width, 2)


def _fine(field: Floats) -> Floats:
    """A grid with twice the cells, smooth between those of the coarse one."""
    return np.ascontiguousarray(cv2.pyrUp(field), np.float32)


def _whole() -> Floats:
    return np.array([0, 0, 1], np.float32)


def _resized(picture: Bytes, size: int) -> Bytes:
    if picture.shape[0] == size:
        return picture.copy()
    how = cv2.INTER_AREA if picture.shape[0] > size else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture, (size, size), interpolation=how), np.uint8)


def _attributes(chart: Chart, appearance: Appearance) -> Floats:
    """(N, 9) with what never changes."""
    out = np.zeros((len(chart.point_region), ATTRIBUTES), np.float32)
    out[:, 2:4] = 1
    out[:, 4:7] = appearance.lid_colour
    out[:, 8] = appearance.seen
    return out


def _outer(chart: Chart, appearance: Appearance) -> Ints:
    """(T', 3) triangles of skin that move the picture."""
    skin = chart.triangles[chart.region == Region.SKIN]
    return np.ascontiguousarray(skin[(appearance.hold[skin] > 0).any(1)])
