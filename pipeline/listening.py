"""Listening: microphone pieces in, user turns out; the user's voice may interrupt the avatar."""

import asyncio
from typing import TYPE_CHECKING, Literal

import numpy as np
from numpy.typing import NDArray

from avatar.types import Activity
from emotion.errors import LimnerError
from pipeline.messages import notice
from speech.turns import Level, Mode, SpeechDropped, SpeechEnded, SpeechStarted, TurnEvent
from speech.types import FEATURE_RATE

if TYPE_CHECKING:
    from pipeline.session import Session

MicMode = Literal["off", "hands_free", "push", "release"]


PASSED_ON = FEATURE_RATE * 15 // 100  # samples of the user's voice that the portrait gets at once


class Listener:
    """The ears of one session."""

    def __init__(self, session: "Session") -> None:
        self._session = session
        self._detector = session.parts.turns()
        self._mode: MicMode = "off"
        self._user: list[NDArray[np.int16]] = []  # said, and not yet passed on to the portrait
        self._understanding: asyncio.Task[None] | None = None

    async def set_mode(self, mode: MicMode) -> None:
        """Switch the microphone's use; releasing the push-to-talk button ends the turn."""
        if mode == "release":
            return await self._handle(self._detector.release())
        if mode == "off":  # a turn under way is dropped
            self._detector.set_mode(self._detector.mode)
        self._mode = mode
        wanted = Mode.PUSH_TO_TALK if mode == "push" else Mode.HANDS_FREE
        if self._detector.mode is not wanted:
            await self._handle(self._detector.set_mode(wanted))
        if mode == "push":
            await self._handle(self._detector.press())
        if mode == "off" and self._session.activity is Activity.LISTENING:
            await self._session.enter(Activity.IDLE)

    async def feed(self, pcm: bytes) -> None:
        """Signed 16-bit mono at 16 kHz, any length."""
        if self._mode == "off":
            return
        whole = len(pcm) // 2 * 2
        piece = np.frombuffer(pcm[:whole], np.int16)
        await self._handle(self._detector.feed(piece))
        self._pass_on(piece)

    def _pass_on(self, piece: NDArray[np.int16]) -> None:
        """Let the portrait hear who it listens to: it nods in time."""
        if self._session.activity is not Activity.LISTENING:
            self._user.clear()
            return
        self._user.append(piece)
        if sum(map(len, self._user)) >= PASSED_ON:
            said = np.concatenate(self._user)
            self._user.clear()
            self._session.playout.hear(said.astype(np.float32) / np.float32(32768))

    async def _handle(self, events: list[TurnEvent]) -> None:
        for event in events:
            match event:
                case SpeechStarted():
                    await self._began()
                case SpeechEnded():
                    await self._ended(event)
                case SpeechDropped() if self._session.activity is Activity.LISTENING:
                    await self._session.enter(Activity.IDLE)
                case Level():
                    level = {"value": round(event.value, 3), "speaking": event.speaking}
                    self._session.page.post({"type": "level", **level})

    async def _began(self) -> None:
        if self._understanding:
            self._understanding.cancel()
        await self._session.stop()
        await self._session.enter(Activity.LISTENING)

    async def _ended(self, event: SpeechEnded) -> None:
        await self._session.enter(Activity.THINKING)
        # Recognition takes a while; the microphone and the stop button are heard meanwhile.
        self._understanding = asyncio.create_task(self._understand(event))

    async def _understand(self, event: SpeechEnded) -> None:
        session = self._session
        try:
            heard = await session.parts.ears.transcribe(event.audio, FEATURE_RATE)
        except LimnerError as error:
            session.page.failure("not_heard", error)
            return await session.enter(Activity.IDLE)
        session.page.post({"type": "heard", "text": heard.text, "final": True})
        if heard.text.strip():
            return await session.hear_text(heard.text, audio=event.audio)
        session.page.post(notice("not_understood", "I did not catch that. Please say it again."))
        await session.enter(Activity.IDLE)
