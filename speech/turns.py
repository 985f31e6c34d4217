"""Whose turn it is: speech onsets, levels and ends of turns from a session's microphone.

Time is counted in 16 kHz samples since the session's microphone began. Decisions fall on windows
of 32 ms.
"""

import math
from collections import deque
from dataclasses import dataclass
from enum import Enum
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from speech.onset import OnsetMeter
from speech.types import FEATURE_RATE
from speech.vad import SPEECH, WINDOW

HANGOVER = 0.35  # a window after speech counts as speech above this: voices fade
LEVEL_EVERY = 3  # windows between two `Level` events, about a tenth of a second
LEVEL_FLOOR, LEVEL_CEILING = -60.0, -12.0  # dBFS shown as 0 and 1


class Mode(Enum):
    """How the user takes the turn."""

    HANDS_FREE = "hands_free"
    PUSH_TO_TALK = "push_to_talk"


@dataclass(frozen=True, slots=True)
class SpeechStarted:
    """The user is speaking, since `sample`; this is what interrupts the avatar."""

    sample: int


@dataclass(frozen=True, slots=True)
class SpeechDropped:
    """What started was too short to be a turn (a cough, a tap on the button)."""

    sample: int


@dataclass(frozen=True, slots=True)
class Level:
    """Loudness of the microphone in [0, 1] and whether the user is speaking."""

    value: float
    speaking: bool


@dataclass(frozen=True, slots=True, eq=False)
class SpeechEnded:
    """A whole turn. audio: (T,) float32 at 16 kHz from the pre-roll on; start, end: where the
    speech itself lies on the microphone's clock."""

    audio: NDArray[np.float32]
    start_sample: int
    end_sample: int


TurnEvent = SpeechStarted | SpeechDropped | Level | SpeechEnded


@dataclass(frozen=True, slots=True)
class TurnSettings:
    """Times in seconds. Longer `end_silence` lets people think; shorter answers sooner."""

    end_silence: float = 0.5
    onset: float = 0.12  # speech before a start is reported: ignores clicks, interrupts in time
    min_speech: float = 0.2
    max_turn: float = 30.0
    pre_roll: float = 0.2


class SpeechProbability(Protocol):
    """What a `TurnDetector` listens through, e.g. a `speech.vad.VadStream`."""

    def push(self, pcm: NDArray[np.float32]) -> list[float]:
        """One probability for each window of WINDOW samples that fills."""
        ...


def interrupts(events: list[TurnEvent]) -> bool:
    """Whether the user has begun to speak, so that the avatar should fall silent."""
    return any(isinstance(event, SpeechStarted) for event in events)


