"""How a tracked head is turned and where it is: the person of the first frame, moved rigidly until
its landmarks lie where they are seen.

The encoder reads expressions well and the head's distance badly: a scale that is 2 % off moves the
rim of a face by a pixel. Landmarks are many, and what the first frame's fit leaves over is known.
Axis legend: L landmarks (150).
"""

from dataclasses import dataclass, replace

import numpy as np

from avatar.landmarks import GROUPS
from avatar.rig import Vector
from avatar.semo.prepared import EYES, IRISES, prepared
from avatar.semo.solve_landmarks import State, at_landmarks, pose_columns, solve_landmarks, turn_by
from avatar.semo.surface import FaceSurface
from avatar.semo.types import Camera, Floats

ROUNDS = 4
HUBER = 2.0  # expected distances
FARTHEST = 5.0  # times as far from the camera as in the first frame
# How far landmarks lie from where a rigid head would have them, eye distances: contours slide,
# lips and brows do more than a rig says.
_SIGMA = {"nose": 0.02, "right_eye": 0.02, "left_eye": 0.02, "face_oval": 0.08,
          "lips_outer": 0.05, "lips_inner": 0.06}  # fmt: skip
_OTHERS = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class Known:
    """What the first frame says of a person. state: identity, camera and expression there; read:
    (63,) what the encoder read in it; left: (150, 2) seen less explained, picture shares; size:
    1 / depth there."""

    state: State
    read: Vector
    left: Floats
    size: float


class HeadPose:
    """Camera of one person's head in each frame of a stream. Holds nothing that changes."""

    def __init__(self, surface: FaceSurface) -> None:
        self._known = prepared(surface)
        names = np.concatenate([np.full(n, _SIGMA.get(g, _OTHERS)) for g, n in GROUPS.items()])
        for iris in IRISES:  # they look about
            names[iris] = np.inf
        self._sigma = np.asarray(names, np.float32)

    def begin(self, points: Floats, read: Vector) -> Known:
        """points: (150, 2) landmarks of the first frame in picture shares around (.5, .5); read:
        (63,) the encoder's rig there."""
        irises = np.stack([points[iris].mean(0) for iris in IRISES])
        state = solve_landmarks(self._known, points, irises)
        explained, inverse = self._explained(state)
        return Known(state, read, points - explained, float(inverse.mean()))

    def follow(self, known: Known, last: Camera, points: Floats, read: Vector) -> Camera:
        """The camera of another frame, by its landmarks and its rig as the encoder reads it; last:
        where to start from."""
        rig = np.asarray(known.state.rig + read - known.read, np.float32)
        shape = at_landmarks(self._known, replace(known.state, rig=rig))
        first = known.state.camera
        for start in (last, first):  # after a cut the last frame's place may lead nowhere
            camera = start
            for _ in range(ROUNDS):
                if _near(camera, first):
                    camera = self._stepped(known, camera, shape, points)
            if _near(camera, first):
                return camera
        return first

    def _explained(self, state: State) -> tuple[Floats, Floats]:
        seen = state.camera.to_camera(at_landmarks(self._known, state))
        return state.camera.project(seen)

    def _stepped(self, known: Known, camera: Camera, shape: Floats, points: Floats) -> Camera:
        """One step of Gauss and Newton on turn and place."""
        turned = shape.astype(float) @ camera.rotation.T.astype(float)
        at, inverse = camera.project(np.asarray(turned + camera.translation, np.float32))
        left = known.left * np.float32(inverse.mean() / known.size)
        residual = at + left - points
        apart = float(np.linalg.norm(points[EYES[0].start] - points[EYES[1].start]))
        off = np.linalg.norm(residual, axis=1) / (self._sigma * apart)
        weight = np.sqrt(1 / np.maximum(1, off / HUBER)) / (self._sigma * apart)
        columns = pose_columns(turned, camera, weight).reshape(-1, 6)
        right = (residual * weight[:, None]).reshape(-1)
        step = -np.linalg.lstsq(columns, right, rcond=None)[0]
        return replace(
            camera,
            rotation=np.asarray(turn_by(step[:3]) @ camera.rotation, np.float32),
            translation=np.asarray(camera.translation + step[3:], np.float32),
        )


def _near(camera: Camera, first: Camera) -> bool:
    """Whether a head can be there: before the camera, at most FARTHEST times as far as at first,
    nor as much nearer."""
    if not np.isfinite(camera.translation).all():
        return False
    ratio = float(camera.translation[2] / first.translation[2])
    return 1 / FARTHEST < ratio < FARTHEST
