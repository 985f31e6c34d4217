"""The acting of one session: speech, feeling and life in, one motion token a frame out.

`Actor` plans five frames at a time with the motion reasoner, from what it knows then: the sound and
the phones of the speech, what it hears of the user, the feeling, the activity, and the cues of its
own life. When something new arrives it plans anew from the frames already shown, so that nothing is
late and no seam shows. Axis legend: D = 64 token dims, F frames, T samples.
"""

from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import cache
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from avatar.life import LifeCues
from avatar.phone_features import AFTER, BEFORE, phone_features
from avatar.reasoner import CHUNK, CONTEXT, Conditions, ReasonerState
from avatar.rig import Vector
from avatar.types import Activity
from avatar.visemes import Phone
from emotion.mood import Mood
from emotion.types import EmotionState
from speech.types import FEATURE_RATE, PLAY_RATE, SAMPLES_PER_FRAME, SpeechChunk

KEPT = 40  # frames shown that are remembered: rendered ahead, and the context before them
EARLY, LINGER = 4, 6  # frames for which a speaker is one before the first sound and after the last
STYLES = 4
_FOLLOW = 0.35  # share of the way a frame that `speaking` moves


class Reasoner(Protocol):
    """What plans: see `avatar.reasoner.MotionReasoner`."""

    def start(self, seed: int, style: Vector) -> ReasonerState:
        """The state of someone at rest."""
        ...

    def step(self, state: ReasonerState, conditions: Conditions) -> tuple[Vector, ReasonerState]:
        """The next CHUNK tokens and the state after them."""
        ...


class Track(Protocol):
    """What the sound of one speaker says of the frames: see `avatar.audio_encoder.AudioTrack`."""

    def push(self, pcm: NDArray[np.float32], rate: int, start_sample: int) -> None:
        """Add (T,) sound from sample `start_sample` (at `rate`) of the media clock."""
        ...

    def at(self, first_frame: int, count: int) -> Vector:
        """(count, W) features; silence where nothing is."""
        ...

    def clear(self) -> None:
        """Forget all sound."""
        ...


@dataclass(frozen=True, slots=True)
class Faculties:
    """What actors share. track: makes a fresh ear; latent: (6,) strengths to the (N, E) latent."""

    reasoner: Reasoner
    track: Callable[[], Track]
    latent: Callable[[Vector], Vector]


@cache
def load_faculties() -> Faculties:
    """The shipped ones, once a process: they hold nothing that changes.

    Raises ConfigError where weights are missing.
    """
    from avatar.audio_encoder import AudioEncoder, AudioTrack
    from avatar.reasoner import MotionReasoner
    from emotion.latent_space import load_space

    encoder, space = AudioEncoder(), load_space()
    return Faculties(
        MotionReasoner(),
        lambda: AudioTrack(encoder),
        lambda strengths: space.label_latents(strengths[None])[0],
    )


@dataclass(frozen=True, slots=True)
class _Span:
    """Speech on the media clock; start, end in samples."""

    start: int
    end: int
    turn: int
    phones: bool  # whether its phones are known


