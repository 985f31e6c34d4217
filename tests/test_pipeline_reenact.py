"""Reenactment from file to file, on a scripted engine and on the real portrait."""

from collections.abc import Iterable, Iterator
from dataclasses import replace
from itertools import pairwise
from pathlib import Path

import av
import numpy as np
import pytest
import worker_fakes

from avatar.landmark_net import LandmarkNet
from avatar.portraits import WEIGHTS, gallery, load_portrait
from avatar.rig import INDEX, Vector, rig
from avatar.semo.loading import SURFACE, fingerprint, load_surface
from avatar.semo.personal import nobody, save_person
from avatar.semo.prepared import LIPS_LOWER, LIPS_UPPER
from avatar.semo.reenactor import BRIDGED, Performance, Reenactor, performance_of
from emotion.errors import ConfigError, MediaError
from pipeline.movie import Movie
from pipeline.reenact import ReenactOptions, ahead, reenact_clip
from tests.test_pipeline_driver_video import write

SIZE = 64


class Engine:
    """Sees a face in bright pictures; renders the driver's jaw as brightness."""

    def sit(self, portrait: object, person: Path | None) -> object:
        return portrait

    def watch(self, pictures: Iterable[np.ndarray]) -> Iterator[Vector | None]:
        for rgb in pictures:
            bright = float(rgb[32:].mean())
            yield rig({"jawOpen": bright / 255}) if bright > 40 else None

    def render(
        self, portrait: object, done: Performance, size: int, relative: bool
    ) -> Iterator[np.ndarray]:
        buffer = np.empty((size, size, 3), np.uint8)  # used again for each picture
        for driver in done.rigs:
            buffer[:] = round(255 * float(driver[INDEX["jawOpen"]]))
            yield buffer


class Blind(Engine):
    """Sees no face."""

    def watch(self, pictures: Iterable[np.ndarray]) -> Iterator[Vector | None]:
        return (None for _ in pictures)


OPTIONS = ReenactOptions("ada", size=SIZE, engine=f"{__name__}:Engine",
                         portraits=f"{worker_fakes.__name__}:portrait")  # fmt: skip


def brightness(path: Path) -> list[float]:
    with av.open(str(path)) as container:
        return [float(f.to_ndarray(format="rgb24").mean()) for f in container.decode(video=0)]


def test_a_clip_follows_the_driver_frame_by_frame(tmp_path: Path) -> None:
    video = write(tmp_path / "v.mp4", [k / 30 for k in range(90)], sound_from=0.0)
    steps: list[tuple[int, int]] = []
    made = reenact_clip(video, OPTIONS, tmp_path / "out.mp4", lambda *step: steps.append(step))
    shown = brightness(made.out)
    assert made.frames == len(shown) == 75
    assert 10 <= made.unseen <= 14, "what is too dark shows no face"
    expected = 20 + 40 * np.arange(75) / 25
    assert np.abs(np.array(shown) - expected)[20:70].max() < 5
    assert steps[-1] == (150, 150) and all(a <= b for a, b in steps)
    with av.open(str(made.out)) as container:
        sound = np.concatenate([f.to_ndarray()[0] for f in container.decode(audio=0)])
    assert np.abs(sound[:1000]).max() > 0.2


def test_what_cannot_be_is_said_and_leaves_nothing(tmp_path: Path) -> None:
    video = write(tmp_path / "v.mp4", [k / 25 for k in range(25)])
    blind = ReenactOptions("ada", size=SIZE, engine=f"{__name__}:Blind",
                           portraits=OPTIONS.portraits)  # fmt: skip
    with pytest.raises(MediaError, match="No face was found") as caught:
        reenact_clip(video, blind, tmp_path / "out.mp4")
    assert caught.value.remedy
    with pytest.raises(MediaError, match="pixels a side"):
        reenact_clip(video, ReenactOptions("ada", size=63), tmp_path / "out.mp4")
    with pytest.raises(MediaError, match="no folder"):
        reenact_clip(video, OPTIONS, tmp_path / "none" / "out.mp4")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["v.mp4"]


def test_what_was_learned_of_a_person_is_used(tmp_path: Path) -> None:
    engine, portrait = Reenactor(), load_portrait(gallery()[0].name)
    person = nobody(load_surface(), fingerprint(SURFACE))
    save_person(replace(person, gain=1.5 * person.gain), tmp_path / "wide.person", "{}")
    done = performance_of([rig()] * 30 + [rig({"jawOpen": 0.6})] * 5)
    usual, wide = (
        [rgb.copy() for rgb in engine.render(engine.sit(portrait, file), done, 128)][-1]
        for file in (None, tmp_path / "wide.person")
    )
    assert np.abs(usual.astype(int) - wide.astype(int)).mean() > 0.2
    with pytest.raises(ConfigError, match="cannot be read") as caught:
        engine.sit(portrait, tmp_path / "none.person")
    assert "--adapt" in caught.value.remedy


