"""Intake: faces found in a picture, what is said about them, and the crop."""

from dataclasses import dataclass

import cv2
import numpy as np
import pytest

from avatar.landmarks import GROUPS, Landmarks
from avatar.portrait import Crop, Severity, crop_box, inspect, prepare, read_picture
from avatar.portraits import gallery
from emotion.errors import PortraitError
from tests.avatar_face import SIZE, UNIT, landmarks, picture


@dataclass(frozen=True)
class Found:
    points: np.ndarray
    score: float = 0.9


def finder(*faces):
    return lambda rgb: [Found(points) for points in faces]


ONE = finder(landmarks().points)


@pytest.fixture(scope="module")
def photo():
    return read_picture(next(entry.picture for entry in gallery() if entry.name == "mara"))


def codes(rgb, find=None):
    """{code: severity} of the only face."""
    (face,) = inspect(rgb, find).faces
    return {finding.code: finding.severity for finding in face.findings}


def moved(group, change):
    """The drawn face's landmarks with one group changed."""
    sizes = landmarks()
    start = list(GROUPS).index(group)
    first = sum(list(GROUPS.values())[:start])
    part = slice(first, first + GROUPS[group])
    points = sizes.points.copy()
    points[part] = change(points[part])
    return points


def beside(points, pixels):
    return points + np.float32([pixels, 0])


def below(points, pixels):
    return points + np.float32([0, pixels])


# -- what is said


@pytest.mark.parametrize("entry", gallery(), ids=lambda entry: entry.name)
def test_gallery_faces_have_nothing_that_blocks(entry):
    seen = inspect(read_picture(entry.picture))
    assert seen.usable and len(seen.faces) == 1 and seen.findings == ()
    assert seen.faces[0].usable and abs(seen.faces[0].yaw) < 20
    assert {finding.code for finding in seen.faces[0].findings} <= {"mouth_open"}


def test_a_drawing_passes():
    seen = inspect(picture(), ONE)
    assert seen.usable and seen.best == 0 and (seen.width, seen.height) == (SIZE, SIZE)
    assert seen.faces[0].size == pytest.approx(2.3 * UNIT, rel=0.01)


