"""Contract tests against a real server on loopback that speaks the OpenAI streaming protocol."""

import asyncio
import json
import socket
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from contextlib import asynccontextmanager
from typing import Any

import pytest
import uvicorn

from agent import models
from agent.agent import Agent, Limits
from agent.models import Access, access_for, build_model, choose_model, detect_models
from agent.persona import Persona
from agent.types import ReplyChunk, UserTurn
from emotion.errors import ConfigError, ProviderError

# The OpenAI client leaves its connections to the garbage collector when a stream breaks.
pytestmark = pytest.mark.filterwarnings("ignore::ResourceWarning")

PERSONA = Persona(
    name="Zed", title="a test", about="Zed tests.", speaking_style="plain", greeting="Hello."
)
Send = Callable[[MutableMapping[str, Any]], Awaitable[None]]
Script = Callable[[Send], Awaitable[None]]


def delta(text: str) -> bytes:
    chunk = {
        "id": "c1", "object": "chat.completion.chunk", "created": 0, "model": "tiny",
        "choices": [{"index": 0, "delta": {"role": "assistant", "content": text},
                     "finish_reason": None}],
    }  # fmt: skip
    return f"data: {json.dumps(chunk)}\n\n".encode()


async def start(send: Send, status: int = 200, kind: str = "text/event-stream") -> None:
    headers = [(b"content-type", kind.encode())]
    await send({"type": "http.response.start", "status": status, "headers": headers})


async def body(send: Send, data: bytes, more: bool = True) -> None:
    await send({"type": "http.response.body", "body": data, "more_body": more})


async def good(send: Send) -> None:
    await start(send)
    for text in ("<fe", "el>warm</feel> Hel", "lo there. ", "How are", " you?"):
        await body(send, delta(text))
    await body(send, b"data: [DONE]\n\n", more=False)


async def slow(send: Send) -> None:
    await start(send)
    await asyncio.Event().wait()


async def stalls(send: Send) -> None:
    await start(send)
    await body(send, delta("Hello there, my friend. And"))
    await asyncio.Event().wait()


async def cut(send: Send) -> None:
    await start(send)
    await body(send, delta("Hello there, my friend. And"))
    raise ConnectionAbortedError("the server falls over in mid-stream")


async def malformed(send: Send) -> None:
    await start(send)
    await body(send, b"data: {this is no json\n\n", more=False)


async def web_page(send: Send) -> None:
    await start(send, 200, "text/html")
    await body(send, b"<html>router login</html>", more=False)


def refusing(status: int) -> Script:
    async def refuse(send: Send) -> None:
        await start(send, status, "application/json")
        error = {"error": {"message": f"reason {status}", "type": "x", "code": None}}
        await body(send, json.dumps(error).encode(), more=False)

    return refuse


class Server:
    """Answers chat completions by a script; lists one model."""

    def __init__(self, script: Script) -> None:
        self.script = script
        self.asked: list[dict[str, Any]] = []
        self.keys: list[str] = []

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Send) -> None:
        self.keys.append(dict(scope["headers"]).get(b"authorization", b"").decode())
        if scope["path"] == "/v1/models":
            await start(send, 200, "application/json")
            return await body(send, b'{"object":"list","data":[{"id":"tiny"}]}', more=False)
        if scope["path"] == "/api/tags":
            await start(send, 200, "application/json")
            return await body(send, b'{"models":[{"name":"llama3.2:1b"},{"x":1},7]}', more=False)
        data = b""
        while not data.endswith(b"}"):
            data += (await receive()).get("body", b"")
        self.asked.append(json.loads(data))
        await self.script(send)


@asynccontextmanager
async def serving(app: Server) -> AsyncIterator[str]:
    """The base URL of `app` on an ephemeral port."""
    listener = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(app, log_level="critical", lifespan="off", timeout_graceful_shutdown=0)
    server = uvicorn.Server(config)
    server.install_signal_handlers = lambda: None  # type: ignore[attr-defined]
    task = asyncio.create_task(server.serve(sockets=[listener]))
    try:
        yield f"http://127.0.0.1:{listener.getsockname()[1]}/v1"
    finally:
        server.should_exit = server.force_exit = True
        await task
        listener.close()


async def ask(url: str, **limits: float) -> list[ReplyChunk]:
    model = build_model("server:tiny", Access(base_url=url, api_key="k"))
    agent = Agent(model, PERSONA, Limits(**limits), "Test server")
    return [chunk async for chunk in agent.reply(UserTurn(1, "hi", None, 0))]


async def test_good_stream():
    app = Server(good)
    async with serving(app) as url:
        chunks = await ask(url)
    assert [(c.text, c.emotion_text) for c in chunks] == [
        ("Hello there.", "warm"),
        ("How are you?", "warm"),
    ]
    assert app.asked[0]["model"] == "tiny" and app.asked[0]["stream"] is True
    assert app.asked[0]["messages"][0]["role"] == "system"
    assert app.keys == ["Bearer k"]


