"""What the portrait feels, as the session knows it: by itself, or as the user holds it.

The portrait has the same `Mood` in its own process; this one decides what the page is told.
"""

import numpy as np

from emotion.mood import Mood
from emotion.types import EmotionState
from pipeline.messages import feeling
from pipeline.packets import Message
from speech.types import FPS, SAMPLES_PER_FRAME

EVERY = FPS // 5  # frames between two messages; the page glides from one to the next
SAME = 0.01  # of a strength: less is no news


class Feelings:
    """The feeling of one session over time."""

    def __init__(self, resting: EmotionState) -> None:
        self.mood = Mood(resting)
        self.held: EmotionState | None = None  # a feeling that the user holds
        self._untold = False  # whether the portrait does not know it yet
        self._told: tuple[EmotionState, bool] | None = None  # what the page knows
        self._next = 0  # frame at which it is asked again

    def hold(self, emotion: EmotionState | None) -> None:
        """The user sets a feeling, or (None) lets go."""
        self.held, self._untold = emotion, True

    def retell(self) -> None:
        """Another portrait: it does not know what is held."""
        self._untold = self.held is not None

    def take(self, frame: int) -> bool:
        """Whether the portrait must be told what is held before `frame`; counts as told."""
        if not self._untold:
            return False
        self._untold = False
        self.mood = self.mood.hold(self.held, frame * SAMPLES_PER_FRAME)
        return True

    def greet(self) -> None:
        """Another page: it knows nothing."""
        self._told, self._next = None, 0

    def turn_back(self, frame: int) -> None:
        """A barge-in: what was told of `frame` and later does not hold."""
        self._told, self._next = None, frame

    def news(self, frame: int, generation: int) -> Message | None:
        """What the page is to be told of `frame`, if it is time for it and something changed."""
        if frame < self._next:
            return None
        self._next = frame + EVERY
        pts = frame * SAMPLES_PER_FRAME
        felt, held = self.mood.at(pts), self.held is not None
        if self._told is not None and self._told[1] == held and _near(self._told[0], felt):
            return None
        self._told = felt, held
        return feeling(felt, pts, generation, held=held)


def _near(a: EmotionState, b: EmotionState) -> bool:
    return float(np.abs(a.strengths() - b.strengths()).max()) < SAME
