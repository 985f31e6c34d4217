"""A reasoner and ears for tests of the acting: simple, quick and exact, no weights."""

from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from avatar.acting import Faculties
from avatar.reasoner import CHUNK, CONTEXT, Conditions, ReasonerState
from avatar.rig import Vector

TOKEN, LATENT = 64, (4, 64)
MOUTH, FEELING, WAITING, NODDING, NOISE = 0, slice(1, 7), 7, 8, 9  # what the token's dims show


@dataclass
class EasyReasoner:
    """Each dim goes half of the way a frame from the context's last to what is asked; remembers
    what it was asked, and at which frame."""

    asked: list[tuple[int, Conditions]] = field(default_factory=list)

    def start(self, seed: int, style: Vector) -> ReasonerState:
        return ReasonerState(np.zeros((CONTEXT, TOKEN), np.float32), 0, seed)

    def step(self, state: ReasonerState, conditions: Conditions) -> tuple[Vector, ReasonerState]:
        self.asked.append((state.frame, conditions))
        tokens = np.empty((CHUNK, TOKEN), np.float32)
        last = state.context[-1]
        for at in range(CHUNK):
            wanted = np.zeros(TOKEN, np.float32)
            wanted[MOUTH] = conditions.audio[at, 0]
            wanted[FEELING] = conditions.emotion[at]
            wanted[WAITING] = conditions.activity[at] / 3
            wanted[NODDING] = conditions.heard[at, 0]
            rng = np.random.default_rng([state.seed, state.frame + at])
            wanted[NOISE] = 0.05 * rng.standard_normal()
            last = tokens[at] = last + (wanted - last) / 2
        return tokens, state.having_shown(tokens)


class LoudnessTrack:
    """Features (count, 2): the root mean square of each frame, and 1."""

    def __init__(self) -> None:
        self._pieces: list[tuple[float, float, NDArray[np.float32]]] = []  # start, rate, sound

    def push(self, pcm: NDArray[np.float32], rate: int, start_sample: int) -> None:
        self._pieces.append((start_sample / rate, rate, pcm))

    def at(self, first_frame: int, count: int) -> Vector:
        out = np.ones((count, 2), np.float32)
        out[:, 0] = [self._level((first_frame + k) / 25) for k in range(count)]
        return out

    def clear(self) -> None:
        self._pieces.clear()

    def _level(self, second: float) -> float:
        power = 0.0
        for start, rate, pcm in self._pieces:
            first, last = (max(0, round((s - start) * rate)) for s in (second, second + 0.04))
            power += float(np.square(pcm[first:last]).sum()) / (0.04 * rate)
        return power**0.5


def faculties(reasoner: EasyReasoner | None = None) -> Faculties:
    """An `Actor`'s, where the first row of the latent is that of the strengths."""

    def latent(strengths: Vector) -> Vector:
        out = np.zeros(LATENT, np.float32)
        out[0, :6] = strengths
        return out

    return Faculties(reasoner or EasyReasoner(), LoudnessTrack, latent)
