"""The tracked head's pose, from landmarks whose true motion is known."""

from dataclasses import replace
from functools import cache

import numpy as np
import pytest

from avatar.landmark_net import LandmarkNet
from avatar.portraits import WEIGHTS, load_portrait
from avatar.rig import rig
from avatar.semo.facing import ANCHOR, carried, facing, head_motion, upright
from avatar.semo.fit import fit_portrait
from avatar.semo.head_pose import HeadPose
from avatar.semo.loading import load_surface
from avatar.semo.neutral import target_rig
from avatar.semo.pose import rotation
from avatar.semo.stage import Stage
from avatar.semo.types import Floats
from avatar.types import Portrait


@cache
def _sitter() -> tuple[Stage, object, Portrait]:
    surface, portrait = load_surface(), load_portrait("henrik")
    fitted = fit_portrait(portrait, surface)
    return Stage(surface, fitted, 1), fitted, portrait


def _marks(**asked: float) -> tuple[Floats, Floats]:
    """(150, 2) where the landmarks of a portrait with that rig lie, and the rig it was asked."""
    stage, fitted, _ = _sitter()
    wanted = rig(asked)
    token = load_surface().rig_to_token(target_rig(fitted, wanted))  # type: ignore[arg-type]
    return stage.pose(token).marks_at, wanted


@pytest.mark.parametrize(
    "asked",
    [
        {"yaw": 0.2},
        {"yaw": -0.3, "pitch": 0.1},
        {"roll": 0.15, "jawOpen": 0.6},
        {"mouthSmile_L": 0.9, "mouthSmile_R": 0.9},
    ],
)
def test_turns_are_found_whatever_the_mouth_does(asked: dict[str, float]) -> None:
    pose = HeadPose(load_surface())
    first, still = _marks()
    known = pose.begin(first, still)
    points, read = _marks(**asked)
    camera = pose.follow(known, known.state.camera, points, read)
    before, after = facing(known.state.camera.rotation), facing(camera.rotation)
    wanted = np.array([asked.get(name, 0.0) for name in ("yaw", "pitch", "roll")])
    assert np.abs(after - before - wanted).max() < 0.03


def test_a_head_that_comes_nearer_is_nearer() -> None:
    pose = HeadPose(load_surface())
    first, still = _marks()
    known = pose.begin(first, still)
    points, read = _marks(z=4.0, x=1.5)
    moved = pose.follow(known, known.state.camera, points, read).translation
    change = moved - known.state.camera.translation
    assert change[2] == pytest.approx(4.0, abs=0.8)
    assert change[0] == pytest.approx(1.5, abs=0.3)


def test_the_first_frame_is_explained_without_rest() -> None:
    pose = HeadPose(load_surface())
    first, still = _marks()
    known = pose.begin(first, still)
    camera = pose.follow(known, known.state.camera, first, still)
    assert np.abs(camera.rotation - known.state.camera.rotation).max() < 1e-3


def test_a_place_that_leads_nowhere_is_left() -> None:
    pose = HeadPose(load_surface())
    first, still = _marks()
    known = pose.begin(first, still)
    points, read = _marks(yaw=0.2)
    wanted = pose.follow(known, known.state.camera, points, read)
    camera = known.state.camera
    for lost in (np.array([0, 0, -1e-3]), np.array([0, 0, 40.0]), np.array([np.nan, 0, -50])):
        last = replace(camera, translation=lost.astype(np.float32))
        found = pose.follow(known, last, points, read)
        assert np.abs(found.rotation - wanted.rotation).max() < 0.02


def test_a_portrait_moves_its_head_as_the_driver_does() -> None:
    """Whatever way the portrait looks, its anchor goes the same way before the camera."""
    first = np.array([0.1, -0.05, 0.02, 0, 0, 0], np.float32)
    now = np.array([0.35, 0.1, -0.06, 1.5, -0.8, 3.0], np.float32)
    camera = upright(np.array([0.2, 0.1, 0.0], np.float32))
    pose = head_motion(first, now, camera)
    way = camera @ (carried(ANCHOR, pose) - ANCHOR)
    assert np.allclose(way, carried(ANCHOR, now) - carried(ANCHOR, first), atol=1e-4)
    turn = rotation(*(float(v) for v in pose[:3]))
    assert np.allclose(turn, upright(first[:3]).T @ upright(now[:3]), atol=1e-5)
    assert np.allclose(head_motion(first, first, camera), 0, atol=1e-5)


def test_following_finds_what_searching_finds() -> None:
    net, rgb = LandmarkNet(WEIGHTS), _sitter()[2].rgb
    searched = net.find(rgb)[0].points
    near = searched + np.float32(6.0)
    apart = np.linalg.norm(searched[92] - searched[76])
    off = np.linalg.norm(net.follow(rgb, near) - searched, axis=1)
    assert off.mean() / apart < 0.03
