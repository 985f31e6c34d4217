"""Fitting against portraits made from the surface, whose explanation is known, and the gallery."""

from weakref import ref

import numpy as np
import pytest

from avatar.landmarks import GROUPS
from avatar.portraits import gallery, load_portrait
from avatar.rig import EXPRESSIONS, GAZE_AT, INDEX, POSE_AT, rig
from avatar.semo.banded import Entries, band_order, solve
from avatar.semo.fit import fit_portrait
from avatar.semo.iris import find_irises
from avatar.semo.loading import load_surface
from avatar.semo.neutral import FaceAtLandmarks, camera_gaze, target_rig
from avatar.semo.portrait_cache import PortraitCache
from avatar.semo.pose import posed, rotation
from avatar.semo.prepared import IRISES, prepared
from emotion.errors import PortraitError
from tests.semo_portraits import camera_at, known_portrait, portrait_of

NAMES = [entry.name for entry in gallery()]
LIPS_AND_LIDS = slice(36, 108)


@pytest.fixture(scope="module")
def surface():
    return load_surface()


def angles(camera):
    """Yaw and pitch of the fitted head, degrees."""
    ahead = camera.rotation[:, 2]
    return np.degrees([np.arctan2(ahead[0], ahead[2]), np.arcsin(-ahead[1])])


def marks_of(surface, fitted, weights):
    """(150, 2) projected landmarks of a fitted person with some rig."""
    points = fitted.rest + surface.displacement(surface.rig_to_token(weights))
    camera = fitted.camera
    return camera.project(camera.to_camera(surface.chart.at_landmarks(points)))[0]


@pytest.mark.parametrize("name", NAMES[::4])
def test_lips_and_lids_land_on_their_landmarks(surface, name):
    fitted = fit_portrait(load_portrait(name), surface)
    off = np.linalg.norm(marks_of(surface, fitted, fitted.rig) - fitted.landmarks, axis=1) * 512
    places = np.sort(surface.chart.landmark_points, axis=1)
    # Two landmarks in one triangle of the chart cannot both be met.
    alone = (places[:, None] == places).all(-1).sum(1) == 1
    precise = np.arange(*LIPS_AND_LIDS.indices(150))[alone[LIPS_AND_LIDS]]
    assert len(precise) >= 70 and np.sqrt((off[precise] ** 2).mean()) < 0.3
    assert np.abs(angles(fitted.camera)).max() < 12
    assert (fitted.rig[: len(EXPRESSIONS)] <= 1).all() and (fitted.rig >= -0.7).all()
    assert 0.48 <= fitted.iris_radius <= 0.68
    assert (fitted.rig[POSE_AT] == 0).all() and (fitted.neutral[POSE_AT] == 0).all()


def test_irises_land_where_the_picture_shows_them(surface):
    portrait = load_portrait(NAMES[0])
    fitted = fit_portrait(portrait, surface)
    gaze = rotation(float(fitted.rig[55]), float(fitted.rig[56]), 0.0)
    seen = find_irises(portrait.rgb, fitted.landmarks)
    for side, eye in enumerate(prepared(surface).eyes):
        front = fitted.eye_centres[side] + gaze @ np.array([0, 0, eye.front], np.float32)
        at = fitted.camera.project(fitted.camera.to_camera(front))[0]
        assert np.linalg.norm(at - seen[side, :2]) * 512 < 0.75


@pytest.mark.parametrize(("yaw", "pitch", "roll"), [(0, 0, 0), (25, 0, 5), (-20, 12, -25)])
def test_a_known_head_is_found(surface, yaw, pitch, roll):
    known = known_portrait(surface, camera_at(yaw, pitch, roll), identity_seed=3)
    fitted = fit_portrait(known.portrait, surface)
    turned = fitted.camera.rotation @ known.camera.rotation.T
    assert np.degrees(np.arccos(np.clip((np.trace(turned) - 1) / 2, -1, 1))) < 4
    wanted = camera_gaze(known.camera, fitted.eye_centres) * 0 + known.shown[GAZE_AT]
    assert np.abs(np.degrees(fitted.rig[GAZE_AT] - wanted)).max() < 5