@pytest.mark.parametrize(
    ("script", "named", "retryable"),
    [
        (slow, "no first word", True),
        (stalls, "no next word", True),
        (cut, "broke off", True),
        (malformed, "no valid answer", True),
        (web_page, "answer", True),
        (refusing(429), "limits how often.*reason 429", True),
        (refusing(401), "refused the key.*reason 401", False),
        (refusing(404), "does not know.*reason 404", False),
        (refusing(503), "HTTP 503", True),
    ],
)
async def test_failures_are_named(script, named, retryable):
    app = Server(script)
    async with serving(app) as url:
        with pytest.raises(ProviderError, match=named) as caught:
            await ask(url, first_token=2.0, next_token=0.05)
    assert caught.value.retryable is retryable
    assert "Test server" in caught.value.message
    assert len(app.asked) == 1, "a hidden retry would double the wait"


async def test_nobody_listens():
    with socket.create_server(("127.0.0.1", 0)) as free:
        url = f"http://127.0.0.1:{free.getsockname()[1]}/v1"
    with pytest.raises(ProviderError, match="cannot be reached") as caught:
        await ask(url)
    assert caught.value.retryable


@pytest.mark.parametrize(
    "spec", ["", "nonsense", "openai:", ":x", "nosuchprovider:model", "x" * 100_000, "server:tiny"]
)
def test_bad_specs_say_what_to_write(spec, monkeypatch):
    with pytest.raises(ConfigError) as caught:
        build_model(spec)
    assert caught.value.remedy
    assert len(str(caught.value)) < 1_500


def test_missing_key_is_named(monkeypatch):
    monkeypatch.delenv("OPENAI_API_KEY", raising=False)
    with pytest.raises(ConfigError, match="OPENAI_API_KEY"):
        build_model("openai:gpt-4o-mini")


def test_provider_strings():
    model: Any = build_model("openai:gpt-4o-mini", Access(api_key="k"))
    assert model.model_name == "gpt-4o-mini" and model._llm_type == "openai-chat"


def test_embedded_is_shared_where_given():
    from agent.brain import EmbeddedBrain

    brain = EmbeddedBrain()
    assert build_model("embedded", embedded=lambda: brain) is brain
    assert build_model("embedded")._llm_type == "embedded"


def test_access_from_environment():
    access = Access.from_environment({"OPENAI_BASE_URL": "http://a/v1", "OPENAI_API_KEY": "s3cret"})
    assert (access.base_url, access.api_key) == ("http://a/v1", "s3cret")
    assert "s3cret" not in repr(access)
    ours = Access.from_environment({"LIMNER_LLM_BASE_URL": "http://b/v1", "OPENAI_BASE_URL": "x"})
    assert ours.base_url == "http://b/v1"


@pytest.fixture
def lonely(monkeypatch):
    """No well-known server: ports nobody listens on."""
    with socket.create_server(("127.0.0.1", 0)) as free:
        port = free.getsockname()[1]
    monkeypatch.setattr(models, "OLLAMA", models._Server("Ollama", port, "start it"))
    monkeypatch.setattr(models, "_COMPATIBLE", (models._Server("vLLM", port, "start it"),))


async def test_without_servers_the_built_in_brain_is_chosen(lonely):
    choices = await detect_models(timeout=0.2)
    assert [c.spec for c in choices if c.available] == ["embedded"]
    assert all(c.how_to_connect for c in choices)
    assert {"openai:gpt-4o-mini", "ollama:llama3.2"} <= {c.spec for c in choices}
    assert (await choose_model(timeout=0.2)).spec == "embedded"


async def test_a_key_makes_openai_available(lonely):
    assert (await choose_model(Access(api_key="k"), 0.2)).spec == "openai:gpt-4o-mini"


async def test_given_server_comes_first(lonely):
    async with serving(Server(good)) as url:
        choice = await choose_model(Access(base_url=url))
        assert choice.spec == "server:tiny" and choice.base_url == url
    gone = await detect_models(Access(base_url=url), 0.2)
    assert not next(c for c in gone if c.base_url == url).available


async def test_servers_on_well_known_ports_are_found(lonely, monkeypatch):
    async with serving(Server(good)) as url:
        port = int(url.split(":")[2].split("/")[0])
        monkeypatch.setattr(models, "OLLAMA", models._Server("Ollama", port, "start it"))
        monkeypatch.setattr(models, "_COMPATIBLE", (models._Server("vLLM", port, "start it"),))
        choices = await detect_models()
        assert [c.spec for c in choices if c.available] == [
            "ollama:llama3.2:1b",
            "server:tiny",
            "embedded",
        ]
        found = next(c for c in choices if c.spec == "server:tiny")
        model = build_model(found.spec, access_for(found, Access(api_key="not for them")))
        agent = Agent(model, PERSONA)
        chunks = [c async for c in agent.reply(UserTurn(1, "hi", None, 0))]
    assert chunks[-1].text == "How are you?"


@pytest.mark.parametrize("data", [None, [], {}, {"data": 3}, {"data": [1, {"id": 5}, {"id": ""}]}])
def test_strange_lists_count_as_none(data):
    assert models._names(data, "data", "id") == []
