"""Where the 150 landmarks lie on the pack's mesh, found by asking a landmark finder about renders.

    python -m avatar.training.synthetic.calibrate --pack DIR --out FILE.npz \
        [--tools DIR --judge PYTHON]

The renderer knows where every vertex is drawn, so each landmark can be attached to the point of the
mesh whose projection is nearest to it over all renders; open mouths and half-closed eyes tell upper
from lower. Without --tools the project's own net is asked; with it FaceMesh, by a child in an
environment with mediapipe (`facemesh.py`). Axis legend: R renders, V vertices, L = 150 landmarks.
"""

import argparse
import logging
import subprocess
import tempfile
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from avatar import landmarks
from avatar.rig import follow_gaze, rig
from avatar.training.landmarks.layout import INDICES, SLICES
from avatar.training.pack import HeadPack, Section
from avatar.training.recipes import EMOTIONS, VISEMES, keep_contact
from avatar.training.synthetic.buffers import Bytes, Floats, Ints
from avatar.training.synthetic.labels import LandmarkMap
from avatar.training.synthetic.person import build_person
from avatar.training.synthetic.produce import draw_setting
from avatar.training.synthetic.rendering import Renderer
from avatar.training.synthetic.traits import Traits, draw_traits
from avatar.training.synthetic.wardrobe import load_wardrobe
from avatar.training.synthetic.world import World, make_world

LOG = logging.getLogger(__name__)
SIZE, PEOPLE, LOOKS_EACH = 384, 40, 5
OUTER_CORNERS = (36, 45)  # of the eyes, among the 68 marks
LOOKS = (
    *(VISEMES["aa"], VISEMES["ow"], EMOTIONS["happy"], EMOTIONS["surprised"], VISEMES["eh"]),
    {"eyeBlink_L": 0.45, "eyeBlink_R": 0.45},
)


@dataclass(frozen=True, slots=True, eq=False)
class Views:
    """images (R,S,S,3); screen (R,V,2) px of the head's vertices; scale (R,) eye distance, px."""

    images: Bytes
    screen: Floats
    scale: Floats


def render_views(world: World, people: int, seed: int = 11) -> Views:
    """Bare faces (no glasses, no beard) with several expressions, nearly frontal."""
    renderer, head = Renderer(SIZE), world.wardrobe.head
    images, screens = [], []
    for number in range(people):
        rng = np.random.default_rng([seed, number])
        person = build_person(world, _bare(draw_traits(world.wardrobe, int(rng.integers(2**31)))))
        setting = draw_setting(int(rng.integers(2**31)), SIZE)
        chosen = rng.choice(len(LOOKS), LOOKS_EACH - 1, replace=False)
        for look in ({}, *(LOOKS[k] for k in chosen)):
            values = follow_gaze(rig({k: v * rng.uniform(0.7, 1) for k, v in look.items()}))
            values[-6:-3] = rng.normal(0, 1, 3) * [0.16, 0.09, 0.06]
            keep_contact(values[None])
            frame = renderer.render(person, values, setting)
            images.append(frame.image)
            screens.append(frame.screen[: len(head.vertices), :2])
    screen = np.stack(screens).astype(np.float32)
    corners = screen[:, head.marks68[list(OUTER_CORNERS)]]
    return Views(np.stack(images), screen, np.linalg.norm(corners[:, 0] - corners[:, 1], axis=1))


def _bare(traits: Traits) -> Traits:
    """Without what hides the face."""
    hair = traits.hair if traits.hair in ("short02", "short04") else ""
    return replace(traits, glasses=None, beard=None, hair=hair)


def own_points(images: Bytes) -> Floats:
    """(R,150,2) px by the project's net; NaN where it finds no face."""
    from avatar.portrait import built_in_finder

    find = built_in_finder()
    out = np.full((len(images), landmarks.COUNT, 2), np.nan, np.float32)
    for at, image in enumerate(images):
        found = find(image)
        if found:
            out[at] = found[0].points
    return out


