"""Worker processes: one object each, called from the event loop, restarted when they die.

The loop never waits and never polls: requests and results cross a socket pair (see `framing`), and
the death of the child shows at once as the end of that socket.
"""

import asyncio
import contextlib
import itertools
import logging
import os
import signal
import socket
import subprocess
import sys
import time
from collections.abc import AsyncGenerator, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, Literal

from emotion.errors import LimnerError, ProviderError
from pipeline.framing import Channel, Kind, Message

log = logging.getLogger(__name__)

_CHILD = "from pipeline.worker_main import main; main()"
_ENVIRONMENT = {
    "ORT_DISABLE_TELEMETRY": "1",  # onnxruntime reports to its maker unless told not to
    "OPENBLAS_NUM_THREADS": "1",  # a worker is one of several on few cores
    "OMP_NUM_THREADS": "1",
}
_CLOSE_SECONDS = 2.0  # a polite end; after that the child is killed
_LOOK_AT_LOG = "The server's log has the details; please report it if it happens again."


@dataclass(frozen=True, slots=True)
class WorkerEvent:
    """What happened to a worker; `seconds` is how long it has been (or was) away."""

    kind: Literal["restarting", "restarted", "failed"]
    name: str
    seconds: float


@dataclass(frozen=True, slots=True)
class RestartPolicy:
    """When a worker is given up: after `limit` deaths in a row, each within `healthy_after` seconds
    of its start. The first restart is immediate, later ones wait `delay` seconds, doubled each
    time. `start_timeout` bounds the building of the object. `preload` are modules that are slow to
    import, and "module:function" that are slow to run and keep what they made: a spare child waits
    with them done, `spare_after` seconds after each start, so that a restart is short."""

    limit: int = 5
    healthy_after: float = 10.0
    delay: float = 0.2
    start_timeout: float = 60.0
    spare_after: float = 5.0
    preload: tuple[str, ...] = ()


class _Call:
    """A request that has one result."""

    def __init__(self) -> None:
        self.future: asyncio.Future[Any] = asyncio.get_running_loop().create_future()

    def deliver(self, kind: Kind, value: Any) -> None:
        if not self.future.done():
            self.future.set_result(value)

    def fail(self, error: LimnerError) -> None:
        if not self.future.done():
            self.future.set_exception(error)


class _Stream:
    """A request that has many; the child's credits bound the queue."""

    def __init__(self) -> None:
        self.queue: asyncio.Queue[tuple[Kind, Any]] = asyncio.Queue()
        self.ended = False

    def deliver(self, kind: Kind, value: Any) -> None:
        self.ended = kind is Kind.END
        self.queue.put_nowait((kind, value))

    def fail(self, error: LimnerError) -> None:
        self.ended = True
        self.queue.put_nowait((Kind.ERROR, error))


class _Process:
    """A child process and its channel."""

    def __init__(
        self,
        inherit: Sequence[int],
        on_message: Callable[[Message], None],
        on_lost: Callable[["_Process"], None],
        preload: Sequence[str] = (),
    ) -> None:
        """preload: modules that the child imports before it is asked to build its object."""
        ours, theirs = socket.socketpair()
        with theirs:
            fd = theirs.fileno()
            # Not multiprocessing's spawn: that imports the parent's main module (gradio and all)
            # once more in each child. Engines are installed beside us: the same interpreter finds
            # them, while the parent's own path (the folder of its script) would shadow modules.
            self.popen = subprocess.Popen(
                [sys.executable, "-P", "-c", _CHILD, str(fd), *preload],
                stdin=subprocess.DEVNULL,
                stdout=2,  # what native libraries print must not enter a command's output
                pass_fds=(fd, *inherit),
                env=os.environ | _ENVIRONMENT,
            )
        self.channel = Channel(ours, on_message, lambda: on_lost(self))
        self.started = time.monotonic()

    async def reap(self) -> int:
        """Kill what still runs and collect the exit code (negative: the signal)."""
        self.channel.close()
        if self.popen.poll() is None:
            self.popen.kill()
        return await asyncio.to_thread(self.popen.wait)


