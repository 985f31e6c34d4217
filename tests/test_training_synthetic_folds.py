"""Folds of synthetic skin, far turns of the head, and where a head is, without the pack."""

import dataclasses

import numpy as np
import pytest

from avatar.rig import GAZE_AT, POSE_AT, SIZE, rig
from avatar.semo.types import Camera
from avatar.training.recipes import EMOTIONS, keep_contact
from avatar.training.synthetic.anchor import anchor
from avatar.training.synthetic.buffers import Lighting, Look, Mesh, Picture, Scene, Vertices
from avatar.training.synthetic.config import Config
from avatar.training.synthetic.fold_lines import folds_of
from avatar.training.synthetic.folds import FAMILIES, LEFT, RIGHT, Fold, activations
from avatar.training.synthetic.materials import Kind, Material, Segment, material_table
from avatar.training.synthetic.raster import rasterise
from avatar.training.synthetic.relief import Relief, make_relief
from avatar.training.synthetic.shading import shade_visible
from avatar.training.synthetic.textures import mip_chain, pack_textures
from avatar.training.synthetic.traits import SkinFolds
from avatar.training.synthetic.turning import turned
from tests.synthetic_scene import PIXELS, everything, fragments, on_screen, sheet

YOUNG = SkinFolds(age=0.0, depth=1.0, lines=4, spacing=0.02, irregular=1.0, dimple=0.5)
OLD = dataclasses.replace(YOUNG, age=1.0)


def depths(folds: tuple[Fold, ...], values: dict[str, float]) -> dict[tuple[str, int], float]:
    amounts = activations(folds, rig(values))
    return {(f.family, f.side): float(a) for f, a in zip(folds, amounts, strict=True)}


def test_young_skin_is_smooth_at_rest_and_old_skin_keeps_its_lines() -> None:
    young, old = folds_of(YOUNG, 1), folds_of(OLD, 1)
    assert not make_relief(young).at(rig()).any()
    assert all(amount > 0 for amount in depths(old, {}).values())
    full = {"browInnerUp_L": 1.0, "browInnerUp_R": 1.0}
    at_rest, raised = (np.abs(make_relief(old).at(rig(v))).sum() for v in ({}, full))
    assert 0 < at_rest < raised


@pytest.mark.parametrize(
    ("emotion", "family"),
    [
        ("surprised", "temple"),
        ("sad", "marionette"),
        ("angry", "frown"),
        ("disgusted", "bunny"),
        ("happy", "crow"),
        ("happy", "nasolabial"),
    ],
)
def test_each_feeling_folds_the_skin_where_it_should(emotion: str, family: str) -> None:
    found = depths(folds_of(YOUNG, 2), EMOTIONS[emotion])
    assert found[family, LEFT] > 0.5
    assert found[family, LEFT] == pytest.approx(found[family, RIGHT])
    others = {"surprised": "nasolabial", "angry": "temple", "happy": "frown"}
    if emotion in others:
        assert found[others[emotion], LEFT] < 0.2


def test_one_sided_movements_fold_one_side() -> None:
    found = depths(folds_of(YOUNG, 3), {"noseSneer_L": 0.8})
    assert found["sneer", LEFT] > 0.5 and found["sneer", RIGHT] == 0
    relief = make_relief(folds_of(YOUNG, 3)).at(rig({"noseSneer_L": 0.8}))
    half = relief.shape[1] // 2
    # The subject's left is the map's right half; what folds both sides lies in the middle.
    assert np.abs(relief[:, half + 20 :]).sum() > 20 * np.abs(relief[:, : half - 20]).sum()


def test_folds_are_those_of_their_seed() -> None:
    values = rig(EMOTIONS["disgusted"])
    one, again, other = (make_relief(folds_of(OLD, seed)).at(values) for seed in (5, 5, 6))
    assert np.array_equal(one, again)
    assert not np.array_equal(one, other)
    assert set(FAMILIES) == {fold.family for fold in folds_of(OLD, 5)}


def test_slopes_are_those_of_one_height_field() -> None:
    """Added up around any rectangle of one fold's map they come back to nothing."""
    fold = next(f for f in folds_of(OLD, 4) if f.family == "nasolabial")
    patch = make_relief((fold,)).patches[0].values
    along, up = patch[..., 0].astype(float), patch[..., 1].astype(float)
    height = np.cumsum(along, axis=1)
    assert np.abs(height[:, -1] - height[:, 0]).max() < 0.05 * np.abs(height).max()
    # Differences of slopes across: d(along)/dv = d(up)/du.
    left = -np.gradient(along, axis=0)[4:-4, 4:-4]
    right = np.gradient(up, axis=1)[4:-4, 4:-4]
    assert np.corrcoef(left.ravel(), right.ravel())[0, 1] > 0.95


