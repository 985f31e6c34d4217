from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest

from avatar.portraits import load_portrait
from avatar.rig import rig
from avatar.semo.appearance import appearance_of
from avatar.semo.completion import CHANNELS, HEIGHT, WIDTH, Completion, Covered, net_input
from avatar.semo.decoder import MotionDecoder
from avatar.semo.fit import fit_portrait
from avatar.semo.loading import WEIGHTS, load_surface
from avatar.semo.neutral import target_rig
from avatar.semo.surface import FaceSurface
from avatar.semo.types import Appearance, Bytes, FittedPortrait, Floats, Region

SIZE = 256


@pytest.fixture(scope="module")
def completion() -> Completion:
    return Completion(WEIGHTS / "completion.onnx")


@pytest.fixture(scope="module")
def surface() -> FaceSurface:
    return load_surface()


@pytest.fixture(scope="module")
def fitted(surface: FaceSurface) -> FittedPortrait:
    return fit_portrait(load_portrait("mara"), surface)


@pytest.fixture(scope="module")
def appearance(surface: FaceSurface, fitted: FittedPortrait) -> Appearance:
    return appearance_of(fitted, surface)


@pytest.fixture(scope="module")
def opened(surface: FaceSurface, fitted: FittedPortrait) -> Floats:
    return surface.rig_to_token(target_rig(fitted, rig({"jawOpen": 0.3})))


def mouth(own: float = 0.0) -> tuple[Bytes, Covered]:
    """A window of 60 x 40: skin around a mouth whose upper half is teeth."""
    kind = np.full((80, 120), Region.SKIN, np.uint8)
    kind[20:60, 20:100] = Region.TONGUE
    kind[20:40, 20:100] = Region.TEETH
    rgb = np.full((40, 60, 3), (190, 140, 120), np.uint8)
    rgb[10:30, 10:50] = (90, 40, 40)
    rgb[10:20, 10:50] = (200, 195, 180)
    return rgb, Covered.of(kind, np.full(kind.shape, own, np.float32), (60, 40))


def test_coverage_tells_the_parts_apart() -> None:
    _, covered = mouth(own=0.25)
    assert covered.inside.shape == (40, 60)
    assert covered.inside[5, 5] == 0 and covered.inside[15, 30] == 1
    assert covered.teeth[15, 30] == 1 and covered.teeth[25, 30] == 0
    assert covered.tongue[25, 30] == 1 and covered.drawn[25, 30] == pytest.approx(0.75)


def test_eyes_are_no_mouth() -> None:
    kind = np.full((8, 8), Region.LEFT_EYE, np.uint8)
    assert not Covered.of(kind, np.zeros((8, 8), np.float32), (4, 4)).inside.any()


def test_the_net_sees_the_window_and_what_covers_it() -> None:
    rgb, covered = mouth()
    seen = net_input(rgb, covered)
    assert seen.shape == (1, CHANNELS, HEIGHT, WIDTH) and seen.dtype == np.float32
    assert seen.min() >= 0 and seen.max() <= 1
    assert np.allclose(seen[0, :3, 2, 2], np.array([190, 140, 120]) / 255, atol=1e-3)
    assert np.allclose(seen[0, 3:, HEIGHT // 2 - 6, WIDTH // 2], (1, 1, 0), atol=1e-3)


def test_skin_and_the_portraits_own_pixels_are_never_touched(completion: Completion) -> None:
    rgb, covered = mouth()
    completed = rgb.copy()
    completion.complete(completed, covered, 1.0)
    outside = covered.inside == 0
    assert np.array_equal(completed[outside], rgb[outside])
    assert not np.array_equal(completed, rgb)
    rgb, covered = mouth(own=1.0)
    completed = rgb.copy()
    completion.complete(completed, covered, 1.0)
    assert np.array_equal(completed, rgb)


def test_no_strength_is_no_change_and_half_is_half(completion: Completion) -> None:
    rgb, covered = mouth()
    results = []
    for strength in (0.0, 0.5, 1.0):
        out = rgb.copy()
        completion.complete(out, covered, strength)
        results.append(out.astype(int))
    assert np.array_equal(results[0], rgb)
    half, whole = (np.abs(r - results[0]).mean() for r in results[1:])
    assert half == pytest.approx(whole / 2, rel=0.15)


def test_the_portrait_at_rest_is_untouched(
    surface: FaceSurface, fitted: FittedPortrait, appearance: Appearance, completion: Completion
) -> None:
    decoder = MotionDecoder(surface, fitted, appearance, SIZE, completion=completion)
    expected = cv2.resize(fitted.rgb, (SIZE, SIZE), interpolation=cv2.INTER_AREA)
    assert np.array_equal(decoder.render(decoder.rest_token), expected)


def test_only_the_inside_of_an_open_mouth_changes(
    surface: FaceSurface,
    fitted: FittedPortrait,
    appearance: Appearance,
    completion: Completion,
    opened: Floats,
) -> None:
    plain = MotionDecoder(surface, fitted, appearance, SIZE)
    completed = MotionDecoder(surface, fitted, appearance, SIZE, completion=completion)
    found = plain.mouth(opened)
    assert found is not None
    window, covered = found
    inside = np.zeros((SIZE, SIZE), bool)
    inside[window.top : window.bottom, window.left : window.right] = covered.inside > 0
    before, after = plain.render(opened), completed.render(opened)
    assert np.array_equal(before[~inside], after[~inside])
    changed = np.abs(before[inside].astype(int) - after[inside])
    assert 0 < changed.mean() < 60


def test_a_mouth_can_be_drawn_where_the_portrait_shows_its_own(
    surface: FaceSurface, fitted: FittedPortrait, opened: Floats
) -> None:
    """A portrait with an open mouth: its frame at jawOpen 0.3 taken for a photograph."""
    start = MotionDecoder(surface, fitted, appearance_of(fitted, surface), 512)
    shown = start.render(opened)
    painted = shown.copy()
    found = start.mouth(opened)
    assert found is not None
    window, covered = found
    part = painted[window.top : window.bottom, window.left : window.right]
    part[covered.inside > 0.99] = (0, 90, 0)
    taken = replace(fitted, rgb=painted, rig=target_rig(fitted, rig({"jawOpen": 0.3})))
    looks = appearance_of(taken, surface)
    own = MotionDecoder(surface, taken, looks, 512)
    drawn = MotionDecoder.with_drawn_mouth(surface, taken, looks, 512)
    kept, made = (d.render(d.rest_token)[window.top : window.bottom, window.left : window.right]
                  for d in (own, drawn))  # fmt: skip
    deep = cv2.erode((covered.inside > 0.99).astype(np.uint8), np.ones((3, 3))) > 0
    assert np.array_equal(kept[deep], part[deep])
    assert (np.abs(made[deep].astype(int) - (0, 90, 0)).max(1) > 40).mean() > 0.9


def test_a_missing_net_is_said(tmp_path: Path) -> None:
    with pytest.raises(OSError):
        Completion(tmp_path / "none.onnx")
