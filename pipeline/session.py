"""The main path: one page's conversation, one turn from user text or sound to frames and sound.

    hear_text (or listener.feed) -> dialogue.reply -> clause + emotion text -> mind.appraise
      -> voice.stream -> playout.say -> sound and pictures on one media clock
A barge-in (`stop`, a message, the user's voice) raises the generation; what is older is dropped.
"""

import asyncio
from collections.abc import Awaitable, Coroutine
from contextlib import suppress
from dataclasses import replace
from functools import partial
from typing import Any

from agent.types import Audio, ReplyChunk, UserTurn
from avatar.types import Activity
from emotion.errors import LimnerError
from emotion.types import EmotionState
from pipeline.clock import MediaClock
from pipeline.listening import Listener
from pipeline.messages import explained
from pipeline.metrics import Waterfall
from pipeline.page import Page
from pipeline.parts import Configure, Parts
from pipeline.playout import Playout
from pipeline.transcript import ChatEntry
from pipeline.watching import Watcher

APOLOGY = "I am sorry, something went wrong on my side."


class Session:
    """One page's conversation. All state of a user lives here and in what this object owns."""

    def __init__(self, parts: Parts, clock: MediaClock, lead: int, configure: Configure) -> None:
        self.parts = parts
        self.clock = clock
        self.playout = Playout(clock, parts.avatar, lead, parts.resting, self._first_sound)
        self.page = Page(self.playout)
        self.listener, self.watcher = Listener(self), Watcher(self)
        self.transcript: list[ChatEntry] = []
        self.activity = Activity.IDLE
        self.waterfall = Waterfall()
        self.turn = 0
        self.configure = partial(configure, self)  # persona, portrait, voice, feeling
        self._answering: asyncio.Task[None] | None = None

    async def run(self) -> None:
        """Keep the portrait alive until cancelled."""
        try:
            await self.playout.run()
        finally:
            await self.stop()
            await self.playout.avatar.close()

    async def hear_text(self, text: str, id: str = "", audio: Audio | None = None) -> None:
        """The user said something: cut what is being said and answer. Returns at once."""
        if self.page.repeats(id):  # sent again after a reconnect
            return self.page.turn(self.turn, "started", id)
        self.waterfall = Waterfall()
        await self.stop()
        self.turn += 1
        turn = UserTurn(self.turn, text, audio, self.clock.sample())
        self.page.turn(turn.id, "started", id)
        self.begin(self._answer(turn))

    def begin(self, speaking: Coroutine[Any, Any, None]) -> None:
        """Speak in the background, until it is over or cut by `stop`."""
        self._answering = asyncio.create_task(speaking)

    async def stop(self) -> None:
        """Barge-in: silence now. What was not heard is taken back from chat and memory."""
        task, self._answering = self._answering, None
        if task is None or task.done() or not task.cancel():
            return
        cut = await self.playout.interrupt()
        await asyncio.gather(task, return_exceptions=True)
        self._take_back(self.transcript[-1], cut)
        await self.enter(Activity.IDLE)

    async def enter(self, activity: Activity) -> None:
        """Change what the portrait is doing; the page hears of it."""
        self.activity = activity
        self.page.state(activity, self.turn)
        if activity is not Activity.SPEAKING:  # speech carries its own feeling
            await self.playout.rest(activity)

    async def _answer(self, turn: UserTurn) -> None:
        entry = ChatEntry(turn.id, "assistant", "", "streaming")
        self.transcript += [ChatEntry(turn.id, "user", turn.text), entry]
        self.page.chat()
        await self.enter(Activity.THINKING)
        try:
            await self.until_heard(self._reply(turn, entry))
            entry.status = "done"
        except Exception as error:  # whatever an engine does, the conversation goes on
            await self.until_heard(self._apologise(entry, explained(error)))
        self.page.turn(turn.id, entry.status)
        self.page.chat()

    async def _reply(self, turn: UserTurn, entry: ChatEntry) -> None:
        async for clause in self.parts.dialogue.reply(turn):
            self.waterfall.mark("clause")
            if clause.text:  # the last may only say that it is the last
                emotion = await self.feel(clause)
                self.waterfall.mark("emotion")
                entry.add(clause, emotion)
                self.page.chat()
                await self.say(clause, entry, emotion)

    async def feel(self, clause: ReplyChunk) -> EmotionState:
        """How a clause is felt: as the user holds it, else as its emotion text (or it) says."""
        words = clause.emotion_text or clause.text
        return self.playout.held or await self.parts.mind.appraise(words)

    async def say(self, clause: ReplyChunk, entry: ChatEntry, emotion: EmotionState) -> None:
        """Speak a clause; it is queued on the clock piece by piece."""
        async for speech in self.parts.voice.stream(clause.text, self.parts.voice_id, emotion):
            self.waterfall.mark("voice")
            placed = await self.playout.say(replace(speech, turn=clause.turn), emotion)
            entry.place(clause, placed)
            self.page.caption(clause, placed, emotion)
            if self.activity is not Activity.SPEAKING:
                await self.enter(Activity.SPEAKING)

    async def until_heard(self, speaking: Awaitable[None]) -> None:
        """Run `speaking`, wait until the user has heard it, and rest."""
        await speaking
        await self.playout.heard(self.playout.end)
        await self.enter(Activity.IDLE)

    async def _apologise(self, entry: ChatEntry, error: LimnerError) -> None:
        entry.fail(error)
        self.page.failure("turn_failed", error)
        self.page.chat()
        with suppress(LimnerError):  # where the voice itself failed, the chat says it all
            sorry = ReplyChunk(entry.id, 0, APOLOGY, "sorry", True)
            await self.say(sorry, ChatEntry(entry.id, "assistant", ""), self.parts.resting)

    def _take_back(self, entry: ChatEntry, cut: int) -> None:
        if entry.interrupt(cut):
            self.parts.dialogue.heard(entry.id, entry.text)
            self.page.turn(entry.id, "interrupted")
            self.page.chat()

    def _first_sound(self, turn: int) -> None:
        self.waterfall.mark("first_packet")
        self.page.quality(self.waterfall.as_dict())
