"""The avatar's worker process: `AvatarHost` lives in it, sessions hold `RemoteAvatarStream`s.

Only slot numbers cross the pipe; the pictures lie in shared memory (`frame_memory`).
"""

from collections.abc import AsyncGenerator, Callable, Iterator
from concurrent.futures import ThreadPoolExecutor, wait
from contextlib import aclosing
from dataclasses import dataclass, field, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avatar.protocols import AvatarStream
from avatar.rig import Vector
from avatar.types import Activity, DriveMode, Frame, Portrait, Sight
from emotion.errors import ProviderError
from emotion.types import EmotionState
from pipeline.camera import picture_of
from pipeline.frame_memory import SLOTS, FrameMemory, FrameRing
from pipeline.worker_main import load
from pipeline.workers import RestartPolicy, Worker, WorkerEvent
from speech.types import SAMPLES_PER_FRAME, SpeechChunk

LOADER = "avatar.portraits:load_portrait"
OPENING = 0.004  # seconds for which a portrait that is being opened holds up the others at a time


@dataclass(frozen=True, slots=True, eq=False)
class Said:
    """Speech that was pushed and has not been shown to its end."""

    speech: SpeechChunk
    emotion: EmotionState
    activity: Activity

    def outlasts(self, frame: int) -> bool:
        """Whether some of it belongs to frame number `frame` or later."""
        return self.speech.start_sample + len(self.speech.pcm) > frame * SAMPLES_PER_FRAME


@dataclass(frozen=True, slots=True)
class Abilities:
    """Which of the methods that an `AvatarStream` may lack a stream has."""

    adjust: bool = False
    feel: bool = False
    hear: bool = False
    drive: bool = False


@dataclass(frozen=True, slots=True, eq=False)
class StreamState:
    """All it takes to open a stream where another broke off.

    portrait: a name or path, or a picture that was never a file. rig, held: what was set by hand.
    """

    portrait: str | Portrait
    size: int
    seed: int
    frame: int = 0
    emotion: EmotionState = field(default_factory=EmotionState.neutral)
    activity: Activity = Activity.IDLE
    said: tuple[Said, ...] = ()
    rig: Vector | None = None
    held: EmotionState | None = None


class AvatarHost:
    """In the worker process: an avatar plug-in ("module:Class") and the streams of all sessions.

    fd, size_max: the shared memory, as in `FrameRing`. portraits: what loads a portrait by name or
    path.
    """

    interleave = True
    ahead = SLOTS  # a slot is written again only after the session has asked for a later frame

    def __init__(self, avatar: str, fd: int, size_max: int, portraits: str = LOADER) -> None:
        self._avatar = load(avatar)()
        self._portrait = load(portraits)
        self._memory = FrameMemory(fd, size_max)
        self._streams: dict[int, AvatarStream] = {}
        self._opener = ThreadPoolExecutor(1, "opener")
        self._meanwhile: dict[int, list[tuple[str, tuple[object, ...]]]] = {}

    def open(self, stream: int, state: StreamState) -> Iterator[Abilities | None]:
        """Start a stream as it stands; its number is also its region. Raises PortraitError.

        A new portrait takes a while, in which other streams go on and this yields None; the last
        item tells what the stream can do. What changes meanwhile is made up for.
        """
        meanwhile = self._meanwhile[stream] = []
        try:
            opening = self._opener.submit(self._opened, state)
            while not wait((opening,), OPENING).done:
                yield None
            opened = opening.result()
            for method, args in meanwhile:
                getattr(opened, method)(*args)
            self._streams[stream] = opened
        finally:
            if self._meanwhile.get(stream) is meanwhile:  # else its place was given away
                del self._meanwhile[stream]
        yield Abilities(
            **{name: _can(opened, name) for name in ("adjust", "feel", "hear", "drive")}
        )

    def _opened(self, state: StreamState) -> AvatarStream:
        portrait = state.portrait
        if isinstance(portrait, str):
            portrait = self._portrait(portrait)
        opened: AvatarStream = self._avatar.open(portrait, state.size, state.seed)
        if state.frame:
            opened.clear(state.frame)
        opened.push(None, state.emotion, state.activity)
        for said in state.said:
            opened.push(said.speech, said.emotion, said.activity)
        if state.rig is not None and _can(opened, "adjust"):
            opened.adjust(state.rig)
        if state.held is not None and _can(opened, "feel"):
            opened.feel(state.held)
        return opened

    def _change(self, stream: int, method: str, *args: object) -> None:
        meanwhile = self._meanwhile.get(stream)
        if meanwhile is None:
            getattr(self._streams[stream], method)(*args)
        else:
            meanwhile.append((method, args))

    def push(
        self, stream: int, speech: SpeechChunk | None, emotion: EmotionState, activity: Activity
    ) -> None:
        """As `AvatarStream.push`."""
        self._change(stream, "push", speech, emotion, activity)

    def frames(self, stream: int, count: int) -> Iterator[tuple[int, int, int]]:
        """Render `count` frames; yields (index, turn, slot)."""
        for at, frame in enumerate(self._streams[stream].frames(count)):
            slot = stream * SLOTS + at % SLOTS
            self._memory.write(slot, frame.rgb)
            yield frame.index, frame.turn, slot

    def frame(self, stream: int) -> tuple[int, int, int]:
        """Render the next frame; as one item of `frames`."""
        return next(self.frames(stream, 1))

    def skip(self, stream: int, count: int) -> None:
        """As `AvatarStream.skip`."""
        self._change(stream, "skip", count)

    def clear(self, stream: int, frame: int) -> None:
        """As `AvatarStream.clear`."""
        self._change(stream, "clear", frame)

    def adjust(self, stream: int, rig: Vector) -> None:
        """As `AvatarStream.adjust`."""
        self._change(stream, "adjust", rig)

    def feel(self, stream: int, emotion: EmotionState | None) -> None:
        """As `AvatarStream.feel`."""
        self._change(stream, "feel", emotion)

    def hear(self, stream: int, pcm: NDArray[np.float32], start: int) -> None:
        """As `AvatarStream.hear`; a stream that is being opened misses it."""
        if stream not in self._meanwhile:
            self._streams[stream].hear(pcm, start)

    def drive(self, stream: int, jpeg: bytes | None, mode: DriveMode, at: float) -> Sight:
        """As `AvatarStream.drive`; pictures for a stream that is being opened are passed over."""
        if stream in self._meanwhile:
            return Sight()
        return self._streams[stream].drive(None if jpeg is None else picture_of(jpeg), mode, at)

    def close_stream(self, stream: int) -> None:
        """Forget a stream; unknown numbers are fine."""
        closed = self._streams.pop(stream, None)
        if closed is not None and _can(closed, "drive"):
            closed.drive(None, "drives", 0.0)


