"""Workers: real child processes; every wait is for an event."""

import asyncio
import logging
import os
import select
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Callable
from contextlib import aclosing
from pathlib import Path

import numpy as np
import pytest
import worker_fakes

from emotion.errors import MediaError, ProviderError
from pipeline.framing import Decoder, Kind, pack
from pipeline.workers import RestartPolicy, Worker, WorkerEvent

FAKES = worker_fakes.__name__
Build = Callable[..., Worker]


class Events(list[WorkerEvent]):
    """What happened to the workers of a test; `until` waits for it."""

    def __init__(self) -> None:
        super().__init__()
        self._changed = asyncio.Event()

    def __call__(self, event: WorkerEvent) -> None:
        self.append(event)
        self._changed.set()

    async def until(self, kind: str) -> WorkerEvent:
        async with asyncio.timeout(20):
            while not (found := [event for event in self if event.kind == kind]):
                self._changed.clear()
                await self._changed.wait()
        return found[-1]


class Bell:
    """A pipe on which the child's `hang` says that it has begun."""

    def __init__(self) -> None:
        self.ours, self.child = os.pipe()
        self._rung = asyncio.Event()
        asyncio.get_running_loop().add_reader(self.ours, self._ring)

    def _ring(self) -> None:
        os.read(self.ours, 1)
        self._rung.set()

    async def rings(self) -> None:
        async with asyncio.timeout(20):
            await self._rung.wait()

    def close(self) -> None:
        asyncio.get_running_loop().remove_reader(self.ours)
        os.close(self.ours)
        os.close(self.child)


@pytest.fixture
async def bell() -> AsyncIterator[Bell]:
    bell = Bell()
    yield bell
    bell.close()


@pytest.fixture
async def events() -> Events:
    return Events()


@pytest.fixture
async def build(events: Events, bell: Bell) -> AsyncIterator[Build]:
    made: list[Worker] = []

    def make(factory: str = "Echo", kwargs: dict | None = None, **policy: float) -> Worker:
        worker = Worker(
            "test",
            f"{FAKES}:{factory}",
            kwargs,
            events,
            inherit=(bell.child,),
            policy=RestartPolicy(**policy),
        )
        made.append(worker)
        return worker

    yield make
    for worker in made:
        await worker.close()


@pytest.fixture
async def echo(build: Build, bell: Bell) -> Worker:
    worker = build("Echo", {"bell": bell.child})
    await worker.start()
    return worker


def gone(pid: int) -> bool:
    """Whether a process is no more (nor a zombie that its parent has to collect)."""
    try:
        state = Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()[0]
    except (FileNotFoundError, ProcessLookupError):
        return True
    return state == "Z"


# Framing


def test_messages_survive_any_cut_of_the_bytes() -> None:
    array = np.arange(70_000, dtype=np.float32)
    sent = [(Kind.CALL, 1, ("m", (array, array[:0]), {})), (Kind.CANCEL, 2, None)]
    data = b"".join(bytes(part) for kind, at, load in sent for part in pack(kind, at, load))
    for step in (1, 7, 4096, len(data)):
        decoder, got, rest = Decoder(), [], memoryview(data)
        while rest:
            count = min(step, len(decoder.want), len(rest))
            decoder.want[:count] = rest[:count]
            rest = rest[count:]
            got.append(decoder.fed(count))
        first, second = [message for message in got if message]
        method, (whole, empty), _ = first.payload()
        assert (method, first.request, second.kind) == ("m", 1, Kind.CANCEL)
        assert second.payload() is None
        assert np.array_equal(whole, array) and empty.shape == (0,)


def test_arrays_travel_outside_the_pickle() -> None:
    parts = pack(Kind.CALL, 1, np.zeros(1_000_000, np.uint8))
    assert parts[-1].nbytes == 1_000_000
    assert sum(part.nbytes for part in parts[:-1]) < 1_000


# Calls


