"""Encode, decode, compare: what is drawn of held-out people by motion from different places.

All of it is drawn by the same decoder from the same source frame.
"""

import logging
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass

import numpy as np

from avatar.training.evaluate.album import Bytes, Floats
from avatar.training.evaluate.motion_measure import COPY, Measured, Truth, measured, truth_of
from avatar.training.evaluate.motion_regions import regions
from avatar.training.evaluate.motion_scenes import Scene, Sitter, Studio
from avatar.training.evaluate.motion_tokens import Trackers, applied, by_landmarks, exact, tracked
from emotion.errors import PortraitError

LOG = logging.getLogger(__name__)
EXACT, ENCODER, LANDMARKS = "exact motion", "encoder", "landmark fit"
_NOBODY = np.zeros((0, 64), np.float32)
WRONG, CROSS = "another person's other frame", "another person's same frame"


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """How near each way came to a scene's targets; shown: what each drew of the most turned one,
    None for no answer."""

    scene: Scene
    frame: int
    shown: dict[str, Bytes | None]
    rows: list[Measured]


def reproduced(scene: Scene, sitter: Sitter, motion: Mapping[str, Floats]) -> Seen:
    """motion: by way (F, 64) tokens of the targets in the portrait's terms, nan for no answer."""
    turned = max(scene.targets, key=scene.turn)
    seen = Seen(scene, turned, {COPY: scene.portrait}, [])
    for at, frame in enumerate(scene.targets):
        truth = truth_of(scene, frame, regions(scene.shard, frame))
        seen.rows.append(measured(truth, COPY, scene.portrait, None))
        for way, tokens in motion.items():
            picture, row = _answer(truth, tokens[at], sitter, way)
            seen.rows.append(row)
            if frame == turned:
                seen.shown[way] = picture
    return seen


def _answer(truth: Truth, token: Floats, sitter: Sitter, way: str) -> tuple[Bytes | None, Measured]:
    if not np.isfinite(token).all():
        return None, measured(truth, way, None, None)
    picture = sitter.draw(token)
    return picture, measured(truth, way, picture, sitter.flow(token))


def all_reproduced(
    found: Iterable[tuple[Scene, Sitter]],
    studio: Studio,
    trackers: Trackers | None,
    also: Callable[[Scene, Sitter, Floats], None] | None = None,
) -> list[Seen]:
    """Every scene by exact motion, by landmarks and, where there is an encoder, by its tokens and
    by those of the person before in another performance; `also` is told the exact tokens."""
    out: list[Seen] = []
    own, other = ("", _NOBODY), ("", _NOBODY)  # the last tokens of this person, of the one before
    for scene, sitter in found:
        motion = {EXACT: exact(scene, sitter), LANDMARKS: landmarks_of(scene, sitter, studio)}
        if trackers is not None:
            if own[0] != scene.who:
                other = own
            own = scene.who, tracks_of(scene, trackers)
            motion[ENCODER] = applied(own[1], sitter)
            if len(other[1]):
                fitting = np.arange(len(own[1])) % len(other[1])
                motion[WRONG] = applied(other[1][fitting], sitter)
        out.append(reproduced(scene, sitter, motion))
        if also is not None:
            also(scene, sitter, motion[EXACT])
    return out


def landmarks_of(scene: Scene, sitter: Sitter, studio: Studio) -> Floats:
    """See `by_landmarks`; nan where even the source frame shows no face."""
    try:
        return by_landmarks(scene, sitter, studio)
    except PortraitError as error:
        LOG.warning("%s: %s", scene.who, error)
        return np.full((len(scene.targets), 64), np.nan, np.float32)


def tracks_of(scene: Scene, trackers: Trackers) -> Floats:
    """See `tracked`; nan where the tracker does not even find the source frame's face."""
    try:
        return tracked(scene, trackers)
    except PortraitError as error:
        LOG.warning("%s: %s", scene.who, error)
        return np.full((1 + len(scene.targets), 64), np.nan, np.float32)
