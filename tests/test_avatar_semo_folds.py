import itertools
from pathlib import Path

import cv2
import numpy as np
import pytest

from avatar.portraits import load_portrait
from avatar.presets import EMOTIONS
from avatar.rig import rig
from avatar.semo.appearance import appearance_of
from avatar.semo.decoder import MotionDecoder
from avatar.semo.face_map import SIDE, face_map
from avatar.semo.fit import fit_portrait
from avatar.semo.folds import FoldNet, load_folds, net_input, united
from avatar.semo.loading import WEIGHTS, load_surface
from avatar.semo.neutral import target_rig
from avatar.semo.own_teeth import gain_at, own_gain
from avatar.semo.prepared import PART
from avatar.semo.surface import FaceSurface
from avatar.semo.types import Appearance, FittedPortrait, Floats
from emotion.errors import ConfigError

SIZE = 256


@pytest.fixture(scope="module")
def surface() -> FaceSurface:
    return load_surface()


@pytest.fixture(scope="module")
def fitted(surface: FaceSurface) -> FittedPortrait:
    return fit_portrait(load_portrait("henrik"), surface)


@pytest.fixture(scope="module")
def appearance(surface: FaceSurface, fitted: FittedPortrait) -> Appearance:
    return appearance_of(fitted, surface)


@pytest.fixture(scope="module")
def net() -> FoldNet:
    return load_folds(WEIGHTS)


@pytest.fixture(scope="module")
def pair(
    surface: FaceSurface, fitted: FittedPortrait, appearance: Appearance, net: FoldNet
) -> tuple[MotionDecoder, MotionDecoder]:
    """Without and with folds."""
    plain = MotionDecoder(surface, fitted, appearance, SIZE)
    return plain, MotionDecoder(surface, fitted, appearance, SIZE, folds=net)


def felt(surface: FaceSurface, fitted: FittedPortrait, name: str, strength: float = 1.0) -> Floats:
    asked = np.float32(strength) * rig(EMOTIONS[name])
    return surface.rig_to_token(target_rig(fitted, np.asarray(asked, np.float32)))


def between_brows(fitted: FittedPortrait) -> tuple[slice, slice]:
    """Rows and columns of the forehead between and above the brows."""
    marks = fitted.landmarks * SIZE
    brows = np.concatenate([marks[PART["left_brow"]], marks[PART["right_brow"]]])
    (left, top), (right, bottom) = brows.min(0), brows.max(0)
    high = int(top - 0.25 * (right - left))
    return slice(max(high, 0), int(bottom)), slice(int(left), int(right))


def test_the_portrait_at_rest_is_untouched(
    pair: tuple[MotionDecoder, MotionDecoder], fitted: FittedPortrait
) -> None:
    expected = cv2.resize(fitted.rgb, (SIZE, SIZE), interpolation=cv2.INTER_AREA)
    assert np.array_equal(pair[1].render(pair[1].rest_token), expected)


def test_anger_folds_the_brow_and_rest_comes_back(
    pair: tuple[MotionDecoder, MotionDecoder], surface: FaceSurface, fitted: FittedPortrait
) -> None:
    token = felt(surface, fitted, "angry")
    before, after = (d.render(token).astype(int) for d in pair)
    brow = between_brows(fitted)
    assert np.abs(before - after)[brow].mean() > 0.4
    assert np.abs(before - after).max() < 110
    corner = np.s_[: SIZE // 16, : SIZE // 16]
    assert np.array_equal(before[corner], after[corner])
    resized = cv2.resize(fitted.rgb, (SIZE, SIZE), interpolation=cv2.INTER_AREA)
    assert np.array_equal(pair[1].render(pair[1].rest_token), resized)


def test_folds_come_little_by_little(
    pair: tuple[MotionDecoder, MotionDecoder], surface: FaceSurface, fitted: FittedPortrait
) -> None:
    """No popping: steps of a slow rise are all alike, and a frame that is asked again is the
    same."""
    steps = []
    for strength in np.linspace(0.3, 0.9, 7):
        token = felt(surface, fitted, "angry", float(strength))
        plain, folded = (d.render(token).astype(np.float32) for d in pair)
        steps.append((folded - plain)[between_brows(fitted)])
    change = [float(np.abs(b - a).mean()) for a, b in itertools.pairwise(steps)]
    assert max(change) < 4 * np.median(change) + 0.1
    token = felt(surface, fitted, "sad")
    once = pair[1].render(token)
    pair[1].render(felt(surface, fitted, "happy"))
    assert np.array_equal(pair[1].render(token), once)


def test_the_flat_face_puts_features_where_they_belong(surface: FaceSurface) -> None:
    flat = face_map(surface)
    marks = surface.chart.at_landmarks(np.pad(flat.at, ((0, 0), (0, 1))).astype(np.float32))[:, :2]
    left, right = (marks[PART[f"{side}_eye"]].mean(0) for side in ("left", "right"))
    lips = marks[PART["lips_outer"]].mean(0)
    assert left[0] + right[0] == pytest.approx(SIDE, abs=2)
    assert left[1] < lips[1] and abs(lips[0] - SIDE / 2) < 2
    assert flat.inside[int(lips[1]) - 12, SIDE // 2] == 1 and flat.inside[0].max() < 0.05


def test_unwrapping_brings_colours_of_the_picture(
    surface: FaceSurface, appearance: Appearance
) -> None:
    flat = face_map(surface)
    picture = np.zeros((128, 128, 3), np.uint8)
    picture[..., 0] = 90
    picture[:, 64:, 1] = 200
    found = flat.unwrapped(picture, flat.spread(appearance.source))
    shown = flat.hit >= 0
    assert (found[shown][:, 0] == 90).all() and not found[~shown].any()
    middle = found[SIDE // 2, :, 1]
    assert middle[SIDE // 4] == 0 and middle[3 * SIDE // 4] == 200


def test_how_bright_the_camera_saw_a_face_does_not_matter() -> None:
    rng = np.random.default_rng(3)
    rgb = rng.integers(60, 120, (SIDE, SIDE, 3)).astype(np.uint8)
    known = np.ones((SIDE, SIDE), np.float32)
    one, other = (net_input((rgb * k).astype(np.uint8), known, known) for k in (1, 2))
    assert np.abs(one - other).max() < 0.01


def test_spans_are_united() -> None:
    spans = np.array([[0, 0], [4, 6], [5, 9], [3, 3]], np.int32)
    others = np.array([[2, 5], [0, 0], [3, 7], [8, 8]], np.int32)
    found = united(spans, others)
    assert found[:3].tolist() == [[2, 5], [4, 6], [3, 9]]
    assert found[3, 0] >= found[3, 1]


def test_missing_folds_are_said(tmp_path: Path) -> None:
    with pytest.raises(ConfigError, match="folds"):
        load_folds(tmp_path)


def test_teeth_take_the_brightness_that_the_portrait_shows() -> None:
    rng = np.random.default_rng(1)
    aside = rng.uniform(-2, 2, 400).astype(np.float32)
    drawn = np.full((400, 3), 150, np.float32)
    exponents, tint = own_gain(np.full((400, 3), 188, np.float32), drawn, aside, 1.0)
    wanted = ((188 / 255 + 0.055) / 1.055) ** 2.4 / ((150 / 255 + 0.055) / 1.055) ** 2.4
    assert gain_at(np.zeros(1, np.float32), exponents)[0] == pytest.approx(wanted, rel=0.05)
    assert np.allclose(tint, 1, atol=0.02)
    nothing, _ = own_gain(np.full((400, 3), 188, np.float32), drawn, aside, 0.0)
    assert not nothing.any()
