"""The synthetic world without the face pack: kernels, labels, performances, shards."""

import dataclasses

import numpy as np
import pytest

from apps.commands.synthesize import run
from avatar.rig import SIZE
from avatar.training.landmarks.layout import SLICES
from avatar.training.pack import HeadPack, Section
from avatar.training.synthetic.augment import Sample, Strength, augment, degrade, moved_by
from avatar.training.synthetic.background import draw_background
from avatar.training.synthetic.buffers import (
    Labels,
    Lighting,
    Look,
    Mesh,
    Picture,
    Scene,
    Vertices,
)
from avatar.training.synthetic.calibrate import Views, attach
from avatar.training.synthetic.camera import draw_camera
from avatar.training.synthetic.config import Config
from avatar.training.synthetic.labels import LandmarkMap, Seen, flow_between
from avatar.training.synthetic.light import draw_light
from avatar.training.synthetic.materials import Kind, Material, Segment, material_table
from avatar.training.synthetic.raster import label_pixels, normals, rasterise
from avatar.training.synthetic.shading import blend_layers, develop, shade_visible
from avatar.training.synthetic.shards import (
    FORMAT,
    Shard,
    load_shard,
    no_source,
    save_shard,
    stored_points,
    stored_weights,
)
from avatar.training.synthetic.textures import mip_chain, pack_textures
from tests.synthetic_scene import PIXELS, everything, fragments, on_screen, sheet


def scene(materials: tuple[Material, Material]) -> tuple[np.ndarray, Mesh, Look]:
    """A small square before a large one, half a metre away, each of its own material."""
    near, front = sheet(40.0, 3.0)
    far, back = sheet(50.0, 7.0)
    triangles = np.concatenate([front, back + len(near)])
    uv = np.array([[0.5, 0.5]], np.float32)
    material = np.repeat([0, 1], [len(front), len(back)]).astype(np.int32)
    mesh = Mesh(triangles, np.zeros_like(triangles), uv, material)
    texels, levels = pack_textures([mip_chain(np.full((8, 8, 3), 128, np.uint8))])
    return np.concatenate([near, far]), mesh, Look(material_table(materials), texels, levels)


def labelled(points: np.ndarray, mesh: Mesh, look: Look) -> tuple[Labels, np.ndarray]:
    """Labels of PIXELS and the vertices in pixels."""
    screen, samples = on_screen(points, 2 * PIXELS), fragments(2 * PIXELS)
    rasterise(everything(mesh), Scene(mesh, look), screen, samples)
    out = Labels(
        np.empty((PIXELS, PIXELS), np.int32),
        np.empty((PIXELS, PIXELS, 2), np.float32),
        np.empty((PIXELS, PIXELS), np.float32),
        np.empty((PIXELS, PIXELS), np.uint8),
    )
    label_pixels(Scene(mesh, look), screen, samples, out)
    return out, screen * np.array([0.5, 0.5, 1], np.float32)


PLAIN = (Material(Kind.PLAIN, Segment.SKIN), Material(Kind.PLAIN, Segment.CLOTH))


def covering(screen: np.ndarray, mesh: Mesh, x: float, y: float) -> list[tuple[float, int]]:
    """Brute force: (1/depth, triangle) of all triangles over a point, nearest first."""
    found = []
    for t, (a, b, c) in enumerate(screen[mesh.triangles].astype(np.float64)):
        matrix = np.array([a[:2] - c[:2], b[:2] - c[:2]]).T
        p, q = np.linalg.solve(matrix, np.array([x, y]) - c[:2])
        if min(p, q, 1 - p - q) >= 0:
            found.append((p * a[2] + q * b[2] + (1 - p - q) * c[2], t))
    return sorted(found, reverse=True)


def test_the_nearest_triangle_is_seen_at_every_sample() -> None:
    points, mesh, look = scene(PLAIN)
    points = points @ np.array([[0.98, 0.1, 0.1], [-0.1, 0.99, 0], [-0.1, 0, 1]], np.float32)
    screen, samples = on_screen(points, PIXELS), fragments(PIXELS)
    rasterise(everything(mesh), Scene(mesh, look), screen, samples)
    for y in range(PIXELS):
        for x in range(PIXELS):
            found = covering(screen, mesh, x + 0.5, y + 0.5)
            expected = found[0][1] if found else -1
            got = samples.triangle[y, x]
            # On an edge either neighbour will do, they are equally far.
            assert got == expected or abs(samples.inverse_depth[y, x] - found[0][0]) < 1e-7


