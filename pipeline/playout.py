"""Playout: puts speech on the media clock and sends its sound and pictures in time.

Two loops share the clock. Sound never waits for pictures. While the portrait speaks both run up to
`lead` samples ahead of the clock; at rest each picture goes out when it is due, so that new speech
can begin with the very next frame.
"""

import asyncio
from collections import deque
from collections.abc import Awaitable, Callable
from contextlib import aclosing
from dataclasses import dataclass, replace

import structlog

from avatar.rig import Vector
from avatar.types import Activity, DriveMode, Frame, Sight
from emotion.errors import ProviderError
from emotion.mood import Mood
from emotion.types import EmotionState
from pipeline.clock import MediaClock
from pipeline.outlet import Outlet
from pipeline.parts import LiveAvatar
from pipeline.quality import QualityLadder
from speech.types import FPS, PLAY_RATE, SAMPLES_PER_FRAME, SpeechChunk

BATCH = 5  # frames asked of the renderer at once while speaking
ROOM = 6 * PLAY_RATE  # how much speech may wait unheard before `say` blocks
PAUSE = PLAY_RATE // 10  # before a failed renderer is asked again
LATE = 3  # frames behind the clock that are given up instead of sent

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True, eq=False)
class _Placed:
    speech: SpeechChunk
    emotion: EmotionState

    @property
    def end(self) -> int:
        return self.speech.start_sample + len(self.speech.pcm)


