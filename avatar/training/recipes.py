"""Expression recipes in rig weights: visemes, emotions after FACS, and where lids and lips touch.

Emotions follow Ekman and Friesen's prototypes (action units in comments); the compound ones follow
Du, Tao and Martinez (2014): both feelings' action units at once. Set by eye on renders.
"""

from collections.abc import Mapping

import numpy as np
from numpy.typing import NDArray

from avatar.rig import EXPRESSIONS, INDEX, Vector

Recipe = Mapping[str, float]


def recipe(**weights: float) -> dict[str, float]:
    """Weights by rig name; a name that ends with _ stands for both sides. Raises KeyError."""
    out: dict[str, float] = {}
    for name, value in weights.items():
        for full in (name + "L", name + "R") if name.endswith("_") else (name,):
            if full not in INDEX:
                raise KeyError(full)
            out[full] = value
    return out


# Lip shapes of phone classes. `closes`: the lips must meet whatever the jaw does.
VISEMES: dict[str, dict[str, float]] = {
    "aa": recipe(jawOpen=0.55, mouthLowerDown_=0.25, mouthUpperUp_=0.15, mouthStretch_=0.08),
    "ah": recipe(jawOpen=0.36, mouthLowerDown_=0.22, mouthUpperUp_=0.12),
    "ax": recipe(jawOpen=0.22, mouthLowerDown_=0.18, mouthUpperUp_=0.08),
    "eh": recipe(jawOpen=0.30, mouthStretch_=0.30, mouthSmile_=0.12, mouthLowerDown_=0.30,
                 mouthUpperUp_=0.16),
    "ih": recipe(jawOpen=0.16, mouthStretch_=0.30, mouthSmile_=0.22, mouthLowerDown_=0.28,
                 mouthUpperUp_=0.16),
    "iy": recipe(jawOpen=0.10, mouthStretch_=0.35, mouthSmile_=0.40, mouthLowerDown_=0.30,
                 mouthUpperUp_=0.20, mouthDimple_=0.1),
    "ao": recipe(jawOpen=0.44, mouthFunnel=0.50, mouthPucker=0.15),
    "ow": recipe(jawOpen=0.28, mouthFunnel=0.55, mouthPucker=0.40),
    "uw": recipe(jawOpen=0.12, mouthPucker=0.75, mouthFunnel=0.32),
    "er": recipe(jawOpen=0.18, mouthFunnel=0.42, mouthPucker=0.20, mouthLowerDown_=0.12),
    "m": recipe(jawOpen=0.04, mouthPress_=0.30, mouthRollLower=0.25, mouthRollUpper=0.22),
    "f": recipe(jawOpen=0.07, mouthRollLower=0.55, mouthUpperUp_=0.28, mouthShrugUpper=0.08),
    "th": recipe(jawOpen=0.17, mouthLowerDown_=0.22, mouthUpperUp_=0.14, mouthStretch_=0.12),
    "t": recipe(jawOpen=0.10, mouthLowerDown_=0.26, mouthUpperUp_=0.16, mouthStretch_=0.10),
    "s": recipe(jawOpen=0.05, mouthStretch_=0.30, mouthLowerDown_=0.36, mouthUpperUp_=0.22),
    "sh": recipe(jawOpen=0.10, mouthFunnel=0.68, mouthPucker=0.18, mouthLowerDown_=0.20,
                 mouthUpperUp_=0.15),
    "k": recipe(jawOpen=0.16, mouthLowerDown_=0.16, mouthUpperUp_=0.10),
    "l": recipe(jawOpen=0.24, mouthLowerDown_=0.24, mouthUpperUp_=0.16),
    "w": recipe(jawOpen=0.09, mouthPucker=0.72, mouthFunnel=0.25),
    "sil": {},
}  # fmt: skip
VOWELS = ("aa", "ah", "ax", "eh", "ih", "iy", "ao", "ow", "uw", "er")
CONSONANTS = ("m", "f", "th", "t", "s", "sh", "k", "l", "w")
CLOSES = frozenset({"m"})
# How much a phone insists on its own shape (dominance, Cohen and Massaro 1993).
PULL: dict[str, float] = {
    **dict.fromkeys(VOWELS, 1.0), **dict.fromkeys(CONSONANTS, 0.7),
    "ax": 0.6, "uw": 1.2, "w": 1.1, "m": 1.3, "f": 1.4, "sh": 1.0, "t": 0.5, "k": 0.4, "sil": 0.8,
}  # fmt: skip

