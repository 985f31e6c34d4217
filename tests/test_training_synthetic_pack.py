"""The synthetic world on the face pack: needs LIMNER_SHARED, the folder with facepack/."""

import dataclasses
import os
from pathlib import Path

import av
import cv2
import numpy as np
import pytest

from avatar.rig import rig
from avatar.training.pack import Section
from avatar.training.synthetic.clips import ClipStudio, produce_clips
from avatar.training.synthetic.config import Config
from avatar.training.synthetic.labels import LandmarkMap
from avatar.training.synthetic.materials import Segment
from avatar.training.synthetic.person import build_person
from avatar.training.synthetic.posing import posed
from avatar.training.synthetic.produce import draw_setting, produce
from avatar.training.synthetic.relief import Relief
from avatar.training.synthetic.rendering import Renderer
from avatar.training.synthetic.shards import load_shard, shard_paths
from avatar.training.synthetic.traits import draw_traits
from avatar.training.synthetic.wardrobe import load_wardrobe
from avatar.training.synthetic.world import World, make_world
from speech.tts import EmbeddedVoices

SHARED = os.environ.get("LIMNER_SHARED", "")
pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(not SHARED, reason="LIMNER_SHARED does not name a folder with facepack/"),
]
SIZE = 96


@pytest.fixture(scope="module")
def world() -> World:
    return make_world(load_wardrobe(Path(SHARED) / "facepack"), directions=6)


@pytest.fixture(scope="module")
def marks(world: World) -> LandmarkMap:
    """Any 150 points of the face."""
    head = world.wardrobe.head
    face = head.triangles[head.triangle_section == Section.FACE]
    chosen = face[np.linspace(0, len(face) - 1, 150).astype(int)]
    return LandmarkMap(chosen, np.full((150, 3), 1 / 3, np.float32))


@pytest.fixture(scope="module")
def shards(world: World, marks: LandmarkMap, tmp_path_factory: pytest.TempPathFactory) -> Path:
    out = tmp_path_factory.mktemp("shards")
    assert len(list(produce(world, marks, CONFIG, out))) == 3
    return out


CONFIG = Config(seed=5, people=3, frames=3, size=SIZE, stride=7, share=2)


def test_a_set_is_its_seeds_bit_for_bit(
    world: World, marks: LandmarkMap, shards: Path, tmp_path: Path
) -> None:
    list(produce(world, marks, CONFIG, tmp_path))
    for path in shard_paths(shards):
        assert path.read_bytes() == (tmp_path / path.name).read_bytes()
    assert [path.stem for path in shard_paths(shards, "held_out")] == ["person_00000_held_out"]


def test_flow_brings_one_frame_to_another(shards: Path) -> None:
    for path in shard_paths(shards):
        shard = load_shard(path)
        flow, visible = shard.flow(0, 2)
        y, x = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32)
        moved = cv2.remap(
            shard.images[2], x + flow[..., 0], y + flow[..., 1], cv2.INTER_LINEAR
        ).astype(int)
        skin = visible & (shard.segmentation[0] == Segment.SKIN)
        assert skin.mean() > 0.08
        after = np.abs(moved - shard.images[0])[skin].mean()
        before = np.abs(shard.images[2].astype(int) - shard.images[0])[skin].mean()
        assert after < max(0.75 * before, 5)


def test_labels_agree_with_one_another(shards: Path) -> None:
    for path in shard_paths(shards):
        shard = load_shard(path)
        assert ((shard.segmentation > 0) == (shard.surface < 65535)).all()
        assert ((shard.depth > 0) == (shard.segmentation > 0)).all()
        body = shard.segmentation > 0
        assert shard.alpha[body].mean() > 250 and shard.alpha[~body].mean() < 15
        assert {Segment.BACKGROUND, Segment.SKIN, Segment.CLOTH} <= set(
            np.unique(shard.segmentation)
        )
        inside = ((shard.landmarks >= 0) & (shard.landmarks < SIZE)).all(2)
        assert inside.mean() > 0.9


def test_the_same_performance_moves_different_people(shards: Path) -> None:
    one, two = (load_shard(path) for path in shard_paths(shards)[1:3])
    other = load_shard(shard_paths(shards)[0])
    assert not np.array_equal(one.identity, two.identity)
    assert not np.array_equal(one.rig, other.rig)
    assert np.array_equal(one.rig, two.rig)


