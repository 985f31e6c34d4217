"""What may be wrong with a face in a picture, in words: light, sharpness, pose, framing.

Everything is measured on the face's landmarks and on an upright patch around them. The limits were
set on photographs and on spoilt copies of them (see `avatar/weights/README.md`).
"""

from dataclasses import dataclass
from enum import StrEnum

import cv2
import numpy as np
from numpy.typing import NDArray

from avatar.face_check import Look
from avatar.landmark_net import square_of
from avatar.landmarks import Landmarks

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]

PATCH = 192  # px, side of the upright patch that is measured
TINY, SMALL = 48.0, 110.0  # px from hairline to chin
NOSE_AHEAD = 0.52  # of the outer eye corners' distance: how far the nose's tip lies before them
ROUNDING = 0.22  # mean fine detail that 8-bit values make by themselves
COLOURLESS = 4.0  # mean difference of the channels
PAPER = 245  # a grey that some of a drawn face falls short of
TURNED, AWAY = 28.0, 45.0  # degrees
TILTED = 30.0  # degrees of roll


class Severity(StrEnum):
    """How much a finding matters."""

    BLOCKS = "blocks"
    WARNS = "warns"


@dataclass(frozen=True, slots=True)
class Finding:
    """One thing to know about a picture or a face: a sentence, and one on what to do about it."""

    code: str
    severity: Severity
    message: str
    remedy: str


def blocks(code: str, message: str, remedy: str) -> Finding:
    """A finding with which there is no portrait."""
    return Finding(code, Severity.BLOCKS, message, remedy)


def warns(code: str, message: str, remedy: str) -> Finding:
    """A finding with which the portrait will look worse."""
    return Finding(code, Severity.WARNS, message, remedy)


def height_of(landmarks: Landmarks) -> float:
    """Pixels from the hairline to the chin."""
    return float(np.ptp(landmarks.group("face_oval")[:, 1]))


def findings_of(rgb: Bytes, landmarks: Landmarks, look: Look | None) -> tuple[Finding, ...]:
    """What may be wrong with a face in the (H, W, 3) picture, blocking ones first.

    look: what `FaceCheck` says of it, if it was asked.
    """
    found = [
        *(_cover(look) if look else ()),
        *_framing(rgb, landmarks),
        *_pose(landmarks),
        *_expression(landmarks),
        *_photograph(rgb, landmarks),
    ]
    return tuple(sorted(found, key=lambda finding: finding.severity is not Severity.BLOCKS))


# -- where the face is and how it is held


def _framing(rgb: Bytes, landmarks: Landmarks) -> list[Finding]:
    """Too small, or cut off at the picture's edge."""
    size, found = height_of(landmarks), []
    if size < TINY:
        found.append(
            blocks(
                "too_small",
                f"The face is too small: {size:.0f} pixels from hairline to chin.",
                f"Use a picture taken closer, with a face of {SMALL:.0f} pixels or more.",
            )
        )
    elif size < SMALL:
        found.append(
            warns(
                "too_small",
                f"The face is small ({size:.0f} pixels high): it will look soft.",
                "Use a larger picture, or one taken closer.",
            )
        )
    return found + _cut_off(rgb, landmarks)


def _cut_off(rgb: Bytes, landmarks: Landmarks) -> list[Finding]:
    """Eyes, mouth or chin beyond the edge; or only some of the hair or a cheek."""
    limits = np.array(rgb.shape[1::-1], np.float32)
    slack = 0.02 * height_of(landmarks)
    points = landmarks.points
    beyond = np.asarray(((points < -slack) | (points > limits + slack)).any(axis=1))
    oval, inner = beyond[:36], beyond[36:]
    low = points[:36, 1] > np.median(points[:36, 1])
    if inner.any() or oval.mean() > 0.3 or (oval & low).mean() > 0.12:
        return [
            blocks(
                "cut_off",
                "A part of the face lies outside the picture.",
                "Use a picture that shows the whole face, from the hair to the chin.",
            )
        ]
    crown = float(points[:36, 1].min()) - 0.08 * height_of(landmarks)
    if oval.any() or crown < 0:
        return [
            warns(
                "cut_off",
                "The head touches the edge of the picture.",
                "A picture with some room around the head lets it move freely.",
            )
        ]
    return []


