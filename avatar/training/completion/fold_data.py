"""What folds are to be: how much lighter or darker skin gets than the decoder without them says.

A sample is a portrait (its flat face and rig) and, for other frames of the same person in the same
light, the logarithm of the frame's luminance over the portrait's at the same skin, less the
logarithm of the decoder's own change of light. Axis legend: P portraits, T frames of all portraits,
M side of the flat face, N chart points, S pixels of a frame.
"""

from __future__ import annotations

import logging
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, replace

import cv2
import numpy as np

from avatar.landmarks import Landmarks
from avatar.portrait import described
from avatar.rig import POSE_AT, Vector
from avatar.semo.appearance import appearance_of
from avatar.semo.compose import ATTRIBUTES
from avatar.semo.face_map import face_map
from avatar.semo.fit import fit_portrait
from avatar.semo.folds import flat_face
from avatar.semo.skin import Skin
from avatar.semo.stage import Stage
from avatar.semo.surface import FaceSurface
from avatar.semo.types import Appearance, FittedPortrait, Floats
from avatar.training.completion.config import Sittings
from avatar.training.completion.renders import ShardSitting, Sitting
from emotion.errors import LimnerError

LOG = logging.getLogger(__name__)
STEPS = 80.0  # of a stored logarithm in 1
_DARK = 8.0  # added to grey levels: noise in the dark is no fold
_LUMINANCE = np.array([0.299, 0.587, 0.114], np.float32)  # of sRGB bytes


@dataclass(frozen=True, slots=True, eq=False)
class FoldSamples:
    """face: (P,C,M,M) uint8, the net's input in 1 / FACE_STEPS; rest: (P,63) rig; owner: (T,)
    portrait of each frame; rig: (T,63); truth: (T,M,M) int8 in 1 / STEPS; known: (T,M,M) uint8,
    where it holds; held: (P,) bool; alike: (P,) bool, whose folds run as everybody's, see
    `renders`; tint: (3,2) sums from which the powers of red, green, blue are told."""

    face: np.ndarray
    rest: np.ndarray
    owner: np.ndarray
    rig: np.ndarray
    truth: np.ndarray
    known: np.ndarray
    held: np.ndarray
    alike: np.ndarray
    tint: np.ndarray

    def of(self, portraits: np.ndarray) -> np.ndarray:
        """Frames (T',) of some portraits."""
        return np.flatnonzero(np.isin(self.owner, portraits))

    def facing(self, most: float) -> FoldSamples:
        """Without frames whose head is turned from the portrait's by more than `most` radians: what
        light does there is no fold."""
        turn = self.rig[:, POSE_AT][:, :3] - self.rest[self.owner][:, POSE_AT][:, :3]
        kept = np.linalg.norm(turn, axis=1) < most
        frames = ("owner", "rig", "truth", "known")
        return replace(self, **{name: getattr(self, name)[kept] for name in frames})


FACE_STEPS = 150.0  # of a stored face's value 1


@dataclass(frozen=True, slots=True, eq=False)
class Seat:
    """A portrait that frames of the same person and light are compared with: an image (S,S,3) and
    what explains it."""

    rgb: np.ndarray
    fitted: FittedPortrait
    appearance: Appearance
    surface: FaceSurface

    @classmethod
    def of(cls, name: str, rgb: np.ndarray, points: Floats, surface: FaceSurface) -> Seat:
        """points: (150,2) px. Raises PortraitError if it shows no usable face."""
        portrait = described((name, name, ""), rgb, Landmarks(points))
        fitted = fit_portrait(portrait, surface)
        return cls(rgb, fitted, appearance_of(fitted, surface), surface)


