"""Colours inside one person's mouth before any light of the moment: teeth, gums, tongue, lining.

Axis legend: N chart points, I points inside.
"""

import numpy as np

from avatar.semo.oral import teeth_apart
from avatar.semo.shading import smoothstep, to_linear
from avatar.semo.types import Appearance, Chart, FittedPortrait, Floats, Ints, Region

_LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)
# Luminance of front teeth is at least this of the skin's, and so much for very dark and light skin.
_TEETH_TO_SKIN, _LEAST_TEETH = 2.0, (0.45, 0.85)
_MOST_FLESH = 1.3  # flesh is brightened no more, however dull the teeth were
# What is redder, compared with the white of the eyes, was no teeth.
_REDDEST, _ENAMEL = 1.3, np.array([1.0, 0.97, 0.86], np.float32)
# Factor on what lies in the back, and so many cm behind the front teeth it begins and ends. Upper
# back teeth are dark enough by their colour and by the light that reaches them; lower ones lie
# behind tongue and cheek.
_BACK, _BACK_TEETH = {Region.TEETH: 1.8, Region.GUMS: 0.5}, (3.0, 1.0)
_BACK_BELOW = 0.6  # of lower teeth
# Light in the mouth has met flesh before: linear RGB factors on what the appearance says.
_FACTORS = {
    Region.TEETH: np.array([1.06, 1.0, 0.95], np.float32),
    Region.GUMS: np.array([2.0, 2.0, 2.0], np.float32),
    Region.TONGUE: np.array([2.3, 1.6, 1.6], np.float32),
    Region.LINING: np.array([3.0, 2.6, 2.6], np.float32),
}


def colours_inside(
    chart: Chart, fitted: FittedPortrait, appearance: Appearance, points: Ints, upper: Ints
) -> Floats:
    """(I, 3) linear colours of some points inside the mouth; upper: the upper teeth's points.

    Teeth are brightened if they would be dull beside the skin: the white of the eyes, from which
    they are told, often lies in shadow.
    """
    region = chart.point_region[points]
    out = appearance.inside_colour[points].copy()
    teeth = region == Region.TEETH
    if teeth.any():
        out[teeth] = _enamel(out[teeth], appearance.white)
        brighter = _brighter(chart, fitted, appearance, out[teeth])
        out *= np.where(teeth, brighter, min(brighter, _MOST_FLESH))[:, None]
    for part, factor in _FACTORS.items():
        out[region == part] *= factor
    apart = teeth_apart(chart, fitted.rest)[points]
    fading = _fading(fitted, region, points, np.isin(points, upper))
    return np.asarray(out * (fading * apart)[:, None], np.float32)


def _enamel(teeth: Floats, white: Floats) -> Floats:
    """(n, 3) the same, unless that is the colour of flesh."""
    mean = teeth.mean(0) / white
    if mean[0] < _REDDEST * mean[1]:
        return teeth
    tint = white * _ENAMEL
    return np.asarray((teeth @ _LUMINANCE)[:, None] * (tint / (tint @ _LUMINANCE)), np.float32)


def _brighter(chart: Chart, fitted: FittedPortrait, appearance: Appearance, teeth: Floats) -> float:
    shown = (chart.point_region == Region.SKIN) & (appearance.seen > 0.8)
    if not shown.any():
        return 1.0
    side = fitted.rgb.shape[0]
    at = np.clip(appearance.source[shown] * side, 0, side - 1).astype(np.int32)
    skin = np.median(to_linear(fitted.rgb[at[:, 1], at[:, 0]]) @ _LUMINANCE)
    least = np.clip(_TEETH_TO_SKIN * skin, *_LEAST_TEETH)
    return max(1.0, float(least / np.percentile(teeth @ _LUMINANCE, 90)))


def _fading(fitted: FittedPortrait, region: np.ndarray, points: Ints, upper: np.ndarray) -> Floats:
    """(I,) cheeks shade the back teeth and gums; the tongue is darker in its middle line and at its
    sides."""
    at = fitted.rest[points]
    depth = at[:, 2]
    front = float(depth[region == Region.TEETH].max(initial=depth.min()))
    shaded = 1 - smoothstep(front - depth, *_BACK_TEETH)
    least = np.array([_BACK.get(Region(r), 1.0) for r in region], np.float32)
    least = np.where((region == Region.TEETH) & ~upper, np.float32(_BACK_BELOW), least)
    shade = 1 - (1 - least) * shaded
    tongue = region == Region.TONGUE
    if tongue.any():
        aside = np.abs(at[:, 0] - np.median(at[tongue, 0]))
        furrow = 1 - 0.2 * np.exp(-((aside / 0.22) ** 2))
        shade = np.where(tongue, shade * furrow * (1 - 0.4 * smoothstep(aside, 1.0, 2.2)), shade)
    return np.asarray(shade, np.float32)
