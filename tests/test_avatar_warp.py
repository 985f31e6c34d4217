"""The warp renderer and its stream, on a drawn face whose every pixel is known."""

import numpy as np
import pytest

from avatar.landmarks import Landmarks
from avatar.motion import vector
from avatar.types import Activity, Portrait
from avatar.warp import WarpAvatar, WarpRenderer
from emotion.errors import PortraitError
from emotion.types import EmotionState
from tests.avatar_face import CENTRE, SIZE, UNIT, landmarks, picture, portrait
from tests.avatar_speech import spoken

NEUTRAL = EmotionState.neutral()


@pytest.fixture(scope="module")
def renderer() -> WarpRenderer:
    return WarpRenderer(portrait(), SIZE)


def box(left: float, top: float, right: float, bottom: float) -> tuple[slice, slice]:
    """Pixels of a box given in eye distances from the middle of the eyes."""
    x0, y0 = (CENTRE + UNIT * np.array([left, top])).astype(int)
    x1, y1 = (CENTRE + UNIT * np.array([right, bottom])).astype(int)
    return slice(y0, y1), slice(x0, x1)


MOUTH = box(-0.5, 0.85, 0.5, 1.7)
RIGHT_EYE = box(-0.72, -0.14, -0.28, 0.14)


def test_rest_is_the_portrait(renderer: WarpRenderer) -> None:
    assert np.array_equal(renderer.render(vector()), picture())


def test_what_does_not_move_is_untouched(renderer: WarpRenderer) -> None:
    moved = renderer.render(vector({"gap": 0.5, "jaw": 0.5, "blink_r": 1, "blink_l": 1}))
    changed = (moved != picture()).any(-1)
    assert not changed[box(-1.0, -0.9, 1.0, -0.5)].any()
    assert not changed[:, :90].any() and not changed[:, -90:].any()
    assert changed[MOUTH].any() and changed[RIGHT_EYE].any()


def test_background_stands_still_while_the_head_turns(renderer: WarpRenderer) -> None:
    turned = renderer.render(vector({"yaw": 0.14, "pitch": 0.1, "x": 0.05, "roll": 0.04}))
    same = (turned == picture()).all(-1)
    assert same[:, :70].all() and same[:, -70:].all() and same[:20].all()
    assert not same[box(-0.9, -0.3, 0.9, 1.2)].all()


def test_head_turns_to_the_right_of_the_picture(renderer: WarpRenderer) -> None:
    def brows_at(yaw: float) -> float:
        brows = renderer.render(vector({"yaw": yaw}))[box(-1.0, -0.4, 1.0, -0.18)]
        dark = brows[..., 0] < 100
        return float(np.nonzero(dark)[1].mean())

    assert brows_at(0.14) > brows_at(0) + 3
    assert brows_at(-0.14) < brows_at(0) - 3


def inside_pixels(rgb: np.ndarray) -> int:
    """Pixels of the mouth that are neither skin nor lip."""
    part = rgb[MOUTH].astype(int)
    redness = part[..., 0] - part[..., 1]
    return int((redness < 22).sum() + (part[..., 0] < 90).sum())


def test_mouth_opens_as_far_as_told(renderer: WarpRenderer) -> None:
    areas = [
        inside_pixels(renderer.render(vector({"gap": gap, "jaw": gap})))
        for gap in (0.0, 0.15, 0.3, 0.6)
    ]
    assert areas[0] == 0
    assert areas[1] > 20
    assert areas[1] < areas[2] < areas[3]


def test_closed_lips_show_nothing_whatever_else_pulls(renderer: WarpRenderer) -> None:
    pulled = {"gap": 0.9, "upper": 1.0, "close": 1.0, "smile_l": 1.0, "sneer_r": 1.0}
    assert inside_pixels(renderer.render(vector(pulled))) == 0


