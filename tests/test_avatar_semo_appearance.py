"""What a fitted portrait shows of the surface: gallery portraits and pictures painted for it."""

import cv2
import numpy as np
import pytest

from avatar.portraits import gallery, load_portrait
from avatar.semo.appearance import appearance_of
from avatar.semo.eye_textures import between_lids
from avatar.semo.fit import fit_portrait
from avatar.semo.hidden import apertures, outside
from avatar.semo.imaging import pull_push
from avatar.semo.loading import load_surface
from avatar.semo.plate import plate_of
from avatar.semo.prepared import EYES, PART
from avatar.semo.raster import Seen, rasterise
from avatar.semo.shading import irradiance
from avatar.semo.types import Region
from avatar.semo.view import view_of
from tests.semo_portraits import SIDE, known_portrait, portrait_of

NAMES = [entry.name for entry in gallery()]


@pytest.fixture(scope="module")
def surface():
    return load_surface()


@pytest.fixture(scope="module", params=NAMES[::8])
def shown(request, surface):
    fitted = fit_portrait(load_portrait(request.param), surface)
    return fitted, appearance_of(fitted, surface)


def test_all_is_finite_and_in_range(shown, surface):
    fitted, appearance = shown
    count, side = len(surface.chart.uv), fitted.rgb.shape[0]
    assert appearance.source.shape == (count, 2)
    for name in ("source", "seen", "hold", "irradiance", "lid_colour", "lid_weight", "white"):
        assert np.isfinite(getattr(appearance, name)).all(), name
    for name in ("seen", "hold", "lid_weight", "person"):
        values = getattr(appearance, name)
        assert values.min() >= 0 and values.max() <= 1, name
    assert appearance.irradiance.min() >= 0.15
    assert appearance.plate.shape == (side, side, 3) and appearance.person.shape == (side, side)
    assert appearance.eyes.shape[0] == 2 and appearance.eyes.dtype == np.uint8
    assert appearance.white.min() > 0.1 and appearance.white.max() <= 1.2


def test_seen_skin_is_found_where_it_is_projected(shown, surface):
    fitted, appearance = shown
    view = view_of(fitted, surface)
    skin = surface.chart.point_region == Region.SKIN
    seen = skin & (appearance.seen > 0.9)
    assert seen.sum() > 0.3 * skin.sum()
    off = np.linalg.norm(appearance.source - view.at, axis=1)[seen] * 512
    assert off.max() < 4  # only rims of lids and lips are moved, a little
    assert np.mean(off > 0.01) < 0.1
    # Hidden skin continues the seen: nowhere far outside of it.
    low, high = view.at[seen].min(0) - 0.02, view.at[seen].max(0) + 0.02
    hidden = skin & (appearance.seen == 0) & (surface.weights.mean[:, 1] > -8)
    assert ((appearance.source[hidden] > low) & (appearance.source[hidden] < high)).all()


def test_eyes_and_mouth_do_not_stick_to_lids_and_lips(shown, surface):
    fitted, appearance = shown
    seen = (surface.chart.point_region == Region.SKIN) & (appearance.seen > 0.5)
    for eye in EYES:
        inside = between_lids(appearance.source[seen], fitted.landmarks[eye])
        assert (inside > 0.2).sum() <= 2  # of thousands: at a corner where landmarks cross


def test_hold_leaves_hair_and_ears_to_the_motion_around(shown, surface):
    _, appearance = shown
    x, y, z = surface.weights.mean.T
    skin = surface.chart.point_region == Region.SKIN
    assert appearance.hold[skin & (np.abs(x) > 7) & (np.abs(y) < 3) & (z < 4)].max() == 0
    middle = skin & (np.abs(x) < 3) & (np.abs(y) < 6) & (z > 9)
    assert appearance.hold[middle].mean() > 0.95


def test_eye_textures_have_a_dark_iris_in_a_light_white(shown):
    fitted, appearance = shown
    for texture in appearance.eyes.astype(float):
        side = texture.shape[0]
        at = (np.arange(side) + 0.5) / side * 2.5 - 1.25
        radius = np.hypot(*np.meshgrid(at, at))
        iris = texture[radius < 0.8 * fitted.iris_radius].mean()
        beside = (np.abs(at) < 0.15)[:, None] & (radius > 1.25 * fitted.iris_radius) & (radius < 1)
        assert iris < 0.8 * texture[beside].mean()


def test_the_plate_is_the_picture_without_the_person(shown):
    fitted, appearance = shown
    alone = appearance.person == 0
    assert np.abs(appearance.plate[alone].astype(int) - fitted.rgb[alone]).max() <= 1
    assert (appearance.person[fitted.matte > 0.5] > 0.99).all()
    face = fitted.landmarks[PART["nose"]].mean(0) * fitted.rgb.shape[0]
    x, y = face.astype(int)
    nose = fitted.rgb[y - 5 : y + 5, x - 5 : x + 5].reshape(-1, 3).mean(0)
    behind = appearance.plate[y - 5 : y + 5, x - 5 : x + 5].reshape(-1, 3).mean(0)
    assert np.abs(nose - behind).max() > 15