def compared(
    seat: Seat, frames: Iterable[tuple[np.ndarray, np.ndarray, np.ndarray, Vector]]
) -> Iterator[tuple[np.ndarray, np.ndarray, np.ndarray]]:
    """For each frame what the decoder lacks: truth (M,M) int8, known (M,M) uint8, tint (3,2).

    A frame is: image (S,S,3) of the same person in the same light; flow (S,S,2) px, where the
    portrait's pixels are in it; visible (S,S), whether both show that skin; rig (63,) as
    `FittedPortrait.rig` would say it. This serves renders and frames of clips alike.
    """
    stage = Stage(seat.surface, seat.fitted, len(seat.rgb))
    rest = stage.pose(stage.rest_token)
    skin = Skin(seat.surface.chart, seat.surface.weights.mean, seat.appearance, rest, len(seat.rgb))
    flat, points = face_map(seat.surface), np.zeros((len(rest.screen), ATTRIBUTES), np.float32)
    source = flat.spread(seat.appearance.source)
    sure = flat.spread(seat.appearance.seen[:, None])[..., 0] * (flat.inside > 0)
    before = flat.unwrapped(seat.rgb, source).astype(np.float32) + _DARK
    for image, flow, visible, rig in frames:
        skin.fill(stage.pose(seat.surface.rig_to_token(rig)), points)
        change = np.log(flat.spread(points[:, 2:3])[..., 0].clip(0.3, 3))
        after = flat.unwrapped(_pulled(image, flow), source).astype(np.float32) + _DARK
        ok = flat.unwrapped(cv2.erode(visible.astype(np.uint8) * 255, np.ones((3, 3))), source)
        known = (ok > 250) & (sure > 0.6)
        log = np.log((after @ _LUMINANCE) / (before @ _LUMINANCE)) - change
        channels = np.log(after / before) - change[..., None]
        plain = log[known]
        sums = [
            [float((channels[known][:, c] * plain).sum()), float((plain**2).sum())]
            for c in range(3)
        ]
        truth = np.round(np.where(known, log, 0) * STEPS).clip(-127, 127).astype(np.int8)
        yield truth, known.astype(np.uint8), np.array(sums, np.float32)


def _pulled(image: np.ndarray, flow: np.ndarray) -> np.ndarray:
    """The frame's colours at the portrait's pixels."""
    y, x = np.mgrid[0 : len(image), 0 : len(image)].astype(np.float32)
    at = np.ascontiguousarray(np.stack([x, y], -1) + flow.astype(np.float32))
    return np.asarray(
        cv2.remap(image, at[..., 0], at[..., 1], cv2.INTER_CUBIC, borderMode=cv2.BORDER_REPLICATE)
    )


def fold_samples(
    made: Iterable[Sitting | ShardSitting], surface: FaceSurface, config: Sittings
) -> FoldSamples:
    """All samples of some sittings."""
    rows: dict[str, list[np.ndarray]] = {name: [] for name in FoldSamples.__slots__}
    for sitting in made:
        for source in _sources(sitting, config):
            try:
                seat = Seat.of(
                    sitting.name, sitting.image(source), sitting.landmarks[source], surface
                )
            except LimnerError as error:
                LOG.warning("%s is left out: %s", sitting.name, error)
                continue
            _add(rows, seat, sitting, source)
        LOG.info("%s: %d portraits, %d frames", sitting.name, len(rows["face"]), len(rows["rig"]))
    tint = np.sum(rows.pop("tint"), 0)
    return FoldSamples(**{name: np.stack(values) for name, values in rows.items()}, tint=tint)


def _sources(sitting: Sitting | ShardSitting, config: Sittings) -> range:
    return range(min(config.sources, len(sitting.frames)))


def _add(
    rows: dict[str, list[np.ndarray]], seat: Seat, sitting: Sitting | ShardSitting, source: int
) -> None:
    targets = [at for at in range(len(sitting.frames)) if at != source]
    rigs = [seat.fitted.rig + sitting.rig(at) - sitting.rig(source) for at in targets]
    frames = [
        (sitting.image(at), *sitting.moved(source, at), rig)
        for at, rig in zip(targets, rigs, strict=True)
    ]
    owner = len(rows["face"])
    face = flat_face(seat.surface, seat.appearance, seat.rgb)
    rows["face"].append(np.round(face * FACE_STEPS).clip(0, 255).astype(np.uint8))
    rows["rest"].append(seat.fitted.rig)
    rows["held"].append(np.array(sitting.held))
    rows["alike"].append(np.array(isinstance(sitting, Sitting)))
    for (truth, known, tint), rig in zip(compared(seat, frames), rigs, strict=True):
        rows["owner"].append(np.array(owner))
        rows["rig"].append(rig.astype(np.float32))
        rows["truth"].append(truth)
        rows["known"].append(known)
        rows["tint"].append(tint)
