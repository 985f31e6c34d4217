"""Where the person's outline goes when the head turns.

An outline is no line on the head: what turns away vanishes behind it, what turns in appears. How
far a body reaches in each direction is its support function; that of the fitted skull is tabulated
in the plane of each place's outward direction and its line of sight. Hair is taken as an even coat,
which leaves the function's changes as they are. Axis legend: M places, P points, A = STEPS angles.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numba import njit

from avatar.semo.raster import OPTIONS
from avatar.semo.types import Camera, Floats

_f = np.float32
INSIDE = 0.5  # of the matte
ARC, STEPS = 40.0, 17  # degrees to both sides of the outline, and in how many steps
_STEP = 2  # px of the matte between places
_SMOOTH = 2.0  # px of the matte, of the outline's normals
_SHORTEST = 40  # px: a smaller island of the matte is none of the person
_EVEN = 6  # places over which the body's form is smoothed
_SLICE = 2.0  # cm to both sides of the plane
_DEEP = 12.0  # cm within the outline
_HAIR = 7.0  # cm from the skin to the outline: more is no coat about the head
_LOOSE = 3.0  # cm: radius of what lies farther out
_NONE = 1e6


@dataclass(frozen=True, slots=True, eq=False)
class Outline:
    """at: (M, 2) picture shares; outward: (M, 2) unit, in the picture; camera: (M, 3) camera space,
    cm; ahead, towards: (M, 3) 1 cm further outward, nearer to the camera; reach: (M, A) how much
    further the body reaches in directions from -ARC to ARC, turned towards the camera, than it does
    outward, cm."""

    at: Floats
    outward: Floats
    camera: Floats
    ahead: Floats
    towards: Floats
    reach: Floats


class Lens:
    """A portrait's camera, for pictures of some pixels."""

    def __init__(self, camera: Camera, side: int) -> None:
        self._camera, self._side = camera, side

    def pixel(self, depth: Floats) -> Floats:
        """cm that a pixel spans at a depth."""
        return np.asarray(depth / (self._camera.focal * self._side), np.float32)

    def camera(self, at: Floats, depth: Floats) -> Floats:
        """(n, 2) picture shares at (n,) depths to (n, 3) camera space."""
        flat = (at - self._camera.centre) * (depth / np.float32(self._camera.focal))[:, None]
        return np.stack([flat[:, 0], -flat[:, 1], -depth], 1).astype(np.float32)

    def model(self, camera: Floats) -> Floats:
        """(n, 3) camera to model space."""
        moved = (camera - self._camera.translation) @ self._camera.rotation
        return np.ascontiguousarray(moved, np.float32)


