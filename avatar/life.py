"""What a living face does by itself, as cues: when it blinks, where it looks, where the head rests.

`LifeCues` draws them frame by frame from a seed. The performances that the motion reasoner learns
from were made with the same process, so a cue means to the model what it meant there. Cue legend:
0 blink phase; 1, 2 gaze target (x, y); 3..8 anchor of the head (yaw, pitch, roll, x, y, z).
"""

from collections import deque
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from avatar.rig import Vector
from avatar.types import Activity
from speech.types import FPS

if TYPE_CHECKING:
    from collections.abc import Mapping

CUES = 9
BLINK_CUE, GAZE_CUE, HEAD_CUE = 0, slice(1, 3), slice(3, 9)
# eyeBlink through a blink: a lid falls in 3 frames and opens in 6; it lingers only for a moment.
BLINK = np.array([0.30, 0.78, 1.0, 0.94, 0.66, 0.40, 0.20, 0.08, 0.02], np.float32)
GAZE_BOUND = np.array([0.36, 0.26], np.float32)  # radians
# Slow and slowest wandering of the head; quicker motion is the performance's own.
WANDER_SECONDS = np.array([4.0, 14.0], np.float32)
WANDER_SHARE = np.array([0.7, 1.0], np.float32)
# Of yaw, pitch, roll (radians) and x, y, z (cm) at sway 1.
SWAY = np.array([1.0, 0.7, 0.6, 5.7, 3.2, 13.0], np.float32)
STIFFNESS = 0.10  # of the head's spring, per frame squared
DAMPING = 2 * STIFFNESS**0.5  # critical
FAR = (0.19, 0.09)  # radians by which a glance away differs
TWICE, WITH_GLANCE = 0.08, 0.35  # chances that a blink has a second one, a glance away a blink
TURNS_ALONG = 0.22  # of a lasting look aside, the head's share


@dataclass(frozen=True, slots=True)
class Manner:
    """How one activity looks. Seconds and radians; posture: of the head as in `SWAY`; aside: how
    far the eyes rest from the camera; spread: of fixations; away: chance of a far glance."""

    posture: tuple[float, float, float, float, float, float]
    sway: float
    blink_every: float
    gaze_every: float
    spread: tuple[float, float]
    away: float
    aside: tuple[float, float] = (0.0, 0.0)


MANNERS: "Mapping[Activity, Manner]" = {
    Activity.IDLE: Manner((0, 0, 0, 0, 0, 0), 0.022, 3.8, 1.6, (0.042, 0.018), 0.22),
    Activity.LISTENING: Manner((0, 0.012, 0.022, 0, 0, 0.6), 0.015, 4.4, 2.4, (0.025, 0.011), 0.06),
    Activity.THINKING: Manner(
        (0, -0.02, 0, 0, 0, 0), 0.018, 6.5, 1.0, (0.07, 0.04), 0.08, (0.20, 0.15)
    ),
    Activity.SPEAKING: Manner((0, 0, 0, 0, 0, 0), 0.030, 3.3, 1.5, (0.042, 0.018), 0.15),
}
_KEEP = np.exp(-1 / (FPS * WANDER_SECONDS))[:, None]
_STIR = np.sqrt(1 - _KEEP**2)


