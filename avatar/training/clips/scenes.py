"""Clips as training sees them: a source frame fitted by our intake, and frames to make from it.

Axis legend: F frames of a track, B batch, M samples, N chart points, R rig parameters, D token
dims, S px of a crop's side.
"""

import logging
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from torch import Tensor

from avatar.landmarks import GROUPS, Landmarks
from avatar.rig import EXPRESSIONS, LOOKS, RIG
from avatar.semo.fit import fit_portrait
from avatar.semo.surface import FaceSurface
from avatar.semo.types import Bytes, FittedPortrait, Floats
from avatar.training.clips.store import ClipShard, load_clip
from avatar.training.motion.reconstruction import Samples, draw_samples
from avatar.training.motion.twin import Sitters, StageTwin
from avatar.types import Portrait
from emotion.errors import MediaError, PortraitError

LOG = logging.getLogger(__name__)
SAMPLES = 3072  # places on the surface that are compared in each frame
# Of the scaffold, rig parameters in units of their own: rounds, pull to the source, the step of
# differences, the farthest step of a round.
_ROUNDS, _PULL, _STEP, _MOST = 8, 20.0, 0.1, 0.7
_UNIT = np.array([1.0] * len(EXPRESSIONS) + [0.3, 0.3, 0.3, 0.3, 0.3, 3.0, 3.0, 6.0], np.float32)
_SIGMA = {"face_oval": 4.0, "lips_inner": 1.0, "lips_outer": 1.0, "right_eye": 1.0, "left_eye": 1.0,
          "right_iris": 1.0, "left_iris": 1.0}  # fmt: skip
_BROWS_NOSE = 2.0


@dataclass(frozen=True, slots=True, eq=False)
class Scene:
    """A track and one of its sources.

    shard: the frames; source: which of them; fitted: it, explained by the surface; sitter and
    samples: of the source, B = 1; tokens: (F,64) that put the surface on the landmarks of each
    frame (the scaffold: for the first guess and for what is visible; never a target).
    """

    shard: ClipShard
    source: int
    fitted: FittedPortrait
    sitter: Sitters
    samples: Samples
    tokens: Tensor

    @property
    def name(self) -> str:
        """Clip, track and source for people."""
        info = self.shard.info
        return f"{info['clip']} track {info['track']} frame {self.source}"

    def targets(self) -> list[int]:
        """All frames but the source."""
        return [at for at in range(len(self.shard.images)) if at != self.source]


def load_scenes(
    paths: Iterable[Path], surface: FaceSurface, twin: StageTwin, seed: int, sources: int = 1
) -> list[Scene]:
    """Of each shard, with up to `sources` of its source frames. Sources that our fit refuses are
    left out with a warning. Raises MediaError if nothing is left."""
    scenes, refused = [], []
    for path in paths:
        shard = load_clip(path)
        made = 0
        for at in shard.sources.tolist():
            if made == sources:
                break
            try:
                scenes.append(scene_of(shard, at, (surface, twin), seed))
                made += 1
            except PortraitError as error:
                LOG.warning("%s, frame %d is no source: %s", shard.info["clip"], at, error.message)
        if not made:
            refused.append(shard.info["clip"])
    if not scenes:
        raise MediaError(
            f"No frame of {', '.join(refused) or 'the clips'} can be explained by the surface.",
            "Use clips with sharp, frontal faces of 100 pixels or more.",
        )
    return scenes


def scene_of(
    shard: ClipShard, source: int, model: tuple[FaceSurface, StageTwin], seed: int
) -> Scene:
    """With one of a shard's frames as the source. Raises PortraitError where it does not fit."""
    surface, twin = model
    rgb = shard.images[source]
    title = str(shard.info["clip"])
    fitted = fit_portrait(Portrait(title, title, "", rgb, Landmarks(shard.points[source])), surface)
    sitter = twin.sitters([fitted])
    with torch.no_grad():
        screen = twin(sitter.rest_token, sitter)[0].numpy()
    rng = np.random.default_rng([seed, source])
    samples = draw_samples(surface.chart, screen, len(rgb), SAMPLES, rng)
    marks = torch.from_numpy(shard.points / np.float32(len(rgb)))
    return Scene(shard, source, fitted, sitter, samples, scaffold(twin, fitted, sitter, marks))