def test_rig_signs_are_those_of_the_rig(world: World) -> None:
    person = build_person(world, draw_traits(world.wardrobe, 3))
    head = world.wardrobe.head
    nose, chin = head.marks68[30], head.marks68[8]
    rest = posed(person, rig())
    assert posed(person, rig({"yaw": 0.3}))[nose, 0] > rest[nose, 0] + 1  # the picture's right
    assert posed(person, rig({"pitch": 0.3}))[nose, 1] < rest[nose, 1] - 1  # nods down
    # Tilts clockwise in the picture: the crown goes to its right.
    crown = int(rest[: len(head.vertices), 1].argmax())
    assert posed(person, rig({"roll": 0.3}))[crown, 0] > rest[crown, 0] + 1
    assert posed(person, rig({"y": 2.0}))[nose, 1] == pytest.approx(rest[nose, 1] - 2, abs=1e-3)
    assert posed(person, rig({"jawOpen": 0.5}))[chin, 1] < rest[chin, 1] - 0.5
    eye = person.eyes[0]
    front = eye[rest[eye, 2].argmax()]
    assert posed(person, rig({"gaze_x": 0.3}))[front, 0] > rest[front, 0] + 0.2


def test_an_open_mouth_shows_its_inside_and_closed_lids_hide_the_eyes(world: World) -> None:
    person = build_person(world, draw_traits(world.wardrobe, 21))
    renderer, setting = Renderer(192), draw_setting(4, 192)

    def count(**values: float) -> dict[Segment, int]:
        segments = renderer.render(person, rig(values), setting).labels.segment
        return {segment: int((segments == segment).sum()) for segment in Segment}

    still, open_ = count(), count(jawOpen=0.7)
    closed = count(eyeBlink_L=1.03, eyeBlink_R=1.03)
    assert open_[Segment.MOUTH] + open_[Segment.TEETH] > 60 + still[Segment.MOUTH]
    assert still[Segment.EYES] > 40
    assert closed[Segment.EYES] < 0.3 * still[Segment.EYES]


def test_folds_come_with_the_expression(world: World) -> None:
    person = build_person(world, draw_traits(world.wardrobe, 19))
    smooth = dataclasses.replace(person, relief=Relief((), ()))
    renderer, setting = Renderer(192), draw_setting(4, 192)

    def difference(**values: float) -> float:
        pair = [renderer.render(who, rig(values), setting).image for who in (person, smooth)]
        return float(np.abs(pair[0].astype(int) - pair[1]).mean())

    raised = {f"brow{part}Up_{side}": 1.0 for part in ("Inner", "Outer") for side in "LR"}
    assert difference(**raised) > 1.15 * difference() > 0


def test_the_anchor_lies_between_the_eyes(shards: Path) -> None:
    for path in shard_paths(shards):
        shard = load_shard(path)
        head = shard.landmarks.mean(1)
        assert np.abs(shard.anchor[:, :2] - head).max() < 0.3 * SIZE
        assert np.abs(shard.anchor[:, 2] - shard.distance).max() < 12
        assert (shard.focal > SIZE).all()


def test_a_clip_and_its_truth(world: World, marks: LandmarkMap, tmp_path: Path) -> None:
    config = dataclasses.replace(CONFIG, people=1, first=1)
    studio = ClipStudio(world, marks, EmbeddedVoices(), config, 0.12)
    clips, truth = tmp_path / "clips", tmp_path / "truth"
    made = list(produce_clips(studio, clips, truth, (None, "absent", "two")))
    assert [path.stem for path in made] == [
        f"clip_00001_0_{kind}" for kind in ("train", "absent", "two")
    ]
    assert not list(clips.glob("*.npz"))
    for path in made:
        with np.load(truth / f"{path.stem}.npz") as told:
            assert told["rig"].shape == (3, 63)
            assert told["landmarks"].shape == (3, 150, 2)
            assert told["present"].all() == (path != made[1])
        with av.open(str(path)) as container:
            assert sum(1 for _ in container.decode(video=0)) == 3


def test_frames_are_repeatable_whoever_was_drawn_before(world: World) -> None:
    renderer = Renderer(SIZE)
    first, second = (build_person(world, draw_traits(world.wardrobe, seed)) for seed in (1, 2))
    pose, setting = rig({"jawOpen": 0.3}), draw_setting(1, SIZE)
    before = renderer.render(first, pose, setting).image
    renderer.render(second, pose, setting)
    assert np.array_equal(renderer.render(first, pose, setting).image, before)