@pytest.mark.parametrize(
    ("name", "value"), [("jawOpen", 0.6), ("mouthSmile_L", 0.8), ("eyeBlink_R", 0.7)]
)
def test_known_expressions_are_told_from_the_person(surface, name, value):
    paired = {name: value}
    if name[-2:] in ("_L", "_R"):
        paired = {name[:-1] + side: value for side in "LR"}
    fitted = fit_portrait(known_portrait(surface, identity_seed=5, **paired).portrait, surface)
    plain = fit_portrait(known_portrait(surface, identity_seed=5).portrait, surface)
    rise = fitted.rig[INDEX[name]] - plain.rig[INDEX[name]]
    # Part of it is read as the person's own shape.
    assert 0.4 * value < rise < 1.2 * value


def test_the_neutral_face_closes_an_open_mouth(surface):
    known = known_portrait(surface, jawOpen=0.5, mouthLowerDown_L=0.5, mouthLowerDown_R=0.5)
    fitted = fit_portrait(known.portrait, surface)
    face = FaceAtLandmarks(surface, fitted.rest)
    assert face.lip_gap(fitted.rig) > 0.8
    assert abs(face.lip_gap(fitted.neutral)) < 0.06


@pytest.mark.parametrize("name", NAMES[1::6])
def test_an_asked_blink_closes_this_persons_lids(surface, name):
    fitted = fit_portrait(load_portrait(name), surface)
    face = FaceAtLandmarks(surface, fitted.rest)
    closed = target_rig(fitted, rig({"eyeBlink_L": 1, "eyeBlink_R": 1}))
    for side in (0, 1):
        assert face.lid_gap(fitted.neutral, side) > 0.3
        assert -0.13 < face.lid_gap(closed, side) < -0.06


def test_target_rig_adds_to_the_person(surface):
    known = known_portrait(surface, mouthSmile_L=0.6, mouthSmile_R=0.6, gaze_x=0.3)
    fitted = fit_portrait(known.portrait, surface)
    nothing = rig()
    assert np.allclose(target_rig(fitted, nothing, own=1), fitted.rig, atol=1e-5)
    assert np.allclose(target_rig(fitted, nothing), fitted.neutral, atol=1e-5)
    assert fitted.neutral[INDEX["mouthSmile_L"]] < 0.5 * fitted.rig[INDEX["mouthSmile_L"]]
    asked = rig({"jawOpen": 0.5, "yaw": 0.2, "z": 3, "gaze_y": 0.1})
    out = target_rig(fitted, asked)
    assert (out[POSE_AT] == asked[POSE_AT]).all()
    assert np.allclose(out[GAZE_AT], fitted.neutral[GAZE_AT] + (0, 0.1), atol=1e-6)
    assert out[INDEX["jawOpen"]] == pytest.approx(0.5, abs=0.1)
    assert out[: len(EXPRESSIONS)].max() <= 1.6


def test_gaze_that_misses_the_camera_meets_it_at_rest(surface):
    fitted = fit_portrait(known_portrait(surface, gaze_x=0.4).portrait, surface)
    camera = camera_gaze(fitted.camera, fitted.eye_centres)
    assert np.linalg.norm(fitted.rig[GAZE_AT] - camera) > np.radians(12)
    assert np.linalg.norm(fitted.neutral[GAZE_AT] - camera) < np.radians(7.1)