def facemesh_points(images: Bytes, tools: Path, judge: Path) -> Floats:
    """(R,150,2) px by FaceMesh in another environment; NaN where it finds no face."""
    script = Path(__file__).with_name("facemesh.py")
    with tempfile.TemporaryDirectory() as folder:
        given, answer = Path(folder) / "images.npy", Path(folder) / "points.npy"
        np.save(given, images)
        subprocess.run([judge, script, tools, given, answer], check=True)
        points = np.load(answer)
    return np.asarray(points[:, INDICES], np.float32)


def attach(head: HeadPack, views: Views, points: Floats) -> tuple[LandmarkMap, Floats]:
    """The landmarks' places on the mesh, and (L,) rms distance in eye distances."""
    known = np.isfinite(points).all((1, 2))
    scale = views.scale[known][:, None, None]
    screen, wanted = views.screen[known] / scale, points[known] / scale
    vertices = np.zeros((landmarks.COUNT, 3), np.int32)
    weights = np.zeros((landmarks.COUNT, 3), np.float32)
    error = np.zeros(landmarks.COUNT, np.float32)
    eyes = (Section.LEFT_EYE, Section.RIGHT_EYE)
    for k in range(landmarks.COUNT):
        iris = SLICES["right_iris"].start <= k < SLICES["left_iris"].stop
        sections = eyes if iris else (Section.FACE,)
        allowed = np.flatnonzero(np.isin(head.vertex_section, sections)).astype(np.int32)
        vertex = _nearest(screen, wanted[:, k], allowed)
        around = head.triangles[(head.triangles == vertex).any(1)]
        vertices[k], weights[k], error[k] = _best_triangle(screen, wanted[:, k], around)
    return LandmarkMap(vertices, weights), error


def _nearest(screen: Floats, wanted: Floats, allowed: Ints) -> int:
    """The vertex nearest over all renders; a bad render counts no more than a bound."""
    squared = ((screen[:, allowed] - wanted[:, None]) ** 2).sum(2)
    bound = np.median(squared.min(1)) * 9 + 1e-3
    return int(allowed[np.minimum(squared, bound).mean(0).argmin()])


def _best_triangle(screen: Floats, wanted: Floats, around: Ints) -> tuple[Ints, Floats, float]:
    """Triangle and weights with the least mean square distance, without the worst tenth."""
    best: tuple[Ints, Floats, float] | None = None
    for triangle in around:
        a, b, c = (screen[:, v].astype(np.float64) for v in triangle)
        distance = np.linalg.norm(a - wanted, axis=1)
        kept = distance <= np.percentile(distance, 90)
        sides = np.stack([(b - a)[kept].ravel(), (c - a)[kept].ravel()], 1)
        target = (wanted - a)[kept].ravel()
        share = np.clip(np.linalg.lstsq(sides, target, rcond=None)[0], 0, 1)
        share /= max(1.0, float(share.sum()))
        rms = float(np.sqrt(2 * ((sides @ share - target) ** 2).mean()))
        if best is None or rms < best[2]:
            weights = np.array([1 - share.sum(), *share], np.float32)
            best = (triangle.astype(np.int32), weights, rms)
    assert best is not None
    return best


def main(arguments: Sequence[str] | None = None) -> int:
    """Calibrate and write the map."""
    parser = argparse.ArgumentParser(description="Attach the landmarks to the pack's mesh.")
    parser.add_argument("--pack", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--tools", type=Path, help="folder with judges/mp_face.py")
    parser.add_argument("--judge", type=Path, help="python with mediapipe")
    parser.add_argument("--people", type=int, default=PEOPLE)
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO)
    world = make_world(load_wardrobe(given.pack))
    views = render_views(world, given.people)
    if given.tools is not None:
        points = facemesh_points(views.images, given.tools, given.judge)
    else:
        points = own_points(views.images)
    found, error = attach(world.wardrobe.head, views, points)
    given.out.parent.mkdir(parents=True, exist_ok=True)
    found.save(given.out)
    LOG.info("rms %% of the eye distance: median %.2f, 95 %% %.2f, worst group %s",
             100 * np.median(error), 100 * np.percentile(error, 95),
             max(SLICES, key=lambda name: error[SLICES[name]].mean()))  # fmt: skip
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
