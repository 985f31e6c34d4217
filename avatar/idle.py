"""Life: blinks, gaze, breathing, sway, nods. Seeded, never looping, fitting what goes on."""

from collections import deque
from dataclasses import dataclass
from math import pi, sin

import numpy as np

from avatar.motion import HEAD, INDEX, Vector, f32, vector
from avatar.types import Activity
from speech.types import FPS

# A lid falls in 3 frames and opens in 6; it lingers only for a moment.
BLINK = (0.30, 0.78, 1.0, 0.94, 0.66, 0.40, 0.20, 0.08, 0.02)
# Slow, slower and slowest wandering add up to roughly 1/f.
WANDER_SECONDS = f32([1.2, 4.0, 14.0])
WANDER_SHARE = f32([0.35, 0.7, 1.0])
STIFFNESS = 0.10  # of the head's spring, per frame squared
DAMPING = 2 * STIFFNESS**0.5  # critical


@dataclass(frozen=True, slots=True)
class Manner:
    """How one activity looks. Seconds and radians; `posture` is where the head rests."""

    posture: dict[str, float]
    sway: float  # radians
    blink_every: float
    gaze_every: float  # mean length of a fixation
    gaze_home: tuple[float, float]
    gaze_spread: float
    away: float  # probability that a glance leaves home
    nod_every: float  # 0: never


MANNERS: dict[Activity, Manner] = {
    Activity.IDLE: Manner({}, 0.018, 3.8, 1.6, (0.0, 0.0), 0.10, 0.22, 0.0),
    Activity.LISTENING: Manner(
        {"pitch": 0.012, "roll": 0.022, "scale": 0.012, "brow_out": 0.10, "brow_in": 0.08},
        0.012, 4.6, 2.4, (0.0, 0.0), 0.06, 0.06, 4.0,
    ),
    Activity.THINKING: Manner(
        {"pitch": -0.028, "yaw": -0.045, "roll": -0.018, "brow_in": 0.14, "brow_down": 0.20},
        0.016, 5.0, 1.0, (-0.55, -0.60), 0.22, 0.15, 0.0,
    ),
    Activity.SPEAKING: Manner({}, 0.024, 3.0, 1.5, (0.0, 0.0), 0.10, 0.15, 0.0),
}  # fmt: skip
_TURN, _GAZE = ([INDEX[a], INDEX[b]] for a, b in (("yaw", "pitch"), ("gaze_x", "gaze_y")))
_SWAY = f32([1.0, 0.7, 0.6, 0.9, 0.5, 0.25])  # of HEAD, relative to `sway`
_MOVED = [INDEX[name] for name in (*HEAD, "brow_in", "brow_out", "brow_down")]
_POSTURES = {activity: vector(manner.posture)[_MOVED] for activity, manner in MANNERS.items()}
_KEEP = np.exp(-1 / (FPS * WANDER_SECONDS))[:, None]
_STIR = np.sqrt(1 - _KEEP**2)


