"""The face laid flat: one square in which everybody's eyes, nose and mouth lie in the same places.

The mean face seen from the front, without perspective. Axis legend: N chart points, T triangles,
M = `SIDE` pixels of the square, H W of a picture.
"""

from dataclasses import dataclass
from functools import lru_cache
from typing import Any

import cv2
import numpy as np

from avatar.semo.prepared import PART, prepared
from avatar.semo.raster import Seen, rasterise
from avatar.semo.surface import FaceSurface
from avatar.semo.types import Bytes, Floats, Ints, Region

SIDE = 192
_SPAN = 17.0  # cm
_LEFT, _TOP = -8.5, 8.7  # cm, model space
_FAR = 1000.0  # cm: the eye that sees it without perspective
_RIM = 0.8  # cm inside the face's outline over which `inside` rises
_NO_MAP: Any = None  # both coordinates are in the first map
_ABOVE = 0.4  # cm that the forehead goes on above the outline


@dataclass(frozen=True, slots=True, eq=False)
class FaceMap:
    """at: (N, 2) where the chart's points lie in the square, pixels with +.5 centres.
    hit: (M, M) triangle of `triangles` (T, 3), or -1; weights: (M, M, 3) of its corners.
    inside: (M, M) in [0, 1], 1 on the face's skin, 0 at its outline and beyond."""

    at: Floats
    triangles: Ints
    hit: Ints
    weights: Floats
    inside: Floats

    def spread(self, values: Floats) -> Floats:
        """(N, C) values of the points to (M, M, C); 0 where no skin is."""
        corners = values[self.triangles[np.maximum(self.hit, 0)]]
        out = (corners * self.weights[..., None]).sum(2)
        return np.asarray(np.where(self.hit[..., None] >= 0, out, 0), np.float32)

    def unwrapped(self, picture: np.ndarray, at: Floats) -> np.ndarray:
        """(H, H[, C]) square picture to (M, M[, C]); at: (M, M, 2) shares where it shows each
        pixel of the square: `spread` of where it shows the points. 0 where no skin is."""
        shrink = picture.shape[0] * self._step(at)
        if shrink > 1.3:
            picture = cv2.GaussianBlur(picture, (0, 0), 0.45 * shrink)
        pixels = np.ascontiguousarray(at * np.float32(picture.shape[0]) - np.float32(0.5))
        found = cv2.remap(
            picture, pixels, _NO_MAP, cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
        )
        found[self.hit < 0] = 0
        return np.asarray(found)

    def _step(self, at: Floats) -> float:
        """Median way in a picture, shares, between neighbours of the square."""
        both = (self.inside[:, 1:] > 0) & (self.inside[:, :-1] > 0)
        steps = np.linalg.norm(np.diff(at, axis=1), axis=-1)[both]
        return float(np.median(steps)) if len(steps) else 0.0


@lru_cache(maxsize=2)
def face_map(surface: FaceSurface) -> FaceMap:
    """Of a surface; kept for the two surfaces used last."""
    chart, mean = surface.chart, surface.weights.mean
    scale = np.float32(SIDE / _SPAN)
    at = np.stack([mean[:, 0] - _LEFT, _TOP - mean[:, 1]], 1) * scale
    near = 1 / (_FAR - mean[:, 2:])
    triangles = np.ascontiguousarray(chart.triangles[chart.region == Region.SKIN])
    seen = Seen.empty(SIDE, SIDE)
    screen = np.ascontiguousarray(np.concatenate([at, near], 1), np.float32)
    rasterise(screen, triangles, np.array([0, 0, 1], np.float32), tuple(seen))
    first = np.where(seen.hit[..., None] >= 0, seen.weights, 0)
    weights = np.concatenate([first, 1 - first.sum(-1, keepdims=True)], -1)
    inside = _inside(surface) * (seen.hit >= 0)
    return FaceMap(at.astype(np.float32), triangles, seen.hit, weights.astype(np.float32), inside)


def _inside(surface: FaceSurface) -> Floats:
    oval = prepared(surface).landmarks.mean[PART["face_oval"], :2]
    points = np.stack([oval[:, 0] - _LEFT, _TOP - oval[:, 1]], 1) * (SIDE / _SPAN)
    points[points[:, 1] < SIDE / 4, 1] -= _ABOVE * SIDE / _SPAN
    shape: Bytes = np.zeros((SIDE, SIDE), np.uint8)
    cv2.fillPoly(shape, [np.round(points).astype(np.int32)], 1)
    deep = cv2.distanceTransform(np.pad(shape, 1), cv2.DIST_L2, 5)[1:-1, 1:-1]
    deep = deep / np.float32(_RIM * SIDE / _SPAN)
    t = np.clip(deep, 0, 1)
    return np.asarray(t * t * (3 - 2 * t), np.float32)
