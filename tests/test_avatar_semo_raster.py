import numpy as np
import pytest

from avatar.semo.raster import NOTHING, Seen, rasterise, vertex_normals
from avatar.semo.rims import smooth_rims
from avatar.semo.types import Floats, Ints, Region

WHOLE = np.array([0, 0, 1], np.float32)


def draw(points: list[list[float]], triangles: list[list[int]], view: Floats = WHOLE) -> Seen:
    seen = Seen.empty(32, 32)
    rasterise(np.array(points, np.float32), np.array(triangles, np.int32), view, tuple(seen))
    return seen


SQUARE: list[list[float]] = [[4, 4, 1], [4, 20, 1], [20, 20, 1], [20, 4, 1]]
TWO = [[0, 1, 2], [0, 2, 3]]


def test_triangles_that_share_an_edge_leave_no_gap_and_cover_what_they_should() -> None:
    seen = draw(SQUARE, TWO)
    covered = seen.hit != NOTHING
    assert covered[4:20, 4:20].all()
    assert covered.sum() == 256


def test_what_is_turned_away_is_not_drawn() -> None:
    seen = draw(SQUARE, [[2, 1, 0]])
    assert (seen.hit == NOTHING).all()
    assert (seen.near == 0).all()


def test_the_nearer_triangle_hides_the_farther_in_any_order() -> None:
    points = [*SQUARE, [0, 0, 2], [0, 30, 2], [30, 30, 2]]
    for triangles, front in (([[0, 1, 2], [4, 5, 6]], 1), ([[4, 5, 6], [0, 1, 2]], 0)):
        assert draw(points, triangles).hit[15, 8] == front


def test_weights_are_perspective_correct() -> None:
    # A slope whose right corner is four times as far: halfway across the picture lies a fifth of
    # the way along the surface.
    seen = draw([[0, 0, 4], [0, 32, 4], [32, 16, 1]], [[0, 1, 2]])
    y, x = 16, 16
    third = 1 - seen.weights[y, x].sum()
    share = (x + 0.5) / 32
    expected = share * 1 / (share * 1 + (1 - share) * 4)
    assert third == pytest.approx(expected, abs=1e-4)
    assert seen.near[y, x] == pytest.approx(share * 1 + (1 - share) * 4, rel=1e-4)


def test_a_view_shows_a_part_enlarged() -> None:
    seen = draw(SQUARE, TWO, np.array([16, 16, 4], np.float32))
    covered = seen.hit != NOTHING
    assert covered[:16, :16].all() and covered.sum() == 256


def test_what_lies_far_outside_does_no_harm() -> None:
    far = 1e7
    seen = draw([[-far, -far, 1], [-far, far, 1], [far, 0, 1]], [[0, 1, 2]])
    assert (seen.hit == 0).all()
    assert (draw([[100, 0, 1], [100, 9, 1], [109, 9, 1]], [[0, 1, 2]]).hit == NOTHING).all()


def test_a_part_of_the_buffers_is_the_same_memory() -> None:
    seen = Seen.empty(32, 32)
    part = seen.part(8, 16)
    assert part.hit.shape == (8, 16) and part.weights.shape == (8, 16, 2)
    assert np.shares_memory(part.near, seen.near)


def test_normals_of_a_sphere_point_outwards() -> None:
    points, triangles = sphere()
    normals = np.empty_like(points)
    vertex_normals(points, triangles, normals)
    assert (normals * points).sum(1).min() > 0.97


def sphere() -> tuple[Floats, Ints]:
    """An octahedron whose faces were split three times."""
    corners = [[1, 0, 0], [-1, 0, 0], [0, 1, 0], [0, -1, 0], [0, 0, 1], [0, 0, -1]]
    faces = [[0, 2, 4], [2, 1, 4], [1, 3, 4], [3, 0, 4], [2, 0, 5], [1, 2, 5], [3, 1, 5], [0, 3, 5]]
    for _ in range(3):
        split = []
        for face in faces:
            middle = []
            for a, b in ((0, 1), (1, 2), (2, 0)):
                between = np.add(corners[face[a]], corners[face[b]])
                corners.append(list(between / np.linalg.norm(between)))
                middle.append(len(corners) - 1)
            i, j, k = face
            ij, jk, ki = middle
            split += [[i, ij, ki], [ij, j, jk], [ki, jk, k], [ij, jk, ki]]
        faces = split
    # Split edges make their middle twice: join the copies.
    unique, same = np.unique(np.round(corners, 6), axis=0, return_inverse=True)
    return unique.astype(np.float32), same.reshape(-1)[np.array(faces)].astype(np.int32)


def test_a_saw_edge_becomes_smooth() -> None:
    seen = Seen.empty(40, 40)
    skin, eye = 0, 1
    regions = np.array([Region.SKIN, Region.LEFT_EYE], np.uint8)
    rows = np.arange(40)[:, None]
    teeth = 20 + 3 * (np.arange(40) // 2 % 2)
    seen.hit[:] = np.where(rows < teeth, skin, eye)
    seen.near[:] = 1
    opening = smooth_rims(seen, regions, 60.0)
    edge = (seen.hit == skin).sum(0)[6:-6]
    assert np.ptp(edge) <= 1
    assert abs(edge.mean() - teeth.mean()) < 1.5
    assert ((seen.hit == eye) == (opening > 0.5)).all()