def test_a_plate_goes_on_with_stripes_and_colours():
    stripes = np.where((np.arange(512) // 8 % 2)[:, None, None] > 0, 180, 60)
    rgb = np.broadcast_to(stripes, (512, 512, 3)).astype(np.uint8).copy()
    matte = np.zeros((512, 512), np.float32)
    matte[150:, 200:312] = 1
    rgb[matte > 0] = (250, 0, 0)
    plate, person = plate_of(rgb, matte)
    # Just inside of the outline the level stripes are there, and nothing of the person.
    near = plate[300:400, 200:210].astype(int)
    assert np.abs(near - stripes[300:400]).mean() < 15
    assert np.ptp(near, axis=-1).max() < 10
    assert person[300, 250] == 1 and person[20, 20] == 0


def test_light_is_told_from_shaded_skin(surface):
    """A grey head painted with light from the right: the light is found again."""
    known = known_portrait(surface)
    fitted = fit_portrait(known.portrait, surface)
    view = view_of(fitted, surface)
    light = np.array([0.7, 0.1, 0.2, 0.35, 0, 0, 0, 0, 0], np.float32)
    linear = 0.4 * irradiance(view.normals, light)
    rgb = _painted(surface, view, linear)
    lit = fit_portrait(portrait_of(rgb, fitted.landmarks), surface)
    found = appearance_of(lit, surface)
    skin = (surface.chart.point_region == Region.SKIN) & (found.seen > 0.9)
    told = found.irradiance[skin] / found.irradiance[skin].mean()
    true = linear[skin] / linear[skin].mean()
    assert np.corrcoef(told, true)[0, 1] > 0.95
    assert found.light[3] > 0.15


def _painted(surface, view, linear):
    """(SIDE, SIDE, 3) the surface in grey, linear (N,) brightness."""
    seen = Seen.empty(SIDE, SIDE)
    screen = np.column_stack([view.at * SIDE, view.inverse]).astype(np.float32)
    triangles = surface.chart.triangles
    rasterise(screen, triangles, np.array([0, 0, 1], np.float32), tuple(seen))
    # Weights are undefined where nothing is drawn.
    shares = np.where((seen.hit >= 0)[..., None], seen.weights, 0)
    first, second = shares[..., 0], shares[..., 1]
    corners = linear[triangles[seen.hit]]
    grey = (corners * np.stack([first, second, 1 - first - second], -1)).sum(-1)
    grey = np.where(seen.hit >= 0, grey, 0.2).clip(0.001, 1)
    return np.repeat((255 * grey ** (1 / 2.2))[..., None], 3, 2).astype(np.uint8)


def test_an_open_mouth_tells_the_colour_of_teeth(surface):
    known = known_portrait(surface, jawOpen=0.4, mouthSmile_L=0.7, mouthSmile_R=0.7)
    rgb = known.portrait.rgb.copy()
    rgb[:] = (150, 110, 90)
    marks = known.portrait.landmarks.points
    mouth = np.round(marks[PART["lips_inner"]]).astype(np.int32)
    cv2.fillPoly(rgb, [mouth], (230, 220, 190))
    fitted = fit_portrait(portrait_of(rgb, marks / SIDE), surface)
    assert apertures(fitted.landmarks).mouth is not None
    appearance = appearance_of(fitted, surface)
    points = surface.chart.points_of(Region.TEETH)
    depth = surface.weights.mean[points, 2]
    teeth = appearance.inside_colour[points]
    wanted = (np.array([230, 220, 190]) / 255) ** 2.2 / 0.9
    assert np.abs(teeth[depth > 9.5] - wanted).max() < 0.08
    assert teeth[depth < 7].mean() < 0.3 * wanted.mean()
    assert appearance.seen[surface.chart.points_of(Region.TEETH)].max() > 0.5


def test_points_inside_a_rim_are_moved_just_outside():
    rim = np.array([[0, 0], [4, 0], [4, 2], [0, 2]], np.float32)
    points = np.array([[2, 0.2], [2, -0.05], [2, -3], [4.5, 2.5], [-0.02, -0.02]], np.float32)
    for order in (rim, rim[::-1]):
        moved, depth = outside(points, order, 0.1)
        assert np.allclose(moved[:2], [[2, -0.1], [2, -0.1]], atol=1e-6)
        assert np.allclose(moved[2:4], points[2:4])
        assert np.linalg.norm(moved[4]) == pytest.approx(0.1, abs=1e-6)
        assert depth == pytest.approx([0.2, -0.05, -3, -np.hypot(0.5, 0.5), -np.hypot(0.02, 0.02)])


def test_pull_push_keeps_the_known_and_fills_smoothly():
    ramp = np.repeat(np.linspace(0, 200, 96, dtype=np.float32)[None], 96, 0)[..., None]
    known = np.ones((96, 96), np.float32)
    known[30:60, 30:60] = 0
    filled = pull_push(ramp * known[..., None] + 255 * (1 - known[..., None]), known)
    assert (filled[known == 1] == ramp[known == 1]).all()
    assert np.abs(filled - ramp)[known == 0].max() < 30
