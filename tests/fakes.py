"""Deterministic parts for session tests: virtual time, a scripted agent, a tone voice, a counter
face. They stand in for worker processes only; the session, playout and outlet are the real ones."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Callable
from dataclasses import dataclass, field

import numpy as np
from numpy.typing import NDArray

from agent.types import ReplyChunk, UserTurn
from avatar.types import Activity, DriveMode, Frame, Sight
from emotion.errors import LimnerError
from emotion.types import EmotionState
from pipeline.clock import MediaClock
from pipeline.encoders import EncodedPicture
from speech.types import PLAY_RATE, SpeechChunk, Transcript, WordSpan


class VirtualClock(MediaClock):
    """Time stands still until `advance`."""

    def __init__(self) -> None:
        self._time = 0.0
        super().__init__(lambda: self._time)
        self._waiting: list[tuple[int, asyncio.Event]] = []

    async def wait(self, sample: int, wake: asyncio.Event) -> None:
        if sample > self.sample() and not wake.is_set():
            self._waiting.append((sample, wake))
            try:
                await wake.wait()
            finally:
                self._waiting = [w for w in self._waiting if w[1] is not wake]
        wake.clear()

    async def advance(self, seconds: float) -> None:
        """Let time pass, waking each waiter when it is due."""
        target = self.sample() + round(seconds * PLAY_RATE)
        await settle()
        while due := sorted(s for s, _ in self._waiting if s <= target):
            self._time = (due[0] + 0.01) / PLAY_RATE
            for sample, wake in self._waiting:
                if sample <= due[0]:
                    wake.set()
            await settle()
        self._time = (target + 0.01) / PLAY_RATE
        await settle()


async def settle(rounds: int = 60) -> None:
    """Let all tasks run until they wait for time."""
    for _ in range(rounds):
        await asyncio.sleep(0)


@dataclass
class ScriptedDialogue:
    """Answers every turn with the same clauses, or fails."""

    clauses: tuple[tuple[str, str], ...] = (("Hello there.", "warm"), ("How are you?", "curious"))
    error: LimnerError | None = None
    heard_texts: list[tuple[int, str]] = field(default_factory=list)
    turns: list[UserTurn] = field(default_factory=list)
    gate: asyncio.Event | None = None

    async def reply(self, turn: UserTurn) -> AsyncIterator[ReplyChunk]:
        self.turns.append(turn)
        for index, (text, feeling) in enumerate(self.clauses):
            if self.gate and index:
                await self.gate.wait()
            yield ReplyChunk(turn.id, index, text, feeling, index == len(self.clauses) - 1)
        if self.error:
            raise self.error

    def heard(self, turn: int, text: str) -> None:
        self.heard_texts.append((turn, text))


@dataclass
class ToneVoice:
    """Each word is a quarter of a second of tone."""

    error: LimnerError | None = None
    spoken: list[tuple[str, str, EmotionState]] = field(default_factory=list)

    async def stream(
        self, text: str, voice: str, emotion: EmotionState
    ) -> AsyncIterator[SpeechChunk]:
        self.spoken.append((text, voice, emotion))
        if self.error:
            raise self.error
        words, step = text.split(), PLAY_RATE // 4
        pcm = 0.3 * np.sin(np.arange(step * len(words)) * 0.1, dtype=np.float32)
        spans = tuple(WordSpan(w, i * step, (i + 1) * step) for i, w in enumerate(words))
        yield SpeechChunk(0, pcm, PLAY_RATE, 0, (), spans)


def _set_event() -> asyncio.Event:
    event = asyncio.Event()
    event.set()
    return event


@dataclass
class CountingAvatar:
    """Frames carry nothing but their number; remembers what it was told."""

    size: int = 16
    next_frame: int = 0
    pushed: list[tuple[SpeechChunk | None, EmotionState, Activity]] = field(default_factory=list)
    skipped: int = 0
    cleared: list[int] = field(default_factory=list)
    errors: list[LimnerError] = field(default_factory=list)
    closed: bool = False
    adjustable: bool = True
    rigs: list[NDArray[np.float32]] = field(default_factory=list)
    feels: bool = True
    felt: list[EmotionState | None] = field(default_factory=list)
    hears: bool = True
    heard: list[tuple[NDArray[np.float32], int]] = field(default_factory=list)
    drivable: bool = True
    driven: list[tuple[bytes | None, str, float]] = field(default_factory=list)
    sight: Sight = field(default_factory=Sight)
    drive_error: Exception | None = None
    slow: asyncio.Event = field(default_factory=_set_event)  # cleared: `drive` waits for it

    async def push(
        self, speech: SpeechChunk | None, emotion: EmotionState, activity: Activity
    ) -> None:
        self.pushed.append((speech, emotion, activity))

    async def frames(self, count: int) -> AsyncGenerator[Frame, None]:
        if self.errors:
            raise self.errors.pop(0)
        for _ in range(count):
            self.next_frame += 1
            rgb = np.full((self.size, self.size, 3), self.next_frame % 256, np.uint8)
            yield Frame(0, rgb, self.next_frame - 1)

    async def skip(self, count: int) -> None:
        self.skipped += count
        self.next_frame += count

    async def clear(self, frame: int) -> None:
        self.cleared.append(frame)
        self.next_frame = frame

    async def adjust(self, rig: NDArray[np.float32]) -> None:
        self.rigs.append(rig)

    async def feel(self, emotion: EmotionState | None) -> None:
        self.felt.append(emotion)

    async def hear(self, pcm: NDArray[np.float32], start: int) -> None:
        self.heard.append((pcm, start))

    async def drive(self, jpeg: bytes | None, mode: DriveMode, at: float) -> Sight:
        self.driven.append((jpeg, mode, at))
        await self.slow.wait()
        if self.drive_error:
            raise self.drive_error
        return self.sight

    async def close(self) -> None:
        self.closed = True


@dataclass
class ScriptedEars:
    """Hears what the test says it hears."""

    text: str = "hello"
    error: LimnerError | None = None

    async def transcribe(self, pcm: NDArray[np.float32], rate: int) -> Transcript:
        if self.error:
            raise self.error
        return Transcript(self.text, (), 1.0)


@dataclass
class WordMind:
    """Feels happy where the text says "warm", else nothing."""

    async def appraise(self, text: str) -> EmotionState:
        happy = {"happy": 0.8} if "warm" in text else {}
        return EmotionState.from_strengths(happy)


@dataclass
class RawEncoder:
    """Codes a picture as its first byte."""

    forced: int = 0
    _key: bool = True

    def encode(self, rgb: NDArray[np.uint8], pts: int) -> EncodedPicture:
        key, self._key = self._key, False
        return EncodedPicture(bytes([rgb[0, 0, 0]]), key)

    def force_key(self) -> None:
        self.forced += 1
        self._key = True


async def inline(call: Callable[..., object], *args: object) -> object:
    """Runs an encoder at once, for deterministic tests."""
    return call(*args)
