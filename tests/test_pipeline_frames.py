"""Frames through shared memory, with a real worker process."""

import asyncio
import os
import signal
from collections.abc import AsyncIterator
from contextlib import aclosing
from dataclasses import replace
from pathlib import Path

import cv2
import numpy as np
import pytest
import worker_fakes

from avatar.rig import rig
from avatar.types import Activity, Frame, Sight
from emotion.errors import MediaError, OverloadedError, PortraitError, ProviderError
from emotion.types import EmotionState
from pipeline.frame_memory import SLOTS, FrameMemory, FrameRing
from pipeline.frames import RemoteAvatar, RemoteAvatarStream
from speech.types import PLAY_RATE, SpeechChunk

FAKES = worker_fakes.__name__
HAPPY = EmotionState.from_strengths({"happy": 0.8})


def speech(turn: int, start_frame: int, frames: int) -> SpeechChunk:
    return SpeechChunk(turn, np.zeros(frames * 960, np.float32), PLAY_RATE, start_frame * 960)


@pytest.fixture
async def died() -> asyncio.Event:
    return asyncio.Event()


@pytest.fixture
async def avatar(died: asyncio.Event) -> AsyncIterator[RemoteAvatar]:
    remote = RemoteAvatar(
        f"{FAKES}:Flags",
        streams=2,
        size_max=96,
        portraits=f"{FAKES}:portrait",
        on_event=lambda event: died.set(),
    )
    await remote.start()
    yield remote
    await remote.close()


@pytest.fixture
async def stream(avatar: RemoteAvatar) -> RemoteAvatarStream:
    return await avatar.open("ada", 64, seed=7)


async def take(stream: RemoteAvatarStream, count: int) -> list[Frame]:
    """Frames to keep: the stream's share one buffer."""
    return [replace(f, rgb=f.rgb.copy()) async for f in stream.frames(count)]


def shared_files() -> set[str]:
    return set(os.listdir("/dev/shm"))


def memory_of(pid: int) -> list[str]:
    """The frame memories that a process has mapped."""
    maps = Path(f"/proc/{pid}/maps").read_text().splitlines()
    return [line for line in maps if "limner-frames" in line]


def test_ring_gives_back_what_was_written() -> None:
    ring = FrameRing(64, 2)
    child = FrameMemory(ring.fd, 64)
    picture = np.random.default_rng(0).integers(0, 256, (64, 64, 3), np.uint8)
    child.write(5, picture)
    got = np.ones_like(picture)
    assert np.array_equal(ring.memory.read(5, got), picture)
    assert not ring.memory.read(4, got).any() and not ring.memory.read(6, got).any()
    child.map.close()
    ring.close()
    ring.close()


def test_released_memory_goes_back_to_the_system() -> None:
    ring = FrameRing(512, 4)
    assert os.fstat(ring.fd).st_blocks == 0  # nothing is used before it is touched
    region = ring.claim()
    for slot in range(SLOTS):
        ring.memory.write(region * SLOTS + slot, np.ones((512, 512, 3), np.uint8))
    assert os.fstat(ring.fd).st_blocks * 512 >= SLOTS * 512 * 512 * 3
    ring.release(region)
    assert os.fstat(ring.fd).st_blocks == 0
    assert ring.claim() == region
    ring.close()


async def test_frames_come_in_order_with_their_pixels(stream: RemoteAvatarStream) -> None:
    frames = await take(stream, 20) + await take(stream, 3)
    assert [frame.index for frame in frames] == list(range(23))
    for frame in frames:
        assert frame.rgb.shape == (64, 64, 3) and frame.rgb.dtype == np.uint8
        assert tuple(frame.rgb[0, 0]) == (frame.index, Activity.IDLE, 7)
        assert (frame.rgb[1:, :, 2] == frame.index).all()


async def test_speech_and_feeling_reach_the_avatar(stream: RemoteAvatarStream) -> None:
    await stream.push(speech(3, 2, 2), HAPPY, Activity.SPEAKING)
    frames = await take(stream, 5)
    assert [frame.turn for frame in frames] == [0, 0, 3, 3, 0]
    assert frames[0].rgb[0, 0, 1] == Activity.SPEAKING and frames[0].rgb[1, 1, 0] == 80