def test_triangles_seen_from_behind_are_left_out_unless_two_sided() -> None:
    for two_sided, seen in ((False, False), (True, True)):
        cloth = Material(Kind.PLAIN, Segment.CLOTH, two_sided=two_sided)
        points, mesh, look = scene((cloth, cloth))
        flipped = mesh._replace(triangles=np.ascontiguousarray(mesh.triangles[:, ::-1]))
        samples = fragments(PIXELS)
        rasterise(everything(mesh), Scene(flipped, look), on_screen(points, PIXELS), samples)
        assert (samples.triangle >= 0).any() == seen


def test_labels_say_which_surface_point_is_at_a_pixels_centre() -> None:
    points, mesh, look = scene(PLAIN)
    middle = np.array([0, 0, -45], np.float32)
    turn = np.array([[0.9, 0, 0.43], [0, 1, 0], [-0.43, 0, 0.9]], np.float32)
    points = (points - middle) @ turn + middle
    labels, _ = labelled(points, mesh, look)
    body = labels.triangle >= 0
    assert body.mean() > 0.5
    corners = points[mesh.triangles[labels.triangle[body]]]
    u, v = labels.weights[body].T
    shares = np.stack([u, v, 1 - u - v], 1)
    surface = (corners * shares[..., None]).sum(1)
    there = on_screen(surface, PIXELS)
    y, x = np.nonzero(body)
    assert np.abs(there[:, :2] - np.stack([x, y], 1) - 0.5).max() < 2e-3
    assert np.allclose(1 / there[:, 2], labels.depth[body], rtol=1e-4)
    assert set(np.unique(labels.segment)) <= {0, int(Segment.SKIN), int(Segment.CLOTH)}


def test_flow_leads_to_the_same_point_and_hidden_points_are_hidden() -> None:
    points, mesh, look = scene(PLAIN)
    moved = points.copy()
    moved[:25, 0] += 2.0  # the near square moves and covers another part of the far one
    moved[25:] += np.array([-0.7, 0.4, 1.0], np.float32)
    seen = []
    for state in (points, moved):
        labels, screen = labelled(state, mesh, look)
        seen.append(Seen(labels.triangle, labels.weights, labels.depth, screen))
    flow, visible = flow_between(seen[0], seen[1], mesh.triangles)
    wrong = checked = 0
    for y in range(PIXELS):
        for x in range(PIXELS):
            t = seen[0].triangle[y, x]
            if t < 0:
                assert not flow[y, x].any()
                continue
            u, v = seen[0].weights[y, x]
            point = np.array([u, v, 1 - u - v]) @ moved[mesh.triangles[t]].astype(np.float64)
            there = on_screen(point[None], PIXELS)[0]
            assert np.allclose(flow[y, x] + [x + 0.5, y + 0.5], there[:2], atol=2e-3)
            before = covering(seen[1].screen, mesh, *there[:2])
            inside = (there[:2] >= 0).all() and (there[:2] < PIXELS).all()
            if inside and not before:
                continue  # half a sample beside the rim
            free = inside and before[0][0] <= there[2] * 1.003
            checked += 1
            wrong += bool(visible[y, x]) != free
    assert checked > 300
    assert wrong <= 0.03 * checked  # pixels on the squares' edges
    assert (~visible & (seen[0].triangle >= 0)).sum() > 10


def test_a_frame_flows_to_itself_without_moving() -> None:
    points, mesh, look = scene(PLAIN)
    labels, screen = labelled(points, mesh, look)
    own = Seen(labels.triangle, labels.weights, labels.depth, screen)
    flow, visible = flow_between(own, own, mesh.triangles)
    assert visible.all()
    assert np.abs(flow).max() < 2e-3


