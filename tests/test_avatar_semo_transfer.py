"""A driver's movement on somebody else's face: what goes over, what stays, and the limits."""

from functools import lru_cache

import numpy as np
import pytest

from avatar.portraits import gallery, load_portrait
from avatar.rig import EXPRESSIONS, GAZE_AT, INDEX, POSE_AT, Vector, follow_gaze, rig
from avatar.semo.fit import fit_portrait
from avatar.semo.loading import load_surface
from avatar.semo.neutral import FaceAtLandmarks
from avatar.semo.surface import FaceSurface
from avatar.semo.transfer import Transfer, calmest, held_back, reference_of
from avatar.semo.types import FittedPortrait

NAMES = [entry.name for entry in gallery()][:3]
SPOKEN = {"jawOpen": 0.35, "mouthSmile_L": 0.5, "mouthSmile_R": 0.5, "browInnerUp_L": 0.4,
          "browInnerUp_R": 0.4}  # fmt: skip


@pytest.fixture(scope="module")
def surface() -> FaceSurface:
    return load_surface()


@lru_cache
def fitted(name: str) -> FittedPortrait:
    return fit_portrait(load_portrait(name), load_surface())


def moved(shown: Vector, fit: FittedPortrait, surface: FaceSurface) -> np.ndarray:
    """(150, 3) cm that a rig adds to a person's landmarks."""
    face = FaceAtLandmarks(surface, fit.rest)
    return face.at(shown) - face.at(fit.neutral)


@pytest.mark.parametrize("name", NAMES)
def test_a_driver_at_rest_leaves_the_face_at_rest(surface: FaceSurface, name: str) -> None:
    fit = fitted(name)
    absolute, relative = Transfer(surface, fit), Transfer(surface, fit, relative=True)
    assert np.abs(moved(absolute.rig(rig()), fit, surface)).max() < 0.08
    own = follow_gaze(fit.rig)
    assert np.abs(moved(relative.rig(rig()), fit, surface) - moved(own, fit, surface)).max() < 0.08


@pytest.mark.parametrize("name", NAMES)
def test_lips_that_the_driver_closes_stay_closed(surface: FaceSurface, name: str) -> None:
    fit = fitted(name)
    face, transfer = FaceAtLandmarks(surface, fit.rest), Transfer(surface, fit)
    pressed = {"mouthPress_L": 0.8, "mouthPress_R": 0.8}
    for weights in ({"jawOpen": 0.3, "mouthClose": 0.28}, pressed, {"mouthPucker": 0.9}):
        assert face.lip_gap(transfer.rig(rig(weights))) < 0.12


@pytest.mark.parametrize("name", NAMES)
def test_lips_open_as_far_as_the_drivers(surface: FaceSurface, name: str) -> None:
    fit = fitted(name)
    mean = FaceAtLandmarks(surface, surface.rest(np.zeros(surface.identity_size, np.float32)))
    face, transfer = FaceAtLandmarks(surface, fit.rest), Transfer(surface, fit)
    closed = face.lip_gap(transfer.rig(rig()))
    for jaw in (0.2, 0.4, 0.7):
        driver = rig({"jawOpen": jaw})
        wanted = mean.lip_gap(driver) - mean.lip_gap(rig())
        assert face.lip_gap(transfer.rig(driver)) - closed == pytest.approx(wanted, abs=0.2)


@pytest.mark.parametrize("relative", [False, True])
@pytest.mark.parametrize("name", NAMES)
def test_a_full_blink_just_closes_this_persons_lids(
    surface: FaceSurface, name: str, relative: bool
) -> None:
    fit = fitted(name)
    shown = Transfer(surface, fit, relative).rig(rig({"eyeBlink_L": 1, "eyeBlink_R": 1}))
    blinks = shown[[INDEX["eyeBlink_L"], INDEX["eyeBlink_R"]]]
    assert np.allclose(blinks, fit.blink, atol=0.1)


def test_a_wink_stays_a_wink(surface: FaceSurface) -> None:
    shown = Transfer(surface, fitted(NAMES[0])).rig(rig({"eyeBlink_L": 1}))
    assert shown[INDEX["eyeBlink_L"]] > shown[INDEX["eyeBlink_R"]] + 0.5


