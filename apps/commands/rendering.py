"""`limner bench render`: what each renderer costs, one thread, in batches as live.

Each engine and size runs in a process of its own, so that memory and start are its own.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from collections.abc import Sequence
from typing import Any

import typer

from apps.commands.listing import print_table
from apps.commands.render_run import Job
from avatar.portraits import gallery
from emotion.errors import ConfigError, ProviderError
from pipeline.plugins import names

ONE_THREAD = ("OMP_NUM_THREADS", "OPENBLAS_NUM_THREADS", "MKL_NUM_THREADS", "NUMBA_NUM_THREADS")
COLUMNS = {
    "fps": "fps", "p50_ms": "p50 ms", "p95_ms": "p95 ms", "worst_ms": "worst ms",
    "cpu_ms": "CPU ms", "open_ms": "open ms", "portrait_mb": "MB a portrait",
    "warm_first_frame_s": "first frame s", "cold_first_frame_s": "without JIT cache s",
}  # fmt: skip


def bench_render(
    engines: Sequence[str], sizes: Sequence[int], portraits: int, frames: int, *, as_json: bool
) -> None:
    """Measure and print; no engine named: all that are installed.

    Raises ConfigError for an unknown engine, ProviderError when one fails.
    """
    known = names("limner.avatar")
    chosen = list(engines) or known
    for engine in chosen:
        if engine not in known:
            raise ConfigError(f'There is no renderer "{engine}".', f"Known: {', '.join(known)}.")
    faces = tuple(entry.name for entry in gallery()[:portraits])
    rows = [measure(engine, size, faces, frames) for size in sizes for engine in chosen]
    _compare(rows, chosen[-1])
    if as_json:
        typer.echo(json.dumps({"portraits": faces, "renderers": rows}, indent=2))
        return
    headings = ("engine", "size", *COLUMNS.values(), f"fps / {chosen[-1]}")
    print_table(headings, [_cells(row) for row in rows])


def measure(engine: str, size: int, faces: tuple[str, ...], frames: int) -> dict[str, Any]:
    """One engine at one size: a first start without compiled code, a second one, then the rest."""
    with tempfile.TemporaryDirectory() as cache:
        cold = _run(Job(engine, faces[:1], size, 0, time.monotonic()), cache)
        warm = _run(Job(engine, faces[:1], size, 0, time.monotonic()), cache)
        rest = _run(Job(engine, faces, size, frames, time.monotonic()), cache)
    return {
        "engine": engine,
        "size": size,
        "cold_first_frame_s": cold["first_frame_s"],
        "warm_first_frame_s": warm["first_frame_s"],
        **{key: value for key, value in rest.items() if key != "first_frame_s"},
    }


def _run(job: Job, cache: str) -> dict[str, Any]:
    env = os.environ | dict.fromkeys(ONE_THREAD, "1") | {"NUMBA_CACHE_DIR": cache}
    command = [sys.executable, "-m", "apps.commands.render_run", job.text()]
    done = subprocess.run(command, env=env, capture_output=True, text=True)
    if done.returncode:
        last = (done.stderr.strip().splitlines() or ["no message"])[-1]
        raise ProviderError(
            f'The renderer "{job.engine}" failed at {job.size} px: {last}.',
            "Try it with limner say, or choose another with --engine.",
        )
    answer: dict[str, Any] = json.loads(done.stdout.splitlines()[-1])
    return answer


def _compare(rows: list[dict[str, Any]], reference: str) -> None:
    """Adds to each row its frame rate over that of the reference at the same size."""
    base = {row["size"]: row["fps"] for row in rows if row["engine"] == reference}
    for row in rows:
        row["fps_ratio"] = round(row["fps"] / base[row["size"]], 2)


def _cells(row: dict[str, Any]) -> list[object]:
    shown = [row[key] if row[key] is not None else "-" for key in COLUMNS]
    return [row["engine"], row["size"], *shown, row["fps_ratio"]]
