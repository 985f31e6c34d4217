"""How a feeling sounds: `EmotionState` to speaking rate, pitch, range, energy and pauses.

Directions follow the reviews of vocal emotion (Scherer 2003; Juslin and Laukka 2003); the sizes
were set by ear so that full intensity is plain but not a caricature.
"""

import math
from dataclasses import astuple, dataclass

import numpy as np
from numpy.typing import NDArray

from emotion.types import EMOTIONS, EmotionState

LIMITER_KNEE = 0.7  # below it the limiter is transparent


@dataclass(frozen=True, slots=True)
class Prosody:
    """Ratios to a voice's own neutral manner; 1 leaves it as it is.

    rate: words a second; pitch: mean F0; range: spread of F0; energy: amplitude;
    pause: length of silences.
    """

    rate: float = 1.0
    pitch: float = 1.0
    range: float = 1.0
    energy: float = 1.0
    pause: float = 1.0


FULL = {
    "happy": Prosody(rate=1.10, pitch=1.16, range=1.45, energy=1.20, pause=0.85),
    "sad": Prosody(rate=0.82, pitch=0.91, range=0.60, energy=0.70, pause=1.50),
    "angry": Prosody(rate=1.12, pitch=1.06, range=1.35, energy=1.45, pause=0.80),
    "fearful": Prosody(rate=1.18, pitch=1.22, range=1.15, energy=0.92, pause=1.15),
    "disgusted": Prosody(rate=0.88, pitch=0.92, range=0.85, energy=1.05, pause=1.25),
    "surprised": Prosody(rate=1.05, pitch=1.28, range=1.60, energy=1.15, pause=0.90),
}


def prosody_of(emotion: EmotionState) -> Prosody:
    """The manner of speaking for a feeling.

    Mixtures blend geometrically by weight and every ratio moves monotonically with intensity;
    neutral gives `Prosody()`.
    """
    tables = [astuple(FULL[name]) for name in EMOTIONS]
    weights = [float(w) * float(emotion.intensity) for w in emotion.weights]
    logs = [
        sum(w * math.log(row[knob]) for w, row in zip(weights, tables, strict=True))
        for knob in range(len(tables[0]))
    ]
    return Prosody(*(math.exp(x) for x in logs))


def amplify(pcm: NDArray[np.float32], gain: float) -> NDArray[np.float32]:
    """Scale (T,) float32 sound; peaks are bent softly so that no sample reaches 1."""
    loud = pcm * np.float32(gain)
    size = np.abs(loud)
    room = 1.0 - LIMITER_KNEE
    # 0.999: tanh rounds to 1 in float32, and the promise is "below 1".
    bent = LIMITER_KNEE + 0.999 * room * np.tanh((size - LIMITER_KNEE) / room)
    out = np.where(size > LIMITER_KNEE, np.copysign(bent, loud), loud)
    return out.astype(np.float32, copy=False)
