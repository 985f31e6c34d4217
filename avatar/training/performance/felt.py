"""What a mixture of feelings does to the face, with and without words on the lips.

`felt_rig` is the ground truth of a feeling for any mixture and intensity: recipes after FACS
(`avatar.training.recipes`) and small attitudes of head and eyes. Axis legend: F frames, R 63 rig
parameters, 6 feelings in the order of `emotion.types.EMOTIONS`.
"""

import numpy as np

from avatar.rig import EXPRESSIONS, GAZE_AT, INDEX, POSE_AT, SIZE
from avatar.training.performance.noise import Floats
from avatar.training.recipes import (
    COMPOUND_SHARE,
    LIP_EFFECT,
    SEAL,
    feeling,
    keep_contact,
    lip_opening,
)
from emotion.types import EMOTIONS

# Of head and eyes at strength 1: radians and cm, see `avatar.rig`. The eyes stay on who is looked
# at while the head turns, except where gaze is named.
_ATTITUDES: dict[str, dict[str, float]] = {
    "happy": {"pitch": -0.015},
    "sad": {"pitch": 0.05, "gaze_y": 0.08},
    "angry": {"pitch": 0.035, "z": 0.6},
    "fearful": {"pitch": -0.02, "z": -0.7},
    "disgusted": {"yaw": 0.04, "pitch": -0.02, "roll": 0.02},
    "surprised": {"pitch": -0.03},
}
STEADY = 0.92  # of a turn of the head that the eyes take back
_ACROSS = 1 / COMPOUND_SHARE - 1
# Of a feeling's lips while words are said. Smiles and frowns stay; what opens, goes.
_WHOLE, _CORNERS, _SHAPE, _OPENERS = 1.0, 0.8, 0.45, 0.25
_CORNER_PARTS = ("mouthSmile", "mouthFrown", "mouthDimple")
_OPENER_PARTS = ("jawOpen", "mouthLowerDown", "mouthUpperUp", "mouthFunnel", "mouthShrugUpper")
ROUND_YIELDS = 0.5  # of smile and stretch given up where the lips are fully rounded
OPENS = 0.22  # of a feeling's own opening of the lips that is left beside words
_LIPS = ("mouthLowerDown_L", "mouthLowerDown_R", "mouthUpperUp_L", "mouthUpperUp_R")
_LIPS_APART = np.array([1.0, 1.0, 0.5, 0.5], np.float32)
# cm that lowered and raised lips in that proportion open.
_APART = 2 * (LIP_EFFECT["mouthLowerDown_"] + 0.5 * LIP_EFFECT["mouthUpperUp_"])
_CLOSE, _JAW = INDEX["mouthClose"], INDEX["jawOpen"]
_BLINKS = [INDEX["eyeBlink_L"], INDEX["eyeBlink_R"]]
_WIDE = [INDEX["eyeWide_L"], INDEX["eyeWide_R"]]
_SQUINT = [INDEX["eyeSquint_L"], INDEX["eyeSquint_R"]]


def _rows() -> Floats:
    rows = np.zeros((len(EMOTIONS), SIZE), np.float32)
    for row, name in zip(rows, EMOTIONS, strict=True):
        row[: len(EXPRESSIONS)] = feeling(name)
        for part, value in _ATTITUDES[name].items():
            row[INDEX[part]] += value
        row[GAZE_AT] -= np.float32(STEADY) * row[POSE_AT][:2]
    return rows


def _kept() -> Floats:
    """(63,) share of a feeling that shows while words are said."""
    out = np.full(SIZE, _WHOLE, np.float32)
    for name, at in INDEX.items():
        if name.startswith(_CORNER_PARTS):
            out[at] = _CORNERS
        elif name.startswith(_OPENER_PARTS):
            out[at] = _OPENERS
        elif name.startswith(("mouth", "jaw")):
            out[at] = _SHAPE
    return out


def _side(letter: str) -> Floats:
    return np.array([name.endswith(f"_{letter}") for name in INDEX], np.float32)


