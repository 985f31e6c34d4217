"""Mood over time: a feeling sets in, is held while it is spoken, and decays to the resting mood.

This is the only dynamics of feeling: the face (in the avatar's process), and what the page is told
of it, ask the same values. A `Mood` is a value: adding a cue gives a new one, asking changes
nothing. Time is counted in media-clock samples (24 kHz); strengths are (6,) float32 in [0, 1].
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
    by_hand: float = 0.3  # until a feeling that somebody sets or lets go shows whole


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
class Change:
    """From sample `start` on something else is felt than `origin` (6,); None: by itself again."""

    emotion: EmotionState | None
    start: int
    origin: Vector


@dataclass(frozen=True, slots=True, eq=False)
class Mood:
    """The resting mood and the cues so far, in order of their start.

    settled: the last change of the resting mood; held: of what somebody set by hand.
    """

    resting: EmotionState
    cues: tuple[Cue, ...] = ()
    pace: Pace = Pace()
    settled: Change | None = None
    held: Change | None = None

    def feel(self, emotion: EmotionState, start: int, end: int, now: int = 0) -> "Mood":
        """With a clause felt as `emotion`, spoken from sample `start` to `end`.

        now: what was felt before it has been shown, so the onset does not begin earlier. Cues come
        in the order of their clauses; one that starts before the last is moved up to it, and one
        that goes on as the last did prolongs it.
        """
        begin = max(start - round(self.pace.lead * RATE), now)
        end += round(self.pace.hold * RATE)
        last = self.cues[-1] if self.cues else None
        if last is not None:
            if begin <= last.end and _alike(emotion, last.emotion):
                longer = replace(last, end=max(last.end, end))
                return replace(self, cues=(*self.cues[:-1], longer))
            begin = max(begin, last.start)
        cue = Cue(emotion, begin, end, self._by_itself(begin))
        return replace(self, cues=(*self.cues, cue)[-_KEPT_CUES:])

    def settle(self, resting: EmotionState, sample: int) -> "Mood":
        """With another resting mood from `sample` on; it comes smoothly."""
        if _alike(resting, self.resting):
            return self
        change = Change(resting, sample, self._rest(sample))
        return replace(self, resting=resting, settled=change)

    def hold(self, emotion: EmotionState | None, sample: int) -> "Mood":
        """With a feeling set by hand from `sample` on, whatever is said; None: let go."""
        if emotion is None and (self.held is None or self.held.emotion is None):
            return self
        return replace(self, held=Change(emotion, sample, self.strengths(sample)))

    def cut(self, sample: int) -> "Mood":
        """A barge-in at `sample`: what has not begun is dropped, what is felt begins to decay."""
        begun = [cue for cue in self.cues if cue.start < sample]
        return replace(self, cues=tuple(replace(c, end=min(c.end, sample)) for c in begun))

    def at(self, sample: int) -> EmotionState:
        """The state at `sample`; its latent is that of what is held or of the clause being felt."""
        names = zip(EMOTIONS, map(float, self.strengths(sample)), strict=True)
        state = EmotionState.from_strengths(dict(names))
        source = self._source(sample)
        if source is None:
            return state
        return EmotionState(state.weights, state.intensity, source.latent)

    def strengths(self, sample: int) -> Vector:
        """(6,) how strongly each emotion is felt at `sample`."""
        held = self.held
        if held is None or sample < held.start:
            return self._by_itself(sample)
        left = 1 - min((sample - held.start) / (self.pace.by_hand * RATE), 1.0)
        target = self._by_itself(sample) if held.emotion is None else held.emotion.strengths()
        # Quick at first: who drags a slider wants to see it.
        return np.asarray(target + (held.origin - target) * np.float32(left * left), np.float32)

    def _source(self, sample: int) -> EmotionState | None:
        """What speaks for itself at `sample`: what is held, else the clause being felt."""
        held = self.held
        if held is not None and held.emotion is not None and sample >= held.start:
            return held.emotion
        cue = self._cue(sample)
        return None if cue is None or sample >= cue.end else cue.emotion

    def _cue(self, sample: int) -> Cue | None:
        return next((cue for cue in reversed(self.cues) if cue.start <= sample), None)

    def _by_itself(self, sample: int) -> Vector:
        rest = self._rest(sample)
        cue = self._cue(sample)
        if cue is None:
            return rest
        value = self._risen(cue, min(sample, cue.end))
        if sample > cue.end:
            left = np.exp(-(sample - cue.end) / (self.pace.decay * RATE))
            value = rest + (value - rest) * np.float32(left)
        return value

    def _rest(self, sample: int) -> Vector:
        rest = self.resting.strengths()
        change = self.settled
        if change is None:
            return rest
        return change.origin + (rest - change.origin) * self._onset(sample - change.start)

    def _risen(self, cue: Cue, sample: int) -> Vector:
        return cue.origin + (cue.emotion.strengths() - cue.origin) * self._onset(sample - cue.start)

    def _onset(self, samples: int) -> np.float32:
        """In [0, 1]: how much of the way is done so long after it began."""
        share = min(max(samples / (self.pace.onset * RATE), 0.0), 1.0)
        return np.float32(share * share * (3 - 2 * share))  # no jerk at either end


def _alike(a: EmotionState, b: EmotionState) -> bool:
    same = np.array_equal(a.strengths(), b.strengths())
    return same and np.array_equal(a.latent, b.latent)
