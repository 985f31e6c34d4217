"""Mood over time: a feeling sets in, is held while it is spoken, and decays to the resting mood.

A `Mood` is a value: adding a cue gives a new one, asking changes nothing. Time is counted in
media-clock samples (24 kHz); strengths are (6,) float32 in [0, 1].
"""

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from emotion.types import EMOTIONS, EmotionState

Vector = NDArray[np.float32]

RATE = 24_000  # media clock, Hz
_KEPT_CUES = 16  # older ones have decayed, or live on in the values the later ones start from


@dataclass(frozen=True, slots=True)
class Pace:
    """How quickly feelings come and go, in seconds."""

    lead: float = 0.2  # the face feels before the first word
    onset: float = 0.4
    hold: float = 0.2  # after the last word
    decay: float = 1.2  # time constant of the way back to rest; longer gapes look odd


@dataclass(frozen=True, slots=True, eq=False)
class Cue:
    """A feeling from sample `start` (onset begins) to `end` (decay begins).

    origin: (6,) strengths where the onset starts from.
    """

    emotion: EmotionState
    start: int
    end: int
    origin: Vector


@dataclass(frozen=True, slots=True, eq=False)
class Mood:
    """The resting mood and the cues so far, in order of their start."""

    resting: EmotionState
    cues: tuple[Cue, ...] = ()
    pace: Pace = Pace()

    def feel(self, emotion: EmotionState, start: int, end: int) -> "Mood":
        """With a clause felt as `emotion`, spoken from sample `start` to `end`.

        Cues come in the order of their clauses; one that starts before the last is moved up to it.
        """
        begin = start - round(self.pace.lead * RATE)
        if self.cues:
            begin = max(begin, self.cues[-1].start)
        cue = Cue(emotion, begin, end + round(self.pace.hold * RATE), self._strengths(begin))
        return replace(self, cues=(*self.cues, cue)[-_KEPT_CUES:])

    def cut(self, sample: int) -> "Mood":
        """A barge-in at `sample`: what has not begun is dropped, what is felt begins to decay."""
        begun = [cue for cue in self.cues if cue.start < sample]
        return replace(self, cues=tuple(replace(c, end=min(c.end, sample)) for c in begun))

    def at(self, sample: int) -> EmotionState:
        """The state at `sample`; its latent is that of the clause being felt."""
        names = zip(EMOTIONS, map(float, self._strengths(sample)), strict=True)
        state = EmotionState.from_strengths(dict(names))
        cue = self._cue(sample)
        if cue is None or sample >= cue.end:
            return state
        return EmotionState(state.weights, state.intensity, cue.emotion.latent)

    def _cue(self, sample: int) -> Cue | None:
        return next((cue for cue in reversed(self.cues) if cue.start <= sample), None)

    def _strengths(self, sample: int) -> Vector:
        rest = self.resting.strengths()
        cue = self._cue(sample)
        if cue is None:
            return rest
        value = self._risen(cue, min(sample, cue.end))
        if sample > cue.end:
            left = np.exp(-(sample - cue.end) / (self.pace.decay * RATE))
            value = rest + (value - rest) * np.float32(left)
        return value

    def _risen(self, cue: Cue, sample: int) -> Vector:
        share = min((sample - cue.start) / (self.pace.onset * RATE), 1.0)
        smooth = np.float32(share * share * (3 - 2 * share))  # no jerk at either end
        return cue.origin + (cue.emotion.strengths() - cue.origin) * smooth
