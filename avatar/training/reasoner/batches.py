"""Windows of takes as batches: what the net sees, and what it is to say.

Axis legend: W windows, S 10 + T frames, T frames to learn from, B chunks (W * T / 5).
"""

from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from avatar.training.reasoner.config import Config
from avatar.training.reasoner.model import CHUNK, CONTEXT
from avatar.training.reasoner.takes import Takes
from emotion.types import EMOTIONS

FELT = 0.15  # strength from which a frame bears a feeling
SECOND = 0.4  # of the strongest: from there a second feeling makes a compound
NEUTRAL, COMPOUND = len(EMOTIONS), len(EMOTIONS) + 1
# How often each kind of window is drawn: six feelings, neutral, compounds.
KINDS = np.array([0.11] * 6 + [0.1, 0.24])


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """seen (W,S,64): tokens as they were shown and as noise is taken from; target (W,T,64); audio,
    heard (W,T,W'); bins (W,T,SEEN) int64; activity (W,T); emotion (W,T,6); cues (W,T,9);
    style (W,4); noisy (W,) 1 for a window of masked noisy sampling."""

    seen: Tensor
    target: Tensor
    audio: Tensor
    heard: Tensor
    bins: Tensor
    activity: Tensor
    emotion: Tensor
    cues: Tensor
    style: Tensor
    noisy: Tensor


class Batches:
    """Draws windows at random, the same for the same seed."""

    def __init__(self, takes: Takes, config: Config, seed: int) -> None:
        self.takes, self.config = takes, config
        self.frames = config.chunks * CHUNK
        self._rng = np.random.default_rng([config.seed, seed, 5])
        lengths = np.diff(takes.start)
        self._owner = np.repeat(np.arange(len(takes)), lengths)
        within = np.arange(len(self._owner)) - takes.start[self._owner]
        fits = (within >= CONTEXT) & (within + self.frames <= lengths[self._owner])
        self._usable = np.flatnonzero(fits)
        self._by_kind = self._kinds()

    def _kinds(self) -> list[NDArray[np.int64]]:
        """First frames of windows by the feeling in their middle."""
        kinds = kinds_of(self.takes.emotion[self._usable + self.frames // 2])
        return [self._usable[kinds == kind] for kind in range(len(KINDS))]

    def draw(self) -> Batch:
        """The next batch."""
        count, noisy = self.config.windows, 0
        if self.config.stage == 1:
            starts = self._anywhere(count)
        else:
            noisy = round(count * self.config.noisy)
            starts = np.concatenate([self._anywhere(noisy), self._felt(count - noisy)])
        return self._batch(starts, noisy)

    def _anywhere(self, count: int) -> NDArray[np.int64]:
        return self._rng.choice(self._usable, count)

    def _felt(self, count: int) -> NDArray[np.int64]:
        chances = KINDS * [len(starts) > 0 for starts in self._by_kind]
        kinds = self._rng.choice(len(KINDS), count, p=chances / chances.sum())
        return np.array([self._rng.choice(self._by_kind[kind]) for kind in kinds])

    def _batch(self, starts: NDArray[np.int64], noisy: int) -> Batch:
        at = starts[:, None] + np.arange(-CONTEXT, self.frames)
        seen, target = self._motion(at)
        self._stand_still(seen)
        later, takes = at[:, CONTEXT:], self.takes
        columns = (takes.audio, takes.heard, takes.bins, takes.activity, takes.emotion, takes.cues)
        audio, heard, bins, activity, emotion, cues = (tensor(column[later]) for column in columns)
        style = tensor(takes.style[self._owner[starts]])
        mask = (torch.arange(len(starts)) < noisy).float()
        parts = (audio, heard, bins.long(), activity.long(), emotion, cues, style, mask)
        return Batch(tensor(seen), tensor(target), *parts)

    def _motion(self, at: NDArray[np.int64]) -> tuple[NDArray[np.float32], NDArray[np.float32]]:
        """What is seen (W,S,64) and what is to be said (W,T,64)."""
        rig = self.takes.rig[at].astype(np.float32)
        if self.config.stage == 2:
            return rig, rig[:, CONTEXT:].copy()
        # The base is to answer the motion without feeling, whatever feeling it sees.
        neutral = self.takes.neutral[at].astype(np.float32)
        share = self._rng.uniform(0, 1.2, (len(at), 1, 1)).clip(max=1)
        share *= self._rng.random(share.shape) < self.config.felt_base
        seen = neutral + share.astype(np.float32) * (rig - neutral)
        return seen, neutral[:, CONTEXT:]

    def _stand_still(self, seen: NDArray[np.float32]) -> None:
        """In place: some windows begin with a face that has not moved for a while."""
        still = np.flatnonzero(self._rng.random(len(seen)) < self.config.still)
        seen[still, : CONTEXT - 1] = seen[still, CONTEXT - 1 : CONTEXT]


def kinds_of(emotion: NDArray[np.floating]) -> NDArray[np.int64]:
    """(F,6) strengths to the kind of feeling: the emotion's index, NEUTRAL or COMPOUND."""
    ordered = np.sort(emotion, 1)
    strongest, second = ordered[:, -1], ordered[:, -2]
    kinds = np.where(second > SECOND * strongest, COMPOUND, emotion.argmax(1))
    return np.asarray(np.where(strongest < FELT, NEUTRAL, kinds), np.int64)


def tensor(values: NDArray[np.generic]) -> Tensor:
    """As a tensor, floats as float32."""
    out = torch.from_numpy(np.ascontiguousarray(values))
    return out.float() if out.is_floating_point() else out
