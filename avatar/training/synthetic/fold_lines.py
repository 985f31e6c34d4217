"""Where a person's folds run: curves on the pack's map of the face, (0, 0) its bottom left.

Curves are drawn for the subject's left half (u > 0.5) and mirrored for the right one; each side
gets irregularities of its own. Axis legend: C points of a curve.
"""

from collections.abc import Callable, Iterator

import numpy as np

from avatar.training.synthetic.folds import (
    FAMILIES,
    LEFT,
    MIDDLE,
    RIGHT,
    Fold,
    Line,
    Points,
)
from avatar.training.synthetic.traits import SkinFolds

Rng = np.random.Generator
Curve = tuple[Points, float, float]  # points, depth and width as shares of the family's
FINE = 14  # points of a curve
PAIRED = ("temple", "frown", "bunny", "sneer", "nasolabial", "crow", "under eye", "marionette",
          "corner", "dimple")  # fmt: skip
YOUNG = 0.5  # depth of a young person's folds, as a share of an old one's
BROW, HAIRLINE = 0.842, 0.925  # v of the forehead's lowest and highest lines
CANTHUS = np.array([0.685, 0.717])


def folds_of(own: SkinFolds, seed: int) -> tuple[Fold, ...]:
    """All folds of a person; the same for the same traits and seed."""
    rng = np.random.default_rng([seed, 8])
    heights = _forehead_heights(rng, own)
    out = []
    for family in FAMILIES:
        sides = (LEFT, RIGHT) if family in PAIRED else (MIDDLE,)
        shape = int(rng.integers(2**31))
        gain = own.depth * float(np.exp(rng.normal(0, 0.3)))
        for side in sides:
            # Both sides share the shape's seed, so they are alike, but not the fine wobble's.
            drawn = np.random.default_rng(shape)
            curves = (
                _forehead(drawn, own, heights, family)
                if family in ("forehead", "temple")
                else _CURVES[family](drawn, own)
            )
            lines = tuple(_line(curve, side, rng, own.irregular) for curve in curves)
            out.append(_fold(family, side, lines, gain, own))
    return tuple(out)


def _fold(family: str, side: int, lines: tuple[Line, ...], gain: float, own: SkinFolds) -> Fold:
    kind = FAMILIES[family]
    depth = kind.depth * gain * (YOUNG + (1 - YOUNG) * own.age)
    return Fold(family, side, lines, depth, kind.rest * own.age**1.3)


def _line(curve: Curve, side: int, rng: Rng, irregular: float) -> Line:
    """A curve with bends of its own, on its side."""
    points, depth, width = curve
    along = np.linspace(0, 1, FINE)
    dense = np.stack([np.interp(along, np.linspace(0, 1, len(points)), p) for p in points.T], 1)
    dense = _rounded(dense)
    length = float(np.linalg.norm(np.diff(dense, axis=0), axis=1).sum())
    dense = dense + _wobble(rng, length) * irregular + rng.normal(0, 0.0012 * irregular, 2)
    if side == RIGHT:
        dense[:, 0] = 1 - dense[:, 0]
    depth *= float(np.exp(rng.normal(0, 0.18 * irregular)))
    return Line(dense, depth, width, int(rng.integers(2**31)))


def _wobble(rng: Rng, length: float) -> Points:
    """(C,2) smooth departures from a curve of so much of the map's side."""
    knots = 3 + int(length / 0.045)
    offsets = rng.normal(0, min(0.045 * length, 0.0026), (knots, 2))
    along = np.linspace(0, 1, FINE)
    bends = [np.interp(along, np.linspace(0, 1, knots), part) for part in offsets.T]
    return _rounded(_rounded(np.stack(bends, 1)))


def _rounded(points: Points) -> Points:
    """The corners of a polyline cut."""
    inner = 0.25 * points[:-2] + 0.5 * points[1:-1] + 0.25 * points[2:]
    return np.concatenate([points[:1], inner, points[-1:]])


def _forehead_heights(rng: Rng, own: SkinFolds) -> Points:
    """v of the person's forehead lines, lowest first."""
    steps = own.spacing * np.exp(rng.normal(0, 0.18, own.lines))
    heights = BROW + rng.uniform(0, 0.012) + np.concatenate([[0], np.cumsum(steps[1:])])
    return heights[heights < HAIRLINE + 0.01]


