"""The matte net on the gallery: persons are kept, the ground is not, edges are followed."""

from pathlib import Path

import cv2
import numpy as np
import pytest

import avatar
from avatar.matte_net import MatteNet, refined
from avatar.portraits import gallery, load_portrait

NAMES = [entry.name for entry in gallery()][::4]


@pytest.fixture(scope="module")
def net():
    return MatteNet(Path(avatar.__file__).parent / "weights" / "matte.onnx")


@pytest.fixture(scope="module")
def portraits():
    return {name: load_portrait(name) for name in NAMES}


def small(rgb, side):
    return np.asarray(cv2.resize(rgb, (side, side), interpolation=cv2.INTER_AREA))


@pytest.mark.parametrize("name", NAMES)
def test_the_face_is_person_and_the_upper_corners_are_not(net, portraits, name):
    portrait = portraits[name]
    matte = net.find(portrait.rgb)
    assert matte.shape == portrait.rgb.shape[:2] and matte.dtype == np.float32
    assert matte.min() >= 0 and matte.max() <= 1
    face = np.zeros(matte.shape, np.uint8)
    cv2.fillPoly(face, [np.rint(portrait.landmarks.group("face_oval")).astype(np.int32)], 1)
    assert matte[face > 0].mean() > 0.97
    edge = len(matte) // 12
    assert matte[:edge, :edge].mean() < 0.1 and matte[:edge, -edge:].mean() < 0.1


@pytest.mark.parametrize("name", NAMES)
def test_a_person_before_another_ground_is_the_same_person(net, portraits, name):
    rgb = small(portraits[name].rgb, 512)
    matte = net.find(rgb)
    ramp = np.linspace(40, 200, 512)[:, None, None] * np.array([0.6, 0.8, 1.0])
    moved = rgb * matte[..., None] + ramp * (1 - matte[..., None])
    again = net.find(np.rint(moved).astype(np.uint8))
    both, either = ((matte > 0.5) & (again > 0.5)).sum(), ((matte > 0.5) | (again > 0.5)).sum()
    assert both / either > 0.92


def test_mirror_images_have_mirrored_mattes(net, portraits):
    rgb = small(portraits[NAMES[0]].rgb, 384)
    mirrored = net.find(np.ascontiguousarray(rgb[:, ::-1]))[:, ::-1]
    assert np.abs(mirrored - net.find(rgb)).mean() < 0.03


@pytest.mark.parametrize("shape", [(1, 1), (40, 300), (300, 40), (129, 257), (700, 520)])
def test_any_shape(net, portraits, shape):
    rgb = np.asarray(cv2.resize(portraits[NAMES[0]].rgb, shape[::-1]))
    matte = net.find(rgb)
    assert matte.shape == shape and np.isfinite(matte).all()


def test_where_nobody_is_there_is_no_matte(net):
    assert net.find(np.full((256, 256, 3), 140, np.uint8)).mean() < 0.1


def test_a_coarse_matte_follows_the_edges_of_the_picture():
    rgb = np.full((256, 256, 3), (200, 190, 180), np.uint8)
    truth = np.zeros((256, 256), np.float32)
    cv2.circle(truth, (128, 128), 80, 1.0, -1)
    rgb[truth > 0] = (60, 90, 120)
    coarse = np.asarray(cv2.GaussianBlur(truth, (0, 0), 3), np.float32)
    fine = refined(rgb, small(coarse, 64))
    assert np.abs(fine - truth).mean() < 0.6 * np.abs(coarse - truth).mean()


def test_a_flat_picture_changes_nothing():
    matte = np.full((50, 60), 0.5, np.float32)
    assert refined(np.full((100, 120, 3), 90, np.uint8), matte) == pytest.approx(0.5, abs=0.01)


def test_what_is_no_picture_is_refused(net):
    for array in (np.zeros((9, 9), np.uint8), np.zeros((9, 9, 3)), np.zeros((0, 9, 3), np.uint8)):
        with pytest.raises(ValueError, match="picture is"):
            net.find(array)
