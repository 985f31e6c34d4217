"""Close pictures of synthetic people who change their expression and little else.

One sitting is one person in one light before one camera: a face at rest or nearly so, and the same
face with feelings, sounds and single movements. Axis legend: F frames, S pixels of a side, V
vertices.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from avatar.presets import EMOTIONS, VISEMES
from avatar.rig import EXPRESSIONS, INDEX, POSE_AT, Vector, follow_gaze, rig
from avatar.semo.pose import rotation
from avatar.training import recipes
from avatar.training.completion.config import Sittings
from avatar.training.evaluate.flow import liveliness
from avatar.training.synthetic.background import draw_background
from avatar.training.synthetic.camera import NATURAL_PITCH, make_camera
from avatar.training.synthetic.labels import LandmarkMap, Seen, flow_between, load_landmark_map
from avatar.training.synthetic.light import draw_light
from avatar.training.synthetic.materials import Segment
from avatar.training.synthetic.person import Person, build_person
from avatar.training.synthetic.rendering import SAMPLES, Frame, Renderer, Setting
from avatar.training.synthetic.shards import Shard, load_shard, shard_paths
from avatar.training.synthetic.traits import Traits, draw_traits
from avatar.training.synthetic.wardrobe import load_wardrobe
from avatar.training.synthetic.world import make_world

_SEED = 20_000  # keeps these people apart from those of the shards
# Where folds run cannot be told from smooth skin: a net that saw them run differently in everybody
# would learn their mean, a blur. These people's folds run alike (they also share freckles).
_LAYOUT = 5
_LINES: dict[str, Any] = {"lines": 4, "spacing": 0.019, "irregular": 1.0}
_MIDDLE = np.array([0, 0.3, 2], np.float32)  # of the picture, model space
_HEIGHT = (21.0, 27.0)  # cm that the picture shows
_FREE = [name for name in EXPRESSIONS if not name.startswith(("eyeLook", "mouthClose", "eyeBlink"))]


@dataclass(frozen=True, slots=True, eq=False)
class Sitting:
    """One person in one light. images (F,S,S,3) uint8; landmarks (F,150,2) px; rig (F,63); held:
    whether this person is never trained on."""

    name: str
    held: bool
    frames: tuple[Frame, ...]
    landmarks: np.ndarray
    triangles: np.ndarray

    def rig(self, frame: int) -> Vector:
        """(63,) of a frame."""
        return self.frames[frame].rig

    def image(self, frame: int) -> np.ndarray:
        """(S,S,3) uint8."""
        return self.frames[frame].image

    def skin(self, frame: int) -> np.ndarray:
        """(S,S) bool: skin, and what is in the mouth; no hair, glasses, eyes or clothes."""
        shown = self.frames[frame].labels.segment
        return np.isin(shown, (Segment.SKIN, Segment.MOUTH, Segment.TEETH))

    def moved(self, source: int, target: int) -> tuple[np.ndarray, np.ndarray]:
        """Where the points of `source` are in `target`: flow (S,S,2) px and whether both show the
        same skin (S,S)."""
        seen = [_seen(self.frames[frame]) for frame in (source, target)]
        flow, visible = flow_between(seen[0], seen[1], self.triangles)
        return flow, visible & (self.frames[source].labels.segment == Segment.SKIN)


def _seen(frame: Frame) -> Seen:
    labels = frame.labels
    return Seen(labels.triangle, labels.weights, labels.depth, frame.screen)


def sittings(
    pack: Path, landmark_map: Path, config: Sittings, *, held_out_only: bool = False
) -> Iterator[Sitting]:
    """All of them, one by one, or those of held-out people."""
    world, marks = make_world(load_wardrobe(pack)), load_landmark_map(landmark_map)
    renderer = Renderer(config.size)
    step = config.held_every if held_out_only else 1
    for number in range(0, config.people, step):
        seed = int(np.random.SeedSequence((config.seed, _SEED, number)).generate_state(1)[0])
        person = build_person(world, _alike(draw_traits(world.wardrobe, seed)))
        for shot in range(config.shots):
            rng = np.random.default_rng([seed, shot])
            yield _sitting(person, (number, shot), rng, (marks, renderer, config))


def _alike(traits: Traits) -> Traits:
    """The same person with everybody's layout of folds; how deep they are stays."""
    folds = replace(traits.folds, **_LINES)
    return replace(traits, seed=_LAYOUT, folds=folds)


def _sitting(
    person: Person,
    which: tuple[int, int],
    rng: np.random.Generator,
    studio: tuple[LandmarkMap, Renderer, Sittings],
) -> Sitting:
    marks, renderer, config = studio
    light = draw_light(rng)
    background = draw_background(rng, SAMPLES * config.size) / np.float32(light.exposure)
    setting = Setting(_camera(rng), light, background)
    frames = tuple(renderer.render(person, asked, setting) for asked in played(rng, config.frames))
    points = np.stack([marks.at(frame.screen) for frame in frames])
    triangles = person.scene.mesh.triangles.astype(np.int32)
    name = f"sitter {which[0]}/{which[1]}"
    return Sitting(name, which[0] % config.held_every == 0, frames, points, triangles)