def test_the_drivers_face_does_not_cross(surface: FaceSurface) -> None:
    """Two drivers, one with a face that always reads as a frown, do the same."""
    shape = rig({"browDown_L": 0.3, "browDown_R": 0.3, "eyeBlink_L": 0.3, "eyeBlink_R": 0.3,
                 "yaw": 0.2, "gaze_x": 0.1, "y": 2.0})  # fmt: skip
    plain = np.stack([rig() if k % 2 else rig(SPOKEN) for k in range(60)])
    fit = fitted(NAMES[0])
    one, other = (Transfer(surface, fit, reference=reference_of(rigs))
                  for rigs in (plain, plain + shape))  # fmt: skip
    for driver in plain[:2]:
        seen = driver + shape
        apart = moved(one.rig(driver), fit, surface) - moved(other.rig(seen), fit, surface)
        assert np.abs(apart).max() < 0.1
        assert np.allclose(one.rig(driver)[POSE_AT], other.rig(seen)[POSE_AT], atol=0.05)


def test_proportions_come_from_the_portrait_alone(surface: FaceSurface) -> None:
    """The same token moves two people by the same weights, each on their own surface."""
    shown = [Transfer(surface, fitted(name)) for name in NAMES[:2]]
    token = surface.rig_to_token(rig(SPOKEN))
    a, b = (surface.token_to_rig(transfer.token(token)) for transfer in shown)
    names = [k for k, name in enumerate(EXPRESSIONS) if name.startswith(("brow", "mouthSmile"))]
    assert np.abs(a[names] - b[names]).max() < 0.35
    assert not np.array_equal(fitted(NAMES[0]).rest, fitted(NAMES[1]).rest)


def test_pose_is_the_change_from_the_drivers_rest(surface: FaceSurface) -> None:
    rigs = np.repeat(rig({"yaw": 0.3, "pitch": -0.1, "x": 3})[None], 30, 0)
    transfer = Transfer(surface, fitted(NAMES[0]), reference=reference_of(rigs))
    assert np.allclose(transfer.rig(rigs[0])[POSE_AT], 0, atol=1e-5)
    turned = transfer.rig(rigs[0] + rig({"yaw": 0.2}))
    assert turned[INDEX["yaw"]] == pytest.approx(0.2, abs=0.01)


def test_relative_adds_to_what_the_picture_shows(surface: FaceSurface) -> None:
    fit = fitted(NAMES[1])
    smiling = np.repeat(rig({"mouthSmile_L": 0.6, "mouthSmile_R": 0.6})[None], 30, 0)
    transfer = Transfer(surface, fit, True, reference_of(smiling, relative=True))
    at = INDEX["mouthSmile_L"]
    assert transfer.rig(smiling[0])[at] == pytest.approx(fit.rig[at], abs=0.02)
    assert transfer.rig(smiling[0] + rig({"mouthSmile_L": 0.3}))[at] > fit.rig[at] + 0.2


@pytest.mark.parametrize("relative", [False, True])
def test_wild_drivers_stay_within_limits(surface: FaceSurface, relative: bool) -> None:
    rng = np.random.default_rng(4)
    fit = fitted(NAMES[0])
    transfer = Transfer(surface, fit, relative)
    wild = rng.normal(0, 3, (60, len(INDEX))).astype(np.float32)
    wild[:, POSE_AT] *= 10
    wild[0], wild[1, 3], wild[2] = 1e6, np.nan, -np.inf
    for driver in wild:
        shown = transfer.rig(driver)
        assert np.isfinite(shown).all() and np.abs(shown[: len(EXPRESSIONS)]).max() < 1.7
        assert (np.abs(shown[POSE_AT]) <= (0.351, 0.251, 0.361, 2.21, 2.21, 6.01)).all()
        assert (np.abs(shown[GAZE_AT]) <= (0.51, 0.41)).all()
        token = transfer.token(surface.rig_to_token(np.nan_to_num(driver.clip(-5, 5))))
        assert np.isfinite(token).all()


def test_small_poses_pass_and_large_ones_are_held_back() -> None:
    easy, most = np.float32([0.2]), np.float32([0.5])
    assert held_back(np.float32([0.15]), easy, most) == np.float32(0.15)
    far, farther = (float(held_back(np.float32([v]), easy, most)[0]) for v in (0.4, 4.0))
    assert 0.2 < far < 0.4 and far < farther <= 0.5


def test_the_calmest_frame_has_closed_lips_and_open_eyes() -> None:
    rigs = np.stack([rig({"jawOpen": 0.5}), rig({"eyeBlink_L": 1, "eyeBlink_R": 1}), rig(), rig()])
    assert calmest(rigs) in (2, 3)
    assert calmest(rigs[:1]) == 0


def test_a_reference_needs_frames() -> None:
    with pytest.raises(ValueError, match="needs frames"):
        reference_of(np.zeros((0, len(INDEX)), np.float32))
