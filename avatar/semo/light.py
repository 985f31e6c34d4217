"""The light in a portrait, told from its skin; the white of the eyes; colours of the mouth.

Axis legend: N chart points, W side of the working picture in pixels. Colours linear RGB unless
said.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from avatar.semo.hidden import Apertures
from avatar.semo.imaging import LUMINANCE, pixel_of, polygon, sample
from avatar.semo.prepared import EYES, PART, Prepared
from avatar.semo.shading import irradiance, smoothstep, to_linear
from avatar.semo.types import Bytes, Floats, Region
from avatar.semo.view import WORK, View

_FEWEST = 200  # points of skin to tell the light from
_WHITE_GUESS = np.array([166, 158, 153], np.float32)  # sRGB, where no white of the eye shows
_WHITE_TINT = np.array([1.06, 1.0, 0.88], np.float32)  # of enamel
_ALBEDO = {
    Region.TEETH: (1.0, 0.97, 0.86),
    Region.GUMS: (0.72, 0.24, 0.27),
    Region.TONGUE: (0.66, 0.26, 0.28),
    Region.LINING: (0.10, 0.025, 0.03),
}  # relative to white
_SOCKET = (0.4, 0.25, 0.22)  # of the lining behind the lids
_TEETH_BRIGHTEST = 0.62  # linear green of teeth where the white is darker
_FRONT_TEETH = (7.5, 9.2)  # cm before the origin between which teeth come to light
_EYES_Y = 1.0  # cm: the lining above it belongs to the eyes


@dataclass(frozen=True, slots=True, eq=False)
class Light:
    """coefficients: (9,) see `Appearance.light`; irradiance: (N,); skin: (3,) median colour of the
    face's skin; white: (3,)."""

    coefficients: Floats
    irradiance: Floats
    skin: Floats
    white: Floats


def light_of(
    known: Prepared, view: View, seen: Floats, work: Bytes, landmarks: Floats, openings: Apertures
) -> Light:
    """work: (W, W, 3) the picture; landmarks: (150, 2) picture shares."""
    skin = _skin_points(known, view, seen, landmarks)
    coefficients = _harmonics(view, skin, work)
    rows, columns = pixel_of(view.at[skin], WORK)
    colour = _median(work[rows, columns]) if len(skin) else _median(work.reshape(-1, 3))
    linear = to_linear(colour)
    return Light(
        coefficients,
        irradiance(view.normals, coefficients),
        linear,
        _white(work, linear, openings),
    )


def _median(colours: np.ndarray) -> Floats:
    return np.asarray(np.median(colours, axis=0), np.float32)


def _skin_points(known: Prepared, view: View, seen: Floats, landmarks: Floats) -> np.ndarray:
    """Chart points of bare face skin that the picture shows well."""
    face = polygon(landmarks[PART["face_oval"]], WORK)
    for part, grow in ((PART["lips_outer"], 5), (EYES[0], 11), (EYES[1], 11)):
        mask = polygon(np.asarray(cv2.convexHull(landmarks[part])[:, 0], np.float32), WORK)
        face[cv2.dilate(mask, np.ones((grow, grow), np.uint8)) > 0] = 0
    rows, columns = pixel_of(view.at, WORK)
    bare = known.zones.in_face & (seen > 0.8) & (face[rows, columns] > 0)
    return np.flatnonzero(bare)


def _harmonics(view: View, skin: np.ndarray, work: Bytes) -> Floats:
    """(9,) spherical harmonics that explain the skin's luminance, robust against spots and beards;
    even light where too little skin shows."""
    if len(skin) < _FEWEST:
        return np.array([1, 0, 0, 0, 0, 0, 0, 0, 0], np.float32)
    smooth = cv2.GaussianBlur(work, (0, 0), 3)
    y = (to_linear(sample(smooth, view.at[skin])) @ LUMINANCE).astype(np.float64)
    y /= max(float(np.median(y)), 1e-4)
    basis = _basis(view.normals[skin])
    stiff = np.diag([0.001, 1, 1, 1, 3, 3, 3, 3, 3]) * len(skin) * 0.01
    weight, out = np.ones(len(skin)), np.zeros(9)
    for _ in range(4):
        weighted = basis * weight[:, None]
        out = np.linalg.solve(weighted.T @ basis + stiff, weighted.T @ y)
        off = y - basis @ out
        scale = 1.5 * np.median(np.abs(off)) + 0.02
        weight = 1 / (1 + (off / (1.5 * scale)) ** 2)
    return out.astype(np.float32)


def _basis(normals: Floats) -> np.ndarray:
    """(n, 9) in the order of `shading.light_points`."""
    x, y, z = normals.T.astype(np.float64)
    flat = (np.ones_like(x), y, z, x, x * y, y * z, 3 * z * z - 1, x * z, x * x - y * y)
    return np.stack(flat, 1)


def _white(work: Bytes, skin: Floats, openings: Apertures) -> Floats:
    """Something white in this light: the bright white of the eyes, kept in bounds by the skin."""
    kernel = np.ones((3, 3), np.uint8)
    between = cv2.erode(np.maximum(*openings.eyes), kernel) > 200
    pixels = work[between].astype(np.float32) / 255
    colour = _WHITE_GUESS
    if len(pixels) > 30:
        light = pixels @ LUMINANCE
        pale = pixels[(light >= np.percentile(light, 70)) & (np.ptp(pixels, axis=1) < 0.45)]
        colour = _median(pale) * 255 if len(pale) > 8 else colour
    linear = to_linear(colour)
    bright, of_skin = float(linear @ LUMINANCE), float(skin @ LUMINANCE)
    tint = 0.35 * linear / max(bright, 1e-3) + 0.65 * _WHITE_TINT
    bright = np.clip(bright, max(1.05 * of_skin, 0.16), max(1.9 * of_skin, 0.42))
    return np.asarray(bright * tint, np.float32)


def inside_colours(known: Prepared, light: Light, work: Bytes, openings: Apertures) -> Floats:
    """(N, 3) see `Appearance.inside_colour`; teeth in the colour that an open mouth shows."""
    chart = known.surface.chart
    out = np.zeros((len(chart.point_region), 3), np.float32)
    for region, albedo in _ALBEDO.items():
        out[chart.points_of(region)] = light.white * np.array(albedo, np.float32)
    lining = chart.points_of(Region.LINING)
    socket = lining[known.surface.weights.mean[lining, 1] > _EYES_Y]
    out[socket] = light.white * np.array(_SOCKET, np.float32)
    teeth = chart.points_of(Region.TEETH)
    out[teeth] *= min(1.45, _TEETH_BRIGHTEST / float(light.white[1]))
    shown = _teeth_shown(work, light, openings)
    if shown is not None:
        out[teeth] = shown / 0.9
    # Back teeth lie in the cheeks' shadow.
    front = smoothstep(known.surface.weights.mean[teeth, 2], *_FRONT_TEETH)
    out[teeth] *= (0.15 + 0.85 * front)[:, None]
    return out


def _teeth_shown(work: Bytes, light: Light, openings: Apertures) -> Floats | None:
    """(3,) colour of the bright part of an open mouth, if that can be teeth."""
    if openings.mouth is None:
        return None
    pixels = work[cv2.erode(openings.mouth, np.ones((5, 5), np.uint8)) > 200]
    if len(pixels) < 60:
        return None
    bright = pixels @ LUMINANCE
    colour = to_linear(_median(pixels[bright >= np.percentile(bright, 65)]))
    return colour if colour @ LUMINANCE > 0.8 * float(light.skin @ LUMINANCE) else None
