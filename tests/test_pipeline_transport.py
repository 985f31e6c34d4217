"""The live routes on a real socket: WebSocket, chunked HTTP, Origin, tokens, hostile input."""

import asyncio
import json
import struct
from collections.abc import AsyncIterator
from dataclasses import dataclass
from typing import Any

import httpx
import pytest
import uvicorn
from starlette.applications import Starlette
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from pipeline.clock import MediaClock
from pipeline.dispatch import Dispatcher
from pipeline.outlet import Outlet
from pipeline.packets import Kind, MediaPacket, VideoCodec
from pipeline.registry import SessionRegistry
from pipeline.transport import live_routes
from tests.fakes import RawEncoder
from tests.session_bench import make_session

HELLO = json.dumps({"type": "hello", "codecs": ["h264", "jpeg"]})


@dataclass
class Live:
    registry: SessionRegistry
    host: str

    def ws(self, token: str, origin: str | None = None) -> Any:
        url = f"ws://{self.host}/live/ws?token={token}"
        return connect(url, origin=origin, max_queue=None)


@pytest.fixture
async def live() -> AsyncIterator[Live]:
    async def open_session(choices: dict[str, Any]) -> Any:
        return make_session(MediaClock())

    registry = SessionRegistry(open_session, 2, 60)
    dispatcher = Dispatcher(
        lambda codecs, generation: Outlet(RawEncoder(), VideoCodec.JPEG, generation), 16, 4000
    )
    app = Starlette(routes=live_routes(registry, dispatcher, ("https://friend.example",)))
    config = uvicorn.Config(app, port=0, log_level="error", ws="websockets-sansio", lifespan="off")
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    while not server.started:
        await asyncio.sleep(0.005)
    port = server.servers[0].sockets[0].getsockname()[1]
    yield Live(registry, f"127.0.0.1:{port}")
    await registry.close()
    server.should_exit = True
    await task


async def until(socket: ClientConnection, kind: str) -> dict[str, Any]:
    """The next message of a kind; media in between is passed over."""
    async with asyncio.timeout(5):
        async for item in socket:
            if isinstance(item, str) and (message := json.loads(item))["type"] == kind:
                return dict(message)
    raise AssertionError(f"the connection ended before a {kind!r} message")


async def sound(socket: ClientConnection) -> MediaPacket:
    async with asyncio.timeout(5):
        async for item in socket:
            if isinstance(item, bytes) and (p := MediaPacket.decode(item)).kind is Kind.AUDIO:
                return p
    raise AssertionError("no sound")


async def test_a_page_says_hello_types_and_hears_the_answer(live: Live) -> None:
    async with live.ws(live.registry.mint(), f"http://{live.host}") as socket:
        await socket.send(HELLO)
        hello = await until(socket, "hello")
        assert hello["rate"] == 24000 and hello["codec"] == "jpeg" and hello["fps"] == 25
        await socket.send(json.dumps({"type": "text", "id": "m1", "text": " hi "}))
        started = await until(socket, "turn")
        assert started == {"type": "turn", "turn": 1, "status": "started", "id": "m1"}
        assert (await sound(socket)).turn == 1


async def test_bad_input_is_answered_and_the_session_goes_on(live: Live) -> None:
    async with live.ws(live.registry.mint()) as socket:
        await socket.send(HELLO)
        for bad in ("{", '{"type":"format_disk"}', b"", b"\1"):
            await socket.send(bad)
        assert (await until(socket, "error"))["code"] == "bad_input"
        await socket.send(json.dumps({"type": "text", "id": "empty", "text": " \n "}))
        while (error := await until(socket, "error"))["code"] != "bad_text":
            pass
        assert error["id"] == "empty" and error["remedy"]
        await socket.send(json.dumps({"type": "text", "id": "huge", "text": "x" * 100_000}))
        error = await until(socket, "error")
        assert error["id"] == "huge" and "100,000" in error["message"]
        await socket.send(json.dumps({"type": "text", "id": "ok", "text": "hi"}))
        assert (await until(socket, "turn"))["id"] == "ok"


