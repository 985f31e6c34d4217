"""Colours inside this person's mouth, from the frames of a clip in which it is open.

What the decoder draws of teeth, gums, tongue and lining is compared with what the clip shows at the
same pixels; the ratio of linear light, smoothed over the surface, is a factor on the colours.
Axis legend: N chart points, S px of a side, n samples.
"""

from dataclasses import dataclass

import numpy as np

from avatar.landmarks import Landmarks
from avatar.portrait_checks import mouth_gap
from avatar.semo.decoder import MotionDecoder
from avatar.semo.shading import to_linear
from avatar.semo.stage import Stage
from avatar.semo.surface import FaceSurface
from avatar.semo.types import Appearance, Bytes, FittedPortrait, Floats, Region
from avatar.training.clips.store import ClipShard

_OPEN = 0.12  # gap between the lips, of the mouth's width
_FRAMES = 24  # the widest open ones that are looked at
_INSIDE = (Region.TEETH, Region.GUMS, Region.TONGUE, Region.LINING)
_NEAR, _FAR = 0.12, 0.6  # cm: of detail that is believed, of what neighbours share
_TRUST = 6.0  # samples around a point that are fully believed
_BOUNDS = (-1.0, 1.0)  # of the logarithm
_FLOOR = 0.006  # linear light


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """points: (n,) chart points; log: (n, 3) logarithm of shown over drawn linear light."""

    points: np.ndarray
    log: Floats


def open_frames(shard: ClipShard) -> list[int]:
    """Frames with an open mouth, the widest first, at most _FRAMES."""
    gaps = np.array([mouth_gap(Landmarks(points)) for points in shard.points])
    widest = np.argsort(-gaps, kind="stable")[:_FRAMES]
    return [int(at) for at in widest if gaps[at] > _OPEN]


def inside_factors(
    shard: ClipShard,
    shown: tuple[FaceSurface, FittedPortrait, Appearance],
    tokens: dict[int, Floats],
) -> Floats:
    """(N,3) factors on `Appearance.inside_colour` from frames with tokens; 1 where nothing was
    seen."""
    surface, fitted, appearance = shown
    size = shard.images.shape[1]
    decoder = MotionDecoder.with_drawn_mouth(surface, fitted, appearance, size)
    stage = Stage(surface, fitted, size)
    found = [
        _compared(decoder, stage, token, shard.images[at], surface) for at, token in tokens.items()
    ]
    out = np.ones((len(fitted.rest), 3), np.float32)
    if not found:
        return out
    points = np.concatenate([some.points for some in found])
    log = np.concatenate([some.log for some in found])
    for region in _INSIDE:
        own = surface.chart.points_of(region)
        mine = np.isin(points, own)
        if mine.sum() >= _TRUST:
            seen = points[mine]
            out[own] = np.exp(_spread(fitted.rest[own], fitted.rest[seen], log[mine]))
    return out


def _compared(
    decoder: MotionDecoder, stage: Stage, token: Floats, target: Bytes, surface: FaceSurface
) -> Samples:
    """Points of the mouth's inside that the decoder shows, and the ratios at their pixels."""
    drawn, region = decoder.render(token), decoder.flow(token).region
    size = len(target)
    screen = stage.pose(token).screen
    points = surface.chart.points_of(*_INSIDE)
    x, y = np.floor(screen[points, :2]).astype(int).T
    inside = (x >= 1) & (x < size - 1) & (y >= 1) & (y < size - 1)
    points, x, y = points[inside], x[inside], y[inside]
    # Only where all around is of the same kind: rims are nobody's.
    own = surface.chart.point_region[points]
    alone = np.ones(len(points), bool)
    for dy, dx in ((0, 0), (0, 1), (0, -1), (1, 0), (-1, 0)):
        alone &= region[y + dy, x + dx] == own
    points, x, y = points[alone], x[alone], y[alone]
    light = [to_linear(picture[y, x]) + np.float32(_FLOOR) for picture in (target, drawn)]
    return Samples(points, np.log(light[0] / light[1]).astype(np.float32))


def _spread(at: Floats, seen: Floats, log: Floats) -> Floats:
    """(n,3) logarithms at points (n,3): detail where many samples are near, else what the
    neighbourhood and in the end all have in common."""
    common = np.median(log, axis=0)
    squared = ((at[:, None] - seen[None]) ** 2).sum(-1)
    out = np.broadcast_to(common, (len(at), 3)).astype(np.float64)
    for reach in (_FAR, _NEAR):
        weight = np.exp(-0.5 * squared / reach**2)
        total = weight.sum(1, keepdims=True)
        trust = np.minimum(1, total / _TRUST)
        out = out * (1 - trust) + trust * (weight @ log) / np.maximum(total, 1e-6)
    return np.asarray(out.clip(*_BOUNDS), np.float32)
