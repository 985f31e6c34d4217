"""Eye textures: the front of each eyeball as if no lid covered it.

What the picture shows of iris and white is kept; the hidden part of the iris comes from its mirror
images and the median at its radius; the hidden white continues the visible one.
Axis legend: E texture side. Texture coordinates: x to the picture's right, y down, +-EYE_SPAN cm.
"""

from dataclasses import dataclass

import numpy as np

from avatar.rig import GAZE_AT
from avatar.semo.imaging import blurred, sample
from avatar.semo.pose import rotation
from avatar.semo.prepared import EYES, Eyeball, Prepared
from avatar.semo.shading import smoothstep, to_srgb
from avatar.semo.types import EYE_SPAN, Bytes, FittedPortrait, Floats

SIDE = 160  # px
_DARK = np.array([70, 62, 60], np.float32)  # sRGB of an iris of which nothing is seen
_RINGS = 24  # of the iris
# Eye widths from the upper lid and from the lower lid between which the picture begins to count:
# lashes darken the rims.
_UPPER, _LOWER = (0.03, 0.1), (0.005, 0.035)
_PALE = 60  # percentile of the light between the lids from which on it is the eye's white
_GUESSED = 0.3  # share of the white that the skin tells, in the eye's
_MIRRORED = 40.0  # sRGB: mirror images that differ more from the ring around are highlights


@dataclass(frozen=True, slots=True, eq=False)
class _Texture:
    """colour: (E, E, 3) float32 sRGB where the picture shows it; seen: (E, E) how far it does;
    radius: (E, E) cm from the axis; iris: its radius, cm."""

    colour: Floats
    seen: Floats
    radius: Floats
    iris: float


def eye_textures(fitted: FittedPortrait, known: Prepared, white: Floats) -> Bytes:
    """(2, E, E, 3) uint8 sRGB, left and right; white: (3,) linear RGB."""
    guess = to_srgb(white) * np.float32(0.85)
    lifted = [_lifted(fitted, eye, side) for side, eye in enumerate(known.eyes)]
    return np.stack(
        [_joined(texture, _iris(texture), _white(texture, guess)) for texture in lifted]
    )


def _lifted(fitted: FittedPortrait, eye: Eyeball, side: int) -> _Texture:
    """What the picture shows of an eyeball."""
    line = ((np.arange(SIDE, dtype=np.float32) + 0.5) / SIDE * 2 - 1) * EYE_SPAN
    grid = np.stack(np.meshgrid(line, line), -1)
    r2 = (grid**2).sum(-1)
    ahead = (r2[..., None] ** np.arange(4) @ eye.profile).clip(0.05)
    front = np.stack([grid[..., 0], -grid[..., 1], ahead], -1).reshape(-1, 3)
    gaze = rotation(float(fitted.rig[GAZE_AT.start]), float(fitted.rig[GAZE_AT.start + 1]), 0.0)
    turned = np.asarray(front @ gaze.T + fitted.eye_centres[side], np.float32)
    at = fitted.camera.project(fitted.camera.to_camera(turned))[0]
    seen = between_lids(at, fitted.landmarks[EYES[side]]).reshape(SIDE, SIDE)
    colour = sample(fitted.rgb, at).reshape(SIDE, SIDE, 3)
    return _Texture(colour, seen, np.sqrt(r2), fitted.iris_radius)


def between_lids(at: Floats, rim: Floats) -> Floats:
    """(n,) in [0, 1]: how far (n, 2) picture shares lie clear of the lids whose rim is (16, 2)."""
    across = rim[8] - rim[0]
    width = float(np.linalg.norm(across))
    along = across / width
    if along[0] < 0:
        along = -along
    axes = np.stack([along, [-along[1], along[0]]], 1) / width
    points, lids = (at - rim[0]) @ axes, (rim - rim[0]) @ axes
    upper, lower = lids[:9], lids[np.r_[0, 15:7:-1]]
    depth = [_height(points[:, 0], lid) for lid in (upper, lower)]
    below, above = points[:, 1] - depth[0], depth[1] - points[:, 1]
    inside = (points[:, 0] > lids[:, 0].min()) & (points[:, 0] < lids[:, 0].max())
    clear = smoothstep(below, *_UPPER) * smoothstep(above, *_LOWER)
    return np.asarray(clear * inside, np.float32)