def _can(stream: AvatarStream, method: str) -> bool:
    return callable(getattr(stream, method, None))


class RemoteAvatar:
    """The avatar's worker process as the server sees it; `streams` sessions at most at once."""

    def __init__(
        self,
        avatar: str,
        *,
        streams: int = 16,
        size_max: int = 1024,
        portraits: str = LOADER,
        on_event: Callable[[WorkerEvent], None] | None = None,
    ) -> None:
        self.ring = FrameRing(size_max, streams)
        kwargs = {
            "avatar": avatar,
            "fd": self.ring.fd,
            "size_max": size_max,
            "portraits": portraits,
        }
        host = "pipeline.frames:AvatarHost"
        # The face is missed at once when it is gone, and takes three seconds to make ready.
        module = avatar.partition(":")[0]
        slow = (module, f"{module}:preload", "pipeline.frames")
        policy = RestartPolicy(spare_after=2.0, preload=slow)
        self.worker = Worker(
            "avatar", host, kwargs, on_event, inherit=(self.ring.fd,), policy=policy
        )

    async def start(self) -> None:
        """Start the process; errors as for `Worker.start`."""
        await self.worker.start()

    async def open(self, portrait: str | Portrait, size: int, seed: int) -> "RemoteAvatarStream":
        """A stream of size x size frames, from frame 0; portrait: itself, a name or a path.

        Raises PortraitError, OverloadedError, ProviderError; ValueError if size is over size_max.
        """
        if not 0 < size <= self.ring.size_max:
            raise ValueError(f"size must be in 1..{self.ring.size_max}, got {size}")
        stream = RemoteAvatarStream(self, self.ring.claim(), StreamState(portrait, size, seed))
        try:
            await stream.restore()
        except BaseException:
            await stream.close()
            raise
        return stream

    async def close(self) -> None:
        """End the process and free the memory."""
        await self.worker.close()
        self.ring.close()


