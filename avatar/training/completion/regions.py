"""Mouth and brow regions of held-out people, drawn with and without completion, against the truth.

The portrait is one frame of a shot, the others are asked of it by their exact change of rig, and by
the pose that lands on their exact landmarks. Axis legend: S pixels of a frame.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass

import cv2
import numpy as np

from avatar.landmarks import Landmarks
from avatar.portrait import described
from avatar.semo.appearance import appearance_of
from avatar.semo.decoder import MotionDecoder
from avatar.semo.fit import fit_portrait
from avatar.semo.prepared import PART
from avatar.semo.stage import Stage
from avatar.semo.surface import FaceSurface
from avatar.semo.types import Appearance, FittedPortrait, Floats
from avatar.training.evaluate.repose import reposed

REGIONS = ("mouth", "brow")
Make = Callable[[FaceSurface, FittedPortrait, Appearance, int], MotionDecoder]


@dataclass(frozen=True, slots=True, eq=False)
class Shot:
    """Frames of one person in one light. images (F,S,S,3) uint8; counted (F,S,S) bool, which
    pixels count (no hair, no glasses); landmarks (F,150,2) px; rig (F,63); source: which is the
    portrait."""

    name: str
    images: np.ndarray
    counted: np.ndarray
    landmarks: np.ndarray
    rig: np.ndarray
    source: int


def region(landmarks: Floats, which: str, size: int) -> np.ndarray:
    """(S,S) bool of (150,2) px landmarks: "mouth", lips and what lies within three tenths of an eye
    distance of them, nose wings to chin; "brow": brows, what is between them and the forehead
    above."""
    eyes = landmarks[PART["left_eye"]].mean(0) - landmarks[PART["right_eye"]].mean(0)
    apart = float(np.linalg.norm(eyes))
    out: np.ndarray = np.zeros((size, size), np.uint8)
    if which == "mouth":
        hull, grow = landmarks[PART["lips_outer"]], 0.3 * apart
    else:
        brows = np.concatenate([landmarks[PART["left_brow"]], landmarks[PART["right_brow"]]])
        up = np.array([eyes[1], -eyes[0]]) / max(apart, 1e-6)
        hull, grow = np.concatenate([brows, brows + up * (0.5 * apart)]), 0.08 * apart
    corners = cv2.convexHull(np.asarray(hull, np.float32))
    cv2.fillPoly(out, [np.round(corners).astype(np.int32)], 1)
    reach = max(1, round(grow))
    disc = cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (2 * reach + 1,) * 2)
    grown = cv2.dilate(out, disc)
    face: np.ndarray = np.zeros((size, size), np.uint8)
    oval = landmarks[PART["face_oval"]]
    cv2.fillPoly(face, [np.round(oval).astype(np.int32)], 1)
    return np.asarray((np.asarray(grown) > 0) & (face > 0))


def errors(shot: Shot, surface: FaceSurface, makes: dict[str, Make]) -> list[dict[str, float]]:
    """For each target: mean absolute grey levels, "region/make", and "region/copy" for the portrait
    itself. Raises PortraitError if the source cannot be fitted."""
    source, size = shot.source, len(shot.images[0])
    points = shot.landmarks[source]
    portrait = described((shot.name,) * 2 + ("",), shot.images[source], Landmarks(points))
    fitted = fit_portrait(portrait, surface)
    appearance = appearance_of(fitted, surface)
    decoders = {name: make(surface, fitted, appearance, size) for name, make in makes.items()}
    stage = Stage(surface, fitted, 1)

    def marks(rig: Floats) -> Floats:
        posed = stage.pose(surface.rig_to_token(rig))
        return surface.chart.at_landmarks(posed.screen[:, :2])

    rest, out = marks(fitted.rig), []
    for target in (at for at in range(len(shot.images)) if at != source):
        change = (shot.landmarks[target] - points) / np.float32(size)
        rig = reposed(marks, fitted.rig + shot.rig[target] - shot.rig[source], rest + change)
        token = surface.rig_to_token(rig)
        drawn = {name: decoder.render(token) for name, decoder in decoders.items()}
        out.append(_of_frame(shot, target, drawn))
    return out


def _of_frame(shot: Shot, target: int, drawn: dict[str, np.ndarray]) -> dict[str, float]:
    truth = shot.images[target].astype(np.float32)
    pictures = {"copy": shot.images[shot.source], **drawn}
    found = {}
    for which in REGIONS:
        at = region(shot.landmarks[target], which, len(truth)) & shot.counted[target]
        if not at.any():
            continue
        for name, picture in pictures.items():
            found[f"{which}/{name}"] = float(np.abs(picture[at] - truth[at]).mean())
    return found


def summary(rows: Iterable[dict[str, float]]) -> dict[str, float]:
    """Means over frames."""
    listed = list(rows)
    names = sorted({name for row in listed for name in row})
    return {
        name: round(float(np.mean([row[name] for row in listed if name in row])), 3)
        for name in names
    }