def test_teeth_of_an_open_mouth_stay_what_they_are() -> None:
    rgb, marks = picture(), landmarks()
    teeth = box(-0.25, 1.0, 0.25, 1.1)
    rgb[teeth] = (10, 200, 40)  # nobody has such teeth, so nobody can have painted them
    inner = marks.group("lips_inner")
    inner[1:10, 1] = CENTRE[1] + 0.99 * UNIT
    inner[11:20, 1] = CENTRE[1] + 1.11 * UNIT
    drawn = WarpRenderer(Portrait("open", "Open", "", rgb, marks), SIZE)

    def green(values: dict[str, float]) -> int:
        part = drawn.render(vector(values))[MOUTH].astype(int)
        return int((part[..., 1] - part[..., 0] > 100).sum())

    assert green({"gap": 0.3, "jaw": 0.3}) >= 0.75 * green({})
    assert green({"close": 1.0}) < 0.15 * green({})


def test_jaw_alone_does_not_part_the_lips(renderer: WarpRenderer) -> None:
    dropped = renderer.render(vector({"jaw": 0.8}))
    assert inside_pixels(dropped) == 0
    assert (dropped != picture()).any()


def test_blink_hides_the_eye_and_nothing_else(renderer: WarpRenderer) -> None:
    def shown(blink: float) -> int:
        eye = renderer.render(vector({"blink_r": blink}))[RIGHT_EYE].astype(int)
        return int((eye[..., 0] - eye[..., 2] < 30).sum())

    assert shown(0) > shown(0.5) > shown(0.8) > shown(1)
    assert shown(1) < 0.06 * shown(0)
    shut = renderer.render(vector({"blink_r": 1}))
    assert np.array_equal(shut[:, SIZE // 2 :], picture()[:, SIZE // 2 :])


@pytest.mark.parametrize(("name", "axis"), [("gaze_x", 1), ("gaze_y", 0)])
def test_iris_follows_the_gaze(renderer: WarpRenderer, name: str, axis: int) -> None:
    def iris_at(gaze: float) -> float:
        eye = renderer.render(vector({name: gaze}))[RIGHT_EYE]
        return float(np.nonzero(eye[..., 0] < 110)[axis].mean())

    assert iris_at(-0.8) < iris_at(0) - 1.0
    assert iris_at(0.8) > iris_at(0) + 1.0


def test_gaze_leaves_the_cheeks_alone(renderer: WarpRenderer) -> None:
    for gaze in (-1.0, 1.0):
        looking = renderer.render(vector({"gaze_y": gaze, "gaze_x": gaze}))
        cheeks = box(-1.0, 0.16, 1.0, 0.8)
        assert np.array_equal(looking[cheeks], picture()[cheeks])


def test_folds_come_with_a_smile_and_go_with_it(renderer: WarpRenderer) -> None:
    """On even skin, whatever is darker than the skin is a fold."""

    def darkest(smile: float) -> int:
        face = renderer.render(vector({"smile_r": smile, "smile_l": smile}))
        return int(face[box(-0.75, 0.5, -0.5, 1.0)].sum(-1).min())

    assert darkest(0.03) > darkest(0.5) > darkest(1.0)


@pytest.mark.parametrize("size", [128, 256, 640])
def test_any_size(size: int) -> None:
    drawn = WarpRenderer(portrait(), size)
    assert drawn.render(vector()).shape == (size, size, 3)
    assert drawn.render(vector({"gap": 0.4, "blink_l": 0.5, "yaw": -0.1})).shape[0] == size


def test_face_at_the_border_of_the_picture() -> None:
    close = picture()[60:420, 80:440]
    cut = Portrait("cut", "Cut", "", np.ascontiguousarray(close), landmarks().scaled(1, (80, 60)))
    pose = vector({"yaw": 0.14, "y": 0.1, "gap": 0.5, "jaw": 1, "blink_r": 1, "gaze_x": 1})
    assert WarpRenderer(cut, 360).render(pose).shape == (360, 360, 3)


@pytest.mark.parametrize("size", [0, 63, 4096])
def test_size_out_of_range(size: int) -> None:
    with pytest.raises(PortraitError, match="64 to 2048"):
        WarpAvatar().open(portrait(), size, 0)


def test_landmarks_that_make_no_face() -> None:
    for points in (np.full((150, 2), np.nan, np.float32), np.zeros((150, 2), np.float32)):
        broken = Portrait("x", "X", "", picture(), Landmarks(points))
        with pytest.raises(PortraitError, match="no face"):
            WarpAvatar().open(broken, 256, 0)


def test_picture_that_is_not_square() -> None:
    wide = Portrait("wide", "Wide", "", picture()[:300], landmarks())
    with pytest.raises(PortraitError, match="square"):
        WarpAvatar().open(wide, 256, 0)


def test_stream_numbers_frames_and_is_repeatable() -> None:
    def shown(seed: int) -> list[np.ndarray]:
        stream = WarpAvatar().open(portrait(), 128, seed)
        stream.push(spoken("m aa m", 960 * 4), NEUTRAL, Activity.SPEAKING)
        frames = list(stream.frames(14))
        assert [frame.index for frame in frames] == list(range(14))
        assert [frame.turn for frame in frames] == [0] * 4 + [1] * 10
        return [frame.rgb for frame in frames]

    first, again, other = shown(1), shown(1), shown(2)
    assert all(np.array_equal(a, b) for a, b in zip(first, again, strict=True))
    assert any(not np.array_equal(a, b) for a, b in zip(first, other, strict=True))


def test_skipping_lets_the_same_time_pass() -> None:
    seen, skipped = (WarpAvatar().open(portrait(), 128, 5) for _ in range(2))
    last = list(seen.frames(21))[-1]
    skipped.skip(20)
    (frame,) = skipped.frames(1)
    assert frame.index == last.index
    assert np.array_equal(frame.rgb, last.rgb)


def test_streams_of_one_avatar_do_not_mix() -> None:
    avatar = WarpAvatar()
    quiet, loud = avatar.open(portrait(), 128, 7), avatar.open(portrait(), 128, 7)
    alone = avatar.open(portrait(), 128, 7)
    loud.push(spoken("aa aa aa"), NEUTRAL, Activity.SPEAKING)
    list(loud.frames(5))
    pairs = zip(quiet.frames(5), alone.frames(5), strict=True)
    assert all(np.array_equal(a.rgb, b.rgb) for a, b in pairs)


def test_clear_goes_on_at_the_given_frame() -> None:
    stream = WarpAvatar().open(portrait(), 128, 0)
    stream.push(spoken("aa " * 20), NEUTRAL, Activity.SPEAKING)
    list(stream.frames(6))
    stream.clear(40)
    assert [frame.index for frame in stream.frames(2)] == [40, 41]


@pytest.mark.parametrize("margin", [0, 1, 4, 12, 40])
@pytest.mark.parametrize("side", ["left", "top", "right", "bottom"])
def test_a_face_at_the_edge_is_drawn_and_one_that_is_cut_off_is_refused(
    side: str, margin: int
) -> None:
    points = np.concatenate([landmarks().group(g) for g in ("lips_outer", "right_eye", "left_eye")])
    (x0, y0), (x1, y1) = points.min(0) - margin, points.max(0) + margin
    size = SIZE // 2
    x = {"left": x0, "right": x1 - size}.get(side, (x0 + x1 - size) / 2)
    y = {"top": y0, "bottom": y1 - size}.get(side, (y0 + y1 - size) / 2)
    x, y = (int(np.clip(v, 0, SIZE - size)) for v in (x, y))
    cut = Portrait(
        "cut", "", "", np.ascontiguousarray(picture()[y : y + size, x : x + size]),
        landmarks().scaled(1, (x, y)),
    )  # fmt: skip
    busy = {"yaw": 0.14, "y": 0.1, "gap": 0.5, "jaw": 1, "blink_r": 1, "gaze_x": 1, "smile_r": 1}
    try:
        drawn = WarpRenderer(cut, size).render(vector(busy))
    except PortraitError as error:
        assert "cut off" in str(error)
    else:
        assert drawn.shape == (size, size, 3)