def scaffold(twin: StageTwin, fitted: FittedPortrait, sitter: Sitters, marks: Tensor) -> Tensor:
    """(F,64) tokens that bring the surface's landmarks to (F,150,2) `marks`, picture shares.

    What the source's own landmarks miss after the fit is no movement: only changes count. Least
    squares with a pull to the source; the derivatives are those at the source (chord method).
    """
    own = torch.from_numpy(np.array(fitted.rig, np.float32))
    unit = torch.from_numpy(_UNIT) * torch.tensor([float(name not in LOOKS) for name in RIG])
    weight = (_mark_weights() / _face_size(fitted.landmarks))[:, None]

    def seen(change: Tensor) -> Tensor:
        """(n,63) changes to the landmarks' (n,300) weighted places."""
        many = sitter.take(torch.zeros(len(change), dtype=torch.int64))
        token = twin.model.token(_kept(own + change * unit))
        return (twin.landmarks(token, many) * weight).flatten(1)

    with torch.no_grad():
        rest = twin.landmarks(sitter.rest_token, sitter) - torch.from_numpy(fitted.landmarks)
        wanted = ((marks + rest) * weight).flatten(1)
        steps = _STEP * torch.eye(len(RIG))
        jacobian = ((seen(steps) - seen(-steps)) / (2 * _STEP)).T
        normal = jacobian.T @ jacobian + _PULL * torch.eye(len(RIG))
        change = torch.zeros(len(marks), len(RIG))
        for _ in range(_ROUNDS):
            off = (wanted - seen(change)) @ jacobian - _PULL * change
            change = change + torch.linalg.solve(normal, off.T).T.clamp(-_MOST, _MOST)
        return twin.model.token(_kept(own + change * unit))


def _kept(rig: Tensor) -> Tensor:
    """Expression weights within what faces do."""
    count = len(EXPRESSIONS)
    return torch.cat([rig[:, :count].clamp(-0.2, 1.2), rig[:, count:]], 1)


def _mark_weights() -> Tensor:
    """(150,) per share of the face's size: what a landmark's distance of 1 % counts."""
    sigma = [_SIGMA.get(name, _BROWS_NOSE) for name, count in GROUPS.items() for _ in range(count)]
    return 100 / torch.tensor(sigma)


def _face_size(points: Floats) -> float:
    return float(np.ptp(points, axis=0).max())


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """B targets and their sources: pictures (B,S,S,3) uint8, the rest as in `Scene`; scene (B,) and
    frame (B,) say which."""

    source: Bytes
    target: Bytes
    sitters: Sitters
    samples: Samples
    tokens: Tensor
    scene: np.ndarray
    frame: np.ndarray


def pairs_of(scenes: list[Scene], chosen: list[tuple[int, int]]) -> Pairs:
    """The pairs (scene, frame) as one batch."""
    which, frames = (np.array(column) for column in zip(*chosen, strict=True))
    of = [scenes[k] for k in which]
    sitters = [scene.sitter for scene in of]
    samples = [scene.samples for scene in of]
    return Pairs(
        np.stack([scene.shard.images[scene.source] for scene in of]),
        np.stack([scene.shard.images[at] for scene, at in zip(of, frames, strict=True)]),
        Sitters(*(torch.cat(column) for column in _columns(sitters))),
        Samples(*(torch.cat(column) for column in _columns(samples))),
        torch.stack([scene.tokens[at] for scene, at in zip(of, frames, strict=True)]),
        which,
        frames,
    )


def _columns(rows: list[Sitters] | list[Samples]) -> list[list[Tensor]]:
    names = type(rows[0]).__slots__
    return [[getattr(row, name) for row in rows] for name in names]