def yaw_of(landmarks: Landmarks) -> float:
    """Degrees by which the face is turned to the picture's right.

    The nose's tip lies NOSE_AHEAD eye distances before the line of the outer eye corners: seen
    from the side it moves along that line by the tangent of the angle. Against MediaPipe's head
    pose on 160 portraits: mean error 1.5 degrees, largest 6.
    """
    along, _, tip = _nose(landmarks)
    return float(np.degrees(np.arctan(tip @ along / NOSE_AHEAD)))


def _nose(landmarks: Landmarks) -> tuple[Floats, Floats, Floats]:
    """Directions along and down from the eyes, and the nose's tip from their middle, in eye
    distances.
    """
    right, left = landmarks.group("right_eye")[0], landmarks.group("left_eye")[0]
    apart = max(float(np.hypot(*(left - right))), 1e-6)
    along = (left - right) / np.float32(apart)
    down = np.array([-along[1], along[0]], np.float32)
    tip = landmarks.group("nose")[5] - (left + right) / 2
    return along, down, tip / np.float32(apart)


def _pose(landmarks: Landmarks) -> list[Finding]:
    """Turned away or tilted."""
    along, down, tip = _nose(landmarks)
    yaw, roll = yaw_of(landmarks), float(np.degrees(np.arctan2(along[1], along[0])))
    if abs(yaw) > AWAY:
        return [
            blocks(
                "turned",
                f"The face is turned away by about {abs(yaw):.0f} degrees.",
                "Use a picture in which the person looks at the camera.",
            )
        ]
    found = []
    if abs(yaw) > TURNED:
        found.append(
            warns(
                "turned",
                f"The face is turned by about {abs(yaw):.0f} degrees: its far side is guessed.",
                "A picture that shows the face from the front works best.",
            )
        )
    if abs(roll) > TILTED or not 0.15 < float(tip @ down) < 0.62:
        found.append(
            warns(
                "tilted",
                "The head is tilted strongly.",
                "A picture with an upright head, seen from its own height, works best.",
            )
        )
    return found


def _expression(landmarks: Landmarks) -> list[Finding]:
    """Mouth open, eyes shut."""
    found, gap, opening = [], mouth_gap(landmarks), eye_opening(landmarks)
    if gap > 0.24:
        found.append(
            warns(
                "mouth_open",
                "The mouth is open.",
                "A picture with closed lips or a light smile speaks best.",
            )
        )
    if opening < 0.075:
        found.append(blocks("eyes_shut", "The eyes are shut.", "Use a picture with open eyes."))
    elif opening < 0.125:
        found.append(
            warns(
                "eyes_shut",
                "The eyes are nearly shut.",
                "A picture with open eyes works best: nobody knows what is behind the lids.",
            )
        )
    return found


def mouth_gap(landmarks: Landmarks) -> float:
    """Gap between the lips over the mouth's width."""
    lips = landmarks.group("lips_inner")
    return float(np.hypot(*(lips[5] - lips[15])) / max(np.hypot(*(lips[0] - lips[10])), 1e-6))


def eye_opening(landmarks: Landmarks) -> float:
    """Gap between the lids over the eye's width, mean of both eyes."""
    openings = []
    for side in ("right_eye", "left_eye"):
        eye = landmarks.group(side)
        gaps = np.hypot(*(eye[3:6] - eye[[13, 12, 11]]).T)
        openings.append(float(gaps.mean() / max(np.hypot(*(eye[0] - eye[8])), 1e-6)))
    return float(np.mean(openings))


