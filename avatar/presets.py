"""Faces to begin with: the six emotions and the mouth shapes of speech, as control values.

Emotions follow the EMFACS prototypes (Friesen and Ekman 1983) with the units that usually go along;
visemes group the sounds of English that share a shape of the mouth.
"""

from collections.abc import Mapping

from avatar.action_units import rig_from_units
from avatar.rig import RIG

_EMOTIONS: Mapping[str, Mapping[str, float]] = {
    "happy": {"AU6": 0.7, "AU12": 0.85, "AU25": 0.7},
    "sad": {"AU1": 0.9, "AU4": 0.3, "AU15": 0.8, "AU17": 0.4, "AU43": 0.18, "AU64": 0.25},
    "angry": {"AU4": 1.0, "AU5": 0.3, "AU7": 0.6, "AU9": 0.35, "AU15": 0.25, "AU23": 0.8,
              "AU24": 0.5},
    "fearful": {"AU1": 1.0, "AU2": 0.5, "AU4": 0.4, "AU5": 0.9, "AU20": 0.7, "AU25": 0.5,
                "AU26": 0.3},
    "disgusted": {"AU4": 0.3, "AU6": 0.2, "AU7": 0.4, "AU9": 0.9, "AU10": 0.5, "AU15": 0.5},
    "surprised": {"AU1": 0.9, "AU2": 1.0, "AU5": 0.9, "AU25": 0.3, "AU26": 0.75},
}  # fmt: skip


def _values(units: Mapping[str, float]) -> dict[str, float]:
    moved = rig_from_units(units).clip(-1, 1)
    return {name: round(float(v), 3) for name, v in zip(RIG, moved, strict=True) if v}


def _both(paired: Mapping[str, float], **single: float) -> dict[str, float]:
    sides = {f"{name}_{side}": value for name, value in paired.items() for side in "LR"}
    return sides | single


# Rig values by name; what is not named is 0.
EMOTIONS: Mapping[str, Mapping[str, float]] = {
    name: _values(units) for name, units in _EMOTIONS.items()
}
# By the sounds that share the shape.
VISEMES: Mapping[str, Mapping[str, float]] = {
    "m b p": _both({"mouthPress": 0.35}, mouthRollLower=0.25, mouthRollUpper=0.2),
    "f v": _both({"mouthUpperUp": 0.3}, mouthRollLower=0.6, jawOpen=0.06),
    "th": _both({"mouthLowerDown": 0.2, "mouthUpperUp": 0.1}, jawOpen=0.24),
    "t d n l": _both({"mouthLowerDown": 0.3, "mouthStretch": 0.12}, jawOpen=0.12),
    "k g": _both({"mouthLowerDown": 0.15, "mouthUpperUp": 0.1}, jawOpen=0.36),
    "ch sh": _both({"mouthLowerDown": 0.25, "mouthUpperUp": 0.2}, mouthFunnel=0.6, jawOpen=0.08),
    "s z": _both({"mouthLowerDown": 0.3, "mouthStretch": 0.3, "mouthSmile": 0.1}, jawOpen=0.05),
    "r": _both({"mouthLowerDown": 0.15}, mouthFunnel=0.35, mouthPucker=0.2, jawOpen=0.14),
    "ah": _both({"mouthLowerDown": 0.3, "mouthUpperUp": 0.15}, jawOpen=0.6),
    "eh": _both({"mouthLowerDown": 0.3, "mouthStretch": 0.25, "mouthSmile": 0.15}, jawOpen=0.35),
    "ee": _both({"mouthLowerDown": 0.3, "mouthStretch": 0.45, "mouthSmile": 0.3}, jawOpen=0.15),
    "oh": _both({"mouthLowerDown": 0.1}, mouthFunnel=0.5, mouthPucker=0.35, jawOpen=0.4),
    "oo": _both({}, mouthFunnel=0.3, mouthPucker=0.85, jawOpen=0.15),
}
