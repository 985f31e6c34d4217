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

import numpy as np
import structlog
from numpy.typing import NDArray

from avatar.rig import Vector
from avatar.types import Activity, DriveMode, Frame, Sight
from emotion.errors import ProviderError
from emotion.types import EmotionState
from pipeline.clock import MediaClock
from pipeline.feelings import Feelings
from pipeline.outlet import Outlet
from pipeline.parts import LiveAvatar
from pipeline.quality import QualityLadder
from speech.types import FEATURE_RATE, FPS, PLAY_RATE, SAMPLES_PER_FRAME, SpeechChunk

BATCH = 5  # frames asked of the renderer at once while speaking
ROOM = 6 * PLAY_RATE  # how much speech may wait unheard before `say` blocks
PAUSE = PLAY_RATE // 10  # before a failed renderer is asked again
LATE = 3  # frames behind the clock that are given up instead of sent
# Frames after which the portrait reacts to what the user says: it must be there when a picture is
# planned, and who listens takes a moment to nod.
REACTION = 12
SOONEST = 7  # frames from the next one that a plan may look at
HEARD_FRAME = FEATURE_RATE // FPS

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
        resting: EmotionState,
        on_first_sound: Callable[[int], None] = lambda turn: None,
    ) -> None:
        self.clock = clock
        self.avatar = avatar
        self.ladder = QualityLadder()
        self.outlet: Outlet | None = None
        self._feelings = Feelings(resting)
        self.generation = 0
        self._by_hand: Vector | None = None  # what the user has set, if ever
        self._untold = False  # whether the renderer does not know it yet
        self._watched = self._felt = False  # whether the user is at the controls, or the feelings
        self._user_end = 0  # up to where the user's voice was passed on, 16 kHz
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
        self._told: set[asyncio.Task[None]] = set()

    async def run(self) -> None:
        """Play until cancelled."""
        async with asyncio.TaskGroup() as group:
            group.create_task(self._sounds())
            group.create_task(self._pictures())

    @property
    def held(self) -> EmotionState | None:
        """The feeling that the user holds."""
        return self._feelings.held

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
        now = self._next_frame * SAMPLES_PER_FRAME
        feelings = self._feelings
        feelings.mood = feelings.mood.feel(emotion, start, placed.end, now)
        # Started before the loops wake: it reaches the renderer ahead of their next request.
        self._tell(self._push(placed))
        self._wake()
        return placed.speech

    async def rest(self, activity: Activity) -> None:
        """What the portrait does where it does not speak, from the next frame on."""
        self._rest = activity
        mood = self._feelings.mood
        # Who cannot feel by itself is told as it fades.
        fading = self.held or mood.at(self.clock.sample())
        feeling = mood.resting if self.avatar.feels else fading
        await self._try(self.avatar.push(None, feeling, activity))

    def settle(self, resting: EmotionState) -> None:
        """What is felt where nothing is said."""
        now = self._next_frame * SAMPLES_PER_FRAME
        self._feelings.mood = self._feelings.mood.settle(resting, now)

    def hold(self, emotion: EmotionState | None, watched: bool = False) -> None:
        """Feel this whatever is said, from the next frame on; None: by itself again. While
        `watched`, pictures are not rendered ahead even of speech."""
        self._felt = watched
        self._feelings.hold(emotion)

    def hear(self, pcm: NDArray[np.float32]) -> None:
        """The user says (T,) `pcm` (16 kHz) now, while the portrait listens."""
        if not self.avatar.hears:
            return
        now = self._next_frame * HEARD_FRAME
        follows = now + SOONEST * HEARD_FRAME <= self._user_end <= now + FEATURE_RATE
        start = self._user_end if follows else now + REACTION * HEARD_FRAME
        self._user_end = start + len(pcm)
        self._tell(self.avatar.hear(pcm, start))

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
        self._feelings.mood = self._feelings.mood.cut(now)
        if self.outlet:
            self.outlet.cut(self.generation, now)
        self._wake()
        async with self._rendering:  # the loop leaves its batch at the next frame
            self._next_frame = self.clock.frame() + 1
            self._feelings.turn_back(self._next_frame)
            await self._try(self.avatar.clear(self._next_frame))
        return now

    def attach(self, outlet: Outlet | None) -> None:
        """Send to a new connection from now on (or to none)."""
        self.outlet = outlet
        self._feelings.greet()
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
            self._feelings.retell()
        for placed in [p for p in self._placed if p.end > self.clock.sample()]:
            await self._push(placed)
        await old.close()

    def _wake(self) -> None:
        self._wake_sound.set()
        self._wake_picture.set()

    def _speaking_at(self, sample: int) -> _Placed | None:
        return next((p for p in self._placed if p.speech.start_sample <= sample < p.end), None)

    def _tell(self, request: Awaitable[object]) -> None:
        """Tell the renderer without waiting: sound must not wait for one that restarts."""
        self._told.add(telling := asyncio.create_task(self._try(request)))
        telling.add_done_callback(self._told.discard)

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
            live = self._watched or self._felt or self.clock.sample() < self._driven_until
            ahead = speaking and not live
            due = pts - (self._lead if ahead else 0)
            if due > self.clock.sample():
                await self.clock.wait(due, self._wake_picture)
                continue
            self._forget_heard()
            if not (speaking or self.avatar.feels) and self._next_frame % FPS == 0:
                await self.rest(self._rest)  # what was felt fades
            try:
                async with self._rendering:
                    await self._tell_by_hand()
                    self._tell_feeling()
                    await self._advance(BATCH if ahead else 1)
            except ProviderError as error:  # sound goes on; pictures resume where the clock is then
                log.warning("pictures_interrupted", error=str(error))
                await self.clock.wait(self.clock.sample() + PAUSE, self._wake_picture)

    async def _tell_by_hand(self) -> None:
        if self._untold and self._by_hand is not None:
            self._untold = False
            await self.avatar.adjust(self._by_hand)
        if not self._feelings.take(self._next_frame):
            return
        if self.avatar.feels:
            await self.avatar.feel(self.held)
        else:
            await self.rest(self._rest)

    def _tell_feeling(self) -> None:
        news = self._feelings.news(self._next_frame, self.generation)
        if news and self.outlet:
            self.outlet.message(news)

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
