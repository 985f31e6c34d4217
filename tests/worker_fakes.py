"""Tiny objects that the worker tests host in child processes; imported by the child."""

import os
import threading
import time
from collections.abc import Iterator
from functools import cache
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avatar.landmarks import COUNT, Landmarks
from avatar.rig import INDEX, Vector
from avatar.types import Activity, DriveMode, Frame, Portrait, Sight
from emotion.errors import LimnerError, MediaError, PortraitError, ProviderError
from emotion.types import EmotionState
from speech.types import PLAY_RATE, SAMPLES_PER_FRAME, SpeechChunk, Transcript, Voice


@cache
def slow_to_make() -> float:
    """When it was made in this process."""
    return time.monotonic()


class Echo:
    """A plain object: one method of each sort that a worker must cope with."""

    def __init__(self, greeting: str = "hello", bell: int | None = None) -> None:
        self.greeting = greeting
        self.bell = bell  # a pipe that is written to when `hang` begins
        self.cancels = 0
        self.closed_generators = 0
        self._stop = threading.Event()

    def made(self) -> int:
        """How often `slow_to_make` ran in this process, until now."""
        return slow_to_make.cache_info().currsize

    def greet(self, name: str, *, mark: str = "!") -> str:
        return f"{self.greeting} {name}{mark}"

    def pid(self) -> int:
        return os.getpid()

    def double(self, values: NDArray[np.float32]) -> NDArray[np.float32]:
        return values * 2

    def nothing(self) -> None:
        return None

    def count(self, upto: int) -> Iterator[int]:
        try:
            yield from range(upto)
        finally:
            self.closed_generators += 1

    def produced(self) -> tuple[int, int]:
        return self.cancels, self.closed_generators

    def progress(self) -> Iterator[int]:
        """Endless; remembers how far it got."""
        self.reached = 0
        while True:
            self.reached += 1
            yield self.reached

    def far(self) -> int:
        return self.reached

    def hang(self) -> str:
        """Blocks until cancelled, as a voice engine in the middle of a clause."""
        self._stop.clear()
        if self.bell is not None:
            os.write(self.bell, b".")
        return "cancelled" if self._stop.wait(60) else "timed out"

    def hanging_items(self) -> Iterator[int]:
        yield 1
        self.hang()
        yield 2

    def cancel(self) -> None:
        self.cancels += 1
        self._stop.set()

    def die(self, code: int) -> None:
        os._exit(code)

    def items_then_die(self) -> Iterator[int]:
        yield 1
        os._exit(3)

    def media_error(self) -> None:
        raise MediaError("The sound is empty.", "Speak up.")

    def provider_error(self) -> None:
        raise ProviderError("The voice is busy.", "Wait.", retryable=True)

    def bug(self) -> None:
        raise ZeroDivisionError("one over nothing")

    def bug_after_two(self) -> Iterator[int]:
        yield 1
        yield 2
        raise ZeroDivisionError("late")

    def unpicklable(self) -> Any:
        return lambda: None

    def unpicklable_error(self) -> None:
        raise StubbornError("cannot travel", "stay")


class StubbornError(LimnerError):
    """An error that refuses to be pickled."""

    def __reduce__(self) -> tuple[object, ...]:
        raise TypeError("no pickles")


class Shared(Echo):
    """Lets its generators take turns."""

    interleave = True
    ahead = 2


def refuse() -> None:
    raise MediaError("There is no such thing.", "Name another.")


def break_down() -> None:
    raise ZeroDivisionError("built on sand")


def die_at_once() -> None:
    os._exit(7)


def never_ready() -> None:
    time.sleep(60)


def die_again(flag: str) -> Echo:
    """Builds once, then dies in every later attempt (the flag file tells)."""
    if os.path.exists(flag):
        os._exit(9)
    with open(flag, "w"):
        pass
    return Echo()


def portrait(name: str) -> Portrait:
    """A grey square; "missing" is not there."""
    if name == "missing":
        raise PortraitError('There is no portrait "missing".', "See `limner portraits`.")
    grey = np.full((64, 64, 3), 128, np.uint8)
    return Portrait(name, name, "", grey, Landmarks(np.zeros((COUNT, 2), np.float32)))