class RemoteAvatarStream:
    """An `AvatarStream` that lives in the worker process and survives its death.

    All that is needed to go on is remembered here: after a restart the next `frames` opens the
    stream anew at the current frame number, with the last feeling and activity and the speech that
    has not been shown. While the worker is away only `frames` waits; the others take note.
    """

    def __init__(self, owner: RemoteAvatar, region: int, state: StreamState) -> None:
        self._worker, self._ring = owner.worker, owner.ring
        self._region = region
        self._state = state
        self._picture = np.empty((state.size, state.size, 3), np.uint8)  # the frame shown last
        self._start = 0  # the worker's `starts` when the stream was opened there
        self._closed = False
        self._abilities = Abilities()  # known once it is open

    @property
    def size(self) -> int:
        """Edge of the frames in pixels."""
        return self._state.size

    @property
    def adjustable(self) -> bool:
        """See `LiveAvatar.adjustable`."""
        return self._abilities.adjust

    @property
    def feels(self) -> bool:
        """See `LiveAvatar.feels`."""
        return self._abilities.feel

    @property
    def hears(self) -> bool:
        """See `LiveAvatar.hears`."""
        return self._abilities.hear

    @property
    def drivable(self) -> bool:
        """See `LiveAvatar.drivable`."""
        return self._abilities.drive

    async def push(
        self, speech: SpeechChunk | None, emotion: EmotionState, activity: Activity
    ) -> None:
        """As `AvatarStream.push`; returns when the worker has it."""
        said = self._state.said
        if speech is not None:
            said = (*said, Said(speech, emotion, activity))
        self._state = replace(self._state, emotion=emotion, activity=activity, said=said)
        await self._tell("push", speech, emotion, activity)

    async def frames(self, count: int) -> AsyncGenerator[Frame, None]:
        """The next `count` frames, each as soon as it is rendered.

        Pictures share one buffer: each is valid until the next one is asked for.
        A closed iterator may have passed up to `SLOTS` frames unseen; `Frame.index` tells.
        Raises ProviderError, with `retryable` set if the worker died meanwhile: the next call
        waits for the new one.
        """
        while not self._open():
            await self.restore()
        if count == 1:  # at rest; half the messages of a stream
            yield self._shown(await self._worker.call("frame", self._region))
            return
        async with aclosing(self._worker.stream("frames", self._region, count)) as rendered:
            async for one in rendered:
                yield self._shown(one)

    def _shown(self, rendered: tuple[int, int, int]) -> Frame:
        index, turn, slot = rendered
        self._move_to(index + 1)
        return Frame(turn, self._ring.memory.read(slot, self._picture), index)

    async def skip(self, count: int) -> None:
        """As `AvatarStream.skip`."""
        self._move_to(self._state.frame + count)
        await self._tell("skip", count)

    async def clear(self, frame: int) -> None:
        """As `AvatarStream.clear`."""
        self._state = replace(self._state, frame=frame, said=())
        await self._tell("clear", frame)

    async def adjust(self, rig: Vector) -> None:
        """As `AvatarStream.adjust`; only where `adjustable`."""
        self._state = replace(self._state, rig=rig)
        await self._tell("adjust", rig)

    async def feel(self, emotion: EmotionState | None) -> None:
        """As `AvatarStream.feel`; only where it `feels`."""
        self._state = replace(self._state, held=emotion)
        await self._tell("feel", emotion)

    async def hear(self, pcm: NDArray[np.float32], start: int) -> None:
        """As `AvatarStream.hear`; only where it `hears`. The sound is not remembered."""
        await self._tell("hear", pcm, start)

    async def drive(self, jpeg: bytes | None, mode: DriveMode, at: float) -> Sight | None:
        """As `LiveAvatar.drive`; only where `drivable`. Pictures are not remembered."""
        sight: Sight | None = await self._tell("drive", jpeg, mode, at)
        return sight

    async def close(self) -> None:
        """Free the stream's place. Safe to call again."""
        if self._closed:
            return
        self._closed = True
        try:
            await self._tell("close_stream")
        finally:
            self._ring.release(self._region)

    async def restore(self) -> None:
        """Open the stream in the worker as it stands here; waits until the worker is up."""
        await self._worker.available()
        # Marked open before it is: what changes from now on follows the state through the pipe.
        self._start = self._worker.starts
        try:
            async with aclosing(self._worker.stream("open", self._region, self._state)) as steps:
                async for step in steps:
                    if step is not None:
                        self._abilities = step
        except BaseException:
            self._start = 0
            raise

    def _open(self) -> bool:
        return self._worker.up and self._start == self._worker.starts

    async def _tell(self, method: str, *args: object) -> Any:
        """Pass on a change, unless the worker is away: `restore` will."""
        if not self._open():
            return None
        try:
            return await self._worker.call(method, self._region, *args)
        except ProviderError as error:
            if not error.retryable:
                raise
            return None

    def _move_to(self, frame: int) -> None:
        said = self._state.said
        if said and not said[0].outlasts(frame):
            said = tuple(one for one in said if one.outlasts(frame))
        self._state = replace(self._state, frame=frame, said=said)