async def test_call_returns_the_result(echo: Worker) -> None:
    assert await echo.call("greet", "you", mark="?") == "hello you?"
    assert await echo.call("nothing") is None


async def test_factory_gets_its_arguments(build: Build) -> None:
    worker = build("Echo", {"greeting": "good day"})
    await worker.start()
    assert await worker.call("greet", "all") == "good day all!"


async def test_several_calls_may_be_in_flight(echo: Worker) -> None:
    answers = await asyncio.gather(*(echo.call("greet", str(i)) for i in range(50)))
    assert answers == [f"hello {i}!" for i in range(50)]


async def test_five_megabytes_both_ways_leave_the_loop_free(echo: Worker) -> None:
    values = np.arange(1_250_000, dtype=np.float32)
    ticks = 0

    async def tick() -> None:
        nonlocal ticks
        while True:
            ticks += 1
            await asyncio.sleep(0)

    ticker = asyncio.create_task(tick())
    doubled = await echo.call("double", values)
    ticker.cancel()
    assert np.array_equal(doubled, values * 2)
    assert ticks > 10  # it went piece by piece


async def test_small_calls_are_quick(echo: Worker) -> None:
    taken = []
    for _ in range(300):
        began = time.perf_counter()
        await echo.call("nothing")
        taken.append(time.perf_counter() - began)
    assert statistics.median(taken) < 0.002  # 0.1 ms on a free machine; CI machines are not


async def test_pid_and_memory(echo: Worker) -> None:
    assert echo.pid == await echo.call("pid") != os.getpid()
    assert 5e6 < echo.rss < 1e9


# Errors


async def test_own_errors_arrive_as_themselves(echo: Worker) -> None:
    with pytest.raises(MediaError) as media:
        await echo.call("media_error")
    assert (media.value.message, media.value.remedy) == ("The sound is empty.", "Speak up.")
    with pytest.raises(ProviderError, match="busy") as provider:
        await echo.call("provider_error")
    assert provider.value.retryable


async def test_other_errors_name_the_worker_and_log_the_trace(
    echo: Worker, caplog: pytest.LogCaptureFixture
) -> None:
    with caplog.at_level(logging.ERROR), pytest.raises(ProviderError, match="test worker") as error:
        await echo.call("bug")
    assert "ZeroDivisionError" in error.value.message and not error.value.retryable
    assert "one over nothing" in caplog.text and "Traceback" in caplog.text
    assert await echo.call("greet", "still") == "hello still!"


@pytest.mark.parametrize("method", ["unpicklable", "unpicklable_error", "_secret", "no_such"])
async def test_what_cannot_be_answered_is_an_error(echo: Worker, method: str) -> None:
    with pytest.raises(ProviderError):
        await echo.call(method)
    assert await echo.call("greet", "still") == "hello still!"


async def test_arguments_that_cannot_travel_raise_at_once(echo: Worker) -> None:
    with pytest.raises((AttributeError, TypeError)):
        await echo.call("greet", lambda: None)
    assert await echo.call("greet", "still") == "hello still!"


# Streams


async def test_stream_yields_all_items(echo: Worker) -> None:
    assert [item async for item in echo.stream("count", 100)] == list(range(100))


async def test_error_inside_a_stream_comes_after_its_items(echo: Worker) -> None:
    got = []
    with pytest.raises(ProviderError, match="late"):
        async for item in echo.stream("bug_after_two"):
            got.append(item)
    assert got == [1, 2]


async def test_generator_is_only_a_few_items_ahead(build: Build) -> None:
    worker = build("Shared")  # two ahead
    await worker.start()
    async with aclosing(worker.stream("progress")) as items:
        assert [await anext(items) for _ in range(3)] == [1, 2, 3]
        assert 3 <= await worker.call("far") <= 5
    assert await worker.call("far") <= 5


async def test_closing_a_stream_ends_the_generator(echo: Worker) -> None:
    async with aclosing(echo.stream("count", 10**9)) as items:
        assert await anext(items) == 0
    assert (await echo.call("produced"))[1] == 1


