"""Held-out people as the evaluation of motion sees them: a frame that is the portrait, and others.

The calmest near-frontal frame of a shot is fitted by our own intake as any uploaded picture is; the
other frames of the shot are to be reproduced from it. Axis legend: S pixels of a side.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np

from avatar.landmark_net import LandmarkNet
from avatar.landmarks import Landmarks
from avatar.matte_net import MatteNet
from avatar.portraits import WEIGHTS as LANDMARK_WEIGHTS
from avatar.rig import EXPRESSIONS, POSE_AT, Vector
from avatar.semo.appearance import appearance_of
from avatar.semo.completion import Completion
from avatar.semo.decoder import MotionDecoder
from avatar.semo.facing import facing, turned
from avatar.semo.fit import fit_portrait
from avatar.semo.folds import FoldNet, load_folds
from avatar.semo.loading import WEIGHTS, load_surface
from avatar.semo.pose import rotation
from avatar.semo.stage import Stage
from avatar.semo.surface import FaceSurface
from avatar.semo.types import Appearance, FittedPortrait, Region
from avatar.training.evaluate.album import Bytes, Floats
from avatar.training.synthetic.camera import draw_camera
from avatar.training.synthetic.config import Config
from avatar.training.synthetic.shards import Shard, load_shard, shard_paths
from avatar.types import Portrait
from emotion.errors import LimnerError, PortraitError

LOG = logging.getLogger(__name__)
SIZE = 256
SAME_LENS = 1e-3  # share by which two focal lengths may differ
TURN_COUNTS = 5.0  # a radian away from the front is as bad as so much expression


@dataclass(frozen=True, slots=True, eq=False)
class Extras:
    """Nets that complete what the decoder draws, None for those that the product does without."""

    folds: FoldNet | None
    mouth: Completion | None

    @property
    def any(self) -> bool:
        """Whether there is one."""
        return self.folds is not None or self.mouth is not None


class Studio:
    """The product's own nets, each loaded once."""

    def __init__(self, completed: bool = True) -> None:
        """completed: False draws as the product would without completion."""
        self._completed = completed

    @cached_property
    def completion(self) -> Extras:
        """What the product completes pictures with; empty where its weights are not there."""
        there = self._completed and (WEIGHTS / "folds.safetensors").is_file()
        return Extras(load_folds(WEIGHTS) if there else None, None)

    @cached_property
    def surface(self) -> FaceSurface:
        """Raises ConfigError if its weights are missing."""
        return load_surface()

    @cached_property
    def matte(self) -> MatteNet:
        """Finds the person."""
        return MatteNet(WEIGHTS / "matte.onnx")

    @cached_property
    def landmarks(self) -> LandmarkNet:
        """Finds faces."""
        return LandmarkNet(LANDMARK_WEIGHTS)

    def found(self, rgb: Bytes, near: Floats | None = None) -> Floats:
        """(150, 2) px by our own net, of the best face or of that nearest to (n, 2) points.

        Raises PortraitError for none.
        """
        faces = self.landmarks.find(rgb)
        if not faces:
            raise PortraitError("No face was found.", "Use another frame.")
        if near is None:
            return faces[0].points
        middle = near.mean(0)
        away = [float(np.linalg.norm(face.points.mean(0) - middle)) for face in faces]
        return faces[int(np.argmin(away))].points

    def sitter(self, portrait: Portrait, size: int = SIZE) -> "Sitter":
        """A portrait fitted by the product's intake. Raises PortraitError as `fit_portrait`."""
        fitted = fit_portrait(portrait, self.surface, self.matte.find(portrait.rgb))
        appearance = appearance_of(fitted, self.surface)
        return Sitter(self.surface, fitted, appearance, size, self.completion)


