"""Drawing one frame of a person, with its labels.

Pictures are sampled twice in each direction, so that edges are smooth. Axis legend: S pixels of a
side, V vertices.
"""

from dataclasses import dataclass

import numpy as np

from avatar.rig import Vector
from avatar.semo.types import Camera
from avatar.training.synthetic.ambient import Box, towards, transformed
from avatar.training.synthetic.anchor import anchor
from avatar.training.synthetic.buffers import (
    Bytes,
    Floats,
    Fragments,
    Labels,
    Lighting,
    Picture,
    Vertices,
)
from avatar.training.synthetic.light import Light
from avatar.training.synthetic.person import Person
from avatar.training.synthetic.posing import ambient_now, posed
from avatar.training.synthetic.raster import height_map, label_pixels, normals, rasterise
from avatar.training.synthetic.shading import blend_layers, develop, shade_visible

SAMPLES = 2  # a pixel's samples in each direction; the kernels rely on it
SHADOW_SIDE, SHADOW_RADIUS = 256, 19.0


@dataclass(frozen=True, slots=True, eq=False)
class Setting:
    """What does not change in a shot: camera, light and the background (2S,2S,3), linear
    light before exposure."""

    camera: Camera
    light: Light
    background: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """image (S,S,3) uint8; alpha (S,S) uint8, the person's share; screen (V,3): pixel x, y and
    1 / depth of every vertex; focal: px; anchor (3,) as in shards; labels at the pixels' centres;
    rig (63,)."""

    image: Bytes
    alpha: Bytes
    screen: Floats
    focal: float
    anchor: Floats
    labels: Labels
    rig: Vector


class Renderer:
    """Buffers for pictures of one size; not for several threads at once."""

    def __init__(self, size: int) -> None:
        side = SAMPLES * size
        self.size = size
        self._samples = Fragments(
            np.empty((side, side), np.float32),
            np.empty((side, side), np.int32),
            np.empty((side, side, 2), np.float32),
        )
        self._picture = Picture(
            np.empty((side, side, 3), np.float32), np.empty((side, side), np.float32)
        )
        self._shadow = np.empty((SHADOW_SIDE, SHADOW_SIDE), np.float32)

    def render(self, person: Person, rig: Vector, setting: Setting) -> Frame:
        """A new frame; the same for the same input, bit for bit."""
        model = posed(person, rig)
        points = np.ascontiguousarray(setting.camera.to_camera(model), np.float32)
        normal, area = np.empty_like(points), np.empty(len(points), np.float32)
        normals(points, person.scene.mesh.triangles, normal, area)
        screen = self._screen(points, setting.camera)
        light, relief = ambient_now(person, model, area), person.relief.at(rig)
        vertices = Vertices(points, normal, screen, light, relief)
        lighting = self._lighting(person, points, setting)
        samples, picture = self._samples, self._picture
        rasterise(person.solid, person.scene, screen, samples)
        picture.colour[:] = setting.background
        shade_visible(person.scene, vertices, lighting, samples, picture)
        blend_layers(
            self._order(person, screen), person.scene, vertices, lighting, samples, picture
        )
        return self._frame(person, rig, setting, screen)

    def _screen(self, points: Floats, camera: Camera) -> Floats:
        """(V,3) sample x, y, 1 / depth."""
        shares, inverse = camera.project(points)
        scale = np.float32(SAMPLES * self.size)
        return np.ascontiguousarray(np.column_stack([shares * scale, inverse]), np.float32)

    def _lighting(self, person: Person, points: Floats, setting: Setting) -> Lighting:
        """Draws the shadow map."""
        lights = setting.light.lights
        middle = setting.camera.to_camera(np.array([0, -2, 1], np.float32))
        x, y, z = (float(value) for value in middle)
        box = Box((x, y, z), SHADOW_RADIUS, SHADOW_SIDE, 0.0)
        to_shadow = towards(lights[0, :3], box)
        height_map(person.solid, person.scene, transformed(points, to_shadow), self._shadow)
        return Lighting(setting.light.harmonics, lights, self._shadow, to_shadow)

    @staticmethod
    def _order(person: Person, screen: Floats) -> "np.ndarray":
        """Translucent triangles, furthest first."""
        depth = screen[person.scene.mesh.triangles[person.clear], 2].sum(1)
        return person.clear[np.argsort(depth, kind="stable")]

    def _frame(self, person: Person, rig: Vector, setting: Setting, screen: Floats) -> Frame:
        size = self.size
        image = np.empty((size, size, 3), np.uint8)
        alpha = np.empty((size, size), np.uint8)
        develop(self._picture, setting.light.exposure, image, alpha)
        labels = Labels(
            np.empty((size, size), np.int32),
            np.empty((size, size, 2), np.float32),
            np.empty((size, size), np.float32),
            np.empty((size, size), np.uint8),
        )
        label_pixels(person.scene, screen, self._samples, labels)
        pixels = np.asarray(screen / np.array([SAMPLES, SAMPLES, 1]), np.float32)
        camera = setting.camera
        at = anchor(person.eye_centres, rig, camera, size)
        kept = np.array(rig, np.float32)
        return Frame(image, alpha, pixels, camera.focal * size, at, labels, kept)