def _cover(look: Look) -> list[Finding]:
    """A hand, a mask, hair or glasses before the face."""
    free = "Use a picture in which nothing is before the face: no hand, mask, hair or cup."
    found = []
    if look.covered > 0.3 or look.mouth > 0.6 or look.eyes > 0.65:
        found.append(blocks("covered", "Something covers a part of the face.", free))
    elif look.covered > 0.08 or max(look.mouth, look.eyes) > 0.22:
        found.append(warns("covered", "Something may cover a part of the face.", free))
    if look.lenses > 0.6:
        found.append(
            blocks("glasses", "Glasses hide the eyes.", "Use a picture that shows the eyes.")
        )
    elif look.lenses > 0.22:
        found.append(
            warns(
                "glasses",
                "Glasses shine or darken the eyes.",
                "A picture without glasses, or without their reflections, works best.",
            )
        )
    return found


# -- how it was photographed


def _photograph(rgb: Bytes, landmarks: Landmarks) -> list[Finding]:
    """Dark, bright, flat or blurred."""
    square = square_of(landmarks.points)
    side = int(np.clip(square.side, 48, PATCH))
    patch = square.cut(rgb, side)
    grey = np.asarray(cv2.cvtColor(patch, cv2.COLOR_RGB2GRAY), np.float32)
    mask = np.zeros((side, side), np.uint8)
    oval = np.rint(square.from_picture(landmarks.points[:36]) * side).astype(np.int32)
    cv2.fillPoly(mask, [oval], (255,))
    on_face = mask > 0
    if not on_face.any():
        return []
    colours = float(np.ptp(patch[on_face], axis=1).mean())
    drawn = colours < COLOURLESS and float(np.percentile(grey[on_face], 5)) < PAPER
    return [*_light(grey[on_face], drawn), *_sharpness(grey, on_face)]


def _light(shades: Floats, drawn: bool) -> list[Finding]:
    """Of the face's grey values; the bright end is judged, for skin may be dark.

    drawn: without colours, where white may be paper.
    """
    low, middle, high = (float(v) for v in np.percentile(shades, (5, 50, 95)))
    burnt = float((shades > 250).mean())
    lamp = "Use a picture taken in even light, for instance at a window."
    lines = float(np.percentile(shades, 1)) < 120
    if high < 36:
        return [blocks("dark", "The face is too dark to be seen.", lamp)]
    if burnt > 0.5 and not (drawn or lines):
        return [blocks("bright", "The face is overexposed: nothing is left of it.", lamp)]
    if high - low < 12:
        return [blocks("flat", "The face has no contrast.", lamp)]
    found = []
    if high < 95:
        found.append(warns("dark", "The face is dark.", lamp))
    if (burnt > 0.1 or middle > 232) and not drawn:
        found.append(warns("bright", "The face is very bright; some of it is burnt out.", lamp))
    if high - low < 32:
        found.append(warns("flat", "The face has little contrast.", lamp))
    return found


def _sharpness(grey: Floats, on_face: NDArray[np.bool_]) -> list[Finding]:
    """Of the patch: how much of the face's detail is fine.

    Medians over 20 portraits in a patch of 192 px: 0.26; blurred by 0.7 px 0.15, by 1.2 px 0.10, by
    1.6 px 0.08, by 2 px 0.07, by 3 px 0.05, by 4 px 0.03.
    """
    fine, coarse = (
        float(np.abs(grey - cv2.GaussianBlur(grey, (0, 0), sigma))[on_face].mean())
        for sigma in (0.8, 3.2)
    )
    share = max(fine - ROUNDING, 0.0) / max(coarse, 1e-6)
    remedy = "Use a sharper picture: hold still, and focus on the face."
    if share < 0.042:
        return [blocks("blurred", "The face is too blurred.", remedy)]
    if share < 0.085:
        return [warns("blurred", "The face is blurred.", remedy)]
    return []
