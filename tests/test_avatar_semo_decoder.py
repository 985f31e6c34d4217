from collections.abc import Callable
from typing import Any

import cv2
import numpy as np
import pytest
from numpy.typing import NDArray

from avatar.portraits import load_portrait
from avatar.rig import INDEX, follow_gaze, rig
from avatar.semo.appearance import appearance_of
from avatar.semo.decoder import BACKGROUND, MotionDecoder
from avatar.semo.fit import fit_portrait
from avatar.semo.loading import load_surface
from avatar.semo.neutral import target_rig
from avatar.semo.oral import lowered, placed, tongue_drop, upper_points
from avatar.semo.pixels import dense
from avatar.semo.pose import posed
from avatar.semo.shading import srgb, to_srgb
from avatar.semo.stage import Stage
from avatar.semo.surface import FaceSurface
from avatar.semo.types import TOKEN, Appearance, FittedPortrait, Floats, Region

SIZE = 256
Token = Callable[..., Floats]


@pytest.fixture(scope="module")
def surface() -> FaceSurface:
    return load_surface()


@pytest.fixture(scope="module")
def fitted(surface: FaceSurface) -> FittedPortrait:
    return fit_portrait(load_portrait("kenji"), surface)


@pytest.fixture(scope="module")
def appearance(surface: FaceSurface, fitted: FittedPortrait) -> Appearance:
    return appearance_of(fitted, surface)


@pytest.fixture(scope="module")
def decoder(surface: FaceSurface, fitted: FittedPortrait, appearance: Appearance) -> MotionDecoder:
    return MotionDecoder(surface, fitted, appearance, SIZE)


@pytest.fixture(scope="module")
def token(surface: FaceSurface, fitted: FittedPortrait) -> Token:
    """The portrait's own token with some rig parameters set anew."""

    def make(**values: float) -> Floats:
        rig = fitted.rig.copy()
        for name, value in values.items():
            rig[INDEX[name]] = value
        return surface.rig_to_token(follow_gaze(rig))

    return make


def sample(picture: NDArray[Any], at: Floats) -> NDArray[Any]:
    """Bilinear at pixels (..., 2)."""
    x, y = (np.ascontiguousarray(at[..., axis].reshape(-1, at.shape[-2])) for axis in range(2))
    found = cv2.remap(picture, x, y, cv2.INTER_LINEAR)
    return found.reshape(*at.shape[:-1], picture.shape[2])


@pytest.mark.parametrize("size", [200, SIZE, 512])
def test_the_portrait_at_rest_is_untouched(
    surface: FaceSurface, fitted: FittedPortrait, appearance: Appearance, size: int
) -> None:
    decoder = MotionDecoder(surface, fitted, appearance, size)
    expected = cv2.resize(fitted.rgb, (size, size), interpolation=cv2.INTER_AREA)
    assert np.array_equal(decoder.render(decoder.rest_token), expected)


@pytest.mark.parametrize(
    "change",
    [{"jawOpen": 0.02}, {"eyeBlink_L": 0.02, "eyeBlink_R": 0.02}, {"gaze_x": 0.02}, {"yaw": 0.004}],
    ids=str,
)
def test_leaving_rest_is_no_jump(
    decoder: MotionDecoder, token: Token, fitted: FittedPortrait, change: dict[str, float]
) -> None:
    first = {name: fitted.rig[INDEX[name]] + value for name, value in change.items()}
    second = {name: fitted.rig[INDEX[name]] + 2 * value for name, value in change.items()}
    rest, near, further = (
        decoder.render(at).astype(int)
        for at in (decoder.rest_token, token(**first), token(**second))
    )
    leaving, going_on = np.abs(near - rest).mean(), np.abs(further - near).mean()
    assert 0 < leaving < 2 * going_on + 0.02


def test_an_open_jaw_shows_the_inside_of_the_mouth(decoder: MotionDecoder, token: Token) -> None:
    inside = (Region.LINING, Region.TEETH, Region.GUMS, Region.TONGUE)
    closed = np.isin(decoder.flow(decoder.rest_token).region, inside).sum()
    opened = decoder.flow(token(jawOpen=0.7)).region
    assert np.isin(opened, inside).sum() > closed + 60
    assert (opened == Region.TONGUE).any() and (opened == Region.TEETH).any()


@pytest.fixture(scope="module", params=["kenji", "mara", "omar", "lin"])
def person(request: pytest.FixtureRequest, surface: FaceSurface) -> FittedPortrait:
    return fit_portrait(load_portrait(request.param), surface)


def asked_of(surface: FaceSurface, person: FittedPortrait, **values: float) -> Floats:
    return surface.rig_to_token(target_rig(person, rig(values)))


