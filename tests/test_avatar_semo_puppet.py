"""A portrait that follows a camera: drives, mirrors, loses sight, lets go."""

from dataclasses import dataclass, field

import numpy as np
import pytest

from avatar.portraits import gallery, load_portrait
from avatar.rig import INDEX, POSE_AT, Vector, follow_gaze, rig
from avatar.semo.fit import fit_portrait
from avatar.semo.loading import load_surface
from avatar.semo.puppet import Puppet, mirrored
from avatar.semo.surface import FaceSurface
from avatar.semo.types import FittedPortrait
from avatar.semo.watch import Watch
from avatar.types import DriveMode

PICTURE = np.zeros((32, 32, 3), np.uint8)
SMILE = {"mouthSmile_L": 0.8, "mouthSmile_R": 0.8}
YAW, JAW, SMILES = INDEX["yaw"], INDEX["jawOpen"], INDEX["mouthSmile_L"]


@dataclass
class Scripted:
    """A tracker that sees what the test says; None: no face."""

    token: np.ndarray


@dataclass
class Stage:
    """One puppet, its camera, and time."""

    surface: FaceSurface
    fitted: FittedPortrait
    driver: Vector | None = field(default_factory=rig)
    frame: int = 0

    def __post_init__(self) -> None:
        self.watch = Watch(self.surface, lambda: self)
        self.watch.look = self._at_once  # type: ignore[method-assign]
        self.puppet = Puppet(self.surface, self.fitted, self.watch)
        self.own = follow_gaze(self.fitted.neutral)

    def _at_once(self, rgb: np.ndarray, at: float) -> bool:
        self.watch.see(rgb, at)
        return True

    def track(self, rgb: np.ndarray) -> Scripted | None:
        if self.driver is None:
            return None
        return Scripted(self.surface.rig_to_token(self.driver))

    def go(self, steps: int, mode: DriveMode = "drives", speaking: float = 0.0) -> Vector:
        for _ in range(steps):
            self.sight = self.puppet.see(PICTURE, mode, self.frame / 25)
            self.shown = self.puppet.step(self.own, speaking, self.frame)
            self.frame += 1
        return self.shown


@pytest.fixture(scope="module")
def surface() -> FaceSurface:
    return load_surface()


@pytest.fixture(scope="module")
def fitted(surface: FaceSurface) -> FittedPortrait:
    return fit_portrait(load_portrait(gallery()[0].name), surface)


@pytest.fixture
def stage(surface: FaceSurface, fitted: FittedPortrait) -> Stage:
    return Stage(surface, fitted)


def test_the_face_does_what_the_driver_does_as_in_a_mirror(stage: Stage) -> None:
    stage.go(40)
    stage.driver = rig({"yaw": 0.25, "jawOpen": 0.5, "eyeBlink_L": 1.0})
    shown = stage.go(40)
    assert shown[YAW] == pytest.approx(-0.25, abs=0.05)
    assert shown[JAW] > stage.own[JAW] + 0.25
    assert shown[INDEX["eyeBlink_R"]] > shown[INDEX["eyeBlink_L"]] + 0.4


def test_it_follows_within_a_few_frames_and_comes_in_softly(stage: Stage) -> None:
    first = stage.go(13)
    assert np.abs(first - stage.own).max() < 0.1, "nothing is followed before the rest is known"
    stage.go(30)
    stage.driver = rig({"yaw": 0.2})
    assert stage.go(4)[YAW] < -0.1


def test_a_mirrored_rig_mirrored_is_itself() -> None:
    values = np.random.default_rng(0).normal(0, 1, len(INDEX)).astype(np.float32)
    assert np.array_equal(mirrored(mirrored(values)), values)
    assert mirrored(rig({"jawLeft": 1}))[INDEX["jawRight"]] == 1


def test_words_own_the_lips_while_the_portrait_speaks(stage: Stage) -> None:
    stage.go(40)
    stage.driver = rig({"jawOpen": 0.6, "browInnerUp_L": 0.8, "browInnerUp_R": 0.8, "yaw": 0.2})
    shown = stage.go(40, speaking=1.0)
    assert shown[JAW] == pytest.approx(stage.own[JAW], abs=0.02)
    assert shown[INDEX["mouthClose"]] == pytest.approx(stage.own[INDEX["mouthClose"]], abs=0.02)
    assert shown[INDEX["browInnerUp_L"]] > stage.own[INDEX["browInnerUp_L"]] + 0.3
    assert abs(shown[YAW]) > 0.1