@pytest.mark.parametrize(
    ("spoil", "code", "severity"),
    [
        (lambda rgb: rgb // 3, "dark", Severity.WARNS),
        (lambda rgb: rgb // 8, "dark", Severity.BLOCKS),
        (lambda rgb: np.minimum(rgb * 1.5 + 50, 255), "bright", Severity.WARNS),
        (lambda rgb: np.minimum(rgb * 4.0 + 120, 255), "bright", Severity.BLOCKS),
        (lambda rgb: rgb * 0.1 + 110, "flat", Severity.WARNS),
        (lambda rgb: cv2.GaussianBlur(rgb, (0, 0), 6), "blurred", Severity.WARNS),
        (lambda rgb: cv2.GaussianBlur(rgb, (0, 0), 25), "blurred", Severity.BLOCKS),
    ],
)
def test_bad_light_and_blur_are_named(photo, spoil, code, severity):
    marks = inspect(photo).faces[0].landmarks.points
    spoilt = np.asarray(spoil(photo), np.uint8)
    assert codes(spoilt, finder(marks))[code] is severity


def test_white_paper_is_not_too_bright(photo):
    marks = inspect(photo).faces[0].landmarks.points
    grey = cv2.cvtColor(photo, cv2.COLOR_RGB2GRAY)
    drawing = cv2.divide(grey, 255 - cv2.GaussianBlur(255 - grey, (0, 0), 12), scale=255)
    assert "bright" not in codes(np.repeat(drawing[..., None], 3, 2), finder(marks))


def test_too_small():
    rgb = np.asarray(cv2.resize(picture(), (256, 256), interpolation=cv2.INTER_AREA))
    marks = landmarks().scaled(0.5)
    assert codes(rgb, finder(marks.points))["too_small"] is Severity.WARNS
    wide = np.full((400, 400, 3), 200, np.uint8)
    wide[:128, :128] = cv2.resize(picture(), (128, 128), interpolation=cv2.INTER_AREA)
    small = finder(landmarks().scaled(0.25).points)
    assert codes(wide, small)["too_small"] is Severity.BLOCKS


@pytest.mark.parametrize(
    ("group", "change", "code", "severity"),
    [
        ("lips_inner", lambda p: np.where((np.arange(20) > 10)[:, None], below(p, 18), p),
         "mouth_open", "warns"),
        ("nose", lambda p: beside(p, 35), "turned", "warns"),
        ("nose", lambda p: beside(p, 80), "turned", "blocks"),
        ("nose", lambda p: below(p, -50), "tilted", "warns"),
    ],
)  # fmt: skip
def test_expression_and_pose_are_named(group, change, code, severity):
    points = moved(group, lambda part: np.asarray(change(part), np.float32))
    assert codes(picture(), finder(points))[code].value == severity


@pytest.mark.parametrize(("opening", "severity"), [(0.08, "blocks"), (0.2, "warns"), (1.0, None)])
def test_shut_eyes_are_named(opening, severity):
    points = landmarks().points.copy()
    for eye in (slice(76, 92), slice(92, 108)):
        middle = points[eye, 1].mean()
        points[eye, 1] = middle + opening * (points[eye, 1] - middle)
    named = codes(picture(), finder(points)).get("eyes_shut")
    assert (named.value if named else None) == severity


@pytest.mark.parametrize(
    ("corner", "severity"), [((60, 0), None), ((60, 160), "warns"), ((220, 60), "blocks")]
)
def test_cut_off_faces_are_named(corner, severity):
    left, top = corner
    rgb = np.ascontiguousarray(picture()[top:, left:])
    named = codes(rgb, finder(landmarks().points - np.float32(corner))).get("cut_off")
    assert (named.value if named else None) == severity


def test_yaw_has_the_sign_of_the_picture(photo):
    turned = inspect(photo).faces[0].yaw
    mirrored = inspect(np.ascontiguousarray(photo[:, ::-1])).faces[0].yaw
    assert turned == pytest.approx(-mirrored, abs=3)
    points = moved("nose", lambda part: beside(part, 20))
    assert inspect(picture(), finder(points)).faces[0].yaw > 5


def test_nobody_there_is_said_politely():
    seen = inspect(np.full((300, 400, 3), 128, np.uint8))
    assert not seen.usable and seen.faces == () and seen.best == 0
    assert "No human face" in seen.findings[0].message and "animals" in seen.findings[0].remedy


def test_black_and_lying_pictures_are_named(photo):
    black = inspect(np.zeros((300, 300, 3), np.uint8))
    assert "black" in black.findings[0].message
    for quarters, word in ((1, "side"), (2, "upside down"), (3, "side")):
        seen = inspect(np.ascontiguousarray(np.rot90(photo, quarters)))
        assert word in seen.findings[0].message and "Turn" in seen.findings[0].remedy


def test_several_faces_are_offered_the_largest_first():
    rgb = np.concatenate([picture(), picture()], axis=1)
    second = landmarks().points * np.float32(0.9) + np.float32([SIZE, 0])
    seen = inspect(rgb, finder(second, landmarks().points))
    assert [finding.code for finding in seen.findings] == ["several"] and seen.usable
    assert seen.faces[0].size > seen.faces[1].size and seen.faces[1].box[0] > SIZE
    other = prepare(rgb, 1, intake=seen).landmarks.group("right_iris")[0]
    assert 0 < other[0] < SIZE


def test_a_bystander_is_no_question():
    seen = inspect(picture(), finder(landmarks().points, landmarks().scaled(0.4).points))
    assert seen.findings == () and len(seen.faces) == 2


def test_what_is_no_picture_is_refused():
    for array in (np.zeros((9, 9), np.uint8), np.zeros((9, 9, 3)), np.zeros((0, 9, 3), np.uint8)):
        with pytest.raises(ValueError, match="picture is"):
            inspect(array, ONE)


# -- the crop


def test_the_automatic_crop_lies_inside_and_leaves_half_to_the_head():
    seen = inspect(picture(), ONE)
    box = crop_box(seen)
    assert box.side * 0.5 == pytest.approx(1.33 * seen.faces[0].size, abs=1)
    assert box.x - box.side / 2 >= 0 and box.x + box.side / 2 <= SIZE
    assert prepare(picture(), intake=seen).rgb.shape == (round(box.side),) * 2 + (3,)


@pytest.mark.parametrize(
    "wish",
    [
        Crop(256, 250, 300), Crop(0, 0, 10), Crop(900, -400, 5000), Crop(-1e9, 1e9, -5),
        Crop(float("nan"), 10, float("inf")),
    ],
)  # fmt: skip
def test_a_wished_crop_keeps_the_face(wish):
    seen = inspect(picture(), ONE)
    box = crop_box(seen, 0, wish)
    low, high = landmarks().points.min(0), landmarks().points.max(0)
    assert (low >= np.array([box.x, box.y]) - box.side / 2).all()
    assert (high <= np.array([box.x, box.y]) + box.side / 2).all()
    assert 1.1 * (high - low).max() < box.side <= 1.5 * SIZE
    portrait = prepare(picture(), crop=wish, intake=seen)
    assert portrait.rgb.shape == (round(box.side),) * 2 + (3,)
    assert_on_the_face(portrait)


def assert_on_the_face(portrait):
    """The irises lie where the picture has them."""
    for side in ("right", "left"):
        x, y = portrait.landmarks.group(f"{side}_iris")[0]
        assert portrait.rgb[int(y), int(x)].tolist() == pytest.approx([60, 90, 70], abs=25)


def test_a_wish_that_can_be_fulfilled_is():
    seen = inspect(picture(), ONE)
    assert crop_box(seen, 0, Crop(260, 250, 320)) == Crop(260, 250, 320)
    assert crop_box(seen, 0, crop_box(seen)) == crop_box(seen)


def test_beyond_the_edge_its_pixels_go_on():
    seen = inspect(picture(), ONE)
    box = crop_box(seen, 0, Crop(100, 256, 700))
    rgb = prepare(picture(), crop=box, intake=seen).rgb
    beyond = round(box.side / 2 - box.x)
    assert beyond > 50
    top = round(box.side / 2 - box.y)
    assert (rgb[top : top + SIZE, :beyond] == picture()[:, :1]).all()


def test_large_crops_are_made_smaller():
    rgb = np.asarray(cv2.resize(picture(), (2400, 2400)))
    seen = inspect(rgb, finder(landmarks().scaled(2400 / SIZE).points))
    portrait = prepare(rgb, crop=Crop(1200, 1200, 2400), intake=seen, name="my_face")
    assert portrait.rgb.shape == (1024, 1024, 3) and portrait.title == "My face"
    assert_on_the_face(portrait)


def test_blocked_and_missing_faces_are_refused_in_words(photo):
    marks = inspect(photo).faces[0].landmarks.points
    dark = inspect(photo // 8, finder(marks))
    assert not dark.usable
    with pytest.raises(PortraitError, match="too dark") as caught:
        prepare(photo // 8, intake=dark)
    assert "light" in caught.value.remedy
    for choice in (-1, 1):
        with pytest.raises(PortraitError, match="no face number"):
            prepare(picture(), choice, intake=inspect(picture(), ONE))
    with pytest.raises(PortraitError, match="No human face"):
        prepare(np.full((200, 200, 3), 99, np.uint8))


def test_landmarks_of_the_portrait_lie_on_the_gallery_face(photo):
    portrait = prepare(photo, name="mara")
    again = inspect(portrait.rgb).faces[0].landmarks
    assert isinstance(portrait.landmarks, Landmarks)
    off = np.linalg.norm(again.points - portrait.landmarks.points, axis=1).mean()
    assert off < 0.02 * portrait.rgb.shape[0]