def test_an_open_mouth_shows_upper_teeth_before_a_dark_throat(
    surface: FaceSurface, person: FittedPortrait
) -> None:
    decoder = MotionDecoder(surface, person, appearance_of(person, surface), 512)
    asked = asked_of(surface, person, jawOpen=0.3)
    frame, found = decoder.render(asked), decoder.mouth(asked)
    assert found is not None
    window, covered = found
    part = frame[window.top : window.bottom, window.left : window.right]
    bright = cv2.cvtColor(part, cv2.COLOR_RGB2GRAY).astype(np.float32)
    centre = slice(2 * part.shape[1] // 5, 3 * part.shape[1] // 5)
    rows = np.flatnonzero((covered.inside[:, centre] > 0.9).mean(1) > 0.9)
    pixels = 512 * person.camera.focal / abs(float(person.camera.translation[2]))
    shown = covered.teeth[rows][:, centre][: len(rows) // 2].sum(0) / pixels
    assert 0.08 < np.median(shown) < 0.4  # cm
    middle = rows[int(0.65 * len(rows))]
    assert covered.teeth[middle, centre].mean() < 0.2
    teeth = bright[rows[: len(rows) // 2]][:, centre].max(0)
    assert np.median(bright[middle, centre]) < 0.5 * np.median(teeth)


def test_closed_lips_hide_the_teeth(surface: FaceSurface, person: FittedPortrait) -> None:
    decoder = MotionDecoder(surface, person, appearance_of(person, surface), 512)
    for asked in ({}, {"mouthPress_L": 0.5, "mouthPress_R": 0.5}, {"yaw": 0.3}):
        found = decoder.mouth(asked_of(surface, person, **asked))
        assert found is not None
        assert found[1].teeth.sum() < 0.01 * found[1].teeth.size


def test_teeth_and_tongue_are_placed_and_all_else_stays(
    surface: FaceSurface, person: FittedPortrait
) -> None:
    moved, _ = placed(surface, person, appearance_of(person, surface))
    inner = np.isin(surface.chart.point_region, (Region.TEETH, Region.GUMS))
    assert np.array_equal(moved.rest[~inner], person.rest[~inner])
    assert 0 < np.abs(moved.rest - person.rest)[inner].max() < 0.5
    points, drop = tongue_drop(surface, moved.rest)
    assert (surface.chart.point_region[points] == Region.TONGUE).all()
    assert drop[:, 1].max() <= 0 and -2 < drop[:, 1].min() < -0.5
    assert lowered(0.0) == 0 and lowered(0.5) == 1
    upper = upper_points(surface, Region.TEETH)
    assert 0.3 < len(upper) / (surface.chart.point_region == Region.TEETH).sum() < 0.7


def test_a_blink_covers_the_eyes(
    decoder: MotionDecoder, token: Token, fitted: FittedPortrait
) -> None:
    eyes = (Region.LEFT_EYE, Region.RIGHT_EYE)
    seen = np.isin(decoder.flow(decoder.rest_token).region, eyes)
    shut = token(eyeBlink_L=fitted.blink[0], eyeBlink_R=fitted.blink[1])
    assert np.isin(decoder.flow(shut).region, eyes).sum() < 0.1 * seen.sum()
    # What was white and iris is skin now: about as bright everywhere.
    frame = cv2.cvtColor(decoder.render(shut), cv2.COLOR_RGB2GRAY)
    rest = cv2.cvtColor(decoder.render(decoder.rest_token), cv2.COLOR_RGB2GRAY)
    assert frame[seen].std() < 0.6 * rest[seen].std()


def test_eyes_turn_without_the_head(decoder: MotionDecoder, token: Token) -> None:
    rest, turned = decoder.render(decoder.rest_token), decoder.render(token(gaze_x=0.4))
    changed = np.abs(turned.astype(int) - rest).max(2) > 12
    eyes = np.isin(decoder.flow(decoder.rest_token).region, (Region.LEFT_EYE, Region.RIGHT_EYE))
    near = cv2.dilate(eyes.astype(np.uint8), np.ones((21, 21))) > 0
    assert changed[eyes].mean() > 0.2
    assert changed[~near].mean() < 0.002


def test_the_background_stays_when_the_head_turns(
    decoder: MotionDecoder, token: Token, appearance: Appearance
) -> None:
    rest, turned = decoder.render(decoder.rest_token), decoder.render(token(yaw=0.3, roll=0.15))
    person = cv2.resize(appearance.person, (SIZE, SIZE), interpolation=cv2.INTER_LINEAR)
    reach = cv2.dilate((person > 0).astype(np.uint8), np.ones((71, 71))) > 0
    assert (~reach).mean() > 0.02
    assert np.array_equal(rest[~reach], turned[~reach])
    assert (np.abs(turned.astype(int) - rest).max(2) > 20).mean() > 0.05


def test_flow_leads_back_to_the_portrait(
    decoder: MotionDecoder, token: Token, surface: FaceSurface, fitted: FittedPortrait,
    appearance: Appearance,
) -> None:  # fmt: skip
    asked = token(yaw=0.15, pitch=-0.1, jawOpen=0.3, mouthSmile_L=0.6, x=1.0)
    found = decoder.flow(asked)
    stage = Stage(surface, fitted, SIZE)
    now, rest = stage.pose(asked), stage.pose(stage.rest_token)
    good = (appearance.seen > 0.95) & (appearance.hold > 0.95) & (now.normals[:, 2] > 0.7)
    good &= surface.chart.point_region == Region.SKIN
    at = now.screen[good, :2] / SIZE
    expected = rest.screen[good, :2] / SIZE - at
    sampled = sample(found.flow, at * SIZE - 0.5)
    error = np.linalg.norm(sampled - expected, axis=1) * SIZE
    assert good.sum() > 300
    assert np.median(error) < 0.05
    assert np.percentile(error, 90) < 0.5


def test_flow_at_rest_is_none(decoder: MotionDecoder) -> None:
    found = decoder.flow(decoder.rest_token)
    skin = found.region == Region.SKIN
    assert np.abs(found.flow[skin]).max() * SIZE < 0.1
    assert (found.region == BACKGROUND).any()
    assert found.visible.min() >= 0 and found.visible.max() <= 1


def test_rendering_moves_pixels_as_the_flow_says(decoder: MotionDecoder, token: Token) -> None:
    asked = token(yaw=0.2, roll=-0.1)
    frame, found = decoder.render(asked), decoder.flow(asked)
    y, x = np.mgrid[0:SIZE, 0:SIZE].astype(np.float32)
    source = np.stack([x, y], -1) + found.flow * SIZE
    warped = sample(decoder.render(decoder.rest_token), source)
    sure = (found.region == Region.SKIN) & (found.visible > 0.95)
    assert np.abs(warped.astype(int) - frame)[sure].mean() < 3
    still = (found.region == BACKGROUND) & (found.flow == 0).all(2) & (found.visible > 0.99)
    assert still.mean() > 0.1
    assert np.abs(warped.astype(int) - frame)[still].max() <= 1


def test_any_token_gives_a_picture(decoder: MotionDecoder) -> None:
    rng = np.random.default_rng(3)
    for scale in (0.3, 1, 10, 1e6):
        frame = decoder.render((scale * rng.standard_normal(TOKEN)).astype(np.float32))
        assert frame.shape == (SIZE, SIZE, 3) and frame.dtype == np.uint8


@pytest.mark.parametrize("wrong", [np.full(TOKEN, np.nan), np.full(TOKEN, np.inf), np.zeros(9)])
def test_what_is_no_token_is_refused(decoder: MotionDecoder, wrong: Floats) -> None:
    with pytest.raises(ValueError, match="64 finite numbers"):
        decoder.render(wrong)


def test_a_frame_does_not_depend_on_those_before(
    surface: FaceSurface, fitted: FittedPortrait, appearance: Appearance, token: Token
) -> None:
    used, fresh = (MotionDecoder(surface, fitted, appearance, 128) for _ in range(2))
    tokens = np.stack([token(yaw=0.3, jawOpen=0.8), token(eyeBlink_L=1), token(roll=0.2)])
    frames = list(used.frames(tokens))
    assert len(frames) == 3
    assert np.array_equal(frames[2], fresh.render(tokens[2]))


def test_a_still_face_is_not_drawn_again_and_frames_are_the_callers(
    decoder: MotionDecoder, token: Token
) -> None:
    first = decoder.render(token(jawOpen=0.4))
    kept = first.copy()
    first[:] = 0
    assert np.array_equal(decoder.render(token(jawOpen=0.4)), kept)


def test_one_pass_poses_as_the_definition_does(
    surface: FaceSurface, fitted: FittedPortrait, token: Token
) -> None:
    found = Stage(surface, fitted, SIZE).pose(token(yaw=0.3, pitch=0.2, gaze_y=0.2, x=2, z=-1))
    shape = fitted.rest + found.displacement
    model = posed(surface.chart, shape, fitted.eye_centres, found.rig)
    points = fitted.camera.to_camera(model)
    at, _ = fitted.camera.project(points)
    assert np.abs(points - found.points).max() < 1e-3
    assert np.abs(at * SIZE - found.screen[:, :2]).max() < 1e-2


def test_the_quick_srgb_curve_is_close() -> None:
    linear = np.linspace(0, 1, 400, dtype=np.float32)
    quick = np.array([srgb(value) for value in linear])
    assert np.abs(quick - to_srgb(linear)).max() < 1.2


def test_dense_pictures_keep_their_pixels_and_find_those_between() -> None:
    x = np.arange(40)
    wave = np.round(128 + 90 * np.sin(x * 0.6)).astype(np.uint8)
    rgb = np.repeat(np.repeat(wave[None, :, None], 40, 0), 3, 2)
    found = dense(rgb, np.full((40, 40), 255, np.uint8)).view(np.uint8).reshape(80, 80, 4)
    assert np.array_equal(found[::2, ::2, :3], rgb)
    expected = 128 + 90 * np.sin((x + 0.5) * 0.6)
    assert np.abs(found[21, 1::2, 0] - expected)[5:-5].max() < 4
    assert (found[..., 3] == 255).all()