def test_pictures_are_made_ahead_and_not_overwritten() -> None:
    def maker() -> Iterator[np.ndarray]:
        buffer = np.zeros((2, 2, 3), np.uint8)
        for k in range(20):
            buffer[:] = k
            yield buffer

    assert [int(rgb[0, 0, 0]) for rgb in ahead(maker())] == list(range(20))

    def broken() -> Iterator[np.ndarray]:
        yield np.zeros((2, 2, 3), np.uint8)
        raise MediaError("broken", "mend it")

    with pytest.raises(MediaError, match="broken"):
        list(ahead(broken()))


def test_short_gaps_are_filled_and_long_ones_are_not() -> None:
    found: list[Vector | None] = [rig({"yaw": 0.0})] * 10 + [None] * BRIDGED
    found += [rig({"yaw": 0.3})] * 10 + [None] * (BRIDGED + 1) + [rig()] * 5
    done = performance_of(found)
    assert done.unseen == BRIDGED + 1
    assert np.abs(np.diff(done.rigs[:28, INDEX["yaw"]])).max() < 0.08


def test_a_real_portrait_follows_and_rests_without_a_face() -> None:
    portrait = load_portrait(gallery()[0].name)
    engine = Reenactor()
    still: list[Vector | None] = [rig()] * 30
    moving = still + [rig({"jawOpen": 0.6, "yaw": 0.2})] * 20 + [None] * 90
    done = performance_of(moving)
    pictures = [rgb.copy() for rgb in engine.render(engine.sit(portrait), done, 128, relative=True)]

    def apart(a: np.ndarray, b: np.ndarray) -> float:
        return float(np.abs(a.astype(int) - b.astype(int)).mean())

    assert len(pictures) == 140
    assert apart(pictures[20], pictures[45]) > 1.5
    assert apart(pictures[55], pictures[45]) < 0.5, "a lost face is held"
    assert apart(pictures[-1], pictures[20]) < 0.8, "and then let go"
    steps = [apart(a, b) for a, b in pairwise(pictures[55:])]
    assert max(steps) < 0.2 * apart(pictures[55], pictures[-1]), "without a jump"


@pytest.fixture(scope="module")
def filmed(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A video of a gallery face that turns there and back and opens the mouth at the end."""
    turns = [0.25 * float(np.sin(2 * np.pi * k / 40)) for k in range(40)]
    rigs = [rig({"yaw": turn}) for turn in turns] + [rig({"jawOpen": 0.6})] * 10
    done = Performance(np.stack(rigs), np.ones(len(rigs), bool))
    out = tmp_path_factory.mktemp("filmed") / "driver.mp4"
    engine = Reenactor()
    sitter = engine.sit(load_portrait(gallery()[-1].name))
    with Movie(out, 256) as movie:
        for rgb in engine.render(sitter, done, 256):
            movie.add(rgb, np.zeros(960, np.float32))
    return out


@pytest.mark.parametrize("relative", [False, True])
def test_from_a_filmed_face_to_another(filmed: Path, tmp_path: Path, relative: bool) -> None:
    options = ReenactOptions(gallery()[0].name, relative, 256)
    made = reenact_clip(filmed, options, tmp_path / "out.mp4")
    assert (made.frames, made.unseen) == (50, 0)
    with av.open(str(made.out)) as container:
        shown = [f.to_ndarray(format="rgb24") for f in container.decode(video=0)]
    net = LandmarkNet(WEIGHTS)
    turned, opened = np.array([seen_of(net.find(rgb)[0].points) for rgb in shown[::3]]).T
    wanted = np.sin(2 * np.pi * np.arange(0, 50, 3) / 40)[:14]
    assert np.corrcoef(turned[:14], wanted)[0, 1] > 0.85
    assert opened[-1] > opened[:13].max() + 0.05


def seen_of(points: np.ndarray) -> tuple[float, float]:
    """How far the nose is to the side of the eyes' middle, and the lips apart, in eye distances."""
    right, left = points[76:92].mean(0), points[92:108].mean(0)
    apart = float(np.linalg.norm(left - right))
    lips = float((points[LIPS_LOWER] - points[LIPS_UPPER])[2:7, 1].mean())
    return float((points[138:150].mean(0) - (left + right) / 2)[0]) / apart, lips / apart