class Worker:
    """Hosts the object built by `factory` ("module:callable", called with `kwargs`) in a child.

    Belongs to the event loop that ran `start`. `inherit` are file descriptors that the child gets
    under the same numbers. `on_event` is called on the loop. See `pipeline.worker_main` for what
    the object may define (`cancel`, `close`, `interleave`, `ahead`).
    """

    def __init__(
        self,
        name: str,
        factory: str,
        kwargs: Mapping[str, Any] | None = None,
        on_event: Callable[[WorkerEvent], None] | None = None,
        *,
        inherit: Sequence[int] = (),
        policy: RestartPolicy | None = None,
    ) -> None:
        self.name = name
        self.restarts = 0
        self.starts = 0  # how many children there have been: state in the child lasts for one
        self._boot = (factory, dict(kwargs or {}))
        self._on_event = on_event
        self._inherit = tuple(inherit)
        self._policy = policy or RestartPolicy()
        self._ids = itertools.count(1)
        self._pending: dict[int, _Call | _Stream] = {}
        self._process: _Process | None = None
        self._spare: _Process | None = None
        self._sparing: asyncio.Task[None] | None = None
        self._up: asyncio.Future[None] | None = None  # done while requests can be sent
        self._supervisor: asyncio.Task[None] | None = None
        self._deaths = 0  # in a row, each soon after a start
        self._closed = False

    @property
    def pid(self) -> int | None:
        """Process id, None while there is no process."""
        return self._process.popen.pid if self._process else None

    @property
    def spare_pid(self) -> int | None:
        """Process id of the spare child, None while there is none."""
        return self._spare.popen.pid if self._spare else None

    @property
    def rss(self) -> int:
        """Resident memory of the child in bytes, 0 while there is no process."""
        import psutil

        try:
            return int(psutil.Process(self.pid).memory_info().rss) if self.pid else 0
        except psutil.NoSuchProcess:
            return 0

    @property
    def up(self) -> bool:
        """Whether a request would reach the child at once."""
        return self._up is not None and self._up.done() and self._up.exception() is None

    async def start(self) -> None:
        """Spawn the child and wait until its object is built.

        Raises the object's own LimnerError, or ProviderError if it cannot be built in time.
        """
        if self._up is not None:
            raise RuntimeError(f"the worker {self.name} was started before")
        self._up = asyncio.get_running_loop().create_future()
        try:
            await self._launch()
        except BaseException:
            self._refuse(ProviderError(f"The {self.name} worker did not start.", _LOOK_AT_LOG))
            raise

    async def call(self, method: str, *args: Any, **kwargs: Any) -> Any:
        """Run a method of the object and return its result; waits out a restart under way.

        Raises the object's LimnerError; ProviderError for any other failure, with
        `retryable` set if the child died meanwhile. Cancelling cancels the method.
        """
        await self.available()
        call = _Call()
        with self._request(Kind.CALL, call, (method, args, kwargs)):
            return await call.future

    async def stream(self, method: str, *args: Any, **kwargs: Any) -> AsyncGenerator[Any, None]:
        """The items of a generator method, as they come; errors as for `call`.

        The child is at most a few items ahead. An item's turn ends when the next one is asked for.
        Closing the iterator (or cancelling) ends the generator.
        """
        await self.available()
        stream = _Stream()
        with self._request(Kind.STREAM, stream, (method, args, kwargs)) as request:
            while True:
                kind, value = await stream.queue.get()
                if kind is Kind.END:
                    return
                if kind is Kind.ERROR:
                    raise value
                yield value
                self._send(Kind.CREDIT, request)

    async def close(self) -> None:
        """End the child; requests in flight fail. Safe to call again."""
        self._closed = True
        if self._supervisor is not None:
            self._supervisor.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await self._supervisor
        await self._drop_spare()
        closed = ProviderError(f"The {self.name} worker is closed.", "Start the server again.")
        self._fail_pending(closed)
        self._refuse(closed)
        process, self._process = self._process, None
        if process is not None:
            process.channel.send(Kind.CLOSE, 0)
            with contextlib.suppress(subprocess.TimeoutExpired):
                await asyncio.to_thread(process.popen.wait, _CLOSE_SECONDS)
            await process.reap()

    # Requests

    @contextlib.contextmanager
    def _request(self, kind: Kind, waiter: _Call | _Stream, payload: Any) -> Any:
        request = next(self._ids)
        self._pending[request] = waiter
        try:
            self._send(kind, request, payload)
            yield request
        finally:
            if self._pending.pop(request, None) is not None:  # nothing final has arrived
                self._send(Kind.CANCEL, request)

    def _send(self, kind: Kind, request: int, payload: Any = None) -> None:
        if self._process is not None:
            self._process.channel.send(kind, request, payload)

    async def available(self) -> None:
        """Wait until the child is up. Raises ProviderError if it was given up or closed."""
        if self._up is None:
            raise RuntimeError(f"the worker {self.name} was not started")
        while not self._up.done():
            await asyncio.shield(self._up)
        self._up.result()

    def _received(self, message: Message) -> None:
        final = message.kind is not Kind.ITEM
        pop = self._pending.pop if final else self._pending.get
        waiter = pop(message.request, None)
        if waiter is None:
            return  # cancelled meanwhile
        try:
            value = message.payload()
        except Exception as error:  # a class that this process cannot load
            waiter.fail(self._failure("sent something unreadable", repr(error), repr(error)))
            return
        if message.kind is Kind.ERROR:
            known, text, trace = value
            waiter.fail(known or self._failure("failed", text, trace))
        else:
            one = message.kind in (Kind.RESULT, Kind.ITEM)
            waiter.deliver(message.kind, value[0] if one else value)

    def _failure(self, what: str, reason: str, trace: str) -> ProviderError:
        log.error("The %s worker %s: %s", self.name, what, trace)
        return ProviderError(f"The {self.name} worker {what}: {reason}.", _LOOK_AT_LOG)

    def _fail_pending(self, error: ProviderError) -> None:
        pending, self._pending = self._pending, {}
        for waiter in pending.values():
            waiter.fail(error)

    # Life of the child

    async def _launch(self) -> None:
        """One attempt at a child that is ready for requests."""
        ready = _Call()
        request = next(self._ids)
        self._pending[request] = ready
        process = self._process = self._take_spare() or self._spawn()
        process.started = time.monotonic()  # a spare has waited
        process.channel.send(Kind.BOOT, request, self._boot)
        try:
            async with asyncio.timeout(self._policy.start_timeout):
                await ready.future
        except BaseException as error:
            self._pending.pop(request, None)
            self._process = None
            code = await process.reap()
            if isinstance(error, TimeoutError):
                seconds = self._policy.start_timeout
                message = f"The {self.name} worker was not ready after {seconds:g} s."
                raise ProviderError(message, "Is the machine overloaded? Try again.") from error
            log.warning("The %s worker did not start (%s).", self.name, _cause(code))
            raise
        assert self._up is not None
        self.starts += 1
        self._up.set_result(None)
        if self._policy.preload and not self._closed:
            self._sparing = asyncio.create_task(self._make_spare())

    def _spawn(self) -> _Process:
        return _Process(self._inherit, self._received, self._lost, self._policy.preload)

    async def _make_spare(self) -> None:
        # Not at once: the machine is busy enough while everything starts.
        await asyncio.sleep(self._policy.spare_after)
        self._spare = self._spawn()

    def _take_spare(self) -> _Process | None:
        """The spare child if there is one alive; nobody makes another one meanwhile."""
        if self._sparing is not None:
            self._sparing.cancel()
        spare, self._spare = self._spare, None
        return spare if spare is not None and spare.popen.poll() is None else None

    async def _drop_spare(self) -> None:
        spare = self._take_spare()
        if spare is not None:
            await spare.reap()

    def _lost(self, process: _Process) -> None:
        """A child is gone (its end of the socket closed); without a spare it is not missed."""
        if process is not self._process:
            return
        assert self._up is not None
        starting = not self._up.done()
        self._fail_pending(
            ProviderError(
                f"The {self.name} worker died{' while starting' if starting else ''}.",
                "It is being restarted: try again." if not starting else _LOOK_AT_LOG,
                retryable=not starting,
            )
        )
        if not starting and not self._closed and self._process is not None:
            self._up = asyncio.get_running_loop().create_future()
            process, self._process = self._process, None
            self._supervisor = asyncio.create_task(self._restart(process))

    async def _restart(self, process: _Process) -> None:
        began = time.monotonic()
        lived = began - process.started
        self._emit("restarting", 0.0)
        code = await process.reap()
        log.warning("The %s worker died (%s) after %.1f s.", self.name, _cause(code), lived)
        self._deaths = 1 if lived >= self._policy.healthy_after else self._deaths + 1
        while self._deaths <= self._policy.limit:
            if self._deaths > 1:
                await asyncio.sleep(self._policy.delay * 2 ** (self._deaths - 2))
            try:
                await self._launch()
            except LimnerError as error:
                log.warning("The %s worker could not be restarted: %s", self.name, error)
                self._deaths += 1
                continue
            self.restarts += 1
            return self._emit("restarted", time.monotonic() - began)
        self._give_up(time.monotonic() - began)

    def _give_up(self, seconds: float) -> None:
        self._refuse(
            ProviderError(
                f"The {self.name} worker died {self._deaths} times in a row and was given up.",
                "Run `limner doctor`, see the log for the cause, and start the server again.",
            )
        )
        self._emit("failed", seconds)

    def _refuse(self, error: ProviderError) -> None:
        """From now on every request fails with `error`."""
        if self._up is None:
            return
        if self._up.done():
            self._up = asyncio.get_running_loop().create_future()
        self._up.set_exception(error)
        self._up.exception()  # mark as seen: there may be nobody waiting

    def _emit(self, kind: Literal["restarting", "restarted", "failed"], seconds: float) -> None:
        if self._on_event is not None:
            self._on_event(WorkerEvent(kind, self.name, seconds))


def _cause(code: int) -> str:
    """An exit code in words."""
    if code >= 0:
        return f"exit code {code}"
    try:
        return signal.Signals(-code).name
    except ValueError:
        return f"signal {-code}"