def shaded(materials: tuple[Material, Material], ambient: float = 1.0) -> Picture:
    points, mesh, look = scene(materials)
    side = 2 * PIXELS
    normal, area = np.empty_like(points), np.empty(len(points), np.float32)
    normals(points, mesh.triangles, normal, area)
    assert np.allclose(normal, [0, 0, 1], atol=1e-5)
    light, smooth = np.full(len(points), ambient, np.float32), np.zeros((4, 4, 3), np.float32)
    vertices = Vertices(points, normal, on_screen(points, side), light, smooth)
    harmonics = np.zeros((9, 3), np.float32)
    harmonics[0] = 0.5
    lights = np.array([[0, 0, 1, 0.4, 0.4, 0.4]], np.float32)
    shadow = np.full((16, 16), -1e9, np.float32)
    lighting = Lighting(harmonics, lights, shadow, np.zeros((3, 4), np.float32))
    order, whole = everything(mesh), Scene(mesh, look)
    veiled = np.isin(mesh.material, [k for k, m in enumerate(materials) if m.kind == Kind.VEIL])
    samples = fragments(side)
    rasterise(order[~veiled], whole, vertices.screen, samples)
    picture = Picture(np.zeros((side, side, 3), np.float32), np.empty((side, side), np.float32))
    shade_visible(whole, vertices, lighting, samples, picture)
    blend_layers(order[veiled], whole, vertices, lighting, samples, picture)
    return picture


def test_light_reaches_what_is_open_and_albedo_tints_it() -> None:
    skin = Material(Kind.SKIN, Segment.SKIN, tint=(0.6, 0.3, 0.2), wrap=(0.3, 0.2, 0.1))
    bright, dim = (shaded((skin, PLAIN[1]), share).colour[24, 24] for share in (1.0, 0.2))
    assert bright[0] > bright[1] > bright[2] > 0
    assert (dim < bright).all()
    assert dim[0] / bright[0] > dim[2] / bright[2]  # hidden skin is redder


def test_veils_let_through_what_their_alpha_leaves() -> None:
    veil = Material(Kind.VEIL, Segment.EYES, tint=(0, 0, 0), alpha=0.5)
    bare = shaded((dataclasses.replace(veil, alpha=0.0), PLAIN[1]))
    half = shaded((veil, PLAIN[1]))
    assert np.allclose(half.colour[24, 24], 0.5 * bare.colour[24, 24], rtol=1e-3)
    assert np.allclose(half.colour[4, 24], bare.colour[4, 24])  # beside the veil
    assert (half.coverage[24, 24] == 1) and half.coverage.min() == 0


def test_development_is_monotonous_and_alpha_counts_samples() -> None:
    ramp = np.linspace(0, 4, 64, dtype=np.float32).repeat(4).reshape(2, 64, 2)
    colour = np.stack([np.concatenate([ramp[0], ramp[1]])[:64, :].reshape(2, 64)] * 3, -1)
    coverage = np.zeros((2, 64), np.float32)
    coverage[0, ::2] = 1
    image, alpha = np.empty((1, 32, 3), np.uint8), np.empty((1, 32), np.uint8)
    develop(Picture(np.ascontiguousarray(colour), coverage), 1.0, image, alpha)
    assert (np.diff(image[0, :, 0].astype(int)) >= 0).all()
    assert image.max() <= 255 and image[0, -1, 0] > 200
    assert (alpha == 64).all()


def test_mip_chains_keep_the_mean_and_ignore_the_colour_of_nothing() -> None:
    image = np.zeros((32, 32, 4), np.uint8)
    image[:, ::2] = (200, 100, 50, 255)
    chain = mip_chain(image)
    assert [len(level) for level in chain] == [32, 16, 8]
    assert np.allclose(chain[1][0, 0], (200, 100, 50, 127), atol=2)
    texels, levels = pack_textures([chain])
    assert len(texels) == 32 * 32 + 16 * 16 + 8 * 8
    assert (levels[0, 2:] == levels[0, 2]).all()


def dotted(side: int = 96) -> Sample:
    """A picture with a bright dot at its only point, which is also its mask."""
    image = np.full((side, side, 3), 60, np.uint8)
    mask = np.zeros((side, side), np.uint8)
    mask[40:45, 50:55] = 255
    image[mask > 0] = 250
    return Sample(image, np.array([[52.5, 42.5]], np.float32), (mask,), (mask,))


def centre_of(plane: np.ndarray) -> np.ndarray:
    y, x = np.nonzero(plane > 127)
    return np.array([x.mean() + 0.5, y.mean() + 0.5])


