"""The learned surface: what its tokens mean, and that nothing makes it fall apart."""

import json
from pathlib import Path

import numpy as np
import pytest

from avatar.landmarks import Landmarks
from avatar.rig import EXPRESSIONS, GAZE_AT, INDEX, POSE_AT, SIZE, follow_gaze, rig
from avatar.semo.loading import SURFACE, load_surface, save_surface
from avatar.semo.pose import posed
from avatar.semo.surface import FaceSurface
from avatar.semo.types import TOKEN, Region
from emotion.errors import ConfigError


@pytest.fixture(scope="module")
def surface() -> FaceSurface:
    return load_surface()


def random_rigs(count: int) -> np.ndarray:
    rng = np.random.default_rng(3)
    rigs = (rng.random((count, SIZE)) * (rng.random((count, SIZE)) < 0.15)).astype(np.float32)
    rigs[:, GAZE_AT] = rng.uniform(-0.4, 0.4, (count, 2))
    rigs[:, POSE_AT] = rng.uniform(-0.4, 0.4, (count, 6))
    return follow_gaze(rigs)


def marks(surface: FaceSurface, weights: dict[str, float]) -> Landmarks:
    """Landmarks of the mean person, x and y in cm, y down."""
    moved = surface.rest(np.zeros(surface.identity_size, np.float32))
    moved = moved + surface.displacement(surface.rig_to_token(rig(weights)))
    return Landmarks(surface.chart.at_landmarks(moved)[:, :2] * np.float32([1, -1]))


def gap(points: np.ndarray, upper: slice, lower: slice) -> float:
    return float((points[lower][::-1, 1] - points[upper, 1]).mean())


def test_tokens_have_their_size_and_are_read_back(surface: FaceSurface) -> None:
    rigs = random_rigs(400)
    tokens = surface.rig_to_token(rigs)
    assert tokens.shape == (400, TOKEN)
    read = surface.token_to_rig(tokens)
    r2 = 1 - ((read - rigs) ** 2).mean(0) / rigs.var(0)
    named = ("jawOpen", "mouthSmile_L", "browInnerUp_L", "browDown_R", "eyeBlink_L", "gaze_x",
             "gaze_y", "yaw", "pitch", "roll")  # fmt: skip
    assert min(r2[INDEX[name]] for name in named) > 0.95


def test_one_token_alone_moves_points_as_in_a_batch(surface: FaceSurface) -> None:
    tokens = surface.rig_to_token(random_rigs(5))
    together = surface.displacement(tokens)
    for token, moved in zip(tokens, together, strict=True):
        assert np.abs(surface.displacement(token) - moved).max() < 2e-3  # cm


def test_the_face_at_rest_is_the_person_itself(surface: FaceSurface) -> None:
    assert np.abs(surface.displacement(surface.rig_to_token(rig()))).max() < 0.02


def test_lids_close(surface: FaceSurface) -> None:
    upper, lower = slice(2, 7), slice(10, 15)
    for eye, side in (("left_eye", "L"), ("right_eye", "R")):
        open_ = gap(marks(surface, {}).group(eye), upper, lower)
        shut = gap(marks(surface, {f"eyeBlink_{side}": 1.0}).group(eye), upper, lower)
        assert open_ > 0.6
        assert shut < 0.25 * open_


def test_lips_part_and_close_over_an_open_jaw(surface: FaceSurface) -> None:
    upper, lower = slice(3, 8), slice(13, 18)
    rest = gap(marks(surface, {}).group("lips_inner"), upper, lower)
    wide = gap(marks(surface, {"jawOpen": 0.6}).group("lips_inner"), upper, lower)
    shut = gap(
        marks(surface, {"jawOpen": 0.6, "mouthClose": 0.49}).group("lips_inner"), upper, lower
    )
    assert wide > rest + 1.5
    assert abs(shut - rest) < 0.25


def test_the_jaw_carries_lower_teeth_and_tongue(surface: FaceSurface) -> None:
    moved = surface.displacement(surface.rig_to_token(rig({"jawOpen": 0.7})))[:, 1]
    mean = surface.weights.mean
    teeth = surface.chart.points_of(Region.TEETH)
    upper, lower = teeth[mean[teeth, 1] > -1.5], teeth[mean[teeth, 1] < -4.8]
    assert np.abs(moved[upper]).max() < 0.05
    assert moved[lower].max() < -0.6
    assert moved[surface.chart.points_of(Region.TONGUE)].mean() < -0.7


def test_extrapolation_is_bounded(surface: FaceSurface) -> None:
    rng = np.random.default_rng(0)
    tokens = rng.normal(0, 30, (50, TOKEN)).astype(np.float32)
    assert np.isfinite(surface.displacement(tokens)).all()
    assert np.abs(surface.coefficients(tokens)).max() <= surface.weights.limit.max() + 1e-3


def test_pose_turns_the_head_and_leaves_the_chest(surface: FaceSurface) -> None:
    rest = surface.rest(np.zeros(surface.identity_size, np.float32))
    eyes = np.array([[3.1, 3.6, 7.8], [-3.1, 3.6, 7.8]], np.float32)
    turned = posed(surface.chart, rest, eyes, rig({"yaw": 0.3}))
    nose, chest = rest[:, 2].argmax(), rest[:, 1] < -17
    assert turned[nose, 0] > rest[nose, 0] + 2  # to the right of the picture
    assert np.abs(turned[chest] - rest[chest]).max() < 1e-4
    looked = posed(surface.chart, rest, eyes, rig({"gaze_x": 0.3}))
    only = np.linalg.norm(looked - rest, axis=1) > 1e-5
    assert set(surface.chart.point_region[only]) == {Region.LEFT_EYE, Region.RIGHT_EYE}


def test_chart_triangles_face_outwards_and_are_in_order(surface: FaceSurface) -> None:
    chart, mean = surface.chart, surface.weights.mean
    assert (np.diff(chart.region.astype(int)) >= 0).all()
    assert (chart.point_region[chart.triangles] == chart.region[:, None]).all()
    a, b, c = (mean[chart.triangles[:, k]] for k in range(3))
    normal = np.cross(b - a, c - a)
    front = (chart.region == Region.SKIN) & (mean[chart.triangles].mean(1)[:, 2] > 9)
    assert (normal[front, 2] > 0).mean() > 0.8


def test_weights_survive_writing_and_tell_their_story(surface: FaceSurface, tmp_path: Path) -> None:
    path = tmp_path / "surface.safetensors"
    save_surface(surface.weights, path, {"seed": 5})
    again = load_surface(path)
    token = surface.rig_to_token(random_rigs(1)[0])
    assert np.array_equal(again.displacement(token), surface.displacement(token))
    from safetensors import safe_open

    with safe_open(SURFACE, framework="numpy") as file:
        story = json.loads(file.metadata()["story"])
    assert {"config", "pack", "figures"} <= story.keys()
    assert tuple(story["rig"])[: len(EXPRESSIONS)] == EXPRESSIONS


def test_missing_and_foreign_files_are_named(tmp_path: Path) -> None:
    from safetensors.numpy import save_file

    with pytest.raises(ConfigError, match="cannot be read"):
        load_surface(tmp_path / "nothing.safetensors")
    foreign = tmp_path / "foreign.safetensors"
    save_file({"x": np.zeros(3, np.float32)}, foreign)
    with pytest.raises(ConfigError, match="format"):
        load_surface(foreign)
    (tmp_path / "bad.safetensors").write_bytes(b"not weights")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_surface(tmp_path / "bad.safetensors")
