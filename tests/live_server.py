"""The real product as a user starts it, for browser tests: server, page, statistics."""

import os
import socket
import subprocess
import sys
import time
import urllib.request
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psutil

CHROMIUM_FLAGS = [
    "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--autoplay-policy=no-user-gesture-required",
    "--use-fake-ui-for-media-stream", "--use-fake-device-for-media-stream",
]  # fmt: skip


@dataclass
class LiveServer:
    """A running `python apps/chat.py`."""

    address: str
    process: "subprocess.Popen[bytes]"

    def worker(self, name: str) -> psutil.Process:
        """The worker process of a name, by asking the server."""
        pid = self.health()["pids"][name]
        return psutil.Process(pid)

    def health(self) -> dict[str, Any]:
        """What live/health says."""
        import json

        with urllib.request.urlopen(self.address + "live/health", timeout=5) as answer:
            return dict(json.load(answer))


@contextmanager
def live_server(folder: Path, **settings: str) -> Iterator[LiveServer]:
    """Start the server on a free port and wait until it answers; LIMNER_* by keyword."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    env = os.environ | {
        "LIMNER_SERVER__PORT": str(port),
        "LIMNER_LLM__MODEL": "embedded",
        **settings,
    }
    log = folder / "server.log"
    with log.open("wb") as out:
        process = subprocess.Popen(
            [sys.executable, "apps/chat.py"], env=env, stdout=out, stderr=out
        )
    server = LiveServer(f"http://127.0.0.1:{port}/", process)
    try:
        _wait_until_up(server, log)
        yield server
    finally:
        process.terminate()
        process.wait(20)


def _wait_until_up(server: LiveServer, log: Path) -> None:
    deadline = time.monotonic() + 90
    while True:
        try:
            server.health()
            return
        except OSError:
            if server.process.poll() is not None or time.monotonic() > deadline:
                raise RuntimeError(f"the server did not start: {log.read_text()}") from None
            time.sleep(0.1)  # waiting for another process, not for time to pass
