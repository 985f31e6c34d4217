"""The web server: the page, the live routes, health and metrics, in one application.

browser -> live/ws -> registry -> session -> engines in worker processes
        -> /       -> Gradio page
"""

from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from typing import Any

import gradio as gr
from fastapi import FastAPI
from starlette.requests import Request
from starlette.responses import JSONResponse, PlainTextResponse, Response
from starlette.routing import Route

from apps.page import build_page, page_choices, page_options, ui_routes
from apps.pictures import Pictures
from pipeline.assembly import Engines
from pipeline.config import Settings
from pipeline.dispatch import Dispatcher
from pipeline.messages import notice
from pipeline.metrics import Metrics
from pipeline.registry import SessionRegistry
from pipeline.requests import Ack, Measured
from pipeline.session import Session
from pipeline.transport import live_routes
from pipeline.workers import WorkerEvent

QUEUE_POLL_S = 0.05
WORDS = {
    "avatar": "The picture",
    "voice": "The voice",
    "ears": "The listening",
    "mind": "The feeling for words",
    "pictures": "The eye for pictures",
}


class Server:
    """Everything one server process holds; nothing of it is global."""

    def __init__(self, settings: Settings, on_ready: Callable[[], None] = lambda: None) -> None:
        self.settings = settings
        self._on_ready = on_ready
        self.metrics = Metrics()
        self.engines = Engines(settings, self._worker_event)
        self.registry = SessionRegistry(
            self._open_session, settings.server.max_sessions, settings.server.session_ttl_s
        )
        self.pictures = Pictures(self.registry, self.engines, page_choices(settings))
        self.dispatcher = Dispatcher(
            self.engines.outlet,
            settings.avatar.size,
            settings.limits.max_message_chars,
            self._reported,
        )

    def app(self) -> FastAPI:
        """The application, ready for uvicorn."""
        app = FastAPI(lifespan=self._lifespan, docs_url=None, redoc_url=None, openapi_url=None)
        origins = self.settings.server.allowed_origins
        app.router.routes.extend(live_routes(self.registry, self.dispatcher, origins))
        app.router.routes.extend(ui_routes())
        app.router.routes.extend(self.pictures.routes())
        app.router.routes.append(Route("/live/health", self._health))
        app.router.routes.append(Route("/live/metrics", self._metrics))
        page = build_page(self.registry, self.engines, self.settings, self.pictures)
        root = self.settings.server.root_path or None
        mounted: FastAPI = gr.mount_gradio_app(
            app, page, path="/", root_path=root, **page_options()
        )
        # Gradio looks into its queue 830 times a second, which costs 3 % of a core at rest; nothing
        # of ours goes through it.
        page._queue.sleep_when_free = QUEUE_POLL_S
        return mounted

    @asynccontextmanager
    async def _lifespan(self, app: FastAPI) -> AsyncIterator[None]:
        await self.engines.start()
        self._on_ready()
        try:
            yield
        finally:
            await self.registry.close()
            await self.engines.close()

    def _reported(self, report: Ack | Measured) -> None:
        if isinstance(report, Ack):
            self.metrics.frames(max(0, report.shown), max(0, report.late))
        elif report.first_sound_ms is not None:
            self.metrics.heard(max(0.0, report.first_sound_ms))

    async def _open_session(self, choices: dict[str, Any]) -> Session:
        session = await self.engines.open_session(choices)
        session.page.turn_ended = lambda status: self.metrics.turn(
            status, session.waterfall.as_dict()
        )
        return session

    def _worker_event(self, event: WorkerEvent) -> None:
        what = WORDS[event.name]
        if event.kind == "restarting":
            self.metrics.worker_died(event.name)
            code, text = "worker_restarting", f"{what} stopped and is being restarted."
        elif event.kind == "restarted":
            code, text = "worker_restarted", f"{what} is back."
        else:
            code, text = "worker_failed", f"{what} is gone. Please restart Limner."
        for session in self.registry.sessions():
            session.page.post(notice(code, text))

    async def _health(self, request: Request) -> Response:
        pids = {name: worker.pid for name, worker in self.engines.workers.items()}
        ready = {name: worker.up for name, worker in self.engines.workers.items()}
        sessions = len(self.registry.sessions())
        return JSONResponse(
            {"ok": all(ready.values()), "workers": ready, "pids": pids, "sessions": sessions}
        )

    async def _metrics(self, request: Request) -> Response:
        self.metrics.sessions(len(self.registry.sessions()))
        for name, worker in self.engines.workers.items():
            self.metrics.worker_memory(name, worker.rss)
        return PlainTextResponse(self.metrics.exposition())