def _height(x: Floats, lid: Floats) -> Floats:
    order = np.argsort(lid[:, 0], kind="stable")
    return np.asarray(np.interp(x, lid[order, 0], lid[order, 1]), np.float32)


def _iris(texture: _Texture) -> Floats:
    """(E, E, 3) the whole iris; undefined outside of it."""
    colour, seen = texture.colour, texture.seen
    rings = _rings(texture)
    total, weight = rings * 0.02, np.full(seen.shape, 0.02, np.float32)
    for axes, share in (((1,), 0.5), ((0,), 0.25), ((0, 1), 0.25)):
        image = np.flip(colour, axes)
        likely = np.abs(image - rings).max(-1) < _MIRRORED
        there = np.flip(seen, axes) * likely * np.float32(share)
        total = total + image * there[..., None]
        weight = weight + there
    fill = total / weight[..., None]
    return np.asarray(fill + (colour - fill) * seen[..., None], np.float32)


def _rings(texture: _Texture) -> Floats:
    """(E, E, 3) the median colour at each distance from the pupil's middle."""
    ring = np.minimum(texture.radius / texture.iris * _RINGS, _RINGS).astype(np.int32)
    clear = texture.seen > 0.8
    table = np.full((_RINGS + 1, 3), np.nan, np.float32)
    for number in range(_RINGS + 1):
        near = clear & (np.abs(ring - number) <= 1) & (texture.radius < texture.iris)
        if near.sum() > 5:
            table[number] = np.median(texture.colour[near], 0)
    known = np.flatnonzero(np.isfinite(table[:, 0]))
    if not len(known):
        return np.full(texture.colour.shape, _DARK, np.float32)
    every = np.arange(_RINGS + 1)
    for channel in range(3):
        table[:, channel] = np.interp(every, known, table[known, channel])
    return np.asarray(table[ring], np.float32)


def _white(texture: _Texture, guess: Floats) -> Floats:
    """(E, E, 3) the white of the eye, where hidden continued and drifting to its median."""
    colour, radius, iris = texture.colour, texture.radius, texture.iris
    clear = (texture.seen > 0.8) & (radius > iris * 1.12)
    if clear.sum() > 60:
        light = colour.mean(-1)
        clear &= (light >= np.percentile(light[clear], _PALE)) & (np.ptp(colour, axis=-1) < 70)
    base = np.median(colour[clear], 0) if clear.sum() > 30 else guess
    base = base + np.float32(_GUESSED) * (guess - base)
    height = np.linspace(-1, 1, SIDE, dtype=np.float32)[:, None, None]
    base = base * (0.84 + 0.1 * np.clip(height * 2 + 0.5, 0, 1))  # shaded by the upper lid
    weight = np.where(radius > iris * 1.06, texture.seen, np.float32(0))
    total = blurred(colour * weight[..., None], 3.5) + base * 0.012
    fill = total / (blurred(weight, 3.5) + 0.012)[..., None]
    return np.asarray(fill + (colour - fill) * weight[..., None], np.float32)


def _joined(texture: _Texture, iris: Floats, white: Floats) -> Bytes:
    """Iris and white; where the picture shows their border, as it does."""
    border = smoothstep(texture.radius / texture.iris, 0.93, 1.09)[..., None]
    drawn = iris + (white - iris) * border
    out = drawn + (texture.colour - drawn) * texture.seen[..., None]
    return np.asarray(out.clip(0, 255) + 0.5, np.uint8)
