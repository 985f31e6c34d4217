"""One renderer measured in a process of its own: `python -m apps.commands.render_run JSON`.

The argument is a `Job`; the answer is one line of JSON on standard output. Milliseconds of wall
time unless a name says CPU. Started by `apps.commands.rendering`.
"""

import gc
import json
import sys
import time
from collections.abc import Iterator
from dataclasses import asdict, dataclass
from typing import Any

import numpy as np
import psutil

from apps.bench import percentile
from avatar.portraits import load_portrait
from avatar.protocols import Avatar, AvatarStream
from avatar.types import Activity, Portrait
from emotion.types import EmotionState
from pipeline.playout import BATCH
from pipeline.plugins import load
from speech.types import FPS, PLAY_RATE, SAMPLES_PER_FRAME, PhoneSpan, SpeechChunk

# Every mouth shape in turn, one phone every two and a half frames: about as fast as people speak.
PHONES = "hh ax l ow m ay n ey m ih z f aa dh er b uw k ae t w ao sh iy v oy pau".split()
PHONE = PLAY_RATE // 10
FEELING = {"happy": 0.6, "surprised": 0.3}
WARM_UP = 2 * BATCH


@dataclass(frozen=True, slots=True)
class Job:
    """engine: of `limner.avatar`; started: `time.monotonic()` before the process; frames: of each
    portrait, 0 to draw the first frame only."""

    engine: str
    portraits: tuple[str, ...]
    size: int
    frames: int
    started: float

    def text(self) -> str:
        """What the process is given."""
        return json.dumps(asdict(self))


def run(job: Job) -> dict[str, Any]:
    """All figures of one engine at one size."""
    avatar: Avatar = load("limner.avatar", job.engine)()
    portraits = [load_portrait(name) for name in job.portraits]
    stream, first_open = _open(avatar, portraits[0], job.size)
    next(iter(stream.frames(1)))
    report: dict[str, Any] = {"first_frame_s": round(time.monotonic() - job.started, 2)}
    if not job.frames:
        return report
    wall, cpu = _talk(stream, job.frames)
    # What every portrait shares is there now: what comes belongs to the others.
    before, kept, opened = _resident(), [stream], []
    for portrait in portraits[1:]:
        stream, ms = _open(avatar, portrait, job.size)
        more_wall, more_cpu = _talk(stream, job.frames)
        kept.append(stream)
        opened.append(ms)
        wall += more_wall
        cpu += more_cpu
    grown = (_resident() - before) / max(1, len(kept) - 1)
    total = sum(wall)
    return report | {
        "frames": len(wall),
        "fps": round(1e3 * len(wall) / total, 1),
        "p50_ms": round(percentile(wall, 0.5), 2),
        "p95_ms": round(percentile(wall, 0.95), 2),
        "worst_ms": round(max(wall), 2),
        "cpu_ms": round(1e3 * cpu / len(wall), 2),
        "first_open_ms": round(first_open, 1),
        "open_ms": round(percentile(opened, 0.5), 1) if opened else None,
        "portrait_mb": round(grown / 1e6, 1) if opened else None,
        "process_mb": round(_resident() / 1e6),
    }


def _open(avatar: Avatar, portrait: Portrait, size: int) -> tuple[AvatarStream, float]:
    """A stream and how long it took (for semo: fit and appearance)."""
    begun = time.perf_counter()
    stream = avatar.open(portrait, size, seed=1)
    return stream, (time.perf_counter() - begun) * 1e3


def _talk(stream: AvatarStream, count: int) -> tuple[list[float], float]:
    """Wall ms of each of `count` frames of speech, asked for as live; CPU seconds of all."""
    for _ in stream.frames(WARM_UP):
        pass
    stream.push(speech(count + WARM_UP + BATCH), EmotionState.from_strengths(FEELING),
                Activity.SPEAKING)  # fmt: skip
    cpu, wall = time.process_time(), list(_timed(stream, count))
    return wall, time.process_time() - cpu


def _timed(stream: AvatarStream, count: int) -> Iterator[float]:
    for first in range(0, count, BATCH):
        at = time.perf_counter()
        for _ in stream.frames(min(BATCH, count - first)):
            now = time.perf_counter()
            yield (now - at) * 1e3
            at = time.perf_counter()


def speech(frames: int) -> SpeechChunk:
    """Made-up speech of that many frames, from one second on the media clock."""
    samples = frames * SAMPLES_PER_FRAME
    starts = range(0, samples, PHONE)
    phones = tuple(
        PhoneSpan(PHONES[at % len(PHONES)], start, min(start + PHONE, samples))
        for at, start in enumerate(starts)
    )
    time_s = np.arange(samples) / PLAY_RATE
    pcm = 0.3 * np.sin(2 * np.pi * 140 * time_s) * (0.6 + 0.4 * np.sin(2 * np.pi * 3 * time_s))
    start = (WARM_UP + FPS // 5) * SAMPLES_PER_FRAME
    return SpeechChunk(1, pcm.astype(np.float32), PLAY_RATE, start, phones)


def _resident() -> int:
    gc.collect()
    size: int = psutil.Process().memory_info().rss
    return size


def main() -> None:
    """Measure what the argument says."""
    given = json.loads(sys.argv[1])
    job = Job(**given | {"portraits": tuple(given["portraits"])})
    sys.stdout.write(json.dumps(run(job)) + "\n")


if __name__ == "__main__":
    main()
