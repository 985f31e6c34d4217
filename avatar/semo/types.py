"""What the parts of SeMo hand to one another.

Axis legend: N chart points, T triangles, I identity dims, R rig parameters, H W pixels.
Model space: cm, x to the subject's left (the picture's right), y up, z out of the face; the origin
lies inside the head. Camera space: the camera at the origin looks along -z.
Picture positions are in shares of the picture's side, (0, 0) its top left corner, (1, 1) its bottom
right one, so that they hold at any size.
"""

from dataclasses import dataclass
from enum import IntEnum

import numpy as np
from numpy.typing import NDArray

Floats = NDArray[np.float32]
Ints = NDArray[np.int32]
Bytes = NDArray[np.uint8]

TOKEN = 64  # dims of a motion token


class Region(IntEnum):
    """What a chart point or triangle belongs to."""

    SKIN = 0
    LINING = 1  # inside of lips and cheeks, eye sockets
    TEETH = 2
    GUMS = 3
    TONGUE = 4
    LEFT_EYE = 5
    RIGHT_EYE = 6


@dataclass(frozen=True, slots=True, eq=False)
class Chart:
    """The face surface as a set of points of our own, joined by triangles.

    uv: (N, 2) float32 in [0, 1], a flat map in which triangles of one region do not overlap.
    triangles: (T, 3) int32, counter-clockwise seen from outside, sorted by region.
    point_region: (N,) uint8; region: (T,) uint8 of each triangle.
    head_weight, neck_weight: (N,) float32 in [0, 1], how far a point turns with head and neck.
    landmark_points: (150, 3) int32; landmark_weights: (150, 3) float32: each landmark of
    `avatar.landmarks.GROUPS` as a weighted sum of three points.
    """

    uv: Floats
    triangles: Ints
    point_region: Bytes
    region: Bytes
    head_weight: Floats
    neck_weight: Floats
    landmark_points: Ints
    landmark_weights: Floats

    def at_landmarks(self, points: Floats) -> Floats:
        """(..., N, C) values of the chart's points to (..., 150, C) at the landmarks."""
        picked = points[..., self.landmark_points, :]
        return np.asarray((picked * self.landmark_weights[..., None]).sum(-2), np.float32)

    def points_of(self, *regions: Region) -> Ints:
        """Indices of the points of some regions."""
        return np.flatnonzero(np.isin(self.point_region, regions)).astype(np.int32)


@dataclass(frozen=True, slots=True, eq=False)
class Camera:
    """Where a portrait was seen from.

    rotation: (3, 3), translation: (3,): model to camera space, points @ rotation.T + translation.
    focal: in picture sides. The optical axis meets the picture at `centre` (2,), picture shares.
    """

    rotation: Floats
    translation: Floats
    focal: float
    centre: Floats

    def to_camera(self, points: Floats) -> Floats:
        """(..., 3) model space to camera space, cm."""
        return np.asarray(points @ self.rotation.T + self.translation, np.float32)

    def project(self, points: Floats) -> tuple[Floats, Floats]:
        """(..., 3) in camera space to picture positions (..., 2) and 1/depth (...), per cm."""
        inverse = -1.0 / points[..., 2]
        sign = np.array([self.focal, -self.focal], np.float32)
        xy = self.centre + points[..., :2] * inverse[..., None] * sign
        return np.asarray(xy, np.float32), np.asarray(inverse, np.float32)


@dataclass(frozen=True, slots=True, eq=False)
class FittedPortrait:
    """A portrait explained by the surface: what fitting finds.

    rgb: (S, S, 3) uint8, untouched; matte: (S, S) float32, share of the person in each pixel.
    rest: (N, 3) float32, the person's points without expression, in model space: identity and
    dense correction. identity: (I,) float32.
    rig: (63,) float32 that the picture shows, with pose 0 (the camera holds the portrait's pose);
    neutral: (63,) the person's face at rest, mouth closed, pose 0.
    blink: (2,) rig weights of eyeBlink_L, eyeBlink_R that just close this person's lids.
    eye_centres: (2, 3) model space, left and right; eye_radius: (2,) cm; iris_radius: cm.
    landmarks: (150, 2) picture shares, where intake found them.
    """

    rgb: Bytes
    matte: Floats
    camera: Camera
    rest: Floats
    identity: Floats
    rig: Floats
    neutral: Floats
    blink: Floats
    eye_centres: Floats
    eye_radius: Floats
    iris_radius: float
    landmarks: Floats


@dataclass(frozen=True, slots=True, eq=False)
class Appearance:
    """What the picture shows of each chart point, and what it does not show but motion may.

    source: (N, 2) float32 picture shares, where the point's skin is found in the picture; points
    that it hides continue their neighbours' map. seen: (N,) in [0, 1], how far that is real.
    hold: (N,) in [0, 1]: 1 where the surface's own motion moves the picture, 0 where (hair, ears,
    the far side of the neck) the motion around does.
    light: (9,) spherical harmonics of the light's luminance on white skin, camera space;
    irradiance: (N,) what falls on each point in the picture, at least 0.15.
    white: (3,) linear RGB of something white in this light.
    lid_colour: (N, 3) sRGB 0..255 of closing upper lids, lid_weight: (2, N) how far the left and
    right lid's points take it. lid_at: (N, 2) picture shares where points are when the lids are
    closed; closed: (W, W, 3) uint8, the picture with closed eyes, without lashes.
    inside_colour: (N, 3) linear RGB of teeth, gums, tongue and lining where light reaches them.
    eyes: (2, E, E, 3) uint8, the left and right eyeball's front without lids; the texture spans
    EYE_SPAN cm to each side of the eye's axis, x to the picture's right, y down.
    plate: (S, S, 3) uint8, the picture without the person; person: (S, S) float32 in [0, 1], what
    moves with the person: the matte with a margin, soft at its rim.
    """

    source: Floats
    seen: Floats
    hold: Floats
    light: Floats
    irradiance: Floats
    white: Floats
    lid_colour: Floats
    lid_weight: Floats
    lid_at: Floats
    closed: Bytes
    inside_colour: Floats
    eyes: Bytes
    plate: Bytes
    person: Floats


EYE_SPAN = 1.25
