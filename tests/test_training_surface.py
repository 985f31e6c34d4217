"""The surface's training: patches of a mesh, contact, and the trained twin's export."""

import numpy as np
import pytest

pytest.importorskip("scipy")

import torch

from avatar.rig import SIZE
from avatar.semo.types import TOKEN
from avatar.training.contact import RADIUS, slide_lids
from avatar.training.surface.model import SurfaceModel, local
from avatar.training.surface.patches import boundary_loops, harmonic_map, sample


def sheet(count: int = 12) -> tuple[np.ndarray, np.ndarray]:
    """A bent square of (count + 1)^2 vertices with a square hole in the middle."""
    side = np.linspace(-1, 1, count + 1)
    x, y = (axis.ravel() for axis in np.meshgrid(side, side))
    vertices = np.stack([3 * x, 3 * y, 1 - x**2], 1)
    at = np.arange((count + 1) ** 2).reshape(count + 1, count + 1)
    a, b, c, d = at[:-1, :-1].ravel(), at[:-1, 1:].ravel(), at[1:, 1:].ravel(), at[1:, :-1].ravel()
    triangles = np.concatenate([np.stack([a, b, c], 1), np.stack([a, c, d], 1)])
    middle = vertices[triangles].mean(1)
    return vertices, triangles[(np.abs(middle[:, :2]) > 0.6).any(1)]


def area(flat: np.ndarray, triangles: np.ndarray) -> np.ndarray:
    a, b, c = (flat[triangles[:, k]] for k in range(3))
    return (b - a)[:, 0] * (c - a)[:, 1] - (b - a)[:, 1] * (c - a)[:, 0]


def test_loops_are_the_outline_and_the_hole() -> None:
    loops = boundary_loops(*sheet())
    assert len(loops) == 2
    assert len(loops[0]) == 48
    assert np.abs(sheet()[0][loops[1], :2]).max() < 1.1


def test_a_flat_map_has_no_folds() -> None:
    vertices, triangles = sheet()
    flat = harmonic_map(vertices, triangles)
    turned = area(flat, triangles)
    assert (turned > 0).all() or (turned < 0).all()
    assert np.nanmax(np.linalg.norm(flat, axis=1)) <= 1 + 1e-9


def test_samples_lie_on_the_patch_about_as_far_apart_as_wanted() -> None:
    vertices, triangles = sheet()
    spacing = np.full(len(vertices), 0.4)
    flat = harmonic_map(vertices, triangles)
    found = sample(vertices, triangles, flat, spacing, np.random.default_rng(0))
    at = (vertices[triangles[found.triangle]] * found.weights[..., None]).sum(1)
    assert np.allclose(found.weights.sum(1), 1)
    apart = np.linalg.norm(at[:, None] - at[None], axis=2) + 9 * np.eye(len(at))
    assert apart.min() > 0.15
    assert apart.min(1).max() < 0.6
    middle = at[found.joined].mean(1)
    assert not (np.abs(middle[:, :2]) < 0.3).all(1).any()  # the hole stays open
    assert (area(found.flat, found.joined) > 0).all()


def test_patches_that_meet_have_the_same_points_at_their_rim() -> None:
    vertices, triangles = sheet()
    spacing, rng = np.full(len(vertices), 0.4), np.random.default_rng(0)
    flat = harmonic_map(vertices, triangles)
    one = sample(vertices, triangles, flat, spacing, rng)
    mirrored = triangles[:, ::-1].copy()  # the same rim, run through the other way
    other = sample(vertices, mirrored, flat, spacing, rng)
    points = [
        (vertices[t[s.triangle]] * s.weights[..., None]).sum(1)
        for s, t in ((one, triangles), (other, mirrored))
    ]
    rim = round(24 / (0.75 * 0.4))
    near = np.linalg.norm(points[0][:rim, None] - points[1][None], axis=2).min(1)
    assert near.max() < 1e-9


def test_lids_do_not_cut_the_eye() -> None:
    centre = np.zeros(3, np.float32)
    rest = np.float32([[0, 1.2, 1.2], [0, 0.5, 1.5], [0, 2.4, 1.0]])
    straight = np.float32([[0, 0.3, 1.2], [0, 0.2, 1.3], [0, 2.3, 1.0]])
    slid = slide_lids(straight, rest, centre)
    away = np.linalg.norm(slid, axis=1)
    assert away[0] == pytest.approx(RADIUS, abs=1e-3)
    assert away[1] == pytest.approx(np.linalg.norm(rest[1]), abs=1e-3)  # no deeper than at rest
    assert np.array_equal(slid[2], straight[2])  # outside already


def model() -> SurfaceModel:
    torch.manual_seed(0)
    basis = 0.1 * torch.randn(60, 30)
    return SurfaceModel(basis, torch.full((SIZE,), 0.3), torch.full((60,), 2.0), 16)


def test_the_export_computes_what_was_trained() -> None:
    from avatar.semo.loading import load_surface
    from avatar.semo.surface import FaceSurface

    trained = model()
    for layer in trained.parameters():
        torch.nn.init.normal_(layer, std=0.1)
    chart = load_surface().chart
    weights = trained.exported(chart, np.zeros((10, 3), np.float32), np.zeros((2, 10, 3)))
    rigs = np.random.default_rng(0).random((4, SIZE)).astype(np.float32)
    token = trained.token(torch.from_numpy(rigs))
    surface = FaceSurface(weights)
    assert np.allclose(surface.rig_to_token(rigs), token.detach().numpy(), atol=1e-5)
    moved = surface.displacement(token.detach().numpy()).reshape(4, -1)
    assert np.allclose(moved, trained.displacement(token).detach().numpy(), atol=3e-3)
    again = model()
    again.adopt(weights)
    assert torch.allclose(again.token(torch.from_numpy(rigs)), token, atol=1e-5)
    assert token.shape == (4, TOKEN)


def test_invisible_movements_are_dropped() -> None:
    basis = np.zeros((1, 2, 3), np.float32)
    basis[0, 0] = 0.001
    basis[0, 1] = 0.01
    kept = local(basis)
    assert not kept[0, 0].any()
    assert kept[0, 1].all()