async def test_skip_and_clear_move_the_frame_number(stream: RemoteAvatarStream) -> None:
    await stream.push(speech(3, 0, 90), HAPPY, Activity.SPEAKING)
    await stream.skip(10)
    assert (await take(stream, 1))[0].index == 10
    await stream.clear(50)
    frame = (await take(stream, 1))[0]
    assert (frame.index, frame.turn) == (50, 0)


async def test_streams_take_turns_and_do_not_mix(avatar: RemoteAvatar) -> None:
    one, two = await avatar.open("ada", 64, seed=1), await avatar.open("bob", 96, seed=2)
    async with aclosing(one.frames(1000)) as slow:
        await anext(slow)  # its renderer waits; the other goes on
        frames = await take(two, 30)
        assert {tuple(frame.rgb[0, 0, 1:]) for frame in frames} == {(0, 2)}
        assert (await anext(slow)).rgb[0, 0, 2] == 1
    with pytest.raises(OverloadedError):
        await avatar.open("cyd", 64, seed=3)
    await one.close()
    await one.close()
    three = await avatar.open("cyd", 64, seed=3)
    assert (await take(three, 1))[0].rgb[0, 0, 2] == 3


async def test_closed_iterator_loses_a_few_frames_at_most(stream: RemoteAvatarStream) -> None:
    async with aclosing(stream.frames(1000)) as frames:
        assert (await anext(frames)).index == 0
    assert 1 <= (await take(stream, 1))[0].index <= 1 + SLOTS


async def test_bad_portrait_and_size(avatar: RemoteAvatar) -> None:
    for _ in range(5):  # the place is given back each time
        with pytest.raises(PortraitError, match="missing"):
            await avatar.open("missing", 64, seed=0)
    for size in (0, 97):
        with pytest.raises(ValueError, match=r"1\.\.96"):
            await avatar.open("ada", size, seed=0)


async def test_stream_goes_on_after_its_worker_was_killed(
    avatar: RemoteAvatar, stream: RemoteAvatarStream
) -> None:
    await stream.push(speech(1, 0, 3), HAPPY, Activity.SPEAKING)
    await stream.push(speech(4, 3, 9), HAPPY, Activity.SPEAKING)
    assert avatar.worker.pid is not None
    with pytest.raises(ProviderError) as error:
        async for frame in stream.frames(10**6):
            if frame.index == 5:
                os.kill(avatar.worker.pid, signal.SIGKILL)
    assert error.value.retryable
    async with asyncio.timeout(5):
        frames = await take(stream, 8)
    first = frames[0]
    assert 6 <= first.index <= 6 + SLOTS
    assert [frame.index for frame in frames] == list(range(first.index, first.index + 8))
    assert [frame.turn for frame in frames] == [4 if f.index < 12 else 0 for f in frames]
    assert tuple(first.rgb[0, 0, 1:]) == (Activity.SPEAKING, 7) and first.rgb[1, 1, 0] == 80
    assert avatar.worker.restarts == 1


async def test_what_changes_while_the_worker_is_away_is_kept(
    avatar: RemoteAvatar, stream: RemoteAvatarStream, died: asyncio.Event
) -> None:
    await take(stream, 2)
    assert avatar.worker.pid is not None
    os.kill(avatar.worker.pid, signal.SIGKILL)
    await died.wait()
    assert not avatar.worker.up
    await stream.clear(40)
    await stream.skip(2)
    await stream.push(speech(9, 43, 1), HAPPY, Activity.LISTENING)
    frames = await take(stream, 3)
    assert [(frame.index, frame.turn) for frame in frames] == [(42, 0), (43, 9), (44, 0)]
    assert frames[0].rgb[0, 0, 1] == Activity.LISTENING


async def test_what_is_set_by_hand_reaches_the_stream_and_outlives_its_worker(
    avatar: RemoteAvatar, stream: RemoteAvatarStream, died: asyncio.Event
) -> None:
    assert stream.adjustable
    await stream.adjust(rig({"jawOpen": 0.5}))
    assert (await take(stream, 1))[0].rgb[0, 1, 0] == 50
    assert avatar.worker.pid is not None
    os.kill(avatar.worker.pid, signal.SIGKILL)
    await died.wait()
    assert (await take(stream, 1))[0].rgb[0, 1, 0] == 50


