"""People who play the same performance: whose token it was can be told from what it says.

Axis legend: F frames.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from avatar.landmark_net import square_of
from avatar.rig import Vector
from avatar.semo.surface import FaceSurface
from avatar.training.evaluate.album import Bytes, Floats
from avatar.training.evaluate.motion_measure import Measured, grouped, table
from avatar.training.evaluate.motion_metrics import over_people
from avatar.training.evaluate.motion_probe import Track, identity_figures, rig_figures, since_first
from avatar.training.evaluate.motion_reconstruction import (
    CROSS,
    ENCODER,
    EXACT,
    Seen,
    reproduced,
    tracks_of,
)
from avatar.training.evaluate.motion_scenes import Scene, Studio, opened, scenes
from avatar.training.evaluate.motion_tokens import Trackers, applied, exact, explained
from emotion.errors import PortraitError

SMALL = 16  # px of the pictures of the probe that sees faces
ALL = 10**6
EVERY = 4  # frames between those that landmarks are fitted to


@dataclass(frozen=True, slots=True, eq=False)
class Played:
    """One person's shot with the (1 + F, 64) tokens of source and targets: all of its frames."""

    scene: Scene
    tokens: Floats

    def some(self, frames: Sequence[int]) -> "Played":
        """Only those targets."""
        at = [0, *(1 + self.scene.targets.index(frame) for frame in frames)]
        return Played(replace(self.scene, targets=tuple(frames)), self.tokens[at])

    def track(self) -> Track:
        """In the order of time."""
        frames = [self.scene.source, *self.scene.targets]
        order = np.argsort(frames)
        taken = [frames[k] for k in order]
        shard = self.scene.shard
        pixels = [small_face(shard.images[at], shard.landmarks[at]) for at in taken]
        labels = np.stack([self.scene.known(at) for at in taken])
        return Track(self.scene.who, self.scene.shot, self.tokens[order], labels, np.stack(pixels))


def small_face(rgb: Bytes, marks: Floats) -> Bytes:
    """(16, 16) grey, upright around (150, 2) px landmarks."""
    face = square_of(marks).cut(rgb, SMALL)
    return np.asarray(cv2.cvtColor(face, cv2.COLOR_RGB2GRAY), np.uint8)


def played(folder: Path, people: int, trackers: Trackers) -> list[Played]:
    """All frames of held-out people, tracked; people of one performance have the same source."""
    first: dict[tuple[int, int], Scene] = {}
    out = []
    for scene in scenes(folder, people, ALL):
        key = int(scene.shard.info["performance"]), scene.shot
        like = first.setdefault(key, scene)
        same = replace(scene, source=like.source, targets=like.targets)
        out.append(Played(same, tracks_of(same, trackers)))
    return out


def crossed(every: Sequence[Played], studio: Studio, frames: int) -> tuple[list[Seen], list[Bytes]]:
    """Each shot by its own tokens and by those of another person at the same frames; what the
    other looked like in the frame that is shown."""
    seen, drivers = [], []
    for at, own in enumerate(every):
        other = partner(every, at)
        if other is None:
            continue
        targets = own.scene.targets
        chosen = np.linspace(0, len(targets) - 1, min(frames, len(targets))).round().astype(int)
        taken = [targets[k] for k in chosen]
        mine, theirs = own.some(taken), other.some(taken)
        for scene, sitter in opened(iter([mine.scene]), studio):
            motion = {
                EXACT: exact(scene, sitter),
                ENCODER: applied(mine.tokens, sitter),
                CROSS: applied(theirs.tokens, sitter),
            }
            seen.append(reproduced(scene, sitter, motion))
            drivers.append(np.asarray(other.scene.shard.images[seen[-1].frame], np.uint8))
    return seen, drivers


def partner(every: Sequence[Played], at: int) -> Played | None:
    """Somebody else in the same shot of the same performance: another one for each shot."""
    own = every[at].scene
    others = [
        p
        for p in every
        if p.scene.shot == own.shot
        and p.scene.who != own.who
        and p.scene.shard.info["performance"] == own.shard.info["performance"]
    ]
    return others[(7 * own.shot + 3 * at) % len(others)] if others else None


def cross_figures(seen: Sequence[Seen]) -> dict[str, Any]:
    """Tables, and what is lost when the tokens are another person's, dB."""
    rows = [row for one in seen for row in one.rows]
    lost = {part: over_people(_lost(rows, part)) for part in ("head", "face", "mouth")}
    return {"ways": table(rows), "same_less_cross_db": lost}


def _lost(rows: Sequence[Measured], part: str) -> dict[str, list[float]]:
    same = {(r.who, r.at): r.psnr[part] for r in rows if r.way == ENCODER}
    cross = [r for r in rows if r.way == CROSS]
    return grouped([r.who for r in cross], [same[r.who, r.at] - r.psnr[part] for r in cross])


def said(every: Sequence[Played], surface: FaceSurface, studio: Studio) -> dict[str, Any]:
    """What tokens say of the rig, as it is and as a change from the source frame; baseline: the
    landmarks' fit on every fourth frame."""
    read = np.concatenate([surface.token_to_rig(p.tokens) for p in every])
    known = np.concatenate([_rigs(p) for p in every])
    whose = [p.scene.who for p in every for _ in p.tokens]
    read_change = np.concatenate([since_first(surface.token_to_rig(p.tokens)) for p in every])
    known_change = np.concatenate([since_first(_rigs(p)) for p in every])
    return {
        "absolute": rig_figures(read, known, whose),
        "since_source": rig_figures(read_change, known_change, whose),
        "landmark fit": _fitted(every, studio),
    }


def _rigs(one: Played) -> Vector:
    frames = (one.scene.source, *one.scene.targets)
    return np.stack([one.scene.known(at) for at in frames])


def _fitted(every: Sequence[Played], studio: Studio) -> dict[str, Any]:
    read, known, whose = [], [], []
    for one in every:
        for at in one.scene.targets[::EVERY]:
            shard = one.scene.shard
            try:
                rig = explained(shard.images[at], shard.landmarks[at], studio)
            except PortraitError:
                rig = np.full(shard.rig.shape[1], np.nan, np.float32)
            read.append(rig)
            known.append(one.scene.known(at))
            whose.append(one.scene.who)
    return rig_figures(np.stack(read), np.stack(known), whose)


def whose_figures(every: Sequence[Played]) -> dict[str, Any]:
    """See `identity_figures`."""
    return identity_figures([one.track() for one in every])