def test_a_missing_matte_is_guessed(surface):
    matte = fit_portrait(load_portrait(NAMES[2]), surface).matte
    side = matte.shape[0]
    assert matte.shape == (side, side) and matte.dtype == np.float32
    assert matte[side // 2, side // 2] > 0.95 and matte[-5, side // 2] > 0.9
    assert matte[:20, :20].max() < 0.05 and matte[:20, -20:].max() < 0.05


def changed(surface, change):
    portrait = known_portrait(surface).portrait
    marks = portrait.landmarks.points / np.float32(512)
    return portrait_of(portrait.rgb, change(marks.copy()))


@pytest.mark.parametrize(
    ("change", "words"),
    [
        (lambda marks: 0.5 + (marks - 0.5) * 0.1, "too small"),
        (lambda marks: np.full_like(marks, np.nan), "measured"),
        (lambda marks: marks * 0 + 0.5, "too small"),
        (lambda marks: marks * (-1, 1) + (1, 0), "upright"),
        (lambda marks: 1 - marks, "upright"),
        (lambda marks: marks[np.random.default_rng(1).permutation(150)], None),
        (lambda marks: np.random.default_rng(2).random((150, 2)), None),
    ],
)
def test_what_is_no_upright_face_is_refused(surface, change, words):
    with pytest.raises(PortraitError, match=words) as refusal:
        fit_portrait(changed(surface, change), surface)
    assert refusal.value.remedy


def test_a_head_turned_away_is_refused_with_its_angle(surface):
    known = known_portrait(surface, camera_at(yaw=48))
    with pytest.raises(PortraitError, match=r"turned to the side by 4\d degrees"):
        fit_portrait(known.portrait, surface)


def test_correction_spreads_a_common_move_evenly(surface):
    correction, chart = prepared(surface).correction, surface.chart
    moved = correction.spread(np.tile(np.float32([0.1, 0, 0]), (150, 1)), len(chart.uv))
    at = chart.at_landmarks(moved)[:, 0]
    start = 0
    for name, count in GROUPS.items():
        if "iris" not in name:
            assert at[start : start + count] == pytest.approx(0.1, abs=0.02), name
        start += count
    assert posed(chart, moved, np.zeros((2, 3), np.float32), rig()).shape == moved.shape
    for iris in IRISES:
        assert (at[iris] == 0).all()  # eyeballs are moved apart


def test_banded_solution_is_exact():
    rng = np.random.default_rng(4)
    rows, columns = rng.integers(0, 60, (2, 150)).astype(np.int32)
    kept = rows != columns
    rows, columns = rows[kept], columns[kept]
    weights = rng.random(len(rows))
    dense = np.eye(60) * 0.1
    for i, j, w in zip(rows, columns, weights, strict=True):
        dense[[i, j], [i, j]] += w
        dense[[i, j], [j, i]] -= w
    at = np.nonzero(dense)
    entries = Entries(at[0].astype(np.int32), at[1].astype(np.int32), dense[at])
    right = rng.standard_normal((60, 3))
    order = band_order(rows, columns, 60)
    assert sorted(order) == list(range(60))
    assert np.allclose(dense @ solve(entries, order, right), right)
    bad = Entries(entries.rows, entries.columns, -entries.values)
    with pytest.raises(ValueError, match="positive definite"):
        solve(bad, order, right)


def test_a_portrait_that_is_shown_is_fitted_once_and_then_forgotten(surface):
    cache = PortraitCache(surface)
    first = cache.open(load_portrait(NAMES[0]))
    assert cache.open(load_portrait(NAMES[0])) is first
    gone = ref(first)
    del first
    assert gone() is None  # nobody shows it: nothing of it is left


def test_invented_people_may_be_kept(surface):
    cache = PortraitCache(surface, limit=1)
    kept = ref(cache.open(load_portrait(NAMES[0]), keep=True))
    assert kept() is not None
    cache.open(load_portrait(NAMES[1]), keep=True)
    assert kept() is None  # only one is remembered


def test_the_matte_is_asked_for_once(surface):
    asked = []

    def matte(rgb):
        asked.append(rgb.shape)
        return np.ones(rgb.shape[:2], np.float32)

    cache = PortraitCache(surface, matte)
    shown = cache.open(load_portrait(NAMES[0]))
    assert cache.open(load_portrait(NAMES[0])) is shown
    assert len(asked) == 1
    assert shown.fitted.matte.min() == 1