def _forehead(rng: Rng, own: SkinFolds, heights: Points, family: str) -> Iterator[Curve]:
    """Lines over the whole forehead: the middle of each or its side part."""
    arch, lean = rng.uniform(0.004, 0.016), rng.uniform(-0.004, 0.014)
    for k, height in enumerate(heights):
        share = 1 - 0.12 * abs(k - 1)
        ends = (0.39, 0.61) if family == "forehead" else (0.565, rng.uniform(0.66, 0.74))
        u = np.linspace(*ends, FINE)
        aside = np.abs(u - 0.5)
        v = height + arch * np.sin(np.clip(aside / 0.13, 0, 1) * np.pi * 0.75)
        v = v - (lean + 0.3 * (aside - 0.13)) * np.clip(aside / 0.13 - 1, 0, 2)
        yield np.stack([u, v], 1), share * float(rng.uniform(0.75, 1.1)), 1.0


def _frown(rng: Rng, own: SkinFolds) -> Iterator[Curve]:
    """The lines between the brows, upright."""
    for k in range(1 + int(rng.random() < 0.35 + 0.3 * own.age)):
        u = 0.5 + rng.uniform(0.014, 0.024) + 0.018 * k
        top = rng.uniform(0.805, 0.828) - 0.006 * k
        bottom = rng.uniform(0.742, 0.756) + 0.014 * k
        lean = rng.uniform(-0.004, 0.012)
        points = np.array([[u + 0.003, bottom], [u, 0.5 * (top + bottom)], [u + lean, top]])
        yield points, 1.0 if k == 0 else float(rng.uniform(0.15, 0.5)), 1.0 if k == 0 else 0.8


def _root(rng: Rng, own: SkinFolds) -> Iterator[Curve]:
    """Across the root of the nose."""
    for k in range(1 + int(rng.random() < 0.6)):
        v, half = rng.uniform(0.742, 0.752) - 0.017 * k, rng.uniform(0.024, 0.034)
        sag = rng.uniform(0.001, 0.005)
        points = np.array([[0.5 - half, v + sag], [0.5, v - sag], [0.5 + half, v + sag]])
        yield points, 1.0 - 0.3 * k, 1.0


def _bunny(rng: Rng, own: SkinFolds) -> Iterator[Curve]:
    """Short oblique lines on the side of the nose."""
    for k in range(int(rng.integers(2, 5))):
        u, v = 0.522 + rng.uniform(0, 0.005), 0.722 - 0.0145 * k + rng.normal(0, 0.002)
        long = rng.uniform(0.018, 0.028)
        points = np.array([[u, v], [u + 0.55 * long, v - 0.4 * long], [u + long, v - long]])
        yield points, float(rng.uniform(0.6, 1.0)), 1.0


def _sneer(rng: Rng, own: SkinFolds) -> Iterator[Curve]:
    """Along the nose, from the inner corner of the eye to the wing."""
    shift = rng.uniform(-0.004, 0.006)
    points = [[0.553, 0.685], [0.562, 0.655], [0.573, 0.622], [0.583, 0.592], [0.58, 0.568]]
    yield np.array(points) + np.array([shift, 0]), 1.0, 1.0


def _nasolabial(rng: Rng, own: SkinFolds) -> Iterator[Curve]:
    """From the wing of the nose around the corner of the mouth."""
    out, low = rng.uniform(-0.008, 0.014), rng.uniform(0.40, 0.45)
    yield np.array([
        [0.577, 0.573], [0.593 + 0.3 * out, 0.548], [0.615 + 0.7 * out, 0.515],
        [0.633 + out, 0.48], [0.643 + out, 0.45], [0.645 + out, low],
    ]), 1.0, float(rng.uniform(0.85, 1.3))  # fmt: skip


def _crow(rng: Rng, own: SkinFolds) -> Iterator[Curve]:
    """A fan at the outer corner of the eye."""
    count = int(rng.integers(3, 5)) + int(own.age > 0.4)
    for angle in np.linspace(0.75, -0.8, count) + rng.normal(0, 0.09, count):
        near, far = rng.uniform(0.022, 0.032), rng.uniform(0.055, 0.085)
        bend = angle * 0.75
        ends = [near, 0.5 * (near + far), far]
        turns = [angle, 0.5 * (angle + bend), bend]
        rays = [[r * np.cos(t), 1.1 * r * np.sin(t)] for r, t in zip(ends, turns, strict=True)]
        yield CANTHUS + np.array(rays), float(rng.uniform(0.6, 1.0)), 1.0