class LifeCues:
    """The cues of one session, drawn from a seed, one frame after another.

    liveliness: scales how far the head wanders.
    """

    def __init__(self, seed: int, liveliness: float = 1.0) -> None:
        self._rng = np.random.default_rng([seed, 61])
        self._liveliness = liveliness
        self._wander = self._rng.standard_normal((2, len(SWAY))).astype(np.float32)
        self._coming: deque[Vector] = deque()
        self._activity = Activity.IDLE
        self._home = np.zeros(2, np.float32)  # where the eyes rest, relative to the camera
        self._tilt = self._head_rests()
        sway = np.float32(MANNERS[self._activity].sway * liveliness)
        self._place = self._tilt + sway * self._drift()
        self._speed = np.zeros(len(SWAY), np.float32)
        self._gaze = np.zeros(2, np.float32)
        self._gaze_left = self._wait(1.0)
        self._blink_left, self._blink = self._wait(2.0), 0
        self._fixate(MANNERS[self._activity])

    def step(self, activity: Activity) -> Vector:
        """(9,) float32, the cues of the next frame, at which the avatar does `activity`."""
        manner = MANNERS[activity]
        if activity != self._activity:
            self._change(activity, manner)
        self._look(manner)
        out = np.empty(CUES, np.float32)
        out[BLINK_CUE] = self._lid(manner)
        out[GAZE_CUE] = self._gaze
        out[HEAD_CUE] = self._head(manner)
        return out

    def _change(self, activity: Activity, manner: Manner) -> None:
        """A change of mind goes with a new glance, often with a blink."""
        self._activity = activity
        side = self._rng.choice([-1.0, 1.0])
        height = self._rng.choice([-1.0, -1.0, 0.6])  # mostly up
        self._home = np.asarray(manner.aside * np.array([side, height]), np.float32)
        self._tilt = self._head_rests()
        self._gaze_left = int(self._rng.integers(1, 5))
        if self._rng.random() < 0.2:
            self._blink_left = min(self._blink_left, int(self._rng.integers(3, 20)))

    def _head_rests(self) -> Vector:
        rest = np.array(MANNERS[self._activity].posture, np.float32)
        rest[:2] += np.float32(TURNS_ALONG) * self._home
        rest[2] *= self._rng.choice([-1.0, 1.0])
        return rest

    def _wait(self, mean: float) -> int:
        """Frames until the next event; gamma-like, so never at once and never for ever."""
        return max(6, int(FPS * self._rng.gamma(4.0, mean / 4.0)))

    def _look(self, manner: Manner) -> None:
        self._gaze_left -= 1
        if self._gaze_left <= 0:
            self._gaze_left = self._wait(manner.gaze_every)
            self._fixate(manner)

    def _fixate(self, manner: Manner) -> None:
        far = self._rng.random() < manner.away
        reach = np.array(FAR if far else manner.spread)
        aside = self._home + self._rng.standard_normal(2) * reach
        self._gaze = np.clip(aside, -GAZE_BOUND, GAZE_BOUND).astype(np.float32)
        if far and self._rng.random() < WITH_GLANCE:
            self._blink_left = min(self._blink_left, 1)

    def _lid(self, manner: Manner) -> float:
        """The phase: 1 at a blink's first frame, 1/9 less each frame."""
        if self._blink == 0:
            self._blink_left -= 1
            if self._blink_left > 0:
                return 0.0
            twice = self._rng.random() < TWICE
            self._blink_left = 7 if twice else self._wait(manner.blink_every)
            self._blink = len(BLINK)
        phase = self._blink / len(BLINK)
        self._blink -= 1
        return phase

    def _head(self, manner: Manner) -> Vector:
        drift = self._drift() * np.float32(manner.sway * self._liveliness)
        pull = STIFFNESS * (self._tilt + drift - self._place)
        self._speed = np.asarray(self._speed + pull - DAMPING * self._speed, np.float32)
        self._place = np.asarray(self._place + self._speed, np.float32)
        return self._place

    def _drift(self) -> Vector:
        """(6,) at sway 1; a second is made at once, so that most frames cost nothing."""
        if not self._coming:
            for noise in self._rng.standard_normal((FPS, 2, len(SWAY))):
                self._wander = np.asarray(self._wander * _KEEP + noise * _STIR, np.float32)
                self._coming.append(np.tanh(0.6 * (WANDER_SHARE @ self._wander)) * SWAY)
        return self._coming.popleft()


def blink_of(phase: Vector) -> Vector:
    """(F,) blink cues to (F,) weights of eyeBlink."""
    at = np.rint((1 - np.asarray(phase, np.float32)) * len(BLINK)).astype(int)
    return np.where(at < len(BLINK), BLINK[np.minimum(at, len(BLINK) - 1)], 0).astype(np.float32)
