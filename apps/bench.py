"""`limner bench chat`: the live path measured in a real browser on this machine.

A server of its own is started with the settings in force, a headless Chromium opens the page, and
the page's own statistics (`apps/ui/statistics.js`) are read. Times are milliseconds.
"""

import json
import os
import socket
import statistics
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any

import httpx
import psutil
import yaml
from rich.console import Console
from rich.table import Table

from emotion.errors import ProviderError
from pipeline.config import Settings

if TYPE_CHECKING:
    from playwright.sync_api import Page

CHROMIUM = ("/usr/bin/chromium", "/usr/bin/chromium-browser", "/usr/bin/google-chrome")
FLAGS = (
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
    "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream",
)  # fmt: skip
MESSAGES = (
    "Hello, who are you?",
    "How does this work?",
    "I feel a little sad today.",
    "What time is it?",
    "Tell me something about the stars.",
    "What is twelve times seven?",
    "That is wonderful news!",
    "Do you like music?",
    "What can you do?",
    "Thank you, that was kind.",
)
SMOOTH_S = 60
IDLE_S = 10


def percentile(values: Sequence[float], share: float) -> float:
    """The value below which `share` (0..1) of the values lie (nearest rank)."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, round(share * (len(ordered) - 1)))]


def summary(values: Sequence[float]) -> dict[str, float | int]:
    """n, p50, p95, worst of some values."""
    if not values:
        return {"n": 0}
    p50, p95 = statistics.median(values), percentile(values, 0.95)
    return {"n": len(values), "p50": round(p50, 1), "p95": round(p95, 1),
            "worst": round(max(values), 1)}  # fmt: skip


def bench_chat(settings: Settings, turns: int, as_json: bool) -> None:
    """Measure and print. Raises ProviderError when there is no browser or no server."""
    report = measure_chat(settings, turns)
    if as_json:
        sys.stdout.write(json.dumps(report, indent=2) + "\n")
    else:
        _print(report)


def measure_chat(settings: Settings, turns: int) -> dict[str, Any]:
    """The whole measurement; see the keys of the result."""
    with _server(settings) as (address, process, began), _browser() as page:
        page.goto(address)
        page.wait_for_function("window.limner && limner.stats.shown > 3", timeout=60_000)
        cold_start = time.monotonic() - began
        page.mouse.click(5, 5)
        page.wait_for_timeout(3000)
        roles = _roles(address)
        idle = _idle(process, roles)
        live = _turns(page, turns)
        smooth = _smooth(page)
        memory = _memory(process, roles)
    return {"machine": _machine(), "cold_start_s": round(cold_start, 2), "idle": idle,
            **live, "smooth": smooth, "memory": memory}  # fmt: skip


def _turns(page: "Page", count: int) -> dict[str, Any]:
    """Send messages, wait for sound and face, press stop; read what the page measured."""
    for number in range(count):
        page.evaluate("text => limner.player.sendText(text)", MESSAGES[number % len(MESSAGES)])
        page.wait_for_function(
            "n => limner.stats.turns.length > n && limner.stats.turns[n].firstSound !== null"
            " && limner.stats.turns[n].firstFrame !== null",
            arg=number, timeout=20_000,
        )  # fmt: skip
        page.wait_for_timeout(600)
        page.evaluate("limner.player.stop()")
        page.wait_for_function("limner.stats.stops.at(-1)?.idle !== null", timeout=5_000)
        page.wait_for_timeout(400)
    turns = page.evaluate("limner.stats.turns")
    stops = page.evaluate("limner.stats.stops")
    server = page.evaluate("limner.benchFirstPacket ?? []")
    return {
        "first_sound_ms": summary([t["firstSound"] - t["sent"] for t in turns]),
        "first_speaking_frame_ms": summary([t["firstFrame"] - t["sent"] for t in turns]),
        "server_first_packet_ms": summary(server),
        "stop_to_silence_ms": summary([s["silent"] - s["pressed"] for s in stops]),
        "stop_to_idle_picture_ms": summary([s["idle"] - s["pressed"] for s in stops]),
    }


def _smooth(page: "Page") -> dict[str, Any]:
    """A minute of talking and resting, without interruptions: pictures shown, gaps, skipped ones,
    scheduled A/V offset (what is drawn against what is heard by the audio clock)."""
    page.evaluate("() => { limner.stats.pause(); limner.benchFrom = performance.now(); }")
    skipped = page.evaluate("limner.stats.skipped")
    deadline = time.monotonic() + SMOOTH_S
    number = 0
    while time.monotonic() < deadline:
        page.evaluate("text => limner.player.sendText(text)", MESSAGES[number % len(MESSAGES)])
        number += 1
        page.wait_for_timeout(2000)  # longer than any brain of ours thinks
        page.wait_for_function("limner.player.activity === 'idle'", timeout=60_000)
        page.wait_for_timeout(1000)
    frames = page.evaluate("limner.stats.frames.filter(f => f.at > limner.benchFrom)")
    gaps = page.evaluate("limner.stats.gaps.filter(g => g.at > limner.benchFrom).map(g => g.gap)")
    seconds = (frames[-1]["at"] - frames[0]["at"]) / 1000
    offsets = [f["offset"] for f in frames if f["speaking"]]
    return {
        "seconds": round(seconds, 1),
        "fps": round((len(frames) - 1) / seconds, 2),
        "gap_ms": summary(gaps),
        "skipped": page.evaluate("limner.stats.skipped") - skipped,
        "scheduled_av_offset_ms": summary(offsets) | {"min": round(min(offsets), 1)},
    }


def _family(process: psutil.Process) -> list[psutil.Process]:
    return [process, *process.children(recursive=True)]


def _idle(process: psutil.Process, roles: dict[int, str]) -> dict[str, float]:
    """CPU of the server and its workers while one page rests, in % of a core."""
    family = _family(process)
    before = {p.pid: sum(p.cpu_times()[:2]) for p in family}
    time.sleep(IDLE_S)
    shares = {
        roles.get(p.pid, "server"): (sum(p.cpu_times()[:2]) - before[p.pid]) / IDLE_S * 100
        for p in family
    }
    return {"cpu_percent": round(sum(shares.values()), 1),
            **{name: round(share, 1) for name, share in shares.items()}}  # fmt: skip


def _memory(process: psutil.Process, roles: dict[int, str]) -> dict[str, float]:
    """Proportional resident memory (PSS) of server and workers in MB: shared pages count once."""
    sizes = {roles.get(p.pid, "server"): p.memory_full_info().pss / 1e6 for p in _family(process)}
    return {"total_mb": round(sum(sizes.values())), **{k: round(v) for k, v in sizes.items()}}


def _roles(address: str) -> dict[int, str]:
    """Names of the worker processes by their ids."""
    pids = httpx.get(f"{address}live/health").json()["pids"]
    return {pid: name for name, pid in pids.items()}


def _machine() -> dict[str, Any]:
    model = next((line.split(":", 1)[1].strip() for line in Path("/proc/cpuinfo").read_text()
                  .splitlines() if line.startswith("model name")), "unknown")  # fmt: skip
    memory = round(psutil.virtual_memory().total / 2**30)
    return {"cpu": model, "cores": os.cpu_count(), "memory_gib": memory}


@contextmanager
def _server(settings: Settings) -> Iterator[tuple[str, psutil.Process, float]]:
    """A server of our own on a free port: its address, its process, when it was started."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    with tempfile.TemporaryDirectory() as folder:
        config = Path(folder) / "bench.yaml"
        values = settings.model_dump(mode="json", exclude_defaults=True, exclude={"server"})
        config.write_text(yaml.safe_dump(values), "utf-8")
        env = os.environ | {"LIMNER_SERVER__PORT": str(port), "LIMNER_CONFIG": str(config)}
        began = time.monotonic()
        log = (Path(folder) / "server.log").open("w")
        server = subprocess.Popen([sys.executable, "-m", "apps.chat"], env=env, stdout=log,
                                  stderr=subprocess.STDOUT)  # fmt: skip
        try:
            _wait_for(port, server, Path(log.name))
            yield f"http://127.0.0.1:{port}/", psutil.Process(server.pid), began
        finally:
            server.terminate()
            server.wait(15)
            log.close()


