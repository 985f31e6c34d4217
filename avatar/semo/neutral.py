"""A person's face at rest and blink, and what an asked expression means for this person.

Axis legend: R 63 rig parameters.
"""

import numpy as np

from avatar.rig import EXPRESSIONS, GAZE_AT, INDEX, LOOKS, POSE_AT, Vector, follow_gaze
from avatar.semo.prepared import LIDS_LOWER, LIDS_UPPER, LIPS_LOWER, LIPS_UPPER
from avatar.semo.surface import FaceSurface
from avatar.semo.types import Camera, FittedPortrait, Floats

# Share of a weight in the picture that is the person's own and stays at rest: lips close, a smile
# goes but for a trace, heavy lids and brows remain.
_KEEP = {
    "jawOpen": 0.0, "mouthClose": 0.0, "mouthSmile": 0.2, "mouthUpperUp": 0.1,
    "mouthLowerDown": 0.1, "mouthStretch": 0.2, "mouthFunnel": 0.1, "mouthPucker": 0.2,
    "mouthDimple": 0.2, "cheekSquint": 0.2, "cheekRaiser": 0.2, "eyeBlink": 0.85,
    "eyeSquint": 0.75, "mouthFrown": 0.5, "mouthPress": 0.4, "noseSneer": 0.3,
    "mouthRollLower": 0.3, "mouthRollUpper": 0.3, "eyeWide": 0.3, "mouthShrugLower": 0.3,
    "mouthShrugUpper": 0.3, "jawForward": 1.0, "browDown": 0.5, "browInnerUp": 0.5,
    "browOuterUp": 0.5,
}  # fmt: skip
_OTHERS_KEEP = 0.6
_LOOKED = np.array([INDEX[name] for name in LOOKS])
_BLINKS = np.array([INDEX["eyeBlink_L"], INDEX["eyeBlink_R"]])
_SQUINTS = np.array([INDEX["eyeSquint_L"], INDEX["eyeSquint_R"]])
_CLOSE = INDEX["mouthClose"]
_MIDDLE = slice(2, 7)  # of the nine facing pairs of lip landmarks
_LID_MIDDLE = slice(2, 5)  # of the seven of lid landmarks
_LIP_GAP, _LID_OVERLAP = 0.02, 0.1  # cm
_BLINK_BOUNDS = (0.6, 1.6)
_CONTACT = np.radians(7)  # gazes that near to the camera are meant for it


class FaceAtLandmarks:
    """One person's landmarks for any rig: `rest` (N, 3) as in `FittedPortrait`."""

    def __init__(self, surface: FaceSurface, rest: Floats) -> None:
        self._surface = surface
        self._rest = surface.chart.at_landmarks(rest)
        self._expression = surface.chart.at_landmarks(surface.weights.expression)

    def at(self, weights: Vector) -> Floats:
        """(150, 3) model space."""
        coefficients = self._surface.coefficients(self._surface.rig_to_token(weights))
        return np.asarray(self._rest + np.tensordot(coefficients, self._expression, 1), np.float32)

    def lip_gap(self, weights: Vector) -> float:
        """Mean height between the middles of the inner lips, cm."""
        y = self.at(weights)[:, 1]
        return float((y[LIPS_UPPER[_MIDDLE]] - y[LIPS_LOWER[_MIDDLE]]).mean())

    def lid_gap(self, weights: Vector, side: int) -> float:
        """The same of the lids; side 0 left, 1 right."""
        y = self.at(weights)[:, 1]
        upper, lower = LIDS_UPPER[side][_LID_MIDDLE], LIDS_LOWER[side][_LID_MIDDLE]
        return float((y[upper] - y[lower]).mean())