async def test_a_stream_without_controls_is_known_as_such() -> None:
    remote = RemoteAvatar(f"{FAKES}:Unmoved", streams=1, size_max=96, portraits=f"{FAKES}:portrait")
    await remote.start()
    plain = await remote.open("ada", 64, seed=0)
    assert not (plain.adjustable or plain.drivable or plain.feels or plain.hears)
    await remote.close()


async def test_a_held_feeling_reaches_the_stream_and_outlives_its_worker(
    avatar: RemoteAvatar, stream: RemoteAvatarStream, died: asyncio.Event
) -> None:
    assert stream.feels
    await stream.feel(HAPPY)
    assert (await take(stream, 1))[0].rgb[0, 2, 0] == 80
    assert avatar.worker.pid is not None
    os.kill(avatar.worker.pid, signal.SIGKILL)
    await died.wait()
    await take_until_alive(stream)
    assert (await take(stream, 1))[0].rgb[0, 2, 0] == 80
    await stream.feel(None)
    assert (await take(stream, 1))[0].rgb[0, 2, 0] == 0


async def test_the_users_voice_reaches_the_stream(stream: RemoteAvatarStream) -> None:
    assert stream.hears
    for start in (0, 2400):
        await stream.hear(np.zeros(2400, np.float32), start)
    assert (await take(stream, 1))[0].rgb[0, 3, 0] == 48


async def test_a_feeling_and_its_latent_travel_whole(stream: RemoteAvatarStream) -> None:
    """Pickled on the way: the worker's stream shows the intensity, the latent must not be lost."""
    felt = EmotionState(HAPPY.weights, 0.5, np.ones((4, 64), np.float32))
    await stream.push(speech(3, 0, 2), felt, Activity.SPEAKING)
    frame = (await take(stream, 1))[0]
    assert frame.rgb[1, 1, 0] == 50 and frame.rgb[0, 4, 0] == 256 % 251


async def test_a_camera_moves_the_stream_and_is_forgotten(
    avatar: RemoteAvatar, stream: RemoteAvatarStream, died: asyncio.Event
) -> None:
    assert stream.drivable
    grey = bytes(cv2.imencode(".jpg", np.full((48, 64, 3), 51, np.uint8))[1])
    assert await stream.drive(grey, "drives", 1.5) == Sight(True, 1.5, 0)
    assert (await take(stream, 1))[0].rgb[0, 1, 0] == 20
    with pytest.raises(MediaError, match="cannot be read"):
        await stream.drive(b"no picture", "drives", 1.6)
    assert avatar.worker.pid is not None
    os.kill(avatar.worker.pid, signal.SIGKILL)
    await died.wait()
    assert await stream.drive(grey, "drives", 1.7) is None
    assert (await take(stream, 1))[0].rgb[0, 1, 0] == 0
    await stream.drive(grey, "mirrors", 1.8)
    await stream.drive(None, "drives", 0.0)
    assert (await take(stream, 1))[0].rgb[0, 1, 0] == 0


async def test_a_portrait_that_was_never_a_file_is_shown(avatar: RemoteAvatar) -> None:
    stream = await avatar.open(worker_fakes.portrait("mine"), 64, seed=9)
    assert (await take(stream, 1))[0].rgb[0, 0, 2] == 9


async def test_a_slow_new_portrait_does_not_hold_up_the_others(
    avatar: RemoteAvatar, stream: RemoteAvatarStream
) -> None:
    async def go_on() -> None:
        for _ in range(40):
            await take(stream, 1)

    going = asyncio.create_task(go_on())
    async with asyncio.timeout(15):
        slow = await avatar.open("slow", 64, seed=5)
    await going
    assert (await take(slow, 1))[0].rgb[0, 0, 2] == 5


async def test_no_shared_memory_is_left(avatar: RemoteAvatar) -> None:
    before = shared_files()
    stream = await avatar.open("ada", 64, seed=0)
    await take(stream, 2)
    assert avatar.worker.pid is not None
    assert memory_of(os.getpid()) and memory_of(avatar.worker.pid)
    assert shared_files() == before  # it never had a name: nothing to clean, however we die
    os.kill(avatar.worker.pid, signal.SIGKILL)
    await take_until_alive(stream)
    await avatar.close()
    await stream.close()
    assert memory_of(os.getpid()) == [] and shared_files() == before


async def take_until_alive(stream: RemoteAvatarStream) -> None:
    try:
        await take(stream, 10)
    except ProviderError:
        await take(stream, 1)