def _wait_for(port: int, server: "subprocess.Popen[bytes]", log: Path) -> None:
    for _ in range(1200):
        if server.poll() is not None:
            raise ProviderError(f"The server ended: {log.read_text()[-500:]}", "Run limner doctor.")
        with socket.socket() as probe:
            if probe.connect_ex(("127.0.0.1", port)) == 0:
                return
        time.sleep(0.05)
    raise ProviderError("The server did not start within a minute.", "Run limner doctor.")


@contextmanager
def _browser() -> Iterator["Page"]:
    try:
        from playwright.sync_api import sync_playwright
    except ImportError as error:
        raise ProviderError("The benchmark needs Playwright.", "pip install limner[dev]") from error
    found = [path for path in CHROMIUM if Path(path).exists()]
    if not found:
        raise ProviderError("There is no Chromium.", "On Debian: apt-get install chromium")
    with sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=found[0], args=list(FLAGS))
        page = browser.new_context(viewport={"width": 1280, "height": 800}).new_page()
        page.add_init_script(_LISTEN)
        yield page
        browser.close()


# Keeps the server's own figure of each turn beside the page's.
_LISTEN = """
addEventListener("load", () => {
  const timer = setInterval(() => {
    if (!window.limner) return;
    clearInterval(timer);
    limner.benchFirstPacket = [];
    limner.player.addEventListener("quality", ({ detail }) => {
      if (detail.ms?.first_packet) limner.benchFirstPacket.push(detail.ms.first_packet);
    });
  }, 50);
});
"""


def _print(report: dict[str, Any]) -> None:
    table = Table("figure", "p50", "p95", "worst", "n")
    for name, value in report.items():
        if isinstance(value, dict) and "p50" in value:
            table.add_row(name, *(str(value.get(k, "")) for k in ("p50", "p95", "worst", "n")))
    console = Console()
    console.print(table)
    rest = {k: v for k, v in report.items() if not (isinstance(v, dict) and "p50" in v)}
    console.print_json(json.dumps(rest))