def test_points_and_masks_follow_the_picture() -> None:
    still = dataclasses.replace(Strength(), colour=0, light=0, blur=0, noise=0, shrink=0, jpeg=0,
                                occluder=0, zoom=0.2, turn=0.3, shift=0.1)  # fmt: skip
    for seed in range(8):
        out = augment(dotted(), np.random.default_rng(seed), still)
        assert np.allclose(centre_of(out.masks[0]), out.points[0], atol=0.6)
        assert np.allclose(centre_of(out.image.mean(2)), out.points[0], atol=0.7)
        assert set(np.unique(out.classes[0])) <= {0, 255}
    whole = moved_by(dotted(), np.array([[1, 0, 3], [0, 1, -2]], np.float32), (96, 96))
    assert np.array_equal(whole.image[38:43, 53:58], dotted().image[40:45, 50:55])


def test_augmentation_is_seeded_and_leaves_its_input_alone() -> None:
    given = dotted()
    before = given.image.copy()
    a, b = (augment(given, np.random.default_rng(5)) for _ in range(2))
    assert np.array_equal(a.image, b.image) and np.array_equal(a.points, b.points)
    assert np.array_equal(given.image, before)
    assert a.image.dtype == np.uint8 and a.image.shape == given.image.shape
    rng = np.random.default_rng(1)
    changed = [np.abs(degrade(before, rng).astype(int) - before).mean() for _ in range(20)]
    assert np.mean(changed) > 5


def test_occluders_are_reported() -> None:
    only = dataclasses.replace(Strength(), occluder=1.0, zoom=0, turn=0, shift=0)
    shares = []
    for seed in range(20):
        hidden = augment(dotted(), np.random.default_rng(seed), only).hidden
        assert hidden is not None
        shares.append(hidden.mean())
    assert 0.02 < np.mean(shares) < 0.6


def test_settings_are_their_seeds() -> None:
    for draw in (draw_light, draw_camera, lambda rng: draw_background(rng, 32)):
        a, b = (draw(np.random.default_rng(9)) for _ in range(2))
        for one, two in zip(_values(a), _values(b), strict=True):
            assert np.isfinite(one).all() and np.array_equal(one, two)


def _values(drawn: object) -> list[np.ndarray]:
    if isinstance(drawn, np.ndarray):
        return [drawn]
    fields = getattr(type(drawn), "__slots__", ())
    return [np.asarray(getattr(drawn, name)) for name in fields]


def test_held_out_people_share_no_performance_with_the_others() -> None:
    config = Config(people=64, share=4)
    seeds: dict[str, set[int]] = {"train": set(), "held_out": set()}
    for person in range(64):
        seeds[config.split(person)].add(config.performance_seed(person))
    assert not seeds["train"] & seeds["held_out"]
    assert config.performance_seed(1) == config.performance_seed(4)
    assert len({config.person_seed(person) for person in range(64)}) == 64
    assert sum(config.split(person) == "held_out" for person in range(64)) == 8


def test_shards_come_back_as_they_were_and_the_same_bytes_twice(tmp_path) -> None:
    shard = small_shard()
    for name in ("a.npz", "b.npz"):
        save_shard(shard, tmp_path / name)
    assert (tmp_path / "a.npz").read_bytes() == (tmp_path / "b.npz").read_bytes()
    back = load_shard(tmp_path / "a.npz")
    for name in Shard.__slots__:
        assert np.array_equal(getattr(back, name), getattr(shard, name)), name
    screen = back.screen(0)
    assert np.abs(screen[:, :2] - small_screen()[:, :2]).max() <= PIXELS / 8192
    flow, visible = back.flow(0, 0)
    assert np.abs(flow).max() < 0.1 and visible.mean() > 0.95


def test_files_of_another_format_are_refused(tmp_path) -> None:
    shard = small_shard()
    save_shard(dataclasses.replace(shard, info={"kind": "render"}), tmp_path / "old.npz")
    np.savez(tmp_path / "other.npz", images=np.zeros(3))
    for name in ("old.npz", "other.npz"):
        with pytest.raises(ValueError, match="make it anew"):
            load_shard(tmp_path / name)


def small_screen() -> np.ndarray:
    points, mesh, look = scene(PLAIN)
    return labelled(points, mesh, look)[1]