_ROWS, _KEPT = _rows(), _kept()
_LEFT, _RIGHT = _side("L"), _side("R")
_SPREAD = np.array([name.startswith(("mouthSmile", "mouthStretch", "mouthDimple", "mouthFrown"))
                    for name in INDEX], np.float32)  # fmt: skip
_SEEN = np.arange(SIZE) < len(EXPRESSIONS)


def felt_rig(strengths: Floats) -> Floats:
    """(..., 6) strengths in [0, 1] to the (..., 63) rig of a silent face that feels so.

    One feeling alone shows with its recipe times its strength. Mixed, all give way: two alike show
    `COMPOUND_SHARE` of each (the recipes of compound expressions), and in general a share of
    1 / (1 + (1/COMPOUND_SHARE - 1) (sum s / max s - 1)); so a feeling that barely joins changes
    little, and the whole grows in proportion to intensity. Weights may pass 1; see `shown`.
    """
    s = np.asarray(strengths, np.float32)
    strongest = np.maximum(s.max(-1, keepdims=True), 1e-6)
    others = np.maximum(s.sum(-1, keepdims=True) / strongest - 1, 0)
    return np.asarray((s / (1 + np.float32(_ACROSS) * others)) @ _ROWS, np.float32)


def lopsided(tilt: float) -> Floats:
    """(63,) gains of a face whose left side moves more (tilt > 0) or less."""
    return np.asarray(np.clip(1 + tilt * (_LEFT - _RIGHT), 0.4, 1.5), np.float32)


def shown(neutral: Floats, felt: Floats, speaking: Floats, contact: Floats) -> Floats:
    """(F, 63): the performance `neutral` (F, 63) with the feeling `felt` (F, 63) on it.

    speaking: (F,) in [0, 1], how far words own the lips: then the opening of the lips stays that
    of the words but for a small part. contact: (F,) in [0, 1], how far lips (m, b, p) or lip and
    teeth (f, v) touch: there the opening is exactly that of the words.
    """
    words = speaking[:, None]
    round_lips = np.clip(neutral[:, INDEX["mouthPucker"]] / 0.85, 0, 1)[:, None]
    added = felt * (1 - words * (1 - _KEPT))
    added *= 1 - np.float32(ROUND_YIELDS) * words * round_lips * _SPREAD
    out = np.array(neutral, np.float32)
    out += added
    lids = neutral[:, _BLINKS]
    out[:, _BLINKS] = lids + added[:, _BLINKS] * (1 - lids)
    # Wide eyes blink too, and a blink is no squint.
    out[:, _WIDE] *= 1 - 0.9 * lids
    out[:, _SQUINT] *= 1 - 0.8 * lids
    _bound(out)
    _hold_opening(out, neutral, speaking, contact)
    keep_contact(out)
    return out


def _bound(rigs: Floats) -> None:
    rigs[:, _SEEN] = rigs[:, _SEEN].clip(0, 1.1)


def _hold_opening(rigs: Floats, neutral: Floats, speaking: Floats, contact: Floats) -> None:
    """In place: give the lips the opening that the words ask for."""
    asked, has = lip_opening(neutral), lip_opening(rigs)
    free = (1 - speaking + speaking * np.float32(OPENS)) * (1 - contact)
    # At rest lips stay together: a feeling may press them, yet no farther than they can.
    wanted = np.maximum(asked + free * (has - asked), -np.float32(SEAL))
    away = (has - wanted) * np.maximum(speaking, contact)
    rigs[:, _CLOSE] += np.maximum(away, 0) / -np.float32(LIP_EFFECT["mouthClose"])
    missing = np.maximum(-away, 0)
    less = np.minimum(rigs[:, _CLOSE], missing / -np.float32(LIP_EFFECT["mouthClose"]))
    rigs[:, _CLOSE] -= less
    missing -= less * -np.float32(LIP_EFFECT["mouthClose"])
    at = [INDEX[name] for name in _LIPS]
    rigs[:, at] += (missing / np.float32(_APART))[:, None] * _LIPS_APART
