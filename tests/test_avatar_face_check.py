"""The second look at faces: the gallery is free, covered faces are named, things are no faces."""

import cv2
import numpy as np
import pytest

from avatar.face_check import CELLS, FaceCheck, weights_of
from avatar.landmark_net import square_of
from avatar.portrait import CHECK_WEIGHTS, Severity, inspect
from avatar.portraits import gallery, load_portrait
from tests.avatar_face import landmarks

NAMES = [entry.name for entry in gallery()][::3]


@pytest.fixture(scope="module")
def check():
    return FaceCheck(CHECK_WEIGHTS)


@pytest.fixture(scope="module")
def portraits():
    return {name: load_portrait(name) for name in NAMES}


def polygon(portrait, points, colour):
    """The portrait's picture with a filled polygon."""
    rgb = portrait.rgb.copy()
    cv2.fillPoly(rgb, [np.rint(points).astype(np.int32)], colour, cv2.LINE_AA)
    return rgb


def masked(portrait):
    """Nose to chin behind cloth."""
    marks = portrait.landmarks
    oval, top = marks.group("face_oval"), marks.group("nose")[4][1]
    return polygon(portrait, oval[oval[:, 1] > top], (225, 230, 235))


def sunglasses(portrait):
    rgb = portrait.rgb
    for side in ("right_eye", "left_eye"):
        eye = portrait.landmarks.group(side)
        middle, width = eye.mean(0), np.ptp(eye[:, 0])
        axes = (round(0.85 * width), round(0.65 * width))
        rgb = cv2.ellipse(
            rgb.copy(), np.rint(middle).astype(int).tolist(), axes, 0, 0, 360, (15, 15, 18), -1
        )
    return np.asarray(rgb, np.uint8)


@pytest.mark.parametrize("name", NAMES)
def test_free_faces(check, portraits, name):
    look = check.look(portraits[name].rgb, portraits[name].landmarks.points)
    assert look.face > 0.9
    assert max(look.covered, look.lenses) < 0.15 and max(look.eyes, look.mouth) < 0.3


@pytest.mark.parametrize("name", NAMES)
def test_a_mask_covers_the_mouth(check, portraits, name):
    portrait = portraits[name]
    look = check.look(masked(portrait), portrait.landmarks.points)
    assert look.covered > 0.15 and look.mouth > 0.3 and look.eyes < 0.3


@pytest.mark.parametrize("name", NAMES)
def test_dark_glasses_hide_the_eyes(check, portraits, name):
    portrait = portraits[name]
    look = check.look(sunglasses(portrait), portrait.landmarks.points)
    assert look.lenses > 0.3 and look.mouth < 0.3


def test_the_mirror_image_looks_the_same(check, portraits):
    portrait = portraits[NAMES[0]]
    one = check.look(portrait.rgb, portrait.landmarks.points)
    points = portrait.landmarks.points * np.float32([-1, 1])
    width = portrait.rgb.shape[1]
    flipped = np.ascontiguousarray(portrait.rgb[:, ::-1])
    other = check.look(flipped, points + np.float32([width, 0]))
    assert other.covered == pytest.approx(one.covered, abs=0.05)
    assert other.face == pytest.approx(one.face, abs=0.05)


@pytest.mark.parametrize("kind", ["noise", "plain", "stripes", "upside down"])
def test_what_is_no_face(check, portraits, kind):
    portrait = portraits[NAMES[0]]
    size, points = portrait.rgb.shape[0], portrait.landmarks.points
    rgb = {
        "noise": np.random.default_rng(1).integers(0, 256, (size, size, 3), np.uint8),
        "plain": np.full((size, size, 3), 150, np.uint8),
        "stripes": np.repeat(np.arange(size * size).reshape(size, size, 1) // 9 % 2 * 200, 3, 2),
        "upside down": portrait.rgb[::-1, ::-1],
    }[kind]
    if kind == "upside down":  # upright points where the face was turned to
        face = square_of(points)
        points = points + np.float32([size - 2 * face.x, size - 2 * face.y])
    assert check.look(np.ascontiguousarray(rgb, np.uint8), points).face < 0.5


def test_weights_are_the_contour():
    points = landmarks().points
    weights = weights_of(square_of(points), points)
    assert weights.shape == (CELLS, CELLS) and weights.min() >= 0 and weights.max() <= 1
    assert 0.3 < weights.mean() < 0.7 and weights[CELLS // 2, CELLS // 2] == 1


def test_intake_says_what_is_in_the_way(portraits):
    portrait = portraits[NAMES[0]]
    (face,) = inspect(masked(portrait)).faces
    covered = [finding for finding in face.findings if finding.code == "covered"]
    assert covered and covered[0].remedy
    (face,) = inspect(portrait.rgb).faces
    assert all(finding.severity is Severity.WARNS for finding in face.findings)
