"""The fitted surface as the portrait's camera sees it, with the expression that the picture shows.

Axis legend: N chart points, W side of the working picture in pixels.
"""

from dataclasses import dataclass

import numpy as np

from avatar.semo.pose import posed
from avatar.semo.raster import Seen, rasterise, vertex_normals
from avatar.semo.surface import FaceSurface
from avatar.semo.types import FittedPortrait, Floats, Ints

WORK = 512  # px, side of the picture in which visibility is told


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """at: (N, 2) picture shares; inverse: (N,) 1/depth, per cm; camera: (N, 3) camera space, cm;
    normals: (N, 3) in camera space; facing: (N,) cosine between normal and the way to the camera;
    hit: (W, W) the triangle that each pixel shows or -1; depth: (W, W) 1/depth, 0 for none."""

    at: Floats
    inverse: Floats
    camera: Floats
    normals: Floats
    facing: Floats
    hit: Ints
    depth: Floats


def view_of(fitted: FittedPortrait, surface: FaceSurface) -> View:
    """How the portrait shows the surface."""
    moved = surface.displacement(surface.rig_to_token(fitted.rig))
    points = posed(surface.chart, fitted.rest + moved, fitted.eye_centres, fitted.rig)
    seen = np.ascontiguousarray(fitted.camera.to_camera(points))
    at, inverse = fitted.camera.project(seen)
    normals = np.empty_like(seen)
    vertex_normals(seen, surface.chart.triangles, normals)
    towards = -seen / np.linalg.norm(seen, axis=1, keepdims=True)
    facing = np.asarray((normals * towards).sum(1), np.float32)
    hit, depth = drawn(at, inverse, surface.chart.triangles)
    return View(at, inverse, seen, normals, facing, hit, depth)


def drawn(at: Floats, inverse: Floats, triangles: Ints) -> tuple[Ints, Floats]:
    """hit and depth (W, W) of (N, 2) picture shares and (N,) 1/depth."""
    screen = np.ascontiguousarray(np.concatenate([at, inverse[:, None]], 1), np.float32)
    seen = Seen.empty(WORK, WORK)
    rasterise(screen, triangles, np.array([0, 0, WORK], np.float32), tuple(seen))
    return seen.hit, seen.near