async def test_cancel_reaches_a_running_generator(echo: Worker, bell: Bell) -> None:
    items = echo.stream("hanging_items")
    assert await anext(items) == 1  # the generator hangs from here
    waiting = asyncio.ensure_future(anext(items))
    await bell.rings()
    began = time.perf_counter()
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert await echo.call("produced") == (1, 0)  # answered only when the thread is free again
    assert time.perf_counter() - began < 1  # some ms; 50 ms is the promise on a free machine


async def test_cancelled_call_cancels_the_method(echo: Worker, bell: Bell) -> None:
    hanging = asyncio.create_task(echo.call("hang"))
    await bell.rings()
    hanging.cancel()
    with pytest.raises(asyncio.CancelledError):
        await hanging
    assert (await echo.call("produced"))[0] == 1


async def test_cancelled_while_queued_never_runs(echo: Worker, bell: Bell) -> None:
    hanging = asyncio.create_task(echo.call("hang"))
    await bell.rings()
    queued = asyncio.create_task(echo.call("die", 1))
    await asyncio.sleep(0)
    for task in (queued, hanging):
        task.cancel()
    await asyncio.gather(queued, hanging, return_exceptions=True)
    assert await echo.call("greet", "alive") == "hello alive!"


async def test_requests_run_in_order_unless_the_object_lets_them_take_turns(build: Build) -> None:
    alone, shared = build("Echo"), build("Shared")
    await asyncio.gather(alone.start(), shared.start())
    async with aclosing(shared.stream("progress")) as first:
        await anext(first)
        async with aclosing(shared.stream("count", 3)) as second:
            assert [item async for item in second] == [0, 1, 2]
        assert await anext(first) == 2
    async with aclosing(alone.stream("count", 10)) as first:
        await anext(first)
        second = asyncio.create_task(alone.call("greet", "later"))
        assert [item async for item in first] == list(range(1, 10))
    assert await second == "hello later!"


# Life and death


async def test_killed_worker_fails_what_is_in_flight_and_comes_back(
    echo: Worker, events: Events
) -> None:
    items = echo.stream("hanging_items")
    assert await anext(items) == 1
    waiting = asyncio.ensure_future(anext(items))
    old = echo.pid
    assert old is not None
    began = time.perf_counter()
    os.kill(old, signal.SIGKILL)
    with pytest.raises(ProviderError, match="test worker died") as error:
        await waiting
    assert error.value.retryable and time.perf_counter() - began < 1
    assert await echo.call("greet", "again") == "hello again!"  # waits out the restart
    assert time.perf_counter() - began < 5  # 0.25 s on a free machine; 2 s is the promise
    restarted = await events.until("restarted")
    assert [event.kind for event in events] == ["restarting", "restarted"]
    assert restarted.name == "test" and 0 < restarted.seconds < 5
    assert echo.pid not in (None, old) and echo.restarts == 1


async def test_crash_in_the_middle_of_a_stream(echo: Worker, events: Events) -> None:
    got = []
    with pytest.raises(ProviderError, match="died"):
        async for item in echo.stream("items_then_die"):
            got.append(item)
    assert got == [1]
    await events.until("restarted")
    assert await echo.call("greet", "again") == "hello again!"


async def test_given_up_after_repeated_deaths(build: Build, events: Events, tmp_path: Path) -> None:
    worker = build("die_again", {"flag": str(tmp_path / "flag")}, limit=2, delay=0.001)
    await worker.start()
    with pytest.raises(ProviderError, match="died"):
        await worker.call("die", 4)
    with pytest.raises(ProviderError, match="given up") as error:
        await worker.call("greet", "you")
    assert "doctor" in error.value.remedy and not error.value.retryable
    await events.until("failed")
    assert not worker.up


