"""The skin that upper lids show when they close, which an open eye hides in its fold.

The portrait with closed eyes, as an inpainting: outside of the eyes' openings, lashes and the
shadow under the fold it is the portrait itself, so that a closing lid has no border to the skin
around it; inside, the skin's colours continue from all sides and its texture is that of the skin
under the eye. Axis legend: N chart points, W side of the working picture, h w of a cut-out, pixels.
"""

from dataclasses import dataclass

import cv2
import numpy as np

from avatar.rig import INDEX
from avatar.semo.hidden import Apertures
from avatar.semo.imaging import LUMINANCE, blurred, disc, polygon, pull_push, sample
from avatar.semo.pose import posed
from avatar.semo.prepared import EYES, PART, Prepared
from avatar.semo.shading import smoothstep
from avatar.semo.solve_landmarks import eye_distance
from avatar.semo.types import Bytes, FittedPortrait, Floats, Region
from avatar.semo.view import WORK, View

# Of the distance between the eyes:
_LASHES_ABOVE, _LASHES_BELOW = 0.022, 0.016  # what lashes and their shadow may darken
_ROOM = (0.28, 0.42)  # of a cut-out above and beside an eye's opening, and below it
_BROW = 0.03  # around the brow, which is not skin
_NEAR = 0.022  # standard deviation of the blur over skin that a lid's colour starts from
_WIDE, _TINT = 0.09, 0.45  # the same for its hue, and how far that is taken
_GRAIN = 0.016  # the same that tells texture from colour
_FRINGE = 0.036  # beyond those: where darker than a lid, it is lashes too, or an open eye's crease
_EVEN = 0.012  # standard deviation of the blur by which lashes are told from grain
_SOFT = 0.012  # of the rim between portrait and inpainting
_DARK = (0.35, 0.7)  # of the skin's median light: between these, skin is in the fold's shadow
_DARKER = (0.06, 0.24)  # than a lid, share: between these a pixel of the fringe is painted over
_MOVED = (0.004, 0.02)  # how far closing the eyes moves points that take the lid's skin
_MOST = 0.16  # texture differs half as much at most, share of the light
_LEAST = 20  # pixels of skin to tell a colour from
_REACH = 0.9  # of an eye's width around its middle: where its lid is
_CORNERS = 0.17  # cm: that much below its corners an eye's upper lid ends
_BLINKS = (INDEX["eyeBlink_L"], INDEX["eyeBlink_R"])
_SQUINTS = (INDEX["eyeSquint_L"], INDEX["eyeSquint_R"])


@dataclass(frozen=True, slots=True, eq=False)
class Lids:
    """See `Appearance`: colour: (N, 3) `lid_colour`; weight: (2, N) `lid_weight`; at: (N, 2)
    `lid_at`; closed: (W, W, 3) uint8 `closed`."""

    colour: Floats
    weight: Floats
    at: Floats
    closed: Bytes


def lids_of(
    known: Prepared, fitted: FittedPortrait, view: View, work: Bytes, openings: Apertures
) -> Lids:
    """What the upper lids show as they close; work: (W, W, 3) the picture."""
    closed = work.copy()
    for side in range(2):
        _close(closed, work, fitted.landmarks, openings, side)
    at = _closed_at(known, fitted)
    smooth = cv2.GaussianBlur(closed, (0, 0), 2.0)
    weight = _taking(known, view.at - at, eye_distance(fitted.landmarks))
    return Lids(sample(smooth, at), weight, at, closed)


def _taking(known: Prepared, moved: Floats, apart: float) -> Floats:
    """(2, N) in [0, 1]: the skin over each eye that closing it moves, (N, 2) picture shares.

    Outside of the eye the closed picture is the portrait: it does no harm to take more of it.
    """
    x, y, _ = known.surface.weights.mean.T
    skin = known.surface.chart.point_region == Region.SKIN
    far = smoothstep(np.linalg.norm(moved, axis=1).astype(np.float32) / apart, *_MOVED)
    out = np.zeros((2, len(far)), np.float32)
    for side, eye in enumerate(EYES):
        corners = known.landmarks.mean[eye][[0, 8]]
        middle = corners.mean(0)
        reach = np.float32(_REACH * np.linalg.norm(corners[1] - corners[0]))
        over = skin & (y > middle[1] - _CORNERS) & (np.hypot(x - middle[0], y - middle[1]) < reach)
        out[side, over] = far[over]
    return out


def _closed_at(known: Prepared, fitted: FittedPortrait) -> Floats:
    """(N, 2) picture shares of the points of the portrait with closed eyes."""
    surface, rig = known.surface, fitted.rig.copy()
    rig[list(_BLINKS)] = fitted.blink
    rig[list(_SQUINTS)] *= 0.2
    points = fitted.rest + surface.displacement(surface.rig_to_token(rig))
    placed = posed(surface.chart, points, fitted.eye_centres, rig)
    return fitted.camera.project(fitted.camera.to_camera(placed))[0]


