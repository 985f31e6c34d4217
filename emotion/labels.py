"""Emotion labels as people write them: "happy:0.8,surprised:0.3", "sadly angry", "joy"."""

from collections.abc import Mapping
from types import MappingProxyType

from emotion.errors import MediaError
from emotion.types import EMOTIONS, EmotionState

# Du, Tao and Martinez 2014, "Compound facial expressions of emotion".
COMPOUNDS: Mapping[str, tuple[str, str]] = MappingProxyType(
    {
        "happily surprised": ("happy", "surprised"),
        "happily disgusted": ("happy", "disgusted"),
        "sadly fearful": ("sad", "fearful"),
        "sadly angry": ("sad", "angry"),
        "sadly surprised": ("sad", "surprised"),
        "sadly disgusted": ("sad", "disgusted"),
        "fearfully angry": ("fearful", "angry"),
        "fearfully surprised": ("fearful", "surprised"),
        "fearfully disgusted": ("fearful", "disgusted"),
        "angrily surprised": ("angry", "surprised"),
        "angrily disgusted": ("angry", "disgusted"),
        "disgustedly surprised": ("disgusted", "surprised"),
        "appalled": ("disgusted", "angry"),
        "hateful": ("angry", "disgusted"),
        "awed": ("surprised", "fearful"),
    }
)

_SYNONYMS: Mapping[str, str] = MappingProxyType(
    {
        "happiness": "happy", "joy": "happy", "joyful": "happy", "glad": "happy",
        "sadness": "sad", "sorrow": "sad", "unhappy": "sad",
        "anger": "angry", "rage": "angry", "mad": "angry",
        "fear": "fearful", "afraid": "fearful", "scared": "fearful",
        "disgust": "disgusted", "surprise": "surprised", "astonished": "surprised",
        "calm": "neutral", "none": "neutral",
    }
)  # fmt: skip

_MAX_CHARACTERS = 1_000
_REMEDY = 'Write for example "happy:0.8,surprised:0.3" or "sadly angry".'


def known_labels() -> tuple[str, ...]:
    """The names that `parse_labels` documents, in reading order."""
    return (*EMOTIONS, "neutral", *COMPOUNDS)


def parse_labels(text: str) -> EmotionState:
    """Read "name[:strength]" separated by commas; a name alone has strength 1.

    Raises MediaError on an unknown name or a strength outside [0, 1].
    """
    if len(text) > _MAX_CHARACTERS:
        raise MediaError(f"The emotion labels are {len(text):,} characters long.", _REMEDY)
    parts = [part.strip() for part in text.split(",") if part.strip()]
    if not parts:
        raise MediaError("No emotion label was given.", _REMEDY)
    return state_from_labels(dict(_parse_one(part) for part in parts))


def state_from_labels(labels: Mapping[str, float]) -> EmotionState:
    """Strengths in [0, 1] by label (any case) as a state. Raises MediaError as `parse_labels`."""
    strengths: dict[str, float] = {}
    for name, strength in labels.items():
        value = _checked(name, strength)
        for emotion in _emotions_of(name):
            strengths[emotion] = max(strengths.get(emotion, 0.0), value)
    return EmotionState.from_strengths(strengths)


def mixture(shares: Mapping[str, float], intensity: float) -> EmotionState:
    """Shares of labels (any scale in [0, 1]) felt at an intensity in [0, 1], which is that of the
    strongest. Raises MediaError as `parse_labels`."""
    strengths = state_from_labels(shares).strengths()
    peak = float(strengths.max())
    if peak <= 0:
        return EmotionState.neutral()
    scaled = (strengths * (_checked("intensity", intensity) / peak)).tolist()
    return EmotionState.from_strengths(dict(zip(EMOTIONS, scaled, strict=True)))


def _parse_one(part: str) -> tuple[str, float]:
    name, colon, number = part.partition(":")
    if not colon:
        return name, 1.0
    try:
        return name, float(number)
    except ValueError:
        raise MediaError(f"The strength in {_shown(part)} is not a number.", _REMEDY) from None


def _checked(name: str, strength: float) -> float:
    if not 0.0 <= strength <= 1.0:
        raise MediaError(
            f"The strength {strength} of {_shown(name)} is not between 0 and 1.", _REMEDY
        )
    return float(strength)


def _emotions_of(label: str) -> tuple[str, ...]:
    """The emotions a label stands for; () for neutral."""
    name = " ".join(label.casefold().replace("_", " ").replace("-", " ").split())
    name = _SYNONYMS.get(name, name)
    if name == "neutral":
        return ()
    if name in EMOTIONS:
        return (name,)
    if name in COMPOUNDS:
        return COMPOUNDS[name]
    raise MediaError(
        f"Unknown emotion {_shown(label)}.", f"Known are: {', '.join(known_labels())}. {_REMEDY}"
    )


def _shown(text: str) -> str:
    return repr(text if len(text) <= 60 else text[:57] + "...")