def neutral_of(face: FaceAtLandmarks, shown: Vector, camera: Camera, eyes: Floats) -> Vector:
    """(63,) the face at rest of a person whose picture shows the rig `shown`; eyes (2, 3)."""
    bases = [name.removesuffix("_L").removesuffix("_R") for name in EXPRESSIONS]
    keep = np.array([_KEEP.get(base, _OTHERS_KEEP) for base in bases], np.float32)
    out = np.zeros_like(shown)
    out[: len(keep)] = shown[: len(keep)] * keep
    out[_CLOSE] = _closing(face, out)
    out[GAZE_AT] = _contact(shown[GAZE_AT], camera_gaze(camera, eyes))
    out[_LOOKED] = 0
    return follow_gaze(out)


def _closing(face: FaceAtLandmarks, neutral: Vector) -> float:
    """Weight of mouthClose that leaves the lips just touching."""
    closed = neutral.copy()
    closed[_CLOSE] = 1
    gap, left = face.lip_gap(neutral), face.lip_gap(closed)
    return float(np.clip((gap - _LIP_GAP) / max(gap - left, 1e-6), -0.1, 0.9))


def camera_gaze(camera: Camera, eyes: Floats) -> Floats:
    """(2,) gaze, radians, of somebody who looks into the camera; eyes (2, 3) model space."""
    at = -camera.translation @ camera.rotation
    x, y, z = at - eyes.mean(0)
    return np.array([np.arctan2(x, z), -np.arctan2(y, np.hypot(x, z))], np.float32)


def _contact(shown: Floats, camera: Floats) -> Floats:
    """The picture's own gaze if it meets the camera, else one that just does."""
    away = shown - camera
    angle = float(np.linalg.norm(away))
    return np.asarray(camera + away * min(1.0, _CONTACT / max(angle, 1e-6)), np.float32)


def blink_of(face: FaceAtLandmarks, neutral: Vector) -> Floats:
    """(2,) rig weights of eyeBlink_L and _R that just close the lids from the face at rest."""
    out = np.ones(2, np.float32)
    for side in range(2):
        known = [(weight, face.lid_gap(_blinking(neutral, weight), side)) for weight in (0.5, 1.0)]
        for _ in range(3):  # secants: lids slow down as they close
            (before, wide), (weight, gap) = known[-2:]
            slope = (wide - gap) / max(abs(weight - before), 1e-3) * np.sign(weight - before)
            step = np.clip((gap + _LID_OVERLAP) / max(slope, 0.1), -0.3, 0.3)
            weight = float(np.clip(weight + step, *_BLINK_BOUNDS))
            known.append((weight, face.lid_gap(_blinking(neutral, weight), side)))
        out[side] = known[-1][0]
    return out


def _blinking(neutral: Vector, weight: float) -> Vector:
    out = neutral.copy()
    out[_BLINKS] = weight
    out[_SQUINTS] *= 1 - 0.8 * weight
    return out


def target_rig(fitted: FittedPortrait, asked: Vector, own: float = 0.0) -> Vector:
    """(63,) rig that shows the asked one on this person.

    asked: (63,) absolute weights, 0 the person at rest, 1 the full movement: they add to what the
    person's face at rest has of them; eyeBlink 1 just closes this person's lids; gaze is relative
    to looking into the camera, pose to the picture's. own: in [0, 1], how far the rest is the
    expression that the picture shows (1: asking nothing shows the untouched picture) rather than
    the person's neutral.
    """
    asked = np.asarray(asked, np.float32)
    rest = fitted.neutral + np.float32(own) * (fitted.rig - fitted.neutral)
    added = rest + asked * (1 - 0.5 * rest.clip(0, 1))
    out = np.minimum(added, np.maximum(rest, np.float32(1.1)))
    out[_BLINKS] = rest[_BLINKS] + asked[_BLINKS] * (fitted.blink - rest[_BLINKS])
    out[_SQUINTS] *= 1 - 0.8 * asked[_BLINKS].clip(0, 1)
    out[GAZE_AT] = rest[GAZE_AT] + asked[GAZE_AT]
    out[POSE_AT] = asked[POSE_AT]
    return follow_gaze(out)
