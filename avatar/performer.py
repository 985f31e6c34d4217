"""Brings together what a portrait does: speech, feeling and life, one motion vector a frame."""

import numpy as np

from avatar.expressions import offsets
from avatar.idle import Life
from avatar.motion import EXPRESSION, INDEX, PARAMS, Vector, f32
from avatar.types import Activity
from avatar.visemes import MouthFrame, MouthTrack
from emotion.mood import Mood
from emotion.types import EmotionState
from speech.types import PLAY_RATE, SAMPLES_PER_FRAME, SpeechChunk

TINY = 1e-4  # of any parameter, not to be seen
HUSH = 25  # frames after a barge-in in which feelings do not open the mouth
_FASTEST = {
    "gap": 0.30, "jaw": 0.30, "wide": 0.35, "round": 0.40, "press": 0.40, "tuck": 0.6,
    "tongue": 0.6, "close": 1.0, "blink_r": 0.6, "blink_l": 0.6, "gaze_x": 0.5, "gaze_y": 0.5,
    "yaw": 0.02, "pitch": 0.02, "roll": 0.015, "x": 0.015, "y": 0.015, "scale": 0.006,
}  # fmt: skip
# The largest change of each parameter in one frame.
MAX_STEP: Vector = f32([_FASTEST.get(name, 0.22) for name in PARAMS])
_LIMIT: Vector = f32([1.2 if name in EXPRESSION else 1.0 for name in PARAMS])
_FOLLOW = 0.55  # share of the way that what is set by hand moves in one frame
_OPENERS = [INDEX["gap"], INDEX["jaw"], INDEX["upper"]]
_MOUTH_SHAPE = [INDEX[name] for name in ("smile_r", "smile_l", "frown", "wide", "press")]


class Performer:
    """The motion of one session; knows frames, not pixels."""

    def __init__(self, seed: int) -> None:
        self._track = MouthTrack()
        self._mood = Mood(EmotionState.neutral())
        self._life = Life(seed)
        self._activity = Activity.IDLE
        self._motion = np.zeros(len(PARAMS), np.float32)
        self._wanted = np.zeros(len(PARAMS), np.float32)  # set by hand
        self._added = np.zeros(len(PARAMS), np.float32)  # of it, so far
        self._turns: list[tuple[int, int]] = []  # first frame, turn
        self._speech = 0.0  # 1 while speaking, smooth
        self._hush = 0
        self.frame = 0  # number of the next frame
        self.turn = 0  # turn to which the next frame belongs

    def push(self, speech: SpeechChunk | None, emotion: EmotionState, activity: Activity) -> None:
        """See `AvatarStream.push`."""
        self._activity = activity
        if speech is None:
            self._mood = self._mood.settle(emotion, self.frame * SAMPLES_PER_FRAME)
            return
        self._track.push(speech)
        first = speech.start_sample // SAMPLES_PER_FRAME
        end = speech.start_sample + len(speech.pcm)
        now = self.frame * SAMPLES_PER_FRAME
        self._mood = self._mood.feel(emotion, speech.start_sample, end, now)
        if not self._turns or self._turns[-1][1] != speech.turn:
            self._turns.append((first, speech.turn))

    def clear(self, frame: int) -> None:
        """See `AvatarStream.clear`."""
        self._track.clear()
        self._mood = self._mood.cut(frame * SAMPLES_PER_FRAME)
        self._turns.clear()
        self._hush = HUSH
        self.frame = frame

    def feel(self, emotion: EmotionState | None) -> None:
        """See `AvatarStream.feel`."""
        self._mood = self._mood.hold(emotion, self.frame * SAMPLES_PER_FRAME)

    def adjust(self, motion: Vector) -> None:
        """(D,) added to what the portrait does from the next frame on, until changed."""
        self._wanted = f32(motion)

    def step(self) -> Vector:
        """(D,) motion of frame number `frame`; moves on to the next."""
        mouth = self._track.at(self.frame)
        feeling = offsets(self._mood.strengths(self.frame * SAMPLES_PER_FRAME))
        life = self._life.step(self._activity, mouth.level)
        target = self._combine(mouth, feeling, life)
        self._motion = self._motion + (target - self._motion).clip(-MAX_STEP, MAX_STEP)
        self._advance()
        return self._with_added()

    def _with_added(self) -> Vector:
        if not (self._wanted.any() or self._added.any()):
            return self._motion.copy()
        # A hand is followed faster than a face moves by itself, yet without a jump.
        self._added += f32(_FOLLOW) * (self._wanted - self._added)
        self._added[np.abs(self._added) < TINY] = 0
        total = self._motion + self._added
        return f32(total.clip(-_LIMIT, _LIMIT))

    def _advance(self) -> None:
        self.frame += 1
        self._hush = max(0, self._hush - 1)
        while self._turns and self._turns[0][0] <= self.frame:
            self.turn = self._turns.pop(0)[1]

    def _combine(self, mouth: MouthFrame, feeling: Vector, life: Vector) -> Vector:
        self._speech += 0.35 * (float(mouth.speaking) - self._speech)
        # While speaking the words own the lips; a feeling colours them.
        feeling[_OPENERS] *= (1 - 0.75 * self._speech) * max(0.0, 1 - 2 * self._hush / HUSH)
        feeling[_MOUTH_SHAPE] *= 1 - 0.35 * self._speech
        total = mouth.motion + feeling + life
        for side in ("blink_r", "blink_l"):
            # A drooping lid has less far to fall.
            at = INDEX[side]
            total[at] = life[at] + feeling[at] * (1 - life[at])
        return f32(total.clip(-_LIMIT, _LIMIT))

    @property
    def speaking(self) -> float:
        """How far the words own the lips, in [0, 1]."""
        return self._speech

    def speaks_until(self) -> float:
        """Media time in seconds at which the known speech ends."""
        return self._track.end / PLAY_RATE