EMOTIONS: dict[str, dict[str, float]] = {
    "neutral": {},
    "happy": recipe(  # 6 + 12 + 25
        mouthSmile_=0.85, cheekSquint_=0.55, cheekRaiser_=0.45, eyeSquint_=0.30,
        mouthUpperUp_=0.28, mouthDimple_=0.20, jawOpen=0.08, mouthLowerDown_=0.14,
    ),
    "sad": recipe(  # 1 + 4 + 15 + 17
        browInnerUp_=0.85, browDown_=0.15, mouthFrown_=0.75, mouthShrugLower=0.40,
        eyeSquint_=0.15, eyeBlink_=0.16, mouthStretch_=0.08,
    ),
    "angry": recipe(  # 4 + 5 + 7 + 23 + 24
        browDown_=1.0, eyeSquint_=0.35, eyeWide_=0.35, noseSneer_=0.40, mouthPress_=0.45,
        mouthFrown_=0.35, mouthShrugLower=0.22, jawForward=0.18,
    ),
    "disgusted": recipe(  # 9 + 10 + 17
        noseSneer_=0.95, mouthUpperUp_=0.60, browDown_=0.60, eyeSquint_=0.50, cheekSquint_=0.45,
        cheekRaiser_=0.35, mouthFrown_=0.42, mouthShrugLower=0.30, jawOpen=0.05,
    ),
    "fearful": recipe(  # 1 + 2 + 4 + 5 + 20 + 25
        browInnerUp_=0.90, browOuterUp_=0.45, browDown_=0.25, eyeWide_=0.90, mouthStretch_=0.65,
        jawOpen=0.20, mouthLowerDown_=0.28, mouthFrown_=0.18,
    ),
    "surprised": recipe(  # 1 + 2 + 5 + 26
        browInnerUp_=0.90, browOuterUp_=0.90, eyeWide_=0.80, jawOpen=0.50, mouthFunnel=0.14,
    ),
}  # fmt: skip
COMPOUNDS: dict[str, tuple[str, str]] = {
    "happily surprised": ("happy", "surprised"),
    "happily disgusted": ("happy", "disgusted"),
    "sadly fearful": ("sad", "fearful"),
    "sadly angry": ("sad", "angry"),
    "sadly surprised": ("sad", "surprised"),
    "angrily surprised": ("angry", "surprised"),
    "angrily disgusted": ("angry", "disgusted"),
    "fearfully surprised": ("fearful", "surprised"),
}
COMPOUND_SHARE = 0.65  # of each feeling's weights
# Attitudes of a listener or of someone between sentences.
GESTURES: dict[str, dict[str, float]] = {
    "brows up": recipe(browInnerUp_=0.5, browOuterUp_=0.6, eyeWide_=0.2),
    "brows together": recipe(browDown_=0.6, eyeSquint_=0.2),
    "sceptical": {**recipe(browOuterUp_R=0.8, browDown_L=0.5), **recipe(mouthLeft=0.12)},
    "half smile": recipe(mouthSmile_L=0.5, cheekSquint_L=0.25, mouthDimple_L=0.25),
    "other half smile": recipe(mouthSmile_R=0.5, cheekSquint_R=0.25, mouthDimple_R=0.25),
    "lips together": recipe(mouthPress_=0.6, mouthRollLower=0.3, mouthRollUpper=0.25),
    "pout": recipe(mouthPucker=0.6, mouthShrugLower=0.3),
    "cheeks": recipe(cheekPuff_=0.6, mouthPress_=0.3),
    "jaw aside": recipe(jawLeft=0.4, mouthLeft=0.2),
    "jaw to the other side": recipe(jawRight=0.4, mouthRight=0.2),
    "wink": recipe(eyeBlink_L=0.95, cheekSquint_L=0.4),
    "other wink": recipe(eyeBlink_R=0.95, cheekSquint_R=0.4),
}