async def test_foreign_origins_and_unknown_tokens_are_turned_away(live: Live) -> None:
    token = live.registry.mint()
    async with live.ws(token, "https://evil.example") as socket:
        with pytest.raises(ConnectionClosed) as caught:
            await socket.recv()
        assert caught.value.rcvd is not None and caught.value.rcvd.code == 4403
    async with live.ws("guess") as socket:
        await socket.send(HELLO)
        assert (await until(socket, "error"))["code"] == "unknown_page"
    async with live.ws(token, "https://friend.example") as socket:
        await socket.send(HELLO)
        await until(socket, "hello")


async def test_the_third_page_on_a_machine_for_two_is_told_why(live: Live) -> None:
    async with live.ws(live.registry.mint()) as one, live.ws(live.registry.mint()) as two:
        for socket in (one, two):
            await socket.send(HELLO)
            await until(socket, "hello")
        async with live.ws(live.registry.mint()) as three:
            await three.send(HELLO)
            error = await until(three, "error")
            assert error["code"] == "unavailable" and "places" in error["message"]


async def test_a_lost_socket_mid_sentence_comes_back_to_the_same_turn(live: Live) -> None:
    token = live.registry.mint()
    async with live.ws(token) as socket:
        await socket.send(HELLO)
        await socket.send(json.dumps({"type": "text", "id": "m", "text": "hi"}))
        before = await sound(socket)
    async with live.ws(token) as socket:
        await socket.send(HELLO)
        assert (await until(socket, "hello"))["turn"] == 1
        after = await sound(socket)
        assert after.turn == before.turn and after.pts >= before.pts
        assert (await until(socket, "turn"))["status"] == "done"


async def read_records(response: httpx.Response) -> AsyncIterator[tuple[int, bytes]]:
    data = b""
    async for piece in response.aiter_bytes():
        data += piece
        while len(data) >= 5 and len(data) >= 5 + (size := struct.unpack_from("<I", data)[0]):
            yield data[4], data[5 : 5 + size]
            data = data[5 + size :]


async def test_chunked_http_carries_the_same_where_no_websocket_opens(live: Live) -> None:
    token = live.registry.mint()
    query = {"token": token, "codecs": "jpeg"}
    async with (
        asyncio.timeout(10),
        httpx.AsyncClient(base_url=f"http://{live.host}") as client,
        client.stream("GET", "/live/stream", params=query) as response,
    ):
        records = read_records(response)
        kind, body = await anext(records)
        assert kind == 0 and json.loads(body)["type"] == "hello"
        message = {"type": "text", "id": "h", "text": "hi"}
        sent = await client.post("/live/send", params={"token": token}, json=message)
        assert sent.status_code == 204
        octets = {"content-type": "application/octet-stream"}
        mic = await client.post(
            "/live/send", params={"token": token}, content=b"\0\0" * 640, headers=octets
        )
        assert mic.status_code == 204

        async def endless() -> AsyncIterator[bytes]:
            for _ in range(20):
                yield b"x" * 100_000

        huge = await client.post("/live/send", params={"token": token}, content=endless())
        assert huge.status_code == 413
        async for kind, body in records:
            if kind == 1 and MediaPacket.decode(body).kind is Kind.AUDIO:
                break


async def test_http_needs_a_token_and_the_right_origin(live: Live) -> None:
    async with httpx.AsyncClient(base_url=f"http://{live.host}") as client:
        assert (await client.get("/live/stream", params={"token": "x"})).status_code == 503
        assert (await client.post("/live/send", params={"token": "x"})).status_code == 403
        evil = {"origin": "https://evil.example"}
        token = {"token": live.registry.mint()}
        assert (await client.get("/live/stream", params=token, headers=evil)).status_code == 403
