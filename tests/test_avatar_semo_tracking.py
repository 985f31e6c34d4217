"""The tracker on the project's own portraits, moved by its own decoder."""

from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import pytest

from avatar.landmark_net import LandmarkNet, Square
from avatar.portraits import gallery, load_portrait
from avatar.rig import INDEX, rig
from avatar.semo.appearance import appearance_of
from avatar.semo.decoder import MotionDecoder
from avatar.semo.encoder import SIDE, MaskedMotionEncoder
from avatar.semo.facing import facing, sighted, turned, unsighted, upright
from avatar.semo.fit import fit_portrait
from avatar.semo.loading import WEIGHTS, load_surface
from avatar.semo.neutral import target_rig
from avatar.semo.smoothing import OneEuro
from avatar.semo.surface import FaceSurface
from avatar.semo.tracking import MotionTracker, placed
from emotion.errors import ConfigError

SIZE = 320


@pytest.fixture(scope="module")
def surface() -> FaceSurface:
    return load_surface()


@pytest.fixture(scope="module")
def film(surface: FaceSurface) -> list[np.ndarray]:
    """Still, mouth opening, eyes closing, head turning."""
    fitted = fit_portrait(load_portrait(gallery()[0].name), surface)
    decoder = MotionDecoder(surface, fitted, appearance_of(fitted, surface), SIZE)
    asked = [rig()] * 2
    asked += [rig({"jawOpen": 0.5 * k}) for k in (0.5, 1)]
    asked += [rig({"eyeBlink_L": k, "eyeBlink_R": k}) for k in (0.5, 1)]
    asked += [rig({"yaw": 0.1 * k}) for k in range(4)]
    return [decoder.render(surface.rig_to_token(target_rig(fitted, one))) for one in asked]


@pytest.fixture
def tracker(surface: FaceSurface) -> Iterator[MotionTracker]:
    finder = LandmarkNet(WEIGHTS / "landmarks.onnx")
    yield MotionTracker(MaskedMotionEncoder(), finder, surface)


def _read(surface: FaceSurface, tracker: MotionTracker, film: list[np.ndarray]) -> np.ndarray:
    found = [tracker.track(frame) for frame in film]
    assert all(one is not None for one in found)
    return np.stack([surface.token_to_rig(one.token) for one in found if one is not None])


def test_tracker_sees_jaw_lids_and_turn(
    surface: FaceSurface, tracker: MotionTracker, film: list[np.ndarray]
) -> None:
    seen = _read(surface, tracker, film)
    assert seen[3, INDEX["jawOpen"]] > seen[0, INDEX["jawOpen"]] + 0.2
    assert seen[5, INDEX["eyeBlink_L"]] > seen[0, INDEX["eyeBlink_L"]] + 0.4
    assert 0.15 < seen[9, INDEX["yaw"]] - seen[6, INDEX["yaw"]] < 0.45


def test_first_frame_has_no_shift_and_a_moved_picture_has(
    surface: FaceSurface, tracker: MotionTracker, film: list[np.ndarray]
) -> None:
    still = film[0]
    moved = np.roll(still, 6, axis=1)
    seen = _read(surface, tracker, [still, moved, moved, moved, moved])
    assert np.abs(seen[0, INDEX["x"]]) < 0.2
    assert 0.2 < seen[-1, INDEX["x"]] - seen[0, INDEX["x"]] < 2.5


def test_tracker_says_none_without_a_face_and_finds_it_again(
    tracker: MotionTracker, film: list[np.ndarray]
) -> None:
    assert tracker.track(film[0]) is not None
    assert tracker.track(np.full((SIZE, SIZE, 3), 90, np.uint8)) is None
    assert tracker.track(film[0]) is not None


def test_tracker_takes_frames_of_any_size(tracker: MotionTracker, film: list[np.ndarray]) -> None:
    wide = cv2.copyMakeBorder(film[0], 40, 0, 200, 150, cv2.BORDER_REPLICATE)
    for picture in (wide, np.asarray(cv2.resize(wide, None, fx=0.6, fy=0.6))):
        tracker.reset()
        assert tracker.track(np.ascontiguousarray(picture, np.uint8)) is not None


def test_tracker_stays_with_its_face(tracker: MotionTracker, film: list[np.ndarray]) -> None:
    pair = np.concatenate([film[0], np.asarray(film[0][:, ::-1])], 1)
    first = tracker.track(pair)
    assert first is not None
    for frame in film:
        both = np.concatenate([frame, np.asarray(frame[:, ::-1])], 1)
        found = tracker.track(both)
        assert found is not None
        assert (found.square.x < SIZE) == (first.square.x < SIZE)


def test_encoder_wants_bytes_of_its_size() -> None:
    encoder = MaskedMotionEncoder()
    with pytest.raises(ValueError, match="patches"):
        encoder.encode(np.zeros((1, SIDE, SIDE - 1, 3), np.uint8))
    with pytest.raises(ValueError, match="patches"):
        encoder.encode(np.zeros((1, SIDE, SIDE, 3), np.float32))


def test_a_missing_encoder_is_said_so(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="missing"):
        MaskedMotionEncoder(tmp_path / "none.onnx")


def test_facing_inverts_upright_and_sight() -> None:
    angles = np.array([0.3, -0.2, 0.15], np.float32)
    assert np.allclose(facing(upright(angles)), angles, atol=1e-5)
    off = np.array([60.0, -25.0], np.float32)
    turn = upright(angles) @ turned(np.array([0.2, 0.1, 0, 0, 0, 0], np.float32))
    assert np.allclose(unsighted(sighted(turn, off, 400.0), off, 400.0), turn, atol=1e-5)


def test_placed_undoes_a_shift_of_the_square() -> None:
    right = Square(100.0, 120.0, 80.0)
    off = Square(110.0, 116.0, 100.0)
    drop = 3.5 / 20.0
    x = (right.x - off.x) / off.side
    y = (right.y - drop * right.side - off.y) / off.side + drop
    grow = np.log(right.side / off.side)
    found = placed(off, np.array([x, y, grow], np.float32))
    assert np.allclose([found.x, found.y, found.side], [right.x, right.y, right.side], atol=1e-3)


def test_filter_holds_what_rests_and_follows_what_moves() -> None:
    rng = np.random.default_rng(0)
    noise = rng.normal(0, 0.01, (60, 1)).astype(np.float32)
    euro = OneEuro(25.0, 1.0, 10.0)
    still = np.stack([euro(value) for value in noise])
    assert still[20:].std() < 0.6 * noise[20:].std()
    euro.reset()
    ramp = np.arange(60, dtype=np.float32)[:, None]
    followed = np.stack([euro(value) for value in ramp])
    assert np.abs(ramp - followed)[20:].max() < 0.2
    with pytest.raises(ValueError, match="rates"):
        OneEuro(25.0, 0.0, 1.0)