def small_shard() -> Shard:
    points, mesh, look = scene(PLAIN)
    labels, screen = labelled(points, mesh, look)
    stored, distance = stored_points(screen, PIXELS)
    flat = np.zeros((1, PIXELS, PIXELS), np.uint8)
    surface = np.where(labels.triangle < 0, 65535, labels.triangle).astype(np.uint16)
    return Shard(
        images=np.zeros((1, PIXELS, PIXELS, 3), np.uint8),
        alpha=flat,
        segmentation=labels.segment[None],
        depth=labels.depth[None].astype(np.float16),
        surface=surface[None],
        weights=stored_weights(labels.weights)[None],
        points=stored[None],
        distance=np.array([distance], np.float32),
        focal=np.array([3 * PIXELS], np.float32),
        anchor=np.array([[12, 12, 40]], np.float32),
        triangles=mesh.triangles.astype(np.uint16),
        landmarks=np.zeros((1, 150, 2), np.float32),
        rig=np.zeros((1, SIZE), np.float32),
        time=np.zeros(1, np.float32),
        shot=np.zeros(1, np.int32),
        strength=np.zeros(1, np.float32),
        identity=np.zeros(80, np.float32),
        semantics=np.zeros(7, np.float32),
        closure=np.array(0.1, np.float32),
        **no_source(PIXELS),
        info={"kind": "render", "split": "train", "format": FORMAT},
    )


def test_landmarks_are_weighted_in_space_not_on_the_picture() -> None:
    screen = np.array([[0, 0, 1 / 40], [10, 0, 1 / 80], [0, 10, 1 / 40]], np.float32)
    marks = LandmarkMap(
        np.tile(np.array([0, 1, 2], np.int32), (150, 1)),
        np.tile(np.array([0.5, 0.5, 0], np.float32), (150, 1)),
    )
    # Half way in space is nearer to the close end on the picture.
    assert np.allclose(marks.at(screen)[0], [10 / 3, 0], atol=1e-4)


def test_the_command_needs_a_pack_and_a_map(tmp_path, capfd) -> None:
    out = ["--out", str(tmp_path)]
    assert run(["--help"]) == 0
    assert "--share" in capfd.readouterr().out
    assert run(["--pack", str(tmp_path), *out]) == 2
    assert "is no face pack" in capfd.readouterr().err
    (tmp_path / "head.npz").touch()
    assert run(["--pack", str(tmp_path), *out]) == 2
    assert "calibrate" in capfd.readouterr().err


def test_calibration_finds_the_points_that_a_finder_sees() -> None:
    points, mesh, _ = scene(PLAIN)
    face = mesh.material == 0
    section = np.where(np.arange(len(points)) < 25, Section.FACE, Section.LEFT_EYE)
    head = HeadPack(
        points, mesh.triangles, np.where(face, Section.FACE, Section.LEFT_EYE), section,
        *(np.zeros(0, np.float32) for _ in range(4)), (), np.zeros(0, np.float32),
        np.zeros(68, np.int32),
    )  # fmt: skip
    rng = np.random.default_rng(2)
    iris = np.zeros(150, bool)
    iris[SLICES["right_iris"].start : SLICES["left_iris"].stop] = True
    eye, skin = (rng.choice(np.flatnonzero(part), 150) for part in (~face, face))
    chosen = np.where(iris, eye, skin)
    weights = rng.dirichlet([2, 2, 2], 150).astype(np.float32)
    screens, answers, middle = [], [], np.array([0, 0, -45], np.float32)
    for _ in range(12):
        turn = np.eye(3, dtype=np.float32) + rng.normal(0, 0.05, (3, 3)).astype(np.float32)
        screen = on_screen((points - middle) @ turn + middle, 200)[:, :2]
        screens.append(screen)
        answers.append((screen[mesh.triangles[chosen]] * weights[..., None]).sum(1))
    answers[0][:] = np.nan  # no face found
    scale = np.full(12, 50.0, np.float32)
    views = Views(np.zeros((12, 1, 1, 3), np.uint8), np.stack(screens), scale)
    found, error = attach(head, views, np.stack(answers))
    assert error.max() < 1e-4
    there = (points[found.vertices] * found.weights[..., None]).sum(1)
    wanted = (points[mesh.triangles[chosen]] * weights[..., None]).sum(1)
    assert np.abs(there - wanted).max() < 0.02