def _under_eye(rng: Rng, own: SkinFolds) -> Iterator[Curve]:
    """Creases below the lower lid, and the groove where the lid meets the cheek."""
    for k in range(2 + int(rng.random() < 0.5)):
        drop = 0.012 + 0.0125 * k + rng.normal(0, 0.0015)
        start, stop = 0.595 + 0.008 * k, rng.uniform(0.675, 0.695)
        u = np.linspace(start, stop, 6)
        x = (u - 0.59) / 0.1
        v = 0.706 - drop * np.sin(np.pi * np.clip(0.12 + 0.82 * x, 0, 1)) - 0.004
        yield np.stack([u, v], 1), 1.0 - 0.15 * k, 1.0
    groove = np.array([[0.572, 0.682], [0.598, 0.661], [0.628, 0.648], [0.66, 0.65]])
    yield groove + np.array([0, rng.uniform(-0.005, 0.005)]), 0.7, 2.0


def _marionette(rng: Rng, own: SkinFolds) -> Iterator[Curve]:
    """Down from the corner of the mouth."""
    out, low = rng.uniform(-0.004, 0.012), rng.uniform(0.355, 0.385)
    points = [[0.619, 0.438], [0.628 + 0.5 * out, 0.415], [0.634 + out, 0.392], [0.632 + out, low]]
    yield np.array(points), 1.0, 1.0


def _corner(rng: Rng, own: SkinFolds) -> Iterator[Curve]:
    """The pit beside the corner of the mouth."""
    u = 0.621 + rng.uniform(0, 0.004)
    yield np.array([[u - 0.001, 0.428], [u + 0.003, 0.443], [u, 0.459]]), 1.0, 1.0


def _dimple(rng: Rng, own: SkinFolds) -> Iterator[Curve]:
    """A bracket on the cheek; not everybody has it."""
    strength = own.dimple
    u = 0.672 + rng.uniform(-0.008, 0.01)
    yield (
        np.array([[u - 0.01, 0.5], [u, 0.472], [u + 0.001, 0.445], [u - 0.006, 0.418]]),
        strength,
        1.0,
    )


def _chin_crease(rng: Rng, own: SkinFolds) -> Iterator[Curve]:
    """Between lower lip and chin."""
    half, v = rng.uniform(0.045, 0.06), 0.337 + rng.uniform(-0.004, 0.004)
    u = np.linspace(-half, half, 7)
    yield np.stack([0.5 + u, v - 0.012 * (u / half) ** 2], 1), 1.0, 1.0


def _chin(rng: Rng, own: SkinFolds) -> Iterator[Curve]:
    """Pits of a puckered chin: short strokes all over the pad."""
    for _ in range(int(rng.integers(16, 26))):
        r, t = np.sqrt(rng.random()), rng.uniform(0, 2 * np.pi)
        at = np.array([0.5 + 0.055 * r * np.cos(t), 0.305 + 0.027 * r * np.sin(t)])
        along = rng.uniform(0, np.pi)
        step = rng.uniform(0.002, 0.007) * np.array([np.cos(along), np.sin(along)])
        yield (
            np.stack([at - step, at, at + step]),
            float(rng.uniform(0.5, 1.1) * (1 - 0.5 * r)),
            1.0,
        )


def _lips(rng: Rng, own: SkinFolds) -> Iterator[Curve]:
    """Upright lines around the mouth."""
    for side in (-1, 1):
        for k in range(int(rng.integers(3, 6))):
            u = 0.008 + 0.0175 * k + rng.normal(0, 0.002)
            top, bottom = rng.uniform(0.528, 0.545) - 0.2 * u, 0.5 - 0.25 * u
            points = np.array([[u * 1.02, bottom], [u * 1.1, top]])
            yield (
                np.stack([0.5 + side * points[:, 0], points[:, 1]], 1),
                float(rng.uniform(0.4, 1.0)),
                1.0,
            )


_CURVES: dict[str, Callable[[Rng, SkinFolds], Iterator[Curve]]] = {
    "frown": _frown, "root": _root, "bunny": _bunny, "sneer": _sneer, "nasolabial": _nasolabial,
    "crow": _crow, "under eye": _under_eye, "marionette": _marionette, "corner": _corner,
    "dimple": _dimple, "chin crease": _chin_crease, "chin": _chin, "lips": _lips,
}  # fmt: skip