class Life:
    """The involuntary motion of one session."""

    def __init__(self, seed: int) -> None:
        self._rng = np.random.default_rng(seed)
        self._wander = self._rng.standard_normal((3, len(HEAD))).astype(np.float32)
        self._coming: deque[tuple[Vector, float]] = deque()
        self._breath = float(self._rng.uniform(0, 2 * np.pi))
        self._place = np.zeros(len(_MOVED), np.float32)
        self._speed = np.zeros(len(_MOVED), np.float32)
        self._blink_at, self._blink_frame = self._wait(2.0), -1
        self._gaze = np.zeros(2, np.float32)
        self._look, self._look_left = np.zeros(2, np.float32), 10
        self._nod_left, self._nod_phase, self._nod_size = 60, 0.0, 0.0
        self._loud, self._since_beat, self._lift = 0.0, 99, 0.0
        self._activity = Activity.IDLE

    def step(self, activity: Activity, level: float) -> Vector:
        """(D,) motion of the next frame; level: loudness of the own speech in [0, 1]."""
        manner = MANNERS[activity]
        if activity != self._activity:
            self._activity = activity
            # A change of mind goes with a new glance, often with a blink.
            self._look_left = 2
            self._blink_at = min(self._blink_at, int(self._rng.integers(3, 30)))
        target = _POSTURES[activity].copy()
        target[: len(HEAD)] += self._sway(manner)
        self._beat(activity, level)
        target[1] += self._nod(manner) + 0.045 * self._lift
        target[len(HEAD) + 1] += 0.5 * self._lift
        self._spring(target)
        motion = vector()
        motion[_MOVED] = self._place
        self._set_gaze(motion, manner)
        self._set_blink(motion, manner)
        return motion

    def _wait(self, mean: float) -> int:
        """Frames until the next event; gamma-like, so never at once and never for ever."""
        return max(6, int(FPS * self._rng.gamma(4.0, mean / 4.0)))

    def _sway(self, manner: Manner) -> Vector:
        if not self._coming:
            # A second at once: code that runs once a frame finds nothing of its own in the cache.
            self._coming.extend(self._wander_on() for _ in range(FPS))
        drift, breath = self._coming.popleft()
        drift *= f32(manner.sway)
        drift[4] -= 0.006 * sin(breath)  # the chest lifts the head
        drift[1] -= 0.004 * sin(breath - 0.5)
        return drift

    def _wander_on(self) -> tuple[Vector, float]:
        """(6,) drift of the head at sway 1, and the phase of the breath, one frame on."""
        noise = self._rng.standard_normal(self._wander.shape)
        self._wander = f32(self._wander * _KEEP + noise * _STIR)
        self._breath += 2 * pi * 0.24 / FPS * (1 + 0.15 * float(self._wander[1, 0]))
        return np.tanh(0.6 * (WANDER_SHARE @ self._wander)) * _SWAY, self._breath

    def _nod(self, manner: Manner) -> float:
        """Small nods of someone who follows."""
        if self._nod_phase > 0:
            self._nod_phase = max(0.0, self._nod_phase - 1 / (0.55 * FPS))
            return self._nod_size * sin(pi * self._nod_phase) ** 2
        if manner.nod_every > 0:
            self._nod_left -= 1
            if self._nod_left <= 0:
                self._nod_left = self._wait(manner.nod_every)
                self._nod_phase, self._nod_size = 1.0, float(self._rng.uniform(0.04, 0.075))
        return 0.0

    def _beat(self, activity: Activity, level: float) -> None:
        """Stressed syllables move head and brows of a speaker."""
        rise = level - self._loud
        self._loud += 0.25 * rise
        self._since_beat += 1
        if activity == Activity.SPEAKING and rise > 0.28 and self._since_beat > 9:
            if self._rng.random() < 0.6:
                self._lift = float(self._rng.uniform(0.4, 1.0))
            self._since_beat = 0
        self._lift *= 0.86

    def _spring(self, target: Vector) -> None:
        pull = STIFFNESS * (target - self._place)
        damp = DAMPING * self._speed
        self._speed += pull - damp
        self._place = self._place + self._speed

    def _set_gaze(self, motion: Vector, manner: Manner) -> None:
        self._look_left -= 1
        if self._look_left <= 0:
            self._look_left = self._wait(manner.gaze_every)
            wide = self._rng.random() < manner.away
            spread = 0.45 if wide else manner.gaze_spread
            aside = self._rng.normal(0, 1, 2) * (spread, 0.6 * spread)
            self._look = np.clip(f32(manner.gaze_home) + aside, -0.9, 0.9).astype(np.float32)
            if wide and self._rng.random() < 0.4:
                self._blink_at = min(self._blink_at, 1)
        step = self._look - self._gaze
        # A saccade takes one to three frames; its last part is slower.
        self._gaze += (0.65 * step).clip(-0.4, 0.4)
        steady = motion[_TURN] * f32(-2.2)
        motion[_GAZE] = (self._gaze + steady).clip(-1, 1)

    def _set_blink(self, motion: Vector, manner: Manner) -> None:
        if self._blink_frame < 0:
            self._blink_at -= 1
            if self._blink_at <= 0:
                self._blink_frame = 0
                again = self._rng.random() < 0.08
                self._blink_at = 7 if again else self._wait(manner.blink_every)
        if self._blink_frame >= 0:
            motion[INDEX["blink_r"]] = motion[INDEX["blink_l"]] = BLINK[self._blink_frame]
            self._blink_frame += 1
            if self._blink_frame == len(BLINK):
                self._blink_frame = -1