def _close(closed: Bytes, work: Bytes, landmarks: Floats, openings: Apertures, side: int) -> None:
    """Paint the lid of one side over its eye into closed (W, W, 3)."""
    apart = eye_distance(landmarks) * WORK
    cut = _cut_out(landmarks[EYES[side]] * WORK, apart)
    if cut is None:
        return
    opening = (openings.eyes[side][cut] > 40).astype(np.uint8)
    hidden = _hidden(opening, apart)
    brow = _brow(landmarks, side, apart)[cut]
    picture = work[cut].astype(np.float32)
    light = np.asarray(picture @ LUMINANCE, np.float32)
    skin = _skin(light, hidden, brow)
    if skin.sum() < _LEAST:
        return
    colour = _continued(picture, skin, apart)
    lid = colour * (1 + _grain(light, hidden, brow, apart))[..., None]
    covered = np.maximum(hidden, _fringe(hidden, light, colour, apart))
    share = np.clip(blurred(covered, max(0.6, _SOFT * apart)), 0, 1)[..., None]
    closed[cut] = np.asarray((picture + (lid - picture) * share).clip(0, 255) + 0.5, np.uint8)


def _cut_out(eye: Floats, apart: float) -> tuple[slice, slice] | None:
    """Rows and columns around an eye (16, 2), pixels."""
    above, below = _ROOM[0] * apart, _ROOM[1] * apart
    low = np.clip(np.floor(eye.min(0) - above), 0, WORK).astype(int)
    high = np.clip(np.ceil(eye.max(0) + np.array([above, below])), 0, WORK).astype(int)
    if (high - low < 8).any():
        return None
    return slice(int(low[1]), int(high[1])), slice(int(low[0]), int(high[0]))


def _hidden(opening: np.ndarray, apart: float) -> Floats:
    """(h, w) 1 where the picture shows eye, lashes or their shadow, else 0."""
    above, below = (max(1, round(reach * apart)) for reach in (_LASHES_ABOVE, _LASHES_BELOW))
    return _upwards(cv2.dilate(opening, disc(below)), above)


def _upwards(shape: np.ndarray, reach: int) -> Floats:
    """(h, w) float32, a shape (h, w) grown up by `reach` pixels."""
    up = np.ones((max(1, reach) + 1, 1), np.uint8)
    return np.asarray(cv2.dilate(shape, up, anchor=(0, 0)), np.float32)


def _fringe(hidden: Floats, light: Floats, colour: Floats, apart: float) -> Floats:
    """(h, w) in [0, 1]: dark pixels close around the hidden ones; colour: (h, w, 3) of a lid."""
    around = _upwards(cv2.dilate(hidden, disc(1)), round(_FRINGE * apart))
    skin = np.maximum(np.asarray(colour @ LUMINANCE, np.float32), np.float32(4))
    even = np.asarray(blurred(light, _EVEN * apart) / skin, np.float32)
    darker = smoothstep(1 - even, *_DARKER)
    return np.asarray(blurred(around, 1.5) * darker, np.float32)


def _brow(landmarks: Floats, side: int, apart: float) -> np.ndarray:
    """(W, W) uint8, 1 on the brow."""
    points = landmarks[PART[("left_brow", "right_brow")[side]]]
    hull = np.asarray(cv2.convexHull(points)[:, 0], np.float32)
    return cv2.dilate((polygon(hull, WORK) > 40).astype(np.uint8), disc(round(_BROW * apart)))


def _skin(light: Floats, hidden: Floats, brow: np.ndarray) -> Floats:
    """(h, w) in [0, 1]: how far a pixel of the picture's light (h, w) tells a lid's colour."""
    bare = (hidden == 0) & (brow == 0)
    if not bare.any():
        return np.zeros_like(hidden)
    typical = np.float32(max(float(np.median(light[bare])), 1.0))
    lit = smoothstep(np.asarray(light / typical, np.float32), *_DARK)
    return np.asarray(bare * (0.1 + 0.9 * lit), np.float32)


def _continued(picture: Floats, skin: Floats, apart: float) -> Floats:
    """(h, w, 3) the skin's colours, continued smoothly over all that is no skin."""
    sigma = _NEAR * apart
    weight = blurred(skin, sigma)
    total = blurred(picture * skin[..., None], sigma)
    colour = np.asarray(total / np.maximum(weight, 1e-4)[..., None], np.float32)
    filled = blurred(pull_push(colour, smoothstep(weight, 0.05, 0.4)), sigma)
    return _tinted(filled, picture, skin, apart)


def _tinted(colour: Floats, picture: Floats, skin: Floats, apart: float) -> Floats:
    """Colours (h, w, 3) with the hue of all the skin near by: grey lashes tint what is next."""
    total = blurred(picture * skin[..., None], _WIDE * apart)
    hue = total / np.maximum(total @ LUMINANCE, 1e-3)[..., None]
    light = (colour @ LUMINANCE)[..., None]
    return np.asarray(colour + _TINT * (hue * light - colour), np.float32)


def _grain(light: Floats, hidden: Floats, brow: np.ndarray, apart: float) -> Floats:
    """(h, w) relative texture of the skin under the eye, brought up over the eye."""
    bare = ((hidden == 0) & (brow == 0)).astype(np.float32)
    sigma = max(1.0, _GRAIN * apart)
    mean = blurred(light * bare, sigma) / np.maximum(blurred(bare, sigma), 1e-4)
    grain = bare * (light / np.maximum(mean, 6.0) - 1)
    step = int(hidden.sum(0).max() + 2 * _FRINGE * apart) + 1
    out = np.zeros_like(light)
    out[:-step] = grain[step:]
    # Folds and edges, which differ most, are no grain.
    return np.asarray(out / (1 + (out / _MOST) ** 2), np.float32)