def _camera(rng: np.random.Generator):  # type: ignore[no-untyped-def]
    turn = rotation(rng.normal(0, 0.08), NATURAL_PITCH + rng.normal(0, 0.05), rng.normal(0, 0.02))
    middle = _MIDDLE + np.array([*rng.uniform(-0.6, 0.6, 2), 0], np.float32)
    angle = float(np.radians(rng.uniform(14, 30)))
    return make_camera(turn, middle, angle, float(rng.uniform(*_HEIGHT)))


def played(rng: np.random.Generator, count: int) -> list[Vector]:
    """Rigs (63,) of one sitting: first a quiet face, then one that does something."""
    posture = (rng.normal(0, 1, 6) * [0.1, 0.06, 0.04, 0.3, 0.3, 0.4]).astype(np.float32)
    out = [_quiet(rng)]
    feelings = list(rng.permutation(sorted(EMOTIONS)))
    makers = (_felt, _felt, _felt, _said, _exercised, _mixed)
    for at in range(count - 1):
        out.append(makers[at % len(makers)](rng, feelings))
    turned = []
    for at, asked in enumerate(out):
        asked[POSE_AT] = posture
        if at and rng.random() < 0.35:
            asked[POSE_AT] += (rng.normal(0, 1, 6) * [0.16, 0.09, 0.06, 0.3, 0.3, 0.4]).astype(
                np.float32
            )
        row = follow_gaze(asked)[None]
        recipes.keep_contact(row)
        turned.append(row[0])
    return turned


def _quiet(rng: np.random.Generator) -> Vector:
    """A portrait's face: at rest, with a trace of a smile, now and then with a broad one."""
    out, kind = rig(), rng.random()
    if kind < 0.25:
        out[: len(EXPRESSIONS)] += recipes.feeling("happy") * rng.uniform(0.15, 0.9)
    elif kind < 0.4:
        out[: len(EXPRESSIONS)] += recipes.feeling(str(rng.choice(["sad", "angry"]))) * 0.35
    for name in rng.choice(_FREE, 5, replace=False):
        out[INDEX[name]] += rng.uniform(0, 0.1)
    return out


def _felt(rng: np.random.Generator, feelings: list[str]) -> Vector:
    """One of the six emotions, by the presets or by the recipes."""
    name = str(feelings[0])
    feelings.append(feelings.pop(0))
    strength = np.float32(rng.uniform(0.45, 1.1))
    if rng.random() < 0.6:
        return np.asarray(strength * rig(EMOTIONS[name]))
    out = rig()
    out[: len(EXPRESSIONS)] = strength * recipes.feeling(name)
    return out


def _said(rng: np.random.Generator, _: list[str]) -> Vector:
    return np.asarray(
        np.float32(rng.uniform(0.6, 1.1)) * rig(VISEMES[str(rng.choice(sorted(VISEMES)))])
    )


def _exercised(rng: np.random.Generator, _: list[str]) -> Vector:
    """Some movements alone or together, mostly alike on both sides."""
    out = rig()
    for name in rng.choice(_FREE, int(rng.integers(1, 5)), replace=False):
        value = np.float32(rng.uniform(0.3, 1.0))
        out[INDEX[name]] = value
        if name[-2:] in ("_L", "_R") and rng.random() < 0.8:
            out[INDEX[name[:-1] + ("R" if name[-1] == "L" else "L")]] = value
    return out


def _mixed(rng: np.random.Generator, feelings: list[str]) -> Vector:
    return np.asarray(
        _felt(rng, feelings) * np.float32(0.8) + _said(rng, feelings) * np.float32(0.8)
    )


@dataclass(frozen=True, slots=True, eq=False)
class ShardSitting:
    """A shot of a shard of `avatar.training.synthetic`, for which see `Sitting`."""

    name: str
    held: bool
    shard: Shard
    frames: tuple[int, ...]

    @property
    def landmarks(self) -> np.ndarray:
        """(F,150,2) px."""
        return self.shard.landmarks[list(self.frames)]

    def rig(self, frame: int) -> Vector:
        """(63,) of a frame."""
        return np.asarray(self.shard.rig[self.frames[frame]], np.float32)

    def image(self, frame: int) -> np.ndarray:
        """(S,S,3) uint8."""
        return np.asarray(self.shard.images[self.frames[frame]])

    def skin(self, frame: int) -> np.ndarray:
        """(S,S) bool, see `Sitting.skin`."""
        shown = self.shard.segmentation[self.frames[frame]]
        return np.isin(shown, (Segment.SKIN, Segment.MOUTH, Segment.TEETH))

    def moved(self, source: int, target: int) -> tuple[np.ndarray, np.ndarray]:
        """See `Sitting.moved`."""
        here, there = self.frames[source], self.frames[target]
        flow, visible = self.shard.flow(here, there)
        return flow, visible & (self.shard.segmentation[here] == Segment.SKIN)


def shard_sittings(folder: Path, most: int | None = None) -> Iterator[ShardSitting]:
    """Every shot of a folder's shards, calmest frames first."""
    for path in shard_paths(folder)[:most]:
        shard = load_shard(path)
        held = shard.info["split"] == "held_out"
        for shot in np.unique(shard.shot):
            frames = np.flatnonzero(shard.shot == shot)
            order = sorted(frames.tolist(), key=lambda at: liveliness(shard.rig[at]))
            yield ShardSitting(f"{path.stem}/{shot}", held, shard, tuple(order))
