"""The quality ladder: when a machine cannot keep up, pictures get fewer; sound is never delayed.

A hiccup is forgiven; only a machine that is late again and again steps down. It tries the higher
rate again soon, and waits twice as long each time that fails.
"""

from dataclasses import dataclass

from speech.types import FPS

PATIENCE = 12  # late frames, less those forgiven, before stepping down
FORGIVEN = 0.2  # late frames that each frame on time makes good: one in six late is too many
# Frames' time without a late one before stepping up again: at first, and at most.
RECOVERY, LONGEST = 2 * FPS, 32 * FPS


@dataclass(frozen=True, slots=True)
class Step:
    """One rung: of every `period` frames one is rendered; `batch` frames are asked at once."""

    period: int
    batch: int


STEPS = (Step(1, 5), Step(2, 1), Step(3, 1), Step(5, 1))


class QualityLadder:
    """Position on `STEPS`: 0 is full rate. Late frames push it down, a calm stretch lifts it."""

    def __init__(self) -> None:
        self.step = 0
        self._late = 0.0
        self._calm = 0
        self._wait = RECOVERY
        self._rose = False  # lately: the next step down says that it was too early

    @property
    def fps(self) -> float:
        """Pictures a second at this rung."""
        return FPS / STEPS[self.step].period

    @property
    def batch(self) -> int:
        """Frames to ask of the renderer at once."""
        return STEPS[self.step].batch

    def rests(self, frame: int) -> bool:
        """Whether this frame number is left out at this rung."""
        return frame % STEPS[self.step].period != 0

    def late(self, frames: int) -> None:
        """`frames` frames had to be given up."""
        self._calm = 0
        self._late += frames
        if self._late >= PATIENCE and self.step < len(STEPS) - 1:
            self._wait = min(2 * self._wait, LONGEST) if self._rose else RECOVERY
            self._rose = False
            self.step += 1
            self._late = 0.0

    def on_time(self) -> None:
        """A frame was sent in time."""
        self._late = max(0.0, self._late - FORGIVEN)
        self._calm += STEPS[self.step].period
        if self.step > 0 and self._calm >= self._wait:
            self._calm = 0
            self.step -= 1
            self._rose = True
        elif self._calm >= LONGEST:
            self._calm = 0
            self._rose = False