def lit(relief: np.ndarray, *, folded: bool, towards: float) -> np.ndarray:
    """Colour at the middle of a sheet under a light from the side."""
    points, triangles = sheet(40.0, 5.0)
    uv = np.ascontiguousarray(points[:, :2] / 10 + 0.5, np.float32)
    mesh = Mesh(triangles, triangles, uv, np.zeros(len(triangles), np.int32))
    skin = Material(Kind.PLAIN, Segment.SKIN, specular=0.0, roughness=1.0, relief=folded)
    texels, levels = pack_textures([mip_chain(np.zeros((8, 8, 3), np.uint8))])
    scene = Scene(mesh, Look(material_table([skin]), texels, levels))
    normal = np.tile(np.array([0, 0, 1], np.float32), (len(points), 1))
    screen = on_screen(points, 2 * PIXELS)
    vertices = Vertices(points, normal, screen, np.ones(len(points), np.float32), relief)
    harmonics = np.zeros((9, 3), np.float32)
    harmonics[0], harmonics[3] = 0.5, 0.2 * towards
    dark = np.array([[0, 0, 1, 0, 0, 0]], np.float32)
    lighting = Lighting(
        harmonics, dark, np.full((16, 16), -1e9, np.float32), np.zeros((3, 4), np.float32)
    )
    samples = fragments(2 * PIXELS)
    rasterise(everything(mesh), scene, screen, samples)
    side = 2 * PIXELS
    picture = Picture(np.zeros((side, side, 3), np.float32), np.empty((side, side), np.float32))
    shade_visible(scene, vertices, lighting, samples, picture)
    return picture.colour[PIXELS, PIXELS]


def test_slopes_turn_the_light_and_only_on_the_skin_that_folds() -> None:
    smooth, rising = np.zeros((16, 16, 3), np.float32), np.zeros((16, 16, 3), np.float32)
    rising[..., 0] = 5.0  # rises by 5 cm over the map's 10 cm, towards +x
    plain = lit(smooth, folded=True, towards=1.0)
    assert np.allclose(lit(rising, folded=False, towards=1.0), plain)
    away, facing = (lit(rising, folded=True, towards=side) for side in (1.0, -1.0))
    assert away[0] < 0.9 * plain[0] < 1.1 * plain[0] < facing[0]
    rising[..., 2] = 0.5
    assert (lit(rising, folded=True, towards=-1.0) < 0.8 * facing).all()


def test_a_person_without_folds_costs_nothing_to_ask() -> None:
    assert not Relief((), ()).at(rig()).any()


def test_the_anchor_goes_with_the_head_and_with_nothing_else() -> None:
    camera = Camera(np.eye(3, dtype=np.float32), np.array([0, 0, -60], np.float32), 2.0,
                    np.array([0.5, 0.5], np.float32))  # fmt: skip
    eyes = np.array([[3.2, 3.6, 8.4], [-3.2, 3.6, 8.4]], np.float32)
    still = anchor(eyes, rig(), camera, 100)
    assert still == pytest.approx([50, 50 - 200 * 3.6 / 51.6, 51.6], rel=1e-4)
    same = anchor(eyes, rig({"jawOpen": 1, "gaze_x": 0.4, "browDown_L": 1}), camera, 100)
    assert np.array_equal(same, still)
    assert anchor(eyes, rig({"yaw": 0.3}), camera, 100)[0] > still[0] + 4
    assert anchor(eyes, rig({"pitch": 0.2}), camera, 100)[1] > still[1] + 2
    nearer = anchor(eyes, rig({"z": 2.0, "y": 1.0}), camera, 100)
    assert nearer[2] == pytest.approx(still[2] - 2, abs=1e-3) and nearer[1] > still[1]


def test_turns_begin_nearly_frontal_and_stay_within_reach() -> None:
    reach, starts = np.radians(20), [0, 60]
    still = np.zeros((120, SIZE), np.float32)
    still[:, POSE_AT.start] = 0.5
    widest = 0.0
    for seed in range(12):
        out = turned(still, starts, seed, float(reach), 1.0)
        assert np.abs(out[starts, POSE_AT][:, :3]).max() < 0.12
        assert np.abs(out[:, POSE_AT.start]).max() < reach + 0.1
        assert np.abs(np.diff(out[:60, POSE_AT], axis=0)[:, :3]).max() < 0.05
        widest = max(widest, float(np.abs(out[:, POSE_AT.start]).max()))
        assert np.array_equal(out, turned(still, starts, seed, float(reach), 1.0))
        touched = out.copy()
        keep_contact(touched)
        assert np.allclose(touched, out, atol=1e-5)
    assert widest > 0.2
    none = turned(still, starts, 1, float(reach), 0.0)
    assert np.array_equal(none[:, POSE_AT], still[:, POSE_AT])
    assert np.array_equal(none[:, GAZE_AT], still[:, GAZE_AT])


def test_groups_of_one_split_play_together() -> None:
    train = Config(people=24, share=4, only="train")
    numbers = train.numbers()
    assert all(train.split(n) == "train" for n in numbers) and len(numbers) == 24
    played = [train.performance_seed(n) for n in numbers]
    assert [played.count(seed) for seed in dict.fromkeys(played)] == [4] * 6
    held = Config(people=16, share=16, only="held_out", first=128)
    assert {held.split(n) for n in held.numbers()} == {"held_out"}
    assert len({held.performance_seed(n) for n in held.numbers()}) == 1