class Playout:
    """Sends one session's sound and pictures; `generation` rises with each barge-in."""

    def __init__(
        self,
        clock: MediaClock,
        avatar: LiveAvatar,
        lead: int,
        mood: Mood,
        on_first_sound: Callable[[int], None] = lambda turn: None,
    ) -> None:
        self.clock = clock
        self.avatar = avatar
        self.ladder = QualityLadder()
        self.outlet: Outlet | None = None
        self.mood = mood
        self.held: EmotionState | None = None  # a feeling that the user holds
        self.generation = 0
        self._by_hand: Vector | None = None  # what the user has set, if ever
        self._untold = False  # whether the renderer does not know it yet
        self._watched = False  # whether the user is at the controls
        self._driven_until = 0  # media sample: until then a camera moves the face
        self._lead = lead
        self._on_first_sound = on_first_sound
        self._rest = Activity.IDLE
        self._next_frame = clock.frame()
        self._sound_cursor = 0
        self._placed: deque[_Placed] = deque()
        self._wake_sound, self._wake_picture = asyncio.Event(), asyncio.Event()
        self._last_turn = 0
        self._rendering = asyncio.Lock()
        self._pushes: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Play until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._sounds())
            group.create_task(self._pictures())

    @property
    def end(self) -> int:
        """Media sample at which everything placed so far has been heard."""
        return self._placed[-1].end if self._placed else 0

    async def say(self, speech: SpeechChunk, emotion: EmotionState) -> SpeechChunk:
        """Queue speech behind what is queued already; returns it with its place on the clock."""
        await self.heard(self.end - ROOM)
        start = max(self.end, self._next_frame * SAMPLES_PER_FRAME)
        placed = _Placed(replace(speech, start_sample=start), emotion)
        self._placed.append(placed)
        self.mood = self.mood.feel(emotion, start, placed.end)
        # Not awaited: sound must not wait for a renderer that restarts. Started before the loops
        # wake, so that it reaches the renderer ahead of their next request.
        self._pushes.add(push := asyncio.create_task(self._push(placed)))
        push.add_done_callback(self._pushes.discard)
        self._wake()
        return placed.speech

    async def rest(self, activity: Activity) -> None:
        """What the portrait does where it does not speak, from the next frame on."""
        self._rest = activity
        feeling = self.held or self.mood.at(self.clock.sample())
        await self._try(self.avatar.push(None, feeling, activity))

    async def heard(self, sample: int) -> None:
        """Wait until `sample` has passed on the media clock."""
        while self.clock.sample() < sample:
            await self.clock.wait(sample, asyncio.Event())

    async def interrupt(self) -> int:
        """Barge-in: drop all that is queued; returns the media sample at which it was cut."""
        self.generation += 1
        now = self.clock.sample()
        self._placed.clear()
        self._sound_cursor = now  # what was sent ahead does not count any more
        self.mood = self.mood.cut(now)
        if self.outlet:
            self.outlet.cut(self.generation, now)
        self._wake()
        async with self._rendering:  # the loop leaves its batch at the next frame
            self._next_frame = self.clock.frame() + 1
            await self._try(self.avatar.clear(self._next_frame))
        return now

    def attach(self, outlet: Outlet | None) -> None:
        """Send to a new connection from now on (or to none)."""
        self.outlet = outlet
        self._sound_cursor = self.clock.sample()
        self._wake()

    def adjust(self, rig: Vector, watched: bool) -> None:
        """Add (63,) `rig` to what the portrait does, from its next frame on. While `watched`,
        pictures are not rendered ahead even of speech, so that a change shows at once."""
        self._by_hand, self._untold, self._watched = rig, True, watched

    async def drive(self, jpeg: bytes, mode: DriveMode, at: float) -> Sight | None:
        """Let the portrait follow a camera's picture, see `LiveAvatar.drive`. While it does what
        the user does, pictures are not rendered ahead even of speech."""
        if mode == "drives":
            self._driven_until = self.clock.sample() + PLAY_RATE
        return await self.avatar.drive(jpeg, mode, at)

    async def let_go(self) -> None:
        """The camera is off."""
        self._driven_until = 0
        await self._try(self.avatar.drive(None, "drives", 0.0))

    async def replace_avatar(self, avatar: LiveAvatar) -> None:
        """Show another portrait; queued speech moves its lips."""
        async with self._rendering:
            old, self.avatar = self.avatar, avatar
            self._next_frame = self.clock.frame() + 1
            await self._try(avatar.clear(self._next_frame))
            self._untold = self._by_hand is not None and avatar.adjustable
        for placed in [p for p in self._placed if p.end > self.clock.sample()]:
            await self._push(placed)
        await old.close()

    def _wake(self) -> None:
        self._wake_sound.set()
        self._wake_picture.set()

    def _speaking_at(self, sample: int) -> _Placed | None:
        return next((p for p in self._placed if p.speech.start_sample <= sample < p.end), None)

    async def _push(self, placed: _Placed) -> None:
        await self._try(self.avatar.push(placed.speech, placed.emotion, Activity.SPEAKING))

    async def _try(self, request: Awaitable[object]) -> None:
        try:
            await request
        except ProviderError as error:  # the picture loop meets it too, and recovers
            log.warning("renderer_missed_a_request", error=str(error))

    # --- sound ---------------------------------------------------------------------------------

    async def _sounds(self) -> None:
        while True:
            piece = self._next_piece()
            if piece is None:
                await self._wake_sound.wait()
                self._wake_sound.clear()
                continue
            placed, at, stop = piece
            if at - self._lead > self.clock.sample():
                await self.clock.wait(at - self._lead, self._wake_sound)
                continue
            self._send_sound(placed, at, stop)

    def _next_piece(self) -> tuple[_Placed, int, int] | None:
        for placed in self._placed:
            at = max(self._sound_cursor, placed.speech.start_sample)
            if at < placed.end:
                return placed, at, min(placed.end, at + SAMPLES_PER_FRAME)
        return None

    def _send_sound(self, placed: _Placed, at: int, stop: int) -> None:
        self._sound_cursor = stop
        speech = placed.speech
        if self.outlet:
            pcm = speech.pcm[at - speech.start_sample : stop - speech.start_sample]
            self.outlet.sound(pcm, at, self.generation, speech.turn)
        if speech.turn != self._last_turn:
            self._last_turn = speech.turn
            self._on_first_sound(speech.turn)

    # --- pictures ------------------------------------------------------------------------------

    async def _pictures(self) -> None:
        while True:
            pts = self._next_frame * SAMPLES_PER_FRAME
            speaking = self.end > pts
            live = self._watched or self.clock.sample() < self._driven_until
            ahead = speaking and not live
            due = pts - (self._lead if ahead else 0)
            if due > self.clock.sample():
                await self.clock.wait(due, self._wake_picture)
                continue
            self._forget_heard()
            if not speaking and self._next_frame % FPS == 0:
                await self.rest(self._rest)  # what was felt fades
            try:
                async with self._rendering:
                    await self._tell_controls()
                    await self._advance(BATCH if ahead else 1)
            except ProviderError as error:  # sound goes on; pictures resume where the clock is then
                log.warning("pictures_interrupted", error=str(error))
                await self.clock.wait(self.clock.sample() + PAUSE, self._wake_picture)

    async def _tell_controls(self) -> None:
        if self._untold and self._by_hand is not None:
            self._untold = False
            await self.avatar.adjust(self._by_hand)

    async def _advance(self, count: int) -> None:
        behind = self.clock.frame() - self._next_frame
        if behind >= LATE:
            self.ladder.late(behind)
            return await self._skip(behind)
        outlet = self.outlet
        if outlet is None or outlet.hidden or outlet.congested:
            return await self._skip(1)
        if self.ladder.rests(self._next_frame):
            return await self._skip(1)
        await self._render(outlet, min(count, self.ladder.batch))

    async def _skip(self, count: int) -> None:
        self._next_frame += count
        await self.avatar.skip(count)

    async def _render(self, outlet: Outlet, count: int) -> None:
        generation, first = self.generation, self._next_frame
        self._next_frame += count  # speech that comes now begins behind this batch
        shown = 0
        try:
            async with aclosing(self.avatar.frames(count)) as frames:
                async for frame in frames:
                    if generation != self.generation:
                        return  # `interrupt` waits for this and sets the next frame
                    await self._show(outlet, frame, generation)
                    shown += 1
        except ProviderError:
            self._next_frame = first + shown
            raise

    async def _show(self, outlet: Outlet, frame: Frame, generation: int) -> None:
        pts = frame.index * SAMPLES_PER_FRAME
        placed = self._speaking_at(pts)
        activity = Activity.SPEAKING if placed else self._rest
        turn = placed.speech.turn if placed else 0
        await outlet.picture(frame.rgb, pts, generation, turn, activity)
        self.ladder.on_time()

    def _forget_heard(self) -> None:
        # The last one stays: `end` must not fall back while the turn waits for it.
        while len(self._placed) > 1 and self._placed[0].end < self.clock.sample() - PLAY_RATE:
            self._placed.popleft()