async def test_building_errors_are_told(build: Build) -> None:
    with pytest.raises(MediaError, match="no such thing"):
        await build("refuse").start()
    with pytest.raises(ProviderError, match="built on sand"):
        await build("break_down").start()
    with pytest.raises(ProviderError, match="died while starting"):
        await build("die_at_once").start()
    with pytest.raises(ProviderError, match="nowhere"):
        await build("nowhere").start()


async def test_start_gives_up_in_time(build: Build) -> None:
    worker = build("never_ready", start_timeout=0.3)
    with pytest.raises(ProviderError, match=r"not ready after 0\.3 s"):
        await worker.start()
    assert worker.pid is None
    with pytest.raises(ProviderError, match="did not start"):
        await worker.call("greet", "you")


async def test_close_ends_the_child_and_refuses_requests(
    echo: Worker, events: Events, bell: Bell
) -> None:
    pid = echo.pid
    hanging = asyncio.create_task(echo.call("hang"))
    await bell.rings()
    await echo.close()
    assert pid is not None and gone(pid)
    with pytest.raises(ProviderError, match="closed"):
        await hanging
    with pytest.raises(ProviderError, match="closed"):
        await echo.call("greet", "you")
    assert events == []


PARENT = """
import asyncio, sys
from pipeline.workers import Worker

async def main():
    worker = Worker("orphan", sys.argv[1])
    await worker.start()
    print(worker.pid, flush=True)
    await worker.call("hang")

asyncio.run(main())
"""


def test_child_dies_with_a_killed_parent() -> None:
    command = [sys.executable, "-c", PARENT, f"{FAKES}:Echo"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as parent:
        assert parent.stdout is not None
        child = int(parent.stdout.readline())
        handle = os.pidfd_open(child)
        parent.kill()
    try:
        ended, _, _ = select.select([handle], [], [], 5)
    finally:
        os.close(handle)
    assert ended, "the worker outlived its parent"


# Spare children


@pytest.fixture
async def prepared(events: Events) -> AsyncIterator[Worker]:
    """A worker whose spare child waits."""
    worker = Worker(
        "test",
        f"{FAKES}:Echo",
        None,
        events,
        policy=RestartPolicy(
            spare_after=0, preload=("json", "no_such_module", f"{FAKES}:slow_to_make")
        ),
    )
    await worker.start()
    await until_spared(worker)
    yield worker
    await worker.close()


async def until_spared(worker: Worker) -> None:
    async with asyncio.timeout(20):
        while worker.spare_pid is None:
            await asyncio.sleep(0)


async def test_the_spare_takes_over_and_is_replaced(prepared: Worker, events: Events) -> None:
    first, spare = prepared.pid, prepared.spare_pid
    assert first and spare and first != spare
    os.kill(first, signal.SIGKILL)
    await events.until("restarted")
    assert prepared.pid == spare
    assert await prepared.call("made") == 1
    assert await prepared.call("greet", "you") == "hello you!"
    await until_spared(prepared)
    assert prepared.spare_pid not in (first, spare, None)


async def test_a_dead_spare_is_not_missed(prepared: Worker, events: Events) -> None:
    spare = prepared.spare_pid
    assert spare
    os.kill(spare, signal.SIGKILL)
    assert await prepared.call("greet", "you") == "hello you!"
    assert not events
    assert prepared.pid
    os.kill(prepared.pid, signal.SIGKILL)
    await events.until("restarted")
    assert prepared.pid != spare
    assert await prepared.call("greet", "me") == "hello me!"


async def test_closing_leaves_no_spare_behind(prepared: Worker) -> None:
    spare = prepared.spare_pid
    await prepared.close()
    assert spare and gone(spare)


async def test_the_parents_script_folder_shadows_nothing_in_the_child(
    build: Build, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "worker_fakes.py").write_text("raise RuntimeError('the wrong module')")
    monkeypatch.syspath_prepend(tmp_path)
    worker = build("Echo")
    await worker.start()
    assert await worker.call("greet", "you") == "hello you!"