# What weight 1 adds to the opening of lids and lips on the pack's mean head, cm.
LID_OPENING = 0.827
LID_EFFECT: dict[str, float] = {
    "eyeBlink": -0.79, "eyeLookDown": -0.45, "eyeLookUp": 0.17, "eyeSquint": -0.20,
    "eyeWide": 0.27, "cheekRaiser": -0.24, "cheekSquint": -0.24, "noseSneer": -0.11,
    "mouthSmile": -0.05, "browOuterUp": 0.04,
}  # fmt: skip
LIP_OPENING = 0.08
SEAL = 0.06  # cm by which lips that must close are pressed into one another, whoever's they are
LIP_EFFECT: dict[str, float] = {
    "jawOpen": 2.89, "jawForward": 0.11, "mouthClose": -3.72, "mouthDimple_": -0.08,
    "mouthFunnel": 1.08, "mouthLeft": -0.05, "mouthRight": -0.05, "mouthLowerDown_": 0.29,
    "mouthPress_": -0.11, "mouthPucker": -0.13, "mouthRollLower": -0.25, "mouthRollUpper": 0.16,
    "mouthShrugLower": -0.64, "mouthShrugUpper": 0.46, "mouthUpperUp_": 0.35, "noseSneer_": 0.32,
}  # fmt: skip
FULL = 1.15  # greatest weight of an expression


def weights(values: Recipe) -> Vector:
    """(55,) float32 from weights by name, others 0."""
    out = np.zeros(len(EXPRESSIONS), np.float32)
    for name, value in values.items():
        out[INDEX[name]] = value
    return out


def feeling(name: str) -> Vector:
    """(55,) of an emotion or a compound one at full strength. Raises KeyError."""
    if name in COMPOUNDS:
        first, second = COMPOUNDS[name]
        return COMPOUND_SHARE * (feeling(first) + feeling(second))
    return weights(EMOTIONS[name])


def _row(effects: Recipe) -> NDArray[np.float32]:
    return weights(recipe(**effects))


def lip_opening(rigs: NDArray[np.float32]) -> NDArray[np.float32]:
    """(...,) cm between the inner lips of the mean head, below 0 where they would cross."""
    seen = rigs[..., : len(EXPRESSIONS)]
    return np.asarray(LIP_OPENING + seen @ _row(LIP_EFFECT), np.float32)


def close_lips(rigs: NDArray[np.float32], how_far: NDArray[np.float32]) -> None:
    """In place: close the lips of (F, 63) by the shares (F,) of their opening, with mouthClose."""
    opening = np.maximum(lip_opening(rigs), 0) + SEAL
    rigs[:, INDEX["mouthClose"]] += how_far * opening / -np.float32(LIP_EFFECT["mouthClose"])


def keep_contact(rigs: NDArray[np.float32]) -> None:
    """In place: weights within bounds, lids that touch and lips that touch do not cross."""
    expression = rigs[..., : len(EXPRESSIONS)]
    np.clip(expression, 0, FULL, out=expression)
    # Lips pushed together press the jaw down.
    deficit = np.maximum(-SEAL - lip_opening(rigs), 0)
    rigs[..., INDEX["jawOpen"]] += deficit / np.float32(LIP_EFFECT["jawOpen"])
    for side in "LR":
        row = weights({f"{name}_{side}": effect for name, effect in LID_EFFECT.items()})
        over = np.maximum(-(LID_OPENING + expression @ row), 0)
        blink = INDEX[f"eyeBlink_{side}"]
        reduced = rigs[..., blink] - over / np.float32(-LID_EFFECT["eyeBlink"])
        rigs[..., blink] = np.maximum(reduced, 0)
