"""What tracking and drawing cost on this machine; only as steady as the machine is."""

import json
import os
import subprocess
import sys
import time
from collections.abc import Sequence
from typing import Any

import numpy as np

from avatar.training.evaluate.album import Bytes
from avatar.training.evaluate.motion_tokens import Trackers

FPS = 25.0
WARM_UP = 5
SIZES = ("256", "512")


def tracking_ms(pictures: Sequence[Bytes], trackers: Trackers) -> dict[str, Any]:
    """Milliseconds of wall time for each picture of a stream, the first (which finds the face by
    landmarks) apart."""
    follow = trackers(FPS)
    times = []
    for picture in pictures:
        begun = time.perf_counter()
        follow(picture)
        times.append(1e3 * (time.perf_counter() - begun))
    later = times[WARM_UP:] or times[1:]
    return {"first": round(times[0], 1), "p50": round(float(np.median(later)), 1),
            "p95": round(float(np.percentile(later, 95)), 1), "n": len(later)}  # fmt: skip


def busy() -> float:
    """Processes that want a core, for each core there is: 1 and more spoil every time."""
    return round(os.getloadavg()[0] / (os.cpu_count() or 1), 2)


def drawing() -> list[dict[str, Any]]:
    """`limner bench render --engine semo` in a process of its own. Raises CalledProcessError."""
    command = [sys.executable, "-m", "apps.cli", "bench", "render", "--engine", "semo", "--json"]
    command += ["--portraits", "2", "--frames", "120"]
    for size in SIZES:
        command += ["--size", size]
    done = subprocess.run(command, capture_output=True, text=True, check=True)
    rows: list[dict[str, Any]] = json.loads(done.stdout)["renderers"]
    return rows
