"""Figures of a server for Prometheus, and the latency waterfall of one turn for the page."""

import time
from collections.abc import Callable, Mapping

from prometheus_client import CollectorRegistry, Counter, Gauge, Histogram, generate_latest

# Seconds; fine around the targets: 0.2 s to the first packet, 0.5 s to the first sound.
_BUCKETS = (0.01, 0.025, 0.05, 0.1, 0.15, 0.2, 0.3, 0.5, 0.75, 1.0, 2.0, 5.0, 10.0)


class Waterfall:
    """When each stage of one turn delivered first: milliseconds since the turn began.

    now: monotonic seconds.
    """

    def __init__(self, now: Callable[[], float] = time.monotonic) -> None:
        self._now = now
        self._began = now()
        self._marks: dict[str, float] = {}

    def mark(self, stage: str) -> None:
        """The stage has delivered; only its first time counts."""
        self._marks.setdefault(stage, round((self._now() - self._began) * 1000, 1))

    def as_dict(self) -> dict[str, float]:
        """Milliseconds by stage, in the order in which they delivered."""
        return dict(self._marks)


class Metrics:
    """All figures of one server; nothing is global, so that servers and tests do not mix."""

    def __init__(self) -> None:
        self._registry = CollectorRegistry()
        self._turns = self._counter("turns", "Turns by how they ended.", "status")
        self._interrupts = self._counter("interrupts", "Replies cut by the user.")
        self._frames = self._counter(
            "frames", "Pictures shown (sent) or skipped (dropped) in pages.", "fate"
        )
        self._restarts = self._counter("worker_restarts", "Workers that died.", "worker")
        self._sessions = self._gauge("sessions", "Live sessions.")
        self._memory = self._gauge("worker_memory_bytes", "Resident memory.", "worker")
        self._first_packet = self._histogram(
            "first_packet_seconds", "From the user's message to the first sound sent."
        )
        self._heard = self._histogram(
            "first_sound_seconds", "From sending a message to hearing the reply, as pages measure."
        )
        self._stages = self._histogram(
            "stage_seconds", "From the user's message to a stage's first output.", "stage"
        )

    def turn(self, status: str, waterfall: Mapping[str, float] | None = None) -> None:
        """A turn is over: done, interrupted or failed; waterfall in ms as `Waterfall.as_dict`."""
        self._turns.labels(status).inc()
        if status == "interrupted":
            self._interrupts.inc()
        for stage, milliseconds in (waterfall or {}).items():
            self._stages.labels(stage).observe(milliseconds / 1000)
            if stage == "first_packet":
                self._first_packet.observe(milliseconds / 1000)

    def frames(self, sent: int, dropped: int) -> None:
        """So many more pictures were shown and skipped, as pages report."""
        self._frames.labels("sent").inc(sent)
        self._frames.labels("dropped").inc(dropped)

    def heard(self, milliseconds: float) -> None:
        """A page heard the first sound of a reply so long after its message was sent."""
        self._heard.observe(milliseconds / 1000)

    def worker_died(self, name: str) -> None:
        """A worker died and is being restarted."""
        self._restarts.labels(name).inc()

    def worker_memory(self, name: str, size: int) -> None:
        """Resident memory of a worker in bytes."""
        self._memory.labels(name).set(size)

    def sessions(self, count: int) -> None:
        """So many sessions are live."""
        self._sessions.set(count)

    def exposition(self) -> str:
        """All figures in Prometheus' text format."""
        return generate_latest(self._registry).decode()

    def _counter(self, name: str, meaning: str, *labels: str) -> Counter:
        return Counter(f"limner_{name}", meaning, labels, registry=self._registry)

    def _gauge(self, name: str, meaning: str, *labels: str) -> Gauge:
        return Gauge(f"limner_{name}", meaning, labels, registry=self._registry)

    def _histogram(self, name: str, meaning: str, *labels: str) -> Histogram:
        return Histogram(
            f"limner_{name}", meaning, labels, registry=self._registry, buckets=_BUCKETS
        )