class TurnDetector:
    """One session's turn taking. Feed it everything the microphone gives, in pieces of any size.

    Hands-free, speech starts and ends turns. With push-to-talk the button does: `press` and
    `release` give all that was said between them.
    """

    def __init__(
        self,
        vad: SpeechProbability,
        settings: TurnSettings | None = None,
        mode: Mode = Mode.HANDS_FREE,
    ) -> None:
        self._vad = vad
        self._settings = settings or TurnSettings()
        self._mode = mode
        self._rest = np.zeros(0, np.float32)  # samples of an unfinished window
        self._kept: deque[NDArray[np.float32]] = deque()
        self._kept_from = 0  # sample of the first kept window
        self._now = 0  # sample after the last finished window
        self._levels: list[float] = []
        self._turn = _Turn()
        self._onset = OnsetMeter()
        self._pressed: int | None = None

    @property
    def mode(self) -> Mode:
        """How the user takes the turn now."""
        return self._mode

    @property
    def samples(self) -> int:
        """Samples fed so far: the microphone's clock."""
        return self._now + len(self._rest)

    def set_mode(self, mode: Mode) -> list[TurnEvent]:
        """Change the mode; a turn under way is dropped."""
        dropped = self._drop() if self._busy() else []
        self._mode = mode
        return dropped

    def feed(self, pcm: NDArray[np.int16] | NDArray[np.float32]) -> list[TurnEvent]:
        """pcm: (T,) int16 or float32 in [-1, 1] at 16 kHz. What happened within it, in order."""
        heard = np.concatenate([self._rest, _as_float(pcm)])
        whole = len(heard) // WINDOW * WINDOW
        probabilities = self._vad.push(heard[len(self._rest) :])
        self._rest = heard[whole:]
        events: list[TurnEvent] = []
        for window, probability in zip(
            heard[:whole].reshape(-1, WINDOW), probabilities, strict=True
        ):
            events += self._hear(window, probability)
        return events

    def press(self) -> list[TurnEvent]:
        """The talk button goes down: the turn starts now."""
        if self._mode is not Mode.PUSH_TO_TALK or self._pressed is not None:
            return []
        self._pressed = self.samples
        return [SpeechStarted(self._pressed)]

    def release(self) -> list[TurnEvent]:
        """The talk button goes up: the turn ends now."""
        if self._pressed is None:
            return []
        start, self._pressed = self._pressed, None
        if self.samples - start < self._settings.min_speech * FEATURE_RATE:
            return [SpeechDropped(start)]
        return [self._ended(start, self.samples)]

    def _busy(self) -> bool:
        return self._pressed is not None or self._turn.reported

    def _hear(self, window: NDArray[np.float32], probability: float) -> list[TurnEvent]:
        self._kept.append(window)
        start, self._now = self._now, self._now + WINDOW
        speaking = probability > (HANGOVER if self._turn.speaking else SPEECH)
        events = self._level(window, speaking)
        if self._mode is Mode.HANDS_FREE:
            events += self._hands_free(window, start, speaking)
        elif self._pressed is not None and self._too_long(self._pressed):
            events += self.release()
        self._forget()
        return events

    def _hands_free(
        self, window: NDArray[np.float32], start: int, speaking: bool
    ) -> list[TurnEvent]:
        turn, settings = self._turn, self._settings
        turn.note(start, speaking)
        if turn.start is None:
            self._onset.quiet(window)
            return []
        events: list[TurnEvent] = []
        if not turn.reported:
            self._onset.hear(window)
            if speaking and self._onset.seconds() >= settings.onset:
                turn.reported = True
                events.append(SpeechStarted(turn.start))
            elif turn.silent >= _windows(settings.onset):
                self._turn = _Turn()
        elif turn.silent >= _windows(settings.end_silence) or self._too_long(turn.start):
            events += self._finish()
        return events

    def _finish(self) -> list[TurnEvent]:
        turn, self._turn = self._turn, _Turn()
        assert turn.start is not None
        if turn.voiced * WINDOW < self._settings.min_speech * FEATURE_RATE:
            return [SpeechDropped(turn.start)]
        return [self._ended(turn.start, turn.end)]

    def _drop(self) -> list[TurnEvent]:
        start = self._turn.start if self._pressed is None else self._pressed
        self._turn, self._pressed = _Turn(), None
        return [SpeechDropped(start if start is not None else self._now)]

    def _too_long(self, start: int) -> bool:
        return self._now - start >= self._settings.max_turn * FEATURE_RATE

    def _ended(self, start: int, end: int) -> SpeechEnded:
        roll = round(self._settings.pre_roll * FEATURE_RATE)
        kept = np.concatenate([*self._kept, self._rest])
        first = max(start - roll - self._kept_from, 0)
        # As much after the end as before the start: last consonants are weak.
        audio = kept[first : min(end + roll, self.samples) - self._kept_from]
        return SpeechEnded(audio.copy(), start, end)

    def _forget(self) -> None:
        """Drop what neither the turn under way nor a coming pre-roll can need."""
        starts = [s for s in (self._turn.start, self._pressed) if s is not None]
        needed = min([self._now, *starts]) - round(self._settings.pre_roll * FEATURE_RATE)
        while self._kept and self._kept_from + WINDOW <= needed:
            self._kept_from += len(self._kept.popleft())

    def _level(self, window: NDArray[np.float32], speaking: bool) -> list[TurnEvent]:
        self._levels.append(float(np.mean(np.square(window))))
        if len(self._levels) < LEVEL_EVERY:
            return []
        power = sum(self._levels) / len(self._levels)
        self._levels.clear()
        decibels = 10 * math.log10(power + 1e-10)
        value = (decibels - LEVEL_FLOOR) / (LEVEL_CEILING - LEVEL_FLOOR)
        speaking = speaking or self._turn.reported
        return [Level(min(max(value, 0.0), 1.0), speaking)]


@dataclass(slots=True)
class _Turn:
    """A hands-free turn under way, or none yet."""

    start: int | None = None
    end: int = 0
    voiced: int = 0  # windows of speech
    silent: int = 0  # windows since the last of them
    reported: bool = False
    speaking: bool = False

    def note(self, start: int, speaking: bool) -> None:
        self.speaking = speaking
        if speaking:
            self.start = start if self.start is None else self.start
            self.end = start + WINDOW
            self.voiced += 1
            self.silent = 0
        elif self.start is not None:
            self.silent += 1


def _windows(seconds: float) -> int:
    return max(math.ceil(seconds * FEATURE_RATE / WINDOW), 1)


def _as_float(pcm: NDArray[np.int16] | NDArray[np.float32]) -> NDArray[np.float32]:
    if pcm.dtype == np.int16:
        return pcm.astype(np.float32) / np.float32(32768)
    return pcm.astype(np.float32, copy=False)
