"""The server application: its routes, and that it is quiet at rest."""

from collections.abc import AsyncIterator

import httpx
import pytest

from apps.server import QUEUE_POLL_S, Server
from pipeline.config import Settings
from pipeline.requests import Ack, Measured


@pytest.fixture
async def server() -> AsyncIterator[Server]:
    built = Server(Settings())
    yield built
    await built.engines.close()


async def test_gradio_does_not_poll_its_queue_all_the_time(
    server: Server, monkeypatch: pytest.MonkeyPatch
) -> None:
    import apps.server

    pages = []
    build = apps.server.build_page
    monkeypatch.setattr(apps.server, "build_page", lambda *a: pages.append(build(*a)) or pages[-1])
    server.app()
    (page,) = pages
    assert page._queue.sleep_when_free == QUEUE_POLL_S
    assert not any(fn.queue for fn in page.fns.values()), "every event must bypass the queue"


async def test_health_and_metrics_answer_before_the_engines_run(server: Server) -> None:
    transport = httpx.ASGITransport(server.app())
    async with httpx.AsyncClient(transport=transport, base_url="http://test") as client:
        health = (await client.get("/live/health")).json()
        assert health["ok"] is False and set(health["workers"]) == {
            "avatar", "voice", "mind", "ears",
        }  # fmt: skip
        metrics = (await client.get("/live/metrics")).text
        assert "limner_sessions 0.0" in metrics


async def test_what_pages_report_is_counted(server: Server) -> None:
    ack = Ack(type="ack", pts=0, generation=0, shown=6, late=1)
    server.dispatcher._reported(ack)
    server.dispatcher._reported(Measured(type="measured", turn=1, first_sound_ms=200))
    metrics = server.metrics.exposition()
    assert 'limner_frames_total{fate="sent"} 6.0' in metrics
    assert 'limner_frames_total{fate="dropped"} 1.0' in metrics
    assert "limner_first_sound_seconds_count 1.0" in metrics