def read(picture: Floats, at: Floats) -> Floats:
    """(n[, c]) bilinear values of (W, W[, c]) at (n, 2) picture shares."""
    xy = np.ascontiguousarray(at * np.float32(picture.shape[0]) - np.float32(0.5), np.float32)
    if not len(xy):
        return np.zeros((0, *picture.shape[2:]), np.float32)
    found = cv2.remap(
        picture, xy[None, :, 0], xy[None, :, 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    return np.asarray(found[0], np.float32)


def slope_of(picture: Floats) -> Floats:
    """(W, W, 2) change from pixel to pixel along x and y."""
    down, across = np.gradient(picture)
    return np.asarray(np.stack([across, down], 2), np.float32)


def outline_of(matte: Floats, rim: Floats, lens: Lens, skin: Floats) -> Outline:
    """Along the edge of a matte (W, W); rim: (W, W) the outline's depth; skin: (P, 3) all of the
    head's skin, camera space. Empty for a person who fills the picture."""
    at, outward = _edge(matte)
    camera = lens.camera(at, read(rim, at))
    flat = np.stack([outward[:, 0], -outward[:, 1], np.zeros(len(at), np.float32)], 1)
    towards = -camera / np.linalg.norm(camera, axis=1, keepdims=True)
    flat -= (flat * towards).sum(1, keepdims=True) * towards
    flat /= np.linalg.norm(flat, axis=1, keepdims=True)
    reach = _reach(camera, (flat, towards), skin)
    return Outline(at, outward, camera, camera + flat, camera + towards, reach)


def _edge(matte: Floats) -> tuple[Floats, Floats]:
    """(M, 2) places in picture shares, along each contour; (M, 2) unit, outward."""
    side = len(matte)
    smooth = np.asarray(cv2.GaussianBlur(matte, (0, 0), _SMOOTH), np.float32)
    person = (smooth > INSIDE).astype(np.uint8)
    contours = cv2.findContours(person, cv2.RETR_EXTERNAL, cv2.CHAIN_APPROX_NONE)[0]
    long = [contour[:, 0] for contour in contours if len(contour) > _SHORTEST]
    pixels = np.concatenate([*long, np.zeros((0, 2), np.int32)])
    pixels = pixels[((pixels > 1) & (pixels < side - 2)).all(1)][::_STEP]
    at = (pixels.astype(np.float32) + np.float32(0.5)) / np.float32(side)
    down = read(slope_of(smooth), at)
    steep = np.linalg.norm(down, axis=1, keepdims=True)
    outward = -down / np.maximum(steep, 1e-6)
    # From the pixel's middle to where the matte is one half.
    beyond = (read(smooth, at)[:, None] - np.float32(INSIDE)) / np.maximum(steep, 0.02)
    at = at + outward * np.clip(beyond, -1, 1) / np.float32(side)
    return np.asarray(at, np.float32), np.asarray(outward, np.float32)


def _reach(camera: Floats, axes: tuple[Floats, Floats], skin: Floats) -> Floats:
    """(M, A) as `Outline.reach`: the skull's; a little circle's where none is near."""
    if not len(camera):
        return np.zeros((0, STEPS), np.float32)
    angles = np.radians(np.linspace(-ARC, ARC, STEPS)).astype(np.float32)
    rows = np.ascontiguousarray(np.stack([np.cos(angles), np.sin(angles)], 1))
    most = np.empty((len(camera), STEPS), np.float32)
    outward, towards = (np.ascontiguousarray(axis, np.float32) for axis in axes)
    _support(np.ascontiguousarray(camera, np.float32), (outward, towards), skin, rows, most)
    middle = most[:, STEPS // 2, None]
    near = (most > -_NONE).all(1, keepdims=True) & (middle > -_HAIR)
    circle = np.float32(_LOOSE) * (1 - rows[None, :, 0])
    reach = np.where(near, most - middle, circle).astype(np.float32)
    size = (1, 6 * _EVEN + 1)  # along the outline only
    return np.asarray(cv2.GaussianBlur(reach, size, sigmaX=0.01, sigmaY=_EVEN), np.float32)


@njit(
    "void(float32[:,::1], UniTuple(float32[:,::1], 2), float32[:,::1], float32[:,::1],"
    " float32[:,::1])",
    **OPTIONS,
)
def _support(places, axes, points, angles, out):  # type: ignore[no-untyped-def]
    """How far points (P, 3) reach beyond each place (M, 3) along directions between its axes,
    outward and towards the camera (M, 3): out (M, A) for angles' cosine and sine (A, 2). Only
    points in a slice through both axes count; -_NONE where there are none."""
    outward, towards = axes
    out[:] = _f(-_NONE)
    for m in range(places.shape[0]):
        nx, ny, nz = outward[m, 0], outward[m, 1], outward[m, 2]
        vx, vy, vz = towards[m, 0], towards[m, 1], towards[m, 2]
        tx, ty, tz = ny * vz - nz * vy, nz * vx - nx * vz, nx * vy - ny * vx
        for p in range(points.shape[0]):
            x, y = points[p, 0] - places[m, 0], points[p, 1] - places[m, 1]
            z = points[p, 2] - places[m, 2]
            if abs(tx * x + ty * y + tz * z) > _f(_SLICE):
                continue
            n, v = nx * x + ny * y + nz * z, vx * x + vy * y + vz * z
            if n < _f(-_DEEP):
                continue
            for a in range(angles.shape[0]):
                out[m, a] = max(out[m, a], n * angles[a, 0] + v * angles[a, 1])
