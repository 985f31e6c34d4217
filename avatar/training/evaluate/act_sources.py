"""Where motion comes from: what the product does, the truth, and baselines, all asked alike.

Axis legend: F frames, R rig parameters.
"""

from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from time import thread_time
from typing import TYPE_CHECKING, Protocol

import numpy as np

from avatar.performer import Performer
from avatar.rig import INDEX
from avatar.semo.driver import rig_of
from avatar.semo.surface import FaceSurface
from avatar.training.evaluate.acts import STEP, Act, zeros
from avatar.training.evaluate.album import Floats
from avatar.types import Activity
from emotion.types import EmotionState
from speech.types import SAMPLES_PER_FRAME, SpeechChunk

if TYPE_CHECKING:
    from avatar.acting import Faculties, Reasoner
    from avatar.reasoner import Conditions, ReasonerState

AHEAD = 5  # frames before its first sample at which a clause is known, as live
JAW_FULL = 0.55  # jawOpen of the loudest speech of the baseline
LOUD = 95  # percentile of an act's energy that counts as loudest


class MotionSource(Protocol):
    """Something that moves a face."""

    @property
    def name(self) -> str:
        """As it stands in logs."""
        ...

    def motion(self, act: Act) -> Floats:
        """(F, 63) asked rigs: 0 is the person at rest (`avatar.semo.neutral.target_rig`)."""
        ...


class Session(Protocol):
    """The motion of one live session. spent: milliseconds of a core by frame; plans: the first
    frames of what was planned, none where it does not plan. One that hears has `hear` besides."""

    spent: list[float]
    plans: list[int]

    def push(self, speech: SpeechChunk | None, emotion: EmotionState, activity: Activity) -> None:
        """See `AvatarStream.push`."""

    def step(self) -> Floats:
        """(63,) asked rig of the next frame."""
        ...


class RuleSession:
    """The rule-made motion: what the warp engine shows, and semo before the reasoner."""

    def __init__(self, seed: int) -> None:
        self._performer = Performer(seed)
        self.spent: list[float] = []
        self.plans: list[int] = []

    def push(self, speech: SpeechChunk | None, emotion: EmotionState, activity: Activity) -> None:
        """See `Session`."""
        self._performer.push(speech, emotion, activity)

    def step(self) -> Floats:
        """See `Session`."""
        begun = thread_time()
        motion = self._performer.step()
        self.spent.append(1e3 * (thread_time() - begun))
        return rig_of(motion)


class ReasonerSession:
    """The learned motion, as a stream of semo runs it."""

    def __init__(self, faculties: "Faculties", surface: FaceSurface, seed: int) -> None:
        from avatar.acting import Actor

        self.spent: list[float] = []
        self.plans: list[int] = []
        self._surface = surface
        watched = replace(faculties, reasoner=_Watched(faculties.reasoner, self.plans))
        self._actor = Actor(watched, seed)

    def push(self, speech: SpeechChunk | None, emotion: EmotionState, activity: Activity) -> None:
        """See `Session`."""
        self._actor.push(speech, emotion, activity)

    def hear(self, pcm: Floats, start: int) -> None:
        """See `avatar.acting.Actor.hear`."""
        self._actor.hear(pcm, start)

    def step(self) -> Floats:
        """See `Session`."""
        begun = thread_time()
        token = self._actor.step()
        self.spent.append(1e3 * (thread_time() - begun))
        return np.asarray(self._surface.token_to_rig(token), np.float32)


class _Watched:
    """A reasoner that notes the first frames of its plans."""

    def __init__(self, reasoner: "Reasoner", plans: list[int]) -> None:
        self._reasoner, self._plans = reasoner, plans

    def start(self, seed: int, style: Floats) -> "ReasonerState":
        """See `avatar.acting.Reasoner`."""
        return self._reasoner.start(seed, style)

    def step(
        self, state: "ReasonerState", conditions: "Conditions"
    ) -> "tuple[Floats, ReasonerState]":
        """See `avatar.acting.Reasoner`."""
        self._plans.append(state.frame)
        return self._reasoner.step(state, conditions)


class _Pushed(Protocol):
    """Anything that takes speech and steps."""

    def push(self, speech: SpeechChunk | None, emotion: EmotionState, activity: Activity) -> None:
        """See `AvatarStream.push`."""

    def step(self) -> Floats:
        """Motion of the next frame in its own terms."""
        ...


def played(act: Act, session: _Pushed, phones: bool) -> Iterator[Floats]:
    """F frames of a session's motion; clauses arrive `AHEAD` frames before they sound."""
    waiting = list(act.chunks(phones))
    hear: Callable[[Floats, int], None] | None = getattr(session, "hear", None)
    before: Activity | None = None
    for frame in range(act.frames):
        activity = Activity(int(act.activity[frame]))
        if activity != before:
            session.push(None, act.mood, activity)
            before = activity
        # The user's sound is there once it was heard: none of this frame's.
        if hear is not None and frame and activity == Activity.LISTENING:
            hear(act.heard[(frame - 1) * STEP : frame * STEP], (frame - 1) * STEP)
        while waiting and waiting[0][0].start_sample <= (frame + AHEAD) * SAMPLES_PER_FRAME:
            chunk, felt = waiting.pop(0)
            session.push(chunk, felt, activity)
        yield session.step()


@dataclass(frozen=True, slots=True, eq=False)
class Lived:
    """What a live session does. make: a new one by its seed; phones: whether speech has them."""

    make: Callable[[int], Session]
    name: str
    phones: bool = True
    seed: int = 1

    def motion(self, act: Act) -> Floats:
        """See `MotionSource`."""
        return np.stack(list(played(act, self.make(self.seed), self.phones)))


@dataclass(frozen=True, slots=True)
class WarpRules:
    """The rules as the motion (F, D) that the warp engine draws (`act_film.WarpCast`)."""

    phones: bool = True
    seed: int = 1
    name: str = "warp engine"

    def motion(self, act: Act) -> Floats:
        """(F, D) of `avatar.motion`."""
        return np.stack(list(played(act, Performer(self.seed), self.phones)))


@dataclass(frozen=True, slots=True)
class Truth:
    """What the take's maker had the face do; without feeling where the act's feeling is none."""

    neutral: bool = False
    name: str = "truth"

    def motion(self, act: Act) -> Floats:
        """See `MotionSource`. Raises ValueError where there is no truth."""
        found = act.neutral if self.neutral else act.rig
        if found is None:
            raise ValueError(f"nobody knows how {act.name} is done")
        return found


@dataclass(frozen=True, slots=True)
class Flat:
    """A face at rest."""

    name: str = "flat neutral"

    def motion(self, act: Act) -> Floats:
        """See `MotionSource`."""
        return zeros(act)


@dataclass(frozen=True, slots=True)
class EnergyJaw:
    """A jaw that opens with the loudness of the sound, and nothing else."""

    name: str = "energy-only jaw"

    def motion(self, act: Act) -> Floats:
        """See `MotionSource`."""
        out = zeros(act)
        out[:, INDEX["jawOpen"]] = JAW_FULL * loudness(act)
        return out


def loudness(act: Act) -> Floats:
    """(F,) in [0, 1]: root of the energy of each frame, smooth over three."""
    energy = np.sqrt((act.pcm.reshape(act.frames, STEP) ** 2).mean(1))
    smooth = np.convolve(np.pad(energy, 1, "edge"), [0.25, 0.5, 0.25], "valid")
    loud = float(np.percentile(smooth[act.spoken], LOUD)) if act.spoken.any() else 1.0
    return np.asarray(np.clip(smooth / max(loud, 1e-4), 0, 1), np.float32)