class Flags:
    """An avatar whose pixels tell what it knows: see `FlagStream.frames`."""

    def __init__(self) -> None:
        self.far = threading.Event()  # some stream has come to frame 30

    def open(self, portrait: Portrait, size: int, seed: int) -> "FlagStream":
        """A portrait named "slow" takes until another stream has moved on."""
        if portrait.name == "slow" and not self.far.wait(20):
            raise PortraitError("The others stand still.", "Let them go on.")
        return FlagStream(size, seed, self.far)


class Unmoved(Flags):
    """An avatar whose streams have no controls."""

    def open(self, portrait: Portrait, size: int, seed: int) -> "PlainStream":  # type: ignore[override]
        return PlainStream(size, seed, self.far)


class PlainStream:
    def __init__(self, size: int, seed: int, far: threading.Event | None = None) -> None:
        self.size, self.seed, self.next = size, seed, 0
        self.far = far or threading.Event()
        self.jaw = 0.0
        self.feeling, self.activity = EmotionState.neutral(), Activity.IDLE
        self.said: list[SpeechChunk] = []

    def push(self, speech: SpeechChunk | None, emotion: EmotionState, activity: Activity) -> None:
        self.feeling, self.activity = emotion, activity
        if speech is not None:
            self.said.append(speech)

    def frames(self, count: int) -> Iterator[Frame]:
        """Pixel (0, 0): index, activity, seed; (0, 1): jawOpen set by hand, in percent; the rest:
        intensity, whether speech is on, index."""
        for _ in range(count):
            index, self.next = self.next, self.next + 1
            turn = self._turn(index * SAMPLES_PER_FRAME)
            rgb = np.empty((self.size, self.size, 3), np.uint8)
            rgb[:] = (round(self.feeling.intensity * 100), min(turn, 255), index % 256)
            rgb[0, 0] = (index % 256, self.activity, self.seed)
            rgb[0, 1] = round(self.jaw * 100)
            if index >= 30:
                self.far.set()
            yield Frame(turn, rgb, index)

    def skip(self, count: int) -> None:
        self.next += count

    def clear(self, frame: int) -> None:
        self.next = frame
        self.said.clear()

    def _turn(self, sample: int) -> int:
        heard = (s for s in self.said if 0 <= sample - s.start_sample < len(s.pcm))
        return next((s.turn for s in heard), 0)


class FlagStream(PlainStream):
    """And pixel (0, 2): what is held, intensity in percent; (0, 3): hundreds of samples heard;
    (0, 4): the sum of the latent, modulo 251."""

    held: EmotionState | None = None
    heard = 0

    def frames(self, count: int) -> Iterator[Frame]:
        for frame in super().frames(count):
            frame.rgb[0, 2] = round(self.held.intensity * 100) if self.held else 0
            frame.rgb[0, 3] = self.heard // 100
            frame.rgb[0, 4] = int(self.feeling.latent.sum()) % 251
            yield frame

    def feel(self, emotion: EmotionState | None) -> None:
        self.held = emotion

    def hear(self, pcm: NDArray[np.float32], start: int) -> None:
        self.heard += len(pcm)

    def adjust(self, rig: Vector) -> None:
        self.jaw = float(rig[INDEX["jawOpen"]])

    def drive(self, rgb: NDArray[np.uint8] | None, mode: DriveMode, at: float) -> Sight:
        self.jaw = 0.0 if rgb is None else float(rgb.mean()) / 255
        return Sight(mode == "drives", at, self.next)


class Whistle:
    """A voice of one: 0.2 s of a tone for every text, in two chunks."""

    def voices(self) -> list[Voice]:
        return [Voice("whistle/one", "One", "en-US", "neutral", "A tone.")]

    def stream(self, text: str, voice: str, emotion: EmotionState) -> Iterator[SpeechChunk]:
        pcm = (0.5 * np.sin(np.arange(2_400) / 8)).astype(np.float32)
        for start in (0, 2_400):
            yield SpeechChunk(0, pcm, PLAY_RATE, start)

    def cancel(self) -> None:
        """The whistle is short."""


class Deaf:
    """A recogniser that tells only how much it was given."""

    def __init__(self, word: str = "samples") -> None:
        self.word = word

    def transcribe(self, pcm: NDArray[np.float32], rate: int) -> Transcript:
        return Transcript(f"{len(pcm)} {self.word} at {rate}", (), 1.0)
