"""How a feeling shows in the face, and how it comes and goes."""

from collections import deque

import numpy as np

from avatar.motion import Vector, vector
from emotion.types import EMOTIONS, EmotionState

ONSET_LEAD = 5  # frames by which the face is ahead of the words
RISE, FALL = 0.30, 0.13  # share of the way per frame, twice in a row (a smooth S)
INVISIBLE = 1e-4  # strengths below this are none

# Offsets at intensity 1; see Ekman and Friesen's prototypes (action units in comments).
_FACES: dict[str, dict[str, float]] = {
    "happy": {  # 6 + 12
        "smile_r": 1.0, "smile_l": 1.0, "cheek": 0.8, "squint_r": 0.45, "squint_l": 0.45,
        "gap": 0.12, "upper": 0.15, "brow_out": 0.25, "pitch": -0.015,
    },
    "sad": {  # 1 + 4 + 15
        "brow_in": 1.0, "brow_down": 0.15, "frown": 1.0, "blink_r": 0.16, "blink_l": 0.16,
        "gaze_y": 0.30, "pitch": 0.05,
    },
    "angry": {  # 4 + 5 + 7 + 23
        "brow_down": 1.1, "press": 0.75, "squint_r": 0.55, "squint_l": 0.55, "frown": 0.35,
        "sneer_r": 0.2, "sneer_l": 0.2, "pitch": 0.035, "scale": 0.012,
    },
    "fearful": {  # 1 + 2 + 4 + 5 + 20 + 25
        "brow_in": 0.95, "brow_out": 0.35, "brow_down": 0.25, "widen_r": 1.0, "widen_l": 1.0,
        "wide": 0.65, "frown": 0.25, "gap": 0.16, "jaw": 0.15, "pitch": -0.02, "scale": -0.012,
    },
    "disgusted": {  # 9 + 10 + 17, stronger on one side
        "sneer_r": 1.0, "sneer_l": 0.65, "upper": 0.4, "brow_down": 0.55, "squint_r": 0.6,
        "squint_l": 0.45, "cheek": 0.45, "frown": 0.5, "yaw": 0.04, "pitch": -0.02, "roll": 0.02,
    },
    "surprised": {  # 1 + 2 + 5 + 26
        "brow_in": 0.80, "brow_out": 0.95, "widen_r": 1.0, "widen_l": 1.0, "gap": 0.46,
        "jaw": 0.75, "round": 0.22, "pitch": -0.03,
    },
}  # fmt: skip
_OFFSETS = np.stack([vector(_FACES[name]) for name in EMOTIONS])


def offsets(strengths: Vector) -> Vector:
    """(6,) strengths in [0, 1] to (D,) motion offsets; mixtures add."""
    return np.asarray(strengths @ _OFFSETS, np.float32)


class Feeling:
    """The feeling of one session: base mood, and feelings that belong to spans of speech."""

    def __init__(self) -> None:
        self._base = np.zeros(len(EMOTIONS), np.float32)
        self._spans: deque[tuple[int, int, Vector]] = deque()
        self._first = np.zeros(len(EMOTIONS), np.float32)
        self._shown = np.zeros(len(EMOTIONS), np.float32)

    def settle(self, emotion: EmotionState) -> None:
        """Feel this from the next frame on, wherever no speech says otherwise."""
        self._base = emotion.strengths().astype(np.float32)

    def schedule(self, emotion: EmotionState, start: int, end: int) -> None:
        """Feel this during frames start..end (of one piece of speech)."""
        self._spans.append((start, end, emotion.strengths().astype(np.float32)))

    def clear(self) -> None:
        """Forget scheduled feelings; what shows fades to the base mood."""
        self._spans.clear()

    def step(self, frame: int) -> Vector:
        """(D,) motion offsets at a frame; called once for each frame, in order."""
        while self._spans and self._spans[0][1] < frame:
            self._spans.popleft()
        started = self._spans and self._spans[0][0] - ONSET_LEAD <= frame
        target = self._spans[0][2] if started else self._base
        if not (target.any() or self._first.any() or self._shown.any()):
            return vector()
        self._first += np.where(target > self._first, RISE, FALL) * (target - self._first)
        self._shown += np.where(self._first > self._shown, RISE, FALL) * (self._first - self._shown)
        self._shown[self._shown < INVISIBLE] = self._first[self._first < INVISIBLE] = 0
        return offsets(self._shown)
