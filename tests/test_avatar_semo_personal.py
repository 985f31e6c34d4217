"""A person's file: nothing known changes nothing, what is known is kept and used."""

from dataclasses import replace

import numpy as np
import pytest

from avatar.portraits import gallery, load_portrait
from avatar.rig import INDEX, rig
from avatar.semo.appearance import appearance_of
from avatar.semo.fit import fit_portrait
from avatar.semo.loading import load_surface
from avatar.semo.personal import load_person, nobody, save_person
from avatar.semo.stage import Stage
from emotion.errors import ConfigError


@pytest.fixture(scope="module")
def scene():
    surface = load_surface()
    portrait = load_portrait(gallery()[0].name)
    return surface, portrait, fit_portrait(portrait, surface)


def test_nobody_changes_nothing(scene):
    surface, portrait, fitted = scene
    person = nobody(surface, "abc")
    tokens = np.random.default_rng(0).normal(size=(3, 64)).astype(np.float32)
    np.testing.assert_array_equal(person.read(tokens), tokens)
    own, again, _ = person.open(portrait, surface)
    token = surface.rig_to_token(rig({"jawOpen": 0.6}))
    away = own.displacement(token) - surface.displacement(token)
    assert np.abs(away).max() < 0.01  # movements below 0.02 mm are left out
    assert np.abs(again.rest - fitted.rest).max() < 0.02


def test_gain_and_moves_change_movements(scene):
    surface, _, _ = scene
    person = nobody(surface, "abc")
    at = INDEX["jawOpen"]
    gain, moves = person.gain.copy(), person.moves.copy()
    gain[at] = 1.5
    wide = replace(person, gain=gain).on(surface)
    np.testing.assert_allclose(
        np.linalg.norm(wide.weights.expression[at]),
        1.5 * np.linalg.norm(surface.weights.expression[at]),
        rtol=1e-3,
    )
    moves[at, 45:47, 1] = 0.3
    lifted = replace(person, moves=moves).on(surface)
    change = surface.chart.at_landmarks(
        lifted.weights.expression[at] - surface.weights.expression[at]
    )
    assert change[45:47, 1].mean() > 0.1
    assert np.abs(change[118:138]).max() < 0.03  # brows


def test_depth_leaves_the_picture_alone(scene):
    surface, _, fitted = scene
    identity = np.random.default_rng(2).normal(0, 0.7, surface.identity_size).astype(np.float32)
    deep = replace(nobody(surface, "abc"), identity=identity).fitted(fitted, surface)
    assert np.abs(deep.rest - fitted.rest).max() > 0.1
    turned = rig({"yaw": 0.3})
    before, after = (Stage(surface, one, 256) for one in (fitted, deep))
    token = before.rest_token
    still = before.pose(token).marks_at - after.pose(token).marks_at
    skin = np.r_[0:108, 118:150]
    assert np.abs(still[skin]).mean() < 0.35
    token = surface.rig_to_token(fitted.rig + turned)
    moved = before.pose(token).marks_at - after.pose(token).marks_at
    assert np.abs(moved[skin]).mean() > 1.5 * np.abs(still[skin]).mean()


def test_the_inside_is_tinted(scene):
    surface, _, fitted = scene
    person = nobody(surface, "abc")
    inside = person.inside * np.float32(0.5)
    appearance = appearance_of(fitted, surface)
    tinted = replace(person, inside=inside).appearance(appearance)
    np.testing.assert_allclose(tinted.inside_colour, 0.5 * appearance.inside_colour)


def test_files(scene, tmp_path):
    surface, _, _ = scene
    person = replace(nobody(surface, "abc"), offset=np.full(64, 0.25, np.float32))
    path = tmp_path / "person.safetensors"
    save_person(person, path, "{}")
    assert path.stat().st_size < 400_000
    again = load_person(path, "abc")
    np.testing.assert_array_equal(again.offset, person.offset)
    np.testing.assert_array_equal(again.gain, person.gain)
    with pytest.raises(ConfigError, match="another face surface"):
        load_person(path, "other")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_person(tmp_path / "none.safetensors")
    path.write_bytes(b"nonsense")
    with pytest.raises(ConfigError, match="cannot be read"):
        load_person(path)
    save_person(replace(person, gain=person.gain * np.nan), path, "{}")
    with pytest.raises(ConfigError, match="damaged"):
        load_person(path)
