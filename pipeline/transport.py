"""How a page reaches its session: a WebSocket, or chunked HTTP where none opens."""

import asyncio
import struct
from collections.abc import AsyncIterator
from contextlib import suppress
from urllib.parse import urlsplit

import structlog
from starlette.requests import HTTPConnection
from starlette.requests import Request as HttpRequest
from starlette.responses import JSONResponse, Response, StreamingResponse
from starlette.routing import BaseRoute, Route, WebSocketRoute
from starlette.websockets import WebSocket, WebSocketDisconnect

from emotion.errors import LimnerError
from pipeline.dispatch import Dispatcher
from pipeline.messages import failure
from pipeline.outlet import Outlet
from pipeline.packets import Message
from pipeline.registry import SessionRegistry
from pipeline.requests import MAX_BYTES, Hello, parse_request

REFUSED = 4403  # WebSocket close codes of ours
UNAVAILABLE = 4503
RECORD = struct.Struct("<IB")  # length and kind of a record in the chunked stream

log = structlog.get_logger(__name__)


def live_routes(
    registry: SessionRegistry, dispatcher: Dispatcher, origins: tuple[str, ...] = ()
) -> list[BaseRoute]:
    """The routes under `live/`; `origins` may connect besides the page's own host."""
    door = _Door(registry, dispatcher, origins)
    return [
        WebSocketRoute("/live/ws", door.websocket),
        Route("/live/stream", door.stream, methods=["GET"]),
        Route("/live/send", door.send, methods=["POST"]),
    ]


class _Door:
    def __init__(
        self, registry: SessionRegistry, dispatcher: Dispatcher, origins: tuple[str, ...]
    ) -> None:
        self._registry = registry
        self._dispatcher = dispatcher
        self._origins = origins

    def _welcome(self, connection: HTTPConnection) -> bool:
        # Browsers always send Origin with a WebSocket or POST; a same-origin GET may lack it.
        origin = connection.headers.get("origin")
        if origin is None or origin in self._origins:
            return True
        host = connection.headers.get("x-forwarded-host", connection.headers.get("host", ""))
        return urlsplit(origin).netloc == host

    async def websocket(self, socket: WebSocket) -> None:
        """One page over a WebSocket."""
        await socket.accept()
        if not self._welcome(socket):
            return await socket.close(REFUSED, "This page may not connect from its origin.")
        token = socket.query_params.get("token", "")
        try:
            hello = parse_request(await socket.receive_text())
            session = await self._registry.connect(token)
            outlet = self._dispatcher.greet(session, hello if isinstance(hello, Hello) else None)
        except LimnerError as error:
            await socket.send_json(_refusal(error))
            return await socket.close(UNAVAILABLE, type(error).__name__)
        except (WebSocketDisconnect, KeyError):
            return
        self._registry.attach(token, outlet)
        try:
            await self._exchange(socket, token, outlet)
        finally:
            outlet.close()
            self._registry.detach(token, outlet)

    async def _exchange(self, socket: WebSocket, token: str, outlet: Outlet) -> None:
        sending = asyncio.create_task(_send_all(socket, outlet))
        receiving = asyncio.create_task(self._receive_all(socket, token, outlet))
        _, pending = await asyncio.wait((sending, receiving), return_when=asyncio.FIRST_COMPLETED)
        for task in pending:
            task.cancel()
        for result in await asyncio.gather(sending, receiving, return_exceptions=True):
            expected = (WebSocketDisconnect, asyncio.CancelledError, RuntimeError, OSError)
            if isinstance(result, BaseException) and not isinstance(result, expected):
                log.error("connection_failed", exc_info=result)

    async def _receive_all(self, socket: WebSocket, token: str, outlet: Outlet) -> None:
        while True:
            item = await socket.receive()
            if item["type"] == "websocket.disconnect":
                return
            data = item.get("bytes") if item.get("bytes") is not None else item.get("text")
            session = self._registry.session(token)
            if session is None:
                return
            await self._dispatcher.handle(session, outlet, data or "")

    async def stream(self, request: HttpRequest) -> Response:
        """The way down without a WebSocket: an endless body of records."""
        if not self._welcome(request):
            return JSONResponse({"message": "This page may not connect."}, 403)
        token = request.query_params.get("token", "")
        codecs = request.query_params.get("codecs", "jpeg").split(",")
        known = [c for c in ("h264", "jpeg") if c in codecs]
        try:
            session = await self._registry.connect(token)
            hello = Hello.model_validate({"type": "hello", "codecs": known or ["jpeg"]})
            outlet = self._dispatcher.greet(session, hello)
        except LimnerError as error:
            return JSONResponse(_refusal(error), 503)
        self._registry.attach(token, outlet)
        headers = {"Cache-Control": "no-store", "X-Accel-Buffering": "no"}
        body = self._records(token, outlet)
        return StreamingResponse(body, media_type="application/octet-stream", headers=headers)

    async def _records(self, token: str, outlet: Outlet) -> AsyncIterator[bytes]:
        try:
            async for item in outlet.items():
                data = item.encode() if isinstance(item, str) else item
                yield RECORD.pack(len(data), 0 if isinstance(item, str) else 1) + data
        finally:
            outlet.close()
            self._registry.detach(token, outlet)

    async def send(self, request: HttpRequest) -> Response:
        """The way up without a WebSocket: one message or piece of sound."""
        token = request.query_params.get("token", "")
        session = self._registry.session(token)
        if not self._welcome(request) or session is None or session.playout.outlet is None:
            return JSONResponse({"message": "This page is not connected."}, 403)
        body = b""
        async for part in request.stream():  # a chunked body does not say its length beforehand
            body += part
            if len(body) > MAX_BYTES:
                return JSONResponse({"message": "Too large."}, 413)
        is_sound = request.headers.get("content-type", "").startswith("application/octet-stream")
        data = body if is_sound else body.decode("utf-8", "replace")
        await self._dispatcher.handle(session, session.playout.outlet, data)
        return Response(status_code=204)


async def _send_all(socket: WebSocket, outlet: Outlet) -> None:
    async for item in outlet.items():
        if isinstance(item, str):
            await socket.send_text(item)
        else:
            await socket.send_bytes(item)
    with suppress(RuntimeError):  # the page may have closed it already
        await socket.close()


def _refusal(error: LimnerError) -> Message:
    return failure("unavailable" if error.retryable else "unknown_page", error)