def test_the_echo_is_soft_late_and_without_lips(stage: Stage) -> None:
    stage.go(60, "mirrors")
    stage.driver = rig({**SMILE, "jawOpen": 0.7, "roll": 0.25})
    soon = stage.go(6, "mirrors")
    assert np.abs(soon - stage.own).max() < 0.08
    shown = stage.go(60, "mirrors")
    assert 0.15 < shown[SMILES] - stage.own[SMILES] < 0.65
    assert shown[JAW] == stage.own[JAW]
    assert 0.05 < abs(shown[INDEX["roll"]]) < 0.2
    spoken = stage.go(60, "mirrors", speaking=1.0)
    assert np.abs(spoken - stage.own).max() < 0.05, "while it speaks it mirrors nobody"


def test_a_lost_face_is_held_and_then_eased_out(stage: Stage) -> None:
    stage.go(40)
    stage.driver = rig({"yaw": 0.3})
    led = stage.go(30)[YAW]
    stage.driver = None
    held = stage.go(6)
    assert held[YAW] == pytest.approx(led, abs=0.02) and not stage.sight.face
    steps = [stage.go(1)[YAW] for _ in range(120)]
    assert np.abs(np.diff(steps)).max() < 0.03, "without a jump"
    assert abs(steps[-1] - stage.own[YAW]) < 0.01
    stage.driver = rig({"yaw": 0.3})
    assert stage.go(30)[YAW] == pytest.approx(led, abs=0.03), "and found again"


def test_a_camera_that_falls_silent_counts_as_a_lost_face(stage: Stage) -> None:
    stage.go(40)
    stage.driver = rig({"yaw": 0.3})
    stage.go(30)
    for frame in range(150):
        shown = stage.puppet.step(stage.own, 0.0, 1000 + frame)
    assert abs(shown[YAW]) < 0.01


def test_letting_go_ends_in_the_portraits_own_life(stage: Stage) -> None:
    stage.go(40)
    stage.driver = rig({"yaw": 0.3})
    stage.go(30)
    stage.puppet.stop()
    assert not stage.puppet.over
    last = None
    for frame in range(150):
        last = stage.puppet.step(stage.own, 0.0, 1000 + frame)
    assert stage.puppet.over and np.array_equal(last, stage.own)


def test_an_error_of_tracking_is_no_jump(stage: Stage) -> None:
    stage.go(40)
    for k in range(30):
        stage.driver = rig({"yaw": 0.4 * (-1) ** k, "x": 9.0 * (-1) ** k})
        before = stage.shown
        after = stage.go(1)
        assert (np.abs(after - before)[POSE_AT] < (0.2, 0.2, 0.2, 1.2, 1.2, 1.6)).all()


def test_the_sight_tells_which_picture_is_shown_from_which_frame(stage: Stage) -> None:
    stage.go(20)
    assert stage.sight.face
    assert stage.sight.frame == stage.frame - 2  # of the picture before
    assert stage.sight.at == pytest.approx((stage.frame - 2) / 25)


def test_another_mode_is_no_jump(stage: Stage) -> None:
    stage.go(40)
    stage.driver = rig({"yaw": 0.3, "jawOpen": 0.5})
    before = stage.go(30)
    after = stage.go(1, "mirrors")
    assert np.abs(after - before).max() < 0.12
    assert abs(stage.go(60, "mirrors")[JAW] - stage.own[JAW]) < 0.01


def test_a_camera_that_was_away_is_learned_anew(stage: Stage) -> None:
    stage.go(40)
    stage.driver = rig({"yaw": 0.3})
    before = stage.go(30)
    stage.frame += 200
    assert np.abs(stage.go(1) - before).max() < 0.12, "without a jump"
    assert abs(stage.go(80)[YAW]) < 0.02, "who sits there now looks straight ahead"


def test_the_next_driver_begins_where_the_last_was_let_go(stage: Stage) -> None:
    stage.go(40)
    stage.driver = rig({"yaw": 0.3})
    before = stage.go(30)
    stage.puppet.stop()
    stage.puppet = Puppet(stage.surface, stage.fitted, stage.watch, stage.puppet)
    assert np.abs(stage.go(1) - before).max() < 0.12