class Sitter:
    """One fitted portrait and its decoder, as the product draws it."""

    def __init__(
        self,
        surface: FaceSurface,
        fitted: FittedPortrait,
        appearance: Appearance,
        size: int,
        extras: Extras,
    ) -> None:
        self.surface, self.fitted, self.size = surface, fitted, size
        self._appearance = appearance
        self.completed = extras.any
        self.decoder = MotionDecoder(
            surface, fitted, appearance, size, completion=extras.mouth, folds=extras.folds
        )
        self._stage = Stage(surface, fitted, 1)

    @cached_property
    def plain(self) -> MotionDecoder:
        """The decoder without any completion."""
        return MotionDecoder(self.surface, self.fitted, self._appearance, self.size)

    def landmarks_of(self, rig: Vector) -> Floats:
        """(150, 2) picture shares of the landmarks of a face that has the (63,) rig."""
        return self._stage.pose(self.surface.rig_to_token(rig)).marks_at

    def draw(self, token: Floats) -> Bytes:
        """(S, S, 3) of a (64,) token in the portrait's own terms."""
        return self.decoder.render(token)

    def flow(self, token: Floats) -> tuple[Floats, Floats]:
        """(S, S, 2) source less own position, picture shares; (S, S) in [0, 1] how far the pixel is
        skin that the portrait shows."""
        found = self.decoder.flow(token)
        return found.flow, found.visible * (found.region == Region.SKIN)


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """One shot of one person: which frame is the portrait, which are to be reproduced, in order."""

    shard: Shard
    who: str
    shot: int
    source: int
    targets: tuple[int, ...]

    @property
    def portrait(self) -> Bytes:
        """(S, S, 3) the source frame."""
        return np.asarray(self.shard.images[self.source], np.uint8)

    @property
    def fps(self) -> float:
        """Frames of the shot for each second."""
        return 1 / max(0.01, float(np.median(np.diff(self.shard.time))))

    def known(self, frame: int) -> Vector:
        """(63,) the frame's label, with the head's pose as the camera sees it and no shift."""
        shard = self.shard
        rig = np.array(shard.rig[frame], np.float32)
        turn = _camera(shard, frame) @ turned(rig[POSE_AT])
        rig[POSE_AT] = 0
        rig[POSE_AT.start : POSE_AT.start + 3] = facing(turn)
        return rig

    def turn(self, frame: int) -> float:
        """Degrees by which the head turns from the source to a frame, about whatever axis."""
        return angle_between(self.shard.rig[self.source], self.shard.rig[frame])

    def open(self, studio: Studio, size: int | None = None) -> Sitter:
        """The source frame, fitted, and drawn at a size, the shard's own by default. Raises
        PortraitError if it is no portrait."""
        points = studio.found(self.portrait, self.shard.landmarks[self.source])
        marks = Landmarks(np.asarray(points, np.float32))
        portrait = Portrait(self.who, self.who, "", self.portrait, marks)
        return studio.sitter(portrait, size or len(self.portrait))


def _camera(shard: Shard, frame: int) -> Floats:
    """(3, 3) model to camera space. Raises ValueError if it is not the one drawn from the seed."""
    if shard.info["kind"] == "photo":
        return np.array(shard.info["camera"], np.float32)
    world = Config(seed=int(shard.info["seed"]))
    seed = world.shot_seed(int(shard.info["person"]), int(shard.shot[frame]))
    camera = draw_camera(np.random.default_rng([seed, 6]))
    if abs(camera.focal * shard.images.shape[1] / shard.focal[frame] - 1) > SAME_LENS:
        raise ValueError("the camera of this shard was not drawn from its seed")
    return camera.rotation


def scenes(folder: Path, people: int, frames: int, shots: int = 99) -> Iterator[Scene]:
    """Of the held-out shards of a folder: at most so many people, shots of each, and frames spread
    over a shot. Damaged files are left out with a warning."""
    for path in shard_paths(folder, "held_out")[:people]:
        try:
            shard = load_shard(path)
        except (OSError, ValueError) as error:
            LOG.warning("%s is left out: %s", path.name, error)
            continue
        yield from scenes_of(shard, path.stem, frames, shots)


def scenes_of(shard: Shard, who: str, frames: int, shots: int = 99) -> Iterator[Scene]:
    """The shots of one shard."""
    for shot in np.unique(shard.shot)[:shots]:
        taken = np.flatnonzero(shard.shot == shot)
        source = int(min(taken, key=lambda at: unrest(shard.rig[at])))
        others = taken[taken != source]
        if len(others) > frames:
            others = others[np.linspace(0, len(others) - 1, frames).round().astype(int)]
        yield Scene(shard, who, int(shot), source, tuple(int(at) for at in others))


def opened(
    found: Iterator[Scene], studio: Studio, size: int | None = None
) -> Iterator[tuple[Scene, Sitter]]:
    """Those scenes whose source frame our intake takes; the others are told as warnings."""
    for scene in found:
        try:
            yield scene, scene.open(studio, size)
        except LimnerError as error:
            LOG.warning("%s, shot %d: %s", scene.who, scene.shot, error)


def unrest(rig: Vector) -> float:
    """How far a (63,) rig is from a face that rests and faces the camera."""
    weights = np.abs(rig[: len(EXPRESSIONS)]).sum()
    return float(weights + TURN_COUNTS * np.abs(rig[POSE_AT][:3]).sum())


def angle_between(a: Vector, b: Vector) -> float:
    """Degrees between the head poses of two (63,) rigs."""
    first, second = (rotation(*(float(v) for v in rig[POSE_AT][:3])) for rig in (a, b))
    cosine = (float(np.trace(first.T @ second)) - 1) / 2
    return float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))