class Actor:
    """The motion of one session in canonical tokens (0 is this person at rest)."""

    def __init__(self, faculties: Faculties, seed: int) -> None:
        self._reasoner, self._latent = faculties.reasoner, faculties.latent
        self._voice, self._user = faculties.track(), faculties.track()
        self._life = LifeCues(seed)
        self._lived = 0  # the first frame without cues
        self._cues: dict[int, Vector] = {}
        self._mood = Mood(EmotionState.neutral())
        self._rest = Activity.IDLE
        self._coming: deque[SpeechChunk] = deque()  # sound that no plan has needed yet
        self._spans: deque[_Span] = deque()
        self._phones: deque[Phone] = deque()
        self._style = style_of(seed)
        self._start = self._before = self._after = faculties.reasoner.start(seed, self._style)
        self._first, self._plan = -CHUNK, np.zeros((0, 0), np.float32)  # no plan yet
        self._stale = True
        self._shown: deque[tuple[int, Vector]] = deque(maxlen=KEPT)
        self._speech = 0.0
        self._turns: deque[tuple[int, int]] = deque()  # first frame, turn
        self.frame = 0  # number of the next frame
        self.turn = 0  # turn to which the next frame belongs

    @property
    def speaking(self) -> float:
        """How far the words own the lips, in [0, 1]."""
        return self._speech

    def speaks_until(self) -> float:
        """Media time in seconds at which the known speech ends."""
        return self._spans[-1].end / PLAY_RATE if self._spans else 0.0

    # --- what happens --------------------------------------------------------------------------

    def push(self, speech: SpeechChunk | None, emotion: EmotionState, activity: Activity) -> None:
        """See `AvatarStream.push`. Raises ValueError unless speech is at PLAY_RATE."""
        if speech is None:
            self._mood = self._mood.settle(emotion, self._now)
            self._stale |= activity is not self._rest
            self._rest = activity
            return
        if speech.rate != PLAY_RATE:
            raise ValueError(f"speech must be at {PLAY_RATE} Hz, got {speech.rate}")
        start, end = speech.start_sample, speech.start_sample + len(speech.pcm)
        self._coming.append(speech)
        self._phones.extend(Phone(p.symbol, start + p.start, start + p.end) for p in speech.phones)
        self._spans.append(_Span(start, end, speech.turn, bool(speech.phones)))
        self._mood = self._mood.feel(emotion, start, end, self._now)
        # What was planned did not know of speech that comes so soon.
        self._stale |= start // SAMPLES_PER_FRAME < self._first + CHUNK + AFTER
        if not self._turns or self._turns[-1][1] != speech.turn:
            self._turns.append((start // SAMPLES_PER_FRAME, speech.turn))
            self._advance(0)

    def hear(self, pcm: NDArray[np.float32], start: int) -> None:
        """See `AvatarStream.hear`."""
        self._user.push(pcm, FEATURE_RATE, start)

    def feel(self, emotion: EmotionState | None) -> None:
        """See `AvatarStream.feel`."""
        self._mood = self._mood.hold(emotion, self._now)
        self._stale = True

    def clear(self, frame: int) -> None:
        """See `AvatarStream.clear`. What was rendered of later frames was not seen: motion goes on
        from those before `frame`."""
        self._voice.clear()
        self._coming.clear()
        self._phones.clear()
        self._spans.clear()
        self._turns.clear()
        self._mood = self._mood.cut(frame * SAMPLES_PER_FRAME)
        seen = [token for at, token in self._shown if at < frame]
        self._shown = deque(((at, t) for at, t in self._shown if at < frame), KEPT)
        context = np.concatenate([self._start.context, *(token[None] for token in seen)])
        self._before = replace(self._before, context=context[-CONTEXT:], frame=frame)
        self._after, self._first = self._before, frame - CHUNK
        if not self._lived - KEPT < frame <= self._lived:
            self._lived, self._cues = frame, {}
        self._stale = True
        self.frame = frame

    # --- time ----------------------------------------------------------------------------------

    def step(self) -> Vector:
        """(D,) token of frame number `frame`; moves on to the next."""
        if self._stale or not 0 <= self.frame - self._first < CHUNK:
            self._think(self._begins())
        token: Vector = self._plan[self.frame - self._first]
        self._shown.append((self.frame, token))
        self._speech += _FOLLOW * (float(self._speaks(self.frame)) - self._speech)
        self._advance(1)
        return token

    def skip(self, count: int) -> None:
        """Let frames pass without planning them; motion goes on from where it stands."""
        self._speech += (1 - (1 - _FOLLOW) ** count) * (
            float(self._speaks(self.frame + count - 1)) - self._speech
        )
        self._cue(self.frame + count - 1)
        self._advance(count)

    def _advance(self, count: int) -> None:
        self.frame += count
        while self._turns and self._turns[0][0] <= self.frame:
            self.turn = self._turns.popleft()[1]
        past = (self.frame - KEPT) * SAMPLES_PER_FRAME
        while len(self._spans) > 1 and self._spans[0].end < past:
            self._spans.popleft()
        while self._coming and self._coming[0].start_sample + len(self._coming[0].pcm) < past:
            self._coming.popleft()  # nobody was looking
        while self._phones and self._phones[0].end < past:
            self._phones.popleft()

    @property
    def _now(self) -> int:
        return self.frame * SAMPLES_PER_FRAME

    # --- planning ------------------------------------------------------------------------------

    def _begins(self) -> int:
        """The first frame of the plan that is needed now.

        Frames that were not rendered are planned all the same as far as one plan goes: on a slow
        machine motion keeps its pace.
        """
        at = self.frame - self._first
        if at <= CHUNK:
            return self.frame
        return self._first + CHUNK if at < 2 * CHUNK else self.frame - CHUNK + 1

    def _think(self, first: int) -> None:
        self._before = self._state_at(first)
        self._plan, self._after = self._reasoner.step(self._before, self._conditions(first))
        self._first, self._stale = first, False

    def _state_at(self, frame: int) -> ReasonerState:
        """As if all planned frames before `frame` had been shown."""
        at = frame - self._first
        if at == 0:
            return self._before
        if 0 < at < CHUNK:
            return self._before.having_shown(self._plan[:at])
        return replace(self._after, frame=frame)

    def _conditions(self, first: int) -> Conditions:
        frames = range(first, first + CHUNK)
        middle = [frame * SAMPLES_PER_FRAME + SAMPLES_PER_FRAME // 2 for frame in frames]
        return Conditions(
            audio=self._sound(first),
            heard=self._user.at(first, CHUNK),
            phones=phone_features(self._phones, first, CHUNK),
            phones_known=self._phones_known(first),
            activity=np.array([self._activity(frame) for frame in frames], np.int64),
            emotion=np.stack([self._mood.strengths(sample) for sample in middle]),
            latent=self._latent_at(middle[CHUNK // 2]),
            style=self._style,
            cues=np.stack([self._cue(frame) for frame in frames]),
        )

    def _sound(self, first: int) -> Vector:
        horizon = (first + CHUNK + AFTER) * SAMPLES_PER_FRAME
        while self._coming and self._coming[0].start_sample < horizon:
            chunk = self._coming.popleft()
            self._voice.push(chunk.pcm, PLAY_RATE, chunk.start_sample)
        return self._voice.at(first, CHUNK)

    def _latent_at(self, sample: int) -> Vector:
        """What the clause says, where it was read; else what the strengths say."""
        felt = self._mood.at(sample)
        by_strengths = self._latent(felt.strengths())
        return felt.latent if felt.latent.shape == by_strengths.shape else by_strengths

    def _phones_known(self, first: int) -> bool:
        """Whether all speech that the phones of a chunk could tell of has them."""
        start = (first - BEFORE) * SAMPLES_PER_FRAME
        end = (first + CHUNK + AFTER) * SAMPLES_PER_FRAME
        near = (span for span in self._spans if span.start < end and span.end > start)
        return all(span.phones for span in near)

    def _activity(self, frame: int) -> Activity:
        return Activity.SPEAKING if self._speaks(frame, EARLY, LINGER) else self._rest

    def _speaks(self, frame: int, early: int = 0, linger: int = 0) -> bool:
        start = (frame - linger) * SAMPLES_PER_FRAME
        end = (frame + 1 + early) * SAMPLES_PER_FRAME
        return any(span.start < end and span.end > start for span in self._spans)

    def _cue(self, frame: int) -> Vector:
        """Frames that are planned again keep the cues that they had."""
        while self._lived <= frame:
            self._cues[self._lived] = self._life.step(self._activity(self._lived))
            self._cues.pop(self._lived - KEPT, None)
            self._lived += 1
        return self._cues[frame]


def style_of(seed: int) -> Vector:
    """(4,) float32, about mean 0 and variance 1: how this one acts, see the performances."""
    drawn = np.random.default_rng([seed, 5]).standard_normal(STYLES)
    return np.asarray(drawn.clip(-1.5, 1.5), np.float32)
