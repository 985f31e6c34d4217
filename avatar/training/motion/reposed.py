"""Photographed people in motion: the product's own decoder re-poses training photos at any rig.

Axis legend: F frames, R rig parameters.
"""

import zlib
from collections.abc import Iterator
from pathlib import Path

import numpy as np

from avatar.matte_net import MatteNet
from avatar.portrait import described, inspect
from avatar.rig import EXPRESSIONS, GAZE_AT, POSE_AT, Vector, follow_gaze
from avatar.semo.appearance import appearance_of
from avatar.semo.decoder import MotionDecoder
from avatar.semo.facing import facing, sighted, turned
from avatar.semo.fit import fit_portrait
from avatar.semo.loading import WEIGHTS
from avatar.semo.neutral import target_rig
from avatar.semo.surface import FaceSurface
from avatar.semo.types import FittedPortrait, Floats
from avatar.training.motion.frames import PHOTO, REPOSED, Frames, cut_around
from avatar.training.motion.locate import located
from avatar.training.surface.world import random_rigs
from avatar.training.synthetic.anchor import anchor
from avatar.training.synthetic.performance import Manner, perform
from avatar.training.synthetic.wardrobe import read_rgb
from emotion.errors import PortraitError

SIZE = 320  # px of the decoder's frames
TURN = np.array([0.24, 0.16, 0.14], np.float32)  # radians, spread of the head beside the photo's
MOST = np.array([0.42, 0.3, 0.4], np.float32)
GAZE_BOUND = 0.45
SCENES = 1 << 20  # numbers of scenes that photos share begin here
_WEIGHTS = slice(0, len(EXPRESSIONS))
_MANNER = Manner(exercise=0.35)


def asked_rigs(seed: int, count: int) -> Vector:
    """(count, 63): half from a performance, half movements that no performance brings together."""
    rng = np.random.default_rng([seed, 77])
    played = perform(seed, 4 * count, _MANNER).rig[::4]
    free = random_rigs(rng, count)
    free[:, _WEIGHTS] *= rng.uniform(0.3, 1, (count, 1))
    mixed = rng.random(count)
    out = np.where(mixed[:, None] < 0.6, played, free)
    both = (mixed > 0.5) & (mixed < 0.75)
    out[both] = np.maximum(played, 0.7 * free)[both]
    out[:, GAZE_AT] = np.where(rng.random((count, 1)) < 0.6, played, free)[:, GAZE_AT]
    out[:, POSE_AT] = 0
    turn = rng.normal(0, 1, (count, 3)) * TURN
    out[:, POSE_AT.start : POSE_AT.start + 3] = np.clip(turn, -MOST, MOST)
    out[:, GAZE_AT] = np.clip(out[:, GAZE_AT], -GAZE_BOUND, GAZE_BOUND)
    return np.asarray(out, np.float32)


def fitted_photo(photo: Path, surface: FaceSurface) -> FittedPortrait:
    """A photo explained. Raises PortraitError for one that shows no usable face."""
    rgb = read_rgb(photo)
    faces = inspect(rgb).faces
    if not faces:
        raise PortraitError(f"{photo.name} shows no face.", "Use another photo.")
    portrait = described((photo.stem, photo.stem, ""), rgb, faces[0].landmarks)
    matte = MatteNet(WEIGHTS / "matte.onnx").find(portrait.rgb)
    return fit_portrait(portrait, surface, matte)


def reposed_frames(photo: Path, surface: FaceSurface, seeds: Iterator[int], each: int) -> Frames:
    """The photo itself, then `each` frames of every seed's rigs. Raises PortraitError."""
    fitted = fitted_photo(photo, surface)
    decoder = MotionDecoder(surface, fitted, appearance_of(fitted, surface), SIZE)
    shown = [(decoder.render(decoder.rest_token), fitted.rig, _asked_of(fitted), -1, PHOTO)]
    for seed in seeds:
        for moment, asked in enumerate(asked_rigs(seed, each)):
            rig = target_rig(fitted, asked)
            scene = SCENES + seed * each + moment
            token = surface.rig_to_token(rig)
            shown.append((decoder.render(token), rig, asked, scene, REPOSED))
    return _joined(shown, fitted, zlib.crc32(photo.stem.encode()) & 0x7FFFFFFF)


def _joined(
    shown: list[tuple[np.ndarray, Vector, Vector, int, int]], fitted: FittedPortrait, person: int
) -> Frames:
    camera, images, rigs, turns = fitted.camera, [], [], []
    for image, rig, asked, _, _ in shown:
        at = anchor(fitted.eye_centres, rig, camera, SIZE)
        images.append(cut_around(image, at, camera.focal * SIZE))
        off = at[:2] - camera.centre * SIZE
        turn = sighted(camera.rotation @ turned(rig[POSE_AT]), off, camera.focal * SIZE)
        rigs.append(labelled(asked, rig[GAZE_AT], turn))
        turns.append(turn)
    count = len(shown)
    return Frames(
        np.stack(images),
        np.stack(rigs),
        np.asarray(np.stack(turns), np.float32),
        np.full(count, person, np.int32),
        np.array([scene for _, _, _, scene, _ in shown], np.int32),
        np.array([kind for _, _, _, _, kind in shown], np.uint8),
        located(np.stack(images)),
    )


def labelled(expression: Vector, gaze: Floats, turn: Floats) -> Vector:
    """(63,) what a frame shows: weights beside the person's rest, gaze in the head, the head."""
    out = np.array(expression, np.float32)
    out[GAZE_AT] = gaze
    out[POSE_AT] = 0
    out[POSE_AT.start : POSE_AT.start + 3] = facing(turn)
    return follow_gaze(out)


def _asked_of(fitted: FittedPortrait) -> Vector:
    """(63,) what would have to be asked of the person at rest to show the photo itself."""
    rest = fitted.neutral
    return np.asarray((fitted.rig - rest) / (1 - 0.5 * rest.clip(0, 1)), np.float32)
