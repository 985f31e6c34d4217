"""Portraits whose explanation is known, and those of the gallery, for the tests of fitting."""

from dataclasses import dataclass

import numpy as np

from avatar.landmarks import Landmarks
from avatar.rig import follow_gaze, rig
from avatar.semo.pose import posed, rotation
from avatar.semo.prepared import IRISES, eye_centre, prepared
from avatar.semo.types import Camera
from avatar.types import Portrait

SIDE = 512


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """A portrait made from the surface, and what a fit should find."""

    portrait: Portrait
    camera: Camera
    rest: np.ndarray
    shown: np.ndarray


def camera_at(yaw=0.0, pitch=0.0, roll=0.0, distance=90.0, focal=2.0):
    """Before the face, which is turned by the angles (degrees) as in `avatar.rig`."""
    turned = rotation(*(float(np.radians(angle)) for angle in (yaw, pitch, roll)))
    at = np.array([0, 0, -distance], np.float32)
    return Camera(turned, at, focal, np.full(2, 0.5, np.float32))


def known_portrait(surface, camera=None, identity_seed=None, **weights):
    """Grey, with exact landmarks and drawn irises; weights by rig name."""
    camera = camera or camera_at()
    rng = np.random.default_rng(identity_seed or 0)
    scale = 0.7 if identity_seed else 0.0
    identity = (scale * rng.standard_normal(surface.identity_size)).astype(np.float32)
    rest, shown = surface.rest(identity), follow_gaze(rig(weights))
    moved = rest + surface.displacement(surface.rig_to_token(shown))
    eyes = prepared(surface).eyes
    centres = np.stack([eye_centre(rest[eye.points])[0] for eye in eyes])
    points = posed(surface.chart, moved, centres, shown)
    marks = camera.project(camera.to_camera(surface.chart.at_landmarks(points)))[0]
    gaze = rotation(float(shown[55]), float(shown[56]), 0.0)
    for eye, centre, iris in zip(eyes, centres, IRISES, strict=True):
        ring = np.array([[0, 0], [0.6, 0], [0, 0.6], [-0.6, 0], [0, -0.6]])
        front = np.column_stack([ring, np.full(5, eye.front)]) @ gaze.T + centre
        marks[iris] = camera.project(camera.to_camera(front.astype(np.float32)))[0]
    return Known(portrait_of(_drawn(marks), marks), camera, rest, shown)


def portrait_of(rgb, marks):
    """A portrait from pixels and (150, 2) landmarks in picture shares."""
    points = np.asarray(marks, np.float32) * np.float32(rgb.shape[0])
    return Portrait("known", "Known", "", rgb, Landmarks(points))


def _drawn(marks):
    """(SIDE, SIDE, 3) a light picture with dark discs for irises."""
    at = (np.stack(np.meshgrid(*[np.arange(SIDE)] * 2), -1) + 0.5) / SIDE
    out = np.full((SIDE, SIDE, 3), 200, np.uint8)
    for iris in IRISES:
        radius = np.linalg.norm(marks[iris][1:] - marks[iris.start], axis=1).mean()
        out[np.linalg.norm(at - marks[iris.start], axis=-1) < radius] = 60
    return out
