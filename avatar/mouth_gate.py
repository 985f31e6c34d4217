"""What the mouth must do whatever the net says: lips meet on m, b, p and rest when nobody speaks.

With phones known, closures follow their times as the rules of `avatar.visemes` do; by sound alone
they follow the audio encoder's closure probability. Where there is no speech for a while and no
feeling opens the mouth, lips that are parted come together. Everything else stays as it is, to the
bit. Axis legend: L frames of a chunk, R 63 rig parameters, K expression coefficients.
"""

from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from avatar.audio_encoder import CLOSURE, SPEECH
from avatar.phone_features import BEFORE, BIN, BINS, PAUSE, classes_of
from avatar.phone_features import CLOSED as SHUTS
from avatar.rig import INDEX
from avatar.semo.prepared import LIPS_LOWER, LIPS_UPPER
from avatar.semo.surface import FaceSurface
from avatar.visemes import CLOSING
from speech.types import PLAY_RATE

if TYPE_CHECKING:
    from avatar.reasoner import Conditions

Floats = NDArray[np.float32]
SEALED = -0.1  # cm beside the opening at rest: lips that are pressed together
RESTED = 0.01  # the same: lips that lie together
EARLY, LATE = (
    0.02 * PLAY_RATE,
    0.025 * PLAY_RATE,
)  # lips meet before the sound and part before it ends
SURE = (0.45, 0.75)  # closure probabilities from which lips are drawn together, and are shut
HEARD = (0.1, 0.35)  # speech probabilities of silence, and from which there may be speech
FEELS = (0.05, 0.3)  # strengths of a feeling: from there on it may part the lips
_MIDDLE = slice(2, 7)  # of the nine facing pairs of lip landmarks
_STEP = 0.25  # of mouthClose, by which its effect is measured


class MouthGate:
    """Draws lips together where they must be; holds nothing that changes."""

    def __init__(self, surface: FaceSurface) -> None:
        self._surface = surface
        marks = surface.chart.at_landmarks(surface.weights.expression)[:, :, 1]
        gaps = marks[:, LIPS_UPPER[_MIDDLE]] - marks[:, LIPS_LOWER[_MIDDLE]]
        self._gap = gaps.mean(1)
        self._rest = np.float32(0)
        self._rest = self._opening(np.zeros((1, len(INDEX)), np.float32))[0]

    def __call__(self, tokens: Floats, given: "Conditions") -> Floats:
        """(L,64) tokens of the chunk that `given` asked for to tokens with lips that meet."""
        shut, rest = closures(given), silences(given)
        if max(shut.max(), rest.max()) <= 0:
            return tokens
        rigs = self._surface.token_to_rig(tokens)
        opening = self._opening(rigs)
        spare = np.maximum(shut * (opening - SEALED), rest * (opening - RESTED)).clip(0)
        moved = np.flatnonzero(spare > 0)
        if not len(moved):
            return tokens
        out = tokens.copy()
        out[moved] += self._closed(rigs[moved], opening[moved], spare[moved])
        return out

    def opening(self, tokens: Floats) -> Floats:
        """(L,64) tokens to the (L,) cm by which the mean person's lips are further apart than at
        rest."""
        return self._opening(self._surface.token_to_rig(tokens))

    def _opening(self, rigs: Floats) -> Floats:
        coefficients = self._surface.coefficients(self._surface.rig_to_token(rigs))
        return np.asarray(coefficients @ self._gap - self._rest, np.float32)

    def _closed(self, rigs: Floats, opening: Floats, spare: Floats) -> Floats:
        """(L,64) change of the tokens that brings the lips together by `spare` cm."""
        before = self._surface.rig_to_token(rigs)
        nearer = rigs.copy()
        nearer[:, INDEX["mouthClose"]] += _STEP
        effect = (opening - self._opening(nearer)) / _STEP
        nearer[:, INDEX["mouthClose"]] += spare / np.maximum(effect, 0.5) - _STEP
        return self._surface.rig_to_token(nearer) - before


def closures(given: "Conditions") -> Floats:
    """(L,) in [0, 1], how far lips have to be shut for m, b, p."""
    if given.phones_known:
        return np.array([_closure(row) for row in classes_of(given.phones)], np.float32)
    low, high = SURE
    spoken = ramp(given.audio[:, SPEECH], HEARD)
    return np.asarray(spoken * ((given.audio[:, CLOSURE] - low) / (high - low)).clip(0, 1))


def _closure(seen: NDArray[np.int64]) -> float:
    """Of one frame from the classes (SEEN,) it sees; as `avatar.visemes` closes, then firmer, so
    that lips are shut for as long as they touch."""
    middle = (BEFORE + 0.5) * BINS * BIN
    edges = np.flatnonzero(np.diff(np.concatenate([[0], seen == SHUTS, [0]])))
    most = 0.0
    for first, last in zip(edges[::2], edges[1::2], strict=True):
        start, end = first * BIN - EARLY, last * BIN - LATE
        end = max(end, start + 1)
        # Short closures reach full contact on the frame that holds their middle.
        holds = abs((start + end) / 2 - middle) <= BINS * BIN / 2
        away = 0.0 if holds else max(start - middle, middle - end, 0.0) / CLOSING
        most = max(most, max(0.0, 1.0 - away) ** 1.5)
    return min(1.0, max(0.0, 2.5 * most - 1.5))


def silences(given: "Conditions") -> Floats:
    """(L,) in [0, 1], how far the mouth has nothing to say and nothing to show."""
    if given.phones_known:
        quiet = (classes_of(given.phones) == PAUSE).all(1).astype(np.float32)
    else:
        heard = ramp(given.audio[:, SPEECH], HEARD)
        # Sound to come parts the lips before it is heard.
        near = np.maximum(heard, np.concatenate([heard[1:], heard[-1:]]))
        quiet = 1 - near
    felt = np.nan_to_num(given.emotion, nan=1.0).max(1)
    return np.asarray(quiet * (1 - ramp(felt, FEELS)), np.float32)


def ramp(values: Floats, between: tuple[float, float]) -> Floats:
    """0 up to the first bound, 1 from the second on."""
    low, high = between
    return np.asarray(((values - low) / (high - low)).clip(0, 1), np.float32)
