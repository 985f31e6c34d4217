"""One token's surface, posed and projected to pixels.

Axis legend: N chart points, R rig parameters, D token dims.
"""

from dataclasses import dataclass

import numpy as np
from numba import njit

from avatar.rig import GAZE_AT, INDEX, POSE_AT, Vector
from avatar.semo.oral import lowered, tongue_drop
from avatar.semo.pose import HEAD_PIVOT, HEAD_SHARE, NECK_PIVOT, rotation
from avatar.semo.prepared import prepared
from avatar.semo.raster import INLINE, OPTIONS, vertex_normals
from avatar.semo.surface import FaceSurface
from avatar.semo.types import TOKEN, FittedPortrait, Floats, Region

NEAREST = 5.0  # cm before the camera, closer points are pushed away
# Lids and lips stay before eyeballs, teeth and gums: these lie this much deeper (about 2 mm).
INNER_BIAS = 0.9965
EYE_BIAS = 0.99  # eyeballs bulge and are coarse (about 6 mm)
LID_BIAS = 1.0025  # upper lids close over the lower ones (about 1.5 mm)
# What no portrait can do and still look like one: radians and cm.
MOST_POSE = np.array([0.8, 0.6, 0.8, 12, 12, 12], np.float32)
MOST_WEIGHT = 2.0
_JAW = INDEX["jawOpen"]


@dataclass(frozen=True, slots=True, eq=False)
class Posed:
    """rig: (63,) as used; displacement: (N, 3) cm; points: (N, 3) camera space, cm;
    screen: (N, 3) x, y in pixels and 1/distance with the inner parts' bias; normals: (N, 3);
    marks: (150, 3) landmarks in camera space; marks_at: (150, 2) in pixels."""

    rig: Vector
    displacement: Floats
    points: Floats
    screen: Floats
    normals: Floats
    marks: Floats
    marks_at: Floats


class Stage:
    """Poses one fitted portrait at one picture size. Holds nothing that changes."""

    def __init__(self, surface: FaceSurface, fitted: FittedPortrait, size: int) -> None:
        self._surface, self._fitted, self._size = surface, fitted, size
        chart = surface.chart
        inner = (chart.point_region >= Region.TEETH) | (chart.point_region == Region.LINING)
        eyes = chart.point_region >= Region.LEFT_EYE
        lids = prepared(surface).zones.lid.max(0)
        bias = np.where(inner, INNER_BIAS, 1 + (LID_BIAS - 1) * lids)
        columns = (chart.head_weight, chart.neck_weight, np.where(eyes, EYE_BIAS, bias))
        self._weights = np.ascontiguousarray(np.stack(columns, 1), np.float32)
        self._eye = np.where(eyes, chart.point_region.astype(int) - Region.LEFT_EYE, -1)
        self._eye = self._eye.astype(np.int8)
        self._tongue, self._drop = tongue_drop(surface, fitted.rest)
        self.rest_token = surface.rig_to_token(fitted.rig)
        # The probe is not exact: what it says of the rest token means the portrait as it is.
        self._correction = fitted.rig - surface.token_to_rig(self.rest_token)

    def pose(self, token: Floats) -> Posed:
        """(64,) token to the surface it means. Raises ValueError unless it is (64,), finite."""
        token = np.asarray(token, np.float32)
        if token.shape != (TOKEN,) or not np.isfinite(token).all():
            raise ValueError(f"a motion token is {TOKEN} finite numbers, not {token.shape}")
        fitted, chart = self._fitted, self._surface.chart
        rig = _bounded(self._surface.token_to_rig(token) + self._correction)
        displacement = self._surface.displacement(token)
        displacement[self._tongue] += self._drop * np.float32(lowered(float(rig[_JAW])))
        points, screen = np.empty((2, len(displacement), 3), np.float32)
        model = (fitted.rest, displacement)
        _pose(model, (self._weights, self._eye), self._motion(rig), (points, screen))
        normals = np.empty_like(screen)
        vertex_normals(points, chart.triangles, normals)
        marks = chart.at_landmarks(points)
        marks_at = chart.at_landmarks(screen[:, :2])
        return Posed(rig, displacement, points, screen, normals, marks, marks_at)

    def carried(self, rig: Vector, model: Floats, weights: Floats) -> tuple[Floats, Floats]:
        """Points (K, 3) in model space, as the portrait's expression has them, turned by the pose
        of a rig (63,) with weights (K, 2) of head and neck: camera space (K, 3) and x, y in pixels
        and 1/distance (K, 3)."""
        count = len(model)
        columns = np.concatenate([weights, np.ones((count, 1), np.float32)], 1)
        points, screen = np.empty((2, count, 3), np.float32)
        parts = (np.ascontiguousarray(columns, np.float32), np.full(count, -1, np.int8))
        still = np.zeros((count, 3), np.float32)
        _pose((model, still), parts, self._motion(rig), (points, screen))
        return points, screen

    def _motion(self, rig: Vector) -> Floats:
        """(19, 3), see `_pose`."""
        fitted, size = self._fitted, self._size
        camera = fitted.camera
        gaze, pose = rig[GAZE_AT], [float(value) for value in rig[POSE_AT]]
        yaw, pitch, roll, x, y, z = pose
        one = np.eye(3, dtype=np.float32)
        turns = [
            rotation(share * yaw, share * pitch, share * roll) - one
            for share in (HEAD_SHARE, 1 - HEAD_SHARE)
        ]
        lens = [camera.focal * size, camera.centre[0] * size, camera.centre[1] * size]
        rows = (rotation(float(gaze[0]), float(gaze[1]), 0.0), *turns, camera.rotation)
        vectors = (camera.translation, HEAD_PIVOT, NECK_PIVOT, (x, -y, z), lens)
        parts = [*rows, np.asarray(vectors, np.float32), fitted.eye_centres]
        return np.ascontiguousarray(np.concatenate(parts), np.float32)


