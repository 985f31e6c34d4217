"""Which brain speaks: found servers, plug-ins, provider strings."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

import pytest

from agent.models import _ollama_address
from emotion.errors import ConfigError
from pipeline.brains import access_of, choose_brain
from pipeline.config import LlmSettings


@pytest.fixture
def server():
    """A loopback server that lists one model the way Ollama and OpenAI's protocol do."""

    class Lists(BaseHTTPRequestHandler):
        def do_GET(self):
            found = {"/api/tags": {"models": [{"name": "tiny:1b"}]},
                     "/v1/models": {"data": [{"id": "small"}]}}  # fmt: skip
            body = json.dumps(found.get(self.path, {})).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *args):
            pass

    with ThreadingHTTPServer(("127.0.0.1", 0), Lists) as http:
        thread = threading.Thread(target=http.serve_forever)
        thread.start()
        yield f"127.0.0.1:{http.server_port}"
        http.shutdown()
        thread.join()


async def test_the_built_in_brain_is_made_without_a_model_server():
    brain = await choose_brain(LlmSettings(model="embedded"))
    assert (brain.spec, type(brain.model).__name__) == ("embedded", "EmbeddedBrain")


async def test_auto_takes_the_server_of_the_settings(server):
    brain = await choose_brain(LlmSettings(base_url=f"http://{server}/v1"), timeout=10)
    assert brain.spec == "server:small" and server in brain.title
    assert type(brain.model).__name__ == "ChatOpenAI"


async def test_auto_finds_ollama_where_the_settings_say(server):
    brain = await choose_brain(LlmSettings(ollama_host=server), timeout=10)
    assert brain.spec == "ollama:tiny:1b"
    assert type(brain.model).__name__ == "ChatOllama" and brain.model.base_url.endswith(server)


@pytest.mark.parametrize("model", ["nonsense", "nope:model", "server:x"])
async def test_what_cannot_be_made_is_a_configuration_error(model):
    with pytest.raises(ConfigError):
        await choose_brain(LlmSettings(model=model))


@pytest.mark.parametrize(
    ("host", "address"),
    [
        ("", "http://127.0.0.1:11434"),
        ("0.0.0.0", "http://127.0.0.1:11434"),
        ("box", "http://box:11434"),
        ("box:99", "http://box:99"),
        ("https://box/ollama/", "https://box/ollama"),
    ],
)
def test_ollama_addresses_are_read_as_ollama_reads_them(host, address):
    assert _ollama_address(access_of(LlmSettings(ollama_host=host))) == address


async def test_auto_says_why_a_server_of_the_settings_is_not_used():
    brain = await choose_brain(LlmSettings(base_url="http://127.0.0.1:9/v1"), timeout=10)
    assert brain.spec == "embedded"
    assert "127.0.0.1:9" in brain.note and "Check the address and the key" in brain.note
    assert (await choose_brain(LlmSettings(model="embedded"))).note == ""
