"""Where the motion of a frame comes from: exact labels, the encoder, landmarks, somebody else.

Each way gives tokens in the portrait's own terms: what it sees in the source frame is no motion,
only the change from there counts. Axis legend: F frames, D token dims, R rig parameters.
"""

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Protocol

import numpy as np

from avatar.rig import POSE_AT, Vector
from avatar.semo.encoder import MaskedMotionEncoder
from avatar.semo.facing import facing, head_motion
from avatar.semo.iris import find_irises
from avatar.semo.prepared import prepared
from avatar.semo.solve_landmarks import State, solve_landmarks
from avatar.semo.tracking import MotionTracker
from avatar.semo.types import TOKEN, FittedPortrait
from avatar.training.evaluate.album import Bytes, Floats
from avatar.training.evaluate.motion_scenes import Scene, Sitter, Studio
from avatar.training.evaluate.repose import reposed
from emotion.errors import PortraitError

Follow = Callable[[Bytes], Floats | None]  # the next picture of one stream to a (64,) token


class Trackers(Protocol):
    """Begins streams."""

    def __call__(self, fps: float) -> Follow:
        """A tracker that has seen nothing yet, for so many frames a second."""
        ...


def trackers_of(studio: Studio, weights: Path) -> Trackers:
    """The product's tracker. Raises ConfigError if there is no encoder."""
    encoder = MaskedMotionEncoder(weights)

    def begin(fps: float) -> Follow:
        tracker = MotionTracker(encoder, studio.landmarks, studio.surface, fps)

        def follow(rgb: Bytes) -> Floats | None:
            seen = tracker.track(rgb)
            return None if seen is None else seen.token

        return follow

    return begin


def exact(scene: Scene, sitter: Sitter) -> Floats:
    """(F, 64) by the labels: the ceiling of what the decoder can do.

    The change of the rig is added to the fitted one; turns of the world and turns from the portrait
    do not subtract, so the six numbers of the pose are solved from the change of exact landmarks.
    """
    marks, rig = scene.shard.landmarks / np.float32(len(scene.portrait)), scene.shard.rig
    moved = [
        _reposed(sitter, rig[at] - rig[scene.source], marks[at] - marks[scene.source])
        for at in scene.targets
    ]
    return _tokens(sitter, moved)


def by_landmarks(scene: Scene, sitter: Sitter, studio: Studio) -> Floats:
    """(F, 64) by our landmark net and a fit of the surface to each frame: the classical way.

    nan where no face is found or explained.
    """
    first = _seen(scene.portrait, scene.shard.landmarks[scene.source], studio)
    moved: list[Vector | None] = []
    for at in scene.targets:
        try:
            now = _seen(scene.shard.images[at], scene.shard.landmarks[at], studio)
        except PortraitError:
            moved.append(None)
            continue
        change = now[1].rig - first[1].rig
        moved.append(_reposed(sitter, change, now[0] - first[0]))
    return _tokens(sitter, moved)


def tracked(scene: Scene, trackers: Trackers) -> Floats:
    """(1 + F, 64) absolute tokens of the source frame and the targets as a tracker sees them.

    It starts at the source and follows the shot forwards, then another follows it backwards.
    nan where it lost the face. Raises PortraitError if it finds none in the source frame.
    """
    found = {}
    later = [at for at in scene.targets if at > scene.source]
    earlier = [at for at in scene.targets if at < scene.source][::-1]
    for way in (later, earlier):
        follow = trackers(scene.fps)
        first = follow(scene.portrait)
        if first is None:
            raise PortraitError("The tracker finds no face.", "Use another frame.")
        found[scene.source] = first
        for at in way:
            token = follow(scene.shard.images[at])
            found[at] = np.full(TOKEN, np.nan, np.float32) if token is None else token
    return np.stack([found[at] for at in (scene.source, *scene.targets)]).astype(np.float32)


def applied(tokens: Floats, sitter: Sitter) -> Floats:
    """(1 + F, 64) of anybody, the first the reference, to (F, 64) in the portrait's terms.

    Weights and gaze: the fitted rig and the change. The head turns from where it was, as
    R(first)^T R(now): angles of large turns do not subtract. No limits are set, unlike in
    `avatar.semo.transfer`, which is made for performances and not for reconstruction.
    """
    first, *others = sitter.surface.token_to_rig(tokens)
    rigs = [added(sitter.fitted, first, now) if _sound(now) else None for now in others]
    return _tokens(sitter, rigs)


def added(fitted: FittedPortrait, first: Vector, now: Vector) -> Vector:
    """(63,) the portrait's own rig and what changed between two rigs of anybody."""
    out = fitted.rig + now - first
    moved = head_motion(first[POSE_AT], now[POSE_AT], fitted.camera.rotation)
    out[POSE_AT] = fitted.rig[POSE_AT] + moved
    return np.asarray(out, np.float32)


def _sound(values: Floats) -> bool:
    return bool(np.isfinite(values).all())


def explained(rgb: Bytes, near: Floats, studio: Studio) -> Vector:
    """(63,) rig of a frame by landmarks and a fit; the pose is the camera's. Raises
    PortraitError."""
    state = _seen(rgb, near, studio)[1]
    rig = state.rig.copy()
    rig[POSE_AT.start : POSE_AT.start + 3] = facing(state.camera.rotation)
    return rig


def _reposed(sitter: Sitter, change: Vector, moved: Floats) -> Vector:
    """(63,) the fitted rig and a change, with the pose by which landmarks move by (150, 2)."""
    rig = sitter.fitted.rig + change
    wanted = sitter.landmarks_of(sitter.fitted.rig) + moved
    rig[POSE_AT] = sitter.fitted.rig[POSE_AT]
    return reposed(sitter.landmarks_of, rig, wanted)


def _seen(rgb: Bytes, near: Floats, studio: Studio) -> tuple[Floats, State]:
    """(150, 2) picture shares by our net, and what explains them. Raises PortraitError."""
    points = np.asarray(studio.found(rgb, near) / np.float32(len(rgb)), np.float32)
    irises = find_irises(rgb, points)
    return points, solve_landmarks(prepared(studio.surface), points, irises[:, :2])


def _tokens(sitter: Sitter, rigs: Sequence[Vector | None]) -> Floats:
    lost = np.full(TOKEN, np.nan, np.float32)
    return np.stack([lost if r is None else sitter.surface.rig_to_token(r) for r in rigs])