def _bounded(rig: Vector) -> Vector:
    out = np.clip(rig, -MOST_WEIGHT, MOST_WEIGHT)
    out[POSE_AT] = np.clip(rig[POSE_AT], -MOST_POSE, MOST_POSE)
    return out


@njit(**INLINE)
def _times(matrix, row, x, y, z):  # type: ignore[no-untyped-def]
    """The 3 x 3 matrix in rows row, row + 1, row + 2 of `matrix`, times (x, y, z)."""
    a = matrix[row, 0] * x + matrix[row, 1] * y + matrix[row, 2] * z
    b = matrix[row + 1, 0] * x + matrix[row + 1, 1] * y + matrix[row + 1, 2] * z
    c = matrix[row + 2, 0] * x + matrix[row + 2, 1] * y + matrix[row + 2, 2] * z
    return a, b, c


@njit(
    "void(UniTuple(float32[:,::1], 2), Tuple((float32[:,::1], int8[::1])), float32[:,::1],"
    " UniTuple(float32[:,::1], 2))",
    **OPTIONS,
)
def _pose(model, parts, motion, out):  # type: ignore[no-untyped-def]
    """`avatar.semo.pose.posed` and `Camera.project` in one pass.

    model: rest and displacement (N, 3); parts: head weight, neck weight and depth bias (N, 3), and
    eyeball (N,) 0, 1 or -1; motion: (19, 3) rows of the matrices of gaze, head less 1, neck less 1
    and camera, then translation, the two pivots, the shift of the head, the lens (focal length and
    optical centre in pixels) and both eyeballs' centres; out: points and screen of `Posed`.
    """
    rest, displacement = model
    weights, eye = parts
    points, screen = out
    for v in range(rest.shape[0]):
        x = rest[v, 0] + displacement[v, 0]
        y = rest[v, 1] + displacement[v, 1]
        z = rest[v, 2] + displacement[v, 2]
        if eye[v] >= 0:
            e = 17 + eye[v]
            turned = _times(motion, 0, x - motion[e, 0], y - motion[e, 1], z - motion[e, 2])
            x, y, z = turned[0] + motion[e, 0], turned[1] + motion[e, 1], turned[2] + motion[e, 2]
        for k in range(2):
            p, w = 13 + k, weights[v, k]
            dx, dy, dz = _times(
                motion, 3 + 3 * k, x - motion[p, 0], y - motion[p, 1], z - motion[p, 2]
            )
            x, y, z = x + w * dx, y + w * dy, z + w * dz
        w = weights[v, 1]
        x, y, z = x + w * motion[15, 0], y + w * motion[15, 1], z + w * motion[15, 2]
        x, y, z = _times(motion, 9, x, y, z)
        x, y, z = x + motion[12, 0], y + motion[12, 1], z + motion[12, 2]
        z = min(z, np.float32(-NEAREST))
        inverse = np.float32(-1) / z
        points[v, 0], points[v, 1], points[v, 2] = x, y, z
        screen[v, 0] = motion[16, 1] + motion[16, 0] * x * inverse
        screen[v, 1] = motion[16, 2] - motion[16, 0] * y * inverse
        screen[v, 2] = inverse * weights[v, 2]
