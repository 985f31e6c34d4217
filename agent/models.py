"""Which language model speaks: a spec becomes a LangChain chat model, and what is there is found.

Specs: "embedded", "auto", "provider:model" (any provider of LangChain, e.g. "openai:gpt-4o-mini",
"ollama:llama3.2"), or "server:model" for the OpenAI-compatible server at `base_url`.
"""

import asyncio
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

from langchain_core.language_models import BaseChatModel

from emotion.errors import ConfigError

EMBEDDED = "embedded"
AUTO = "auto"
SERVER = "server"
_LOCAL_KEY = "not-needed"  # OpenAI's client insists on some key; local servers ignore it


@dataclass(frozen=True, slots=True)
class Access:
    """How models are reached; empty fields mean "not given".

    base_url, api_key: of an OpenAI-compatible server (or of OpenAI itself, key only).
    ollama_host: as OLLAMA_HOST is written, e.g. "10.0.0.5:11434"; empty: this machine.
    """

    base_url: str = ""
    api_key: str = field(default="", repr=False)
    temperature: float = 0.7
    timeout: float = 30.0  # seconds for a whole request
    ollama_host: str = ""

    @classmethod
    def from_environment(cls, environment: Mapping[str, str]) -> "Access":
        """From LIMNER_LLM_BASE_URL / OPENAI_BASE_URL and LIMNER_LLM_API_KEY / OPENAI_API_KEY."""

        def first(*names: str) -> str:
            return next((environment[name] for name in names if environment.get(name)), "")

        return cls(
            base_url=first("LIMNER_LLM_BASE_URL", "OPENAI_BASE_URL"),
            api_key=first("LIMNER_LLM_API_KEY", "OPENAI_API_KEY"),
        )


@dataclass(frozen=True, slots=True)
class ModelChoice:
    """One brain for the page's list; `base_url` is set where a local server was found."""

    spec: str
    title: str
    available: bool
    how_to_connect: str
    base_url: str = ""


@dataclass(frozen=True, slots=True)
class _Server:
    name: str
    port: int
    start: str


OLLAMA = _Server(
    "Ollama", 11434, "Start Ollama (ollama serve) and fetch a model: ollama pull llama3.2"
)
_COMPATIBLE = (
    _Server("LM Studio", 1234, "In LM Studio load a model and start the local server."),
    _Server("vLLM", 8000, "Start vLLM: vllm serve MODEL"),
    _Server("llama.cpp", 8080, "Start llama.cpp: llama-server -m MODEL.gguf"),
)


def build_model(
    spec: str,
    access: Access | None = None,
    embedded: Callable[[], BaseChatModel] | None = None,
) -> BaseChatModel:
    """The chat model that `spec` names; nothing is sent to it yet.

    embedded: makes the built-in brain (default: `EmbeddedBrain` with an own MiniLM); give one that
    shares the program's embedder. "auto" is for `detect_models` (async) to settle first.
    Raises ConfigError: unknown spec or provider, missing key or missing package.
    """
    access = access or Access()
    spec = spec.strip()
    if spec == EMBEDDED:
        return embedded() if embedded else _embedded_brain()
    provider, colon, name = spec.partition(":")
    if not colon or not provider or not name:
        raise ConfigError(
            f"The brain {spec[:80]!r} is not understood.",
            'Write "embedded", "auto", "openai:gpt-4o-mini", "ollama:llama3.2", '
            'another "provider:model" of LangChain, or "server:MODEL" with a base URL.',
        )
    if provider == SERVER:
        return _compatible(name, access)
    return _by_langchain(provider, name, access)


async def choose_model(access: Access | None = None, timeout: float = 0.3) -> ModelChoice:
    """What "auto" stands for on this machine now: the first available choice."""
    choices = await detect_models(access, timeout)
    return next(choice for choice in choices if choice.available)


async def detect_models(access: Access | None = None, timeout: float = 0.3) -> list[ModelChoice]:
    """Every brain this machine offers, the best first, the built-in one last and always there.

    Looks at `access` and at well-known ports of 127.0.0.1; each look takes at most `timeout`
    seconds, all at once. What is not there is listed with how to connect it.
    """
    access = access or Access()
    found = await asyncio.gather(
        _given_server(access, timeout),
        _ollama(access, timeout),
        *(_loopback_server(server, timeout) for server in _COMPATIBLE),
    )
    choices = [choice for group in found for choice in group]
    choices.sort(key=lambda choice: not choice.available)
    available = [choice for choice in choices if choice.available]
    missing = [choice for choice in choices if not choice.available]
    return [*available, _built_in(), *missing]


def access_for(choice: ModelChoice, access: Access) -> Access:
    """`access` with the address of a server that `detect_models` found."""
    if not choice.base_url or choice.base_url == access.base_url:
        return access
    return Access(choice.base_url, "", access.temperature, access.timeout)


def _embedded_brain() -> BaseChatModel:
    from agent.brain import EmbeddedBrain

    return EmbeddedBrain()


def _built_in() -> ModelChoice:
    return ModelChoice(EMBEDDED, "Built-in brain", True, "Always there; needs no key, no network.")


def _compatible(name: str, access: Access) -> BaseChatModel:
    if not _is_url(access.base_url):
        raise ConfigError(
            f"The brain server:{name[:60]} needs the address of its server; "
            f"got {access.base_url[:80]!r}.",
            "Set LIMNER_LLM_BASE_URL, for example http://127.0.0.1:8000/v1",
        )
    return _by_langchain("openai", name, access)


def _by_langchain(provider: str, name: str, access: Access) -> BaseChatModel:
    from langchain.chat_models import init_chat_model

    try:
        model: Any = init_chat_model(name, model_provider=provider, **_options(provider, access))
    except ImportError as error:
        package = f"langchain-{provider.replace('_', '-')}"
        raise ConfigError(
            f"The brain {provider}:{name[:60]} needs a package that is not installed ({error}).",
            f"Install it with: pip install {package}",
        ) from error
    except Exception as error:  # each provider has its own error for a missing key
        reason = " ".join(str(error).split())[:300]
        raise ConfigError(
            f"The brain {provider}:{name[:60]} cannot be made ready: {reason}",
            "Check its name and key (for OpenAI: OPENAI_API_KEY).",
        ) from error
    if not isinstance(model, BaseChatModel):
        raise ConfigError(f"{provider}:{name[:60]} is no chat model.", "Choose another model.")
    return model


def _options(provider: str, access: Access) -> dict[str, Any]:
    options: dict[str, Any] = {"temperature": access.temperature}
    if provider == "openai":
        # The agent decides about retries: a hidden one would double the wait.
        options |= {"timeout": access.timeout, "max_retries": 0, "streaming": True}
        if access.base_url:
            options |= {"base_url": access.base_url, "api_key": access.api_key or _LOCAL_KEY}
            options["use_responses_api"] = False  # compatible servers speak chat completions
        elif access.api_key:
            options["api_key"] = access.api_key
    if provider == "ollama":
        options["base_url"] = _ollama_address(access)
    return options


def _ollama_address(access: Access) -> str:
    """OLLAMA_HOST may be a host, host:port or a URL; 0.0.0.0 is what its server listens on."""
    host = access.ollama_host.strip().rstrip("/")
    if "://" in host:
        return host
    name, colon, port = host.replace("0.0.0.0", "127.0.0.1").partition(":")
    return f"http://{name or '127.0.0.1'}:{port if colon and port else OLLAMA.port}"


def _is_url(text: str) -> bool:
    try:
        parts = urlsplit(text)
    except ValueError:
        return False
    return parts.scheme in ("http", "https") and bool(parts.netloc)


async def _given_server(access: Access, timeout: float) -> list[ModelChoice]:
    how = "Set OPENAI_API_KEY, or LIMNER_LLM_BASE_URL for any OpenAI-compatible server."
    if not access.base_url:
        known = bool(access.api_key)
        return [ModelChoice("openai:gpt-4o-mini", "OpenAI gpt-4o-mini", known, how)]
    names = await _served_models(access.base_url, access.api_key, timeout)
    host = urlsplit(access.base_url).netloc if _is_url(access.base_url) else access.base_url
    if not names:
        reason = f"{access.base_url} did not list its models. Check the address and the key."
        return [ModelChoice("server:MODEL", f"Server {host}", False, reason, access.base_url)]
    return [
        ModelChoice(f"{SERVER}:{name}", f"{name} at {host}", True, how, access.base_url)
        for name in names[:20]
    ]


async def _loopback_server(server: _Server, timeout: float) -> list[ModelChoice]:
    base = f"http://127.0.0.1:{server.port}/v1"
    names = await _served_models(base, "", timeout)
    if not names:
        return [ModelChoice("server:MODEL", server.name, False, server.start, base)]
    return [
        ModelChoice(f"{SERVER}:{name}", f"{name} ({server.name})", True, server.start, base)
        for name in names[:20]
    ]


async def _ollama(access: Access, timeout: float) -> list[ModelChoice]:
    data = await _get_json(f"{_ollama_address(access)}/api/tags", "", timeout)
    names = _names(data, "models", "name")
    if not names:
        return [ModelChoice("ollama:llama3.2", OLLAMA.name, False, OLLAMA.start)]
    return [ModelChoice(f"ollama:{n}", f"{n} (Ollama)", True, OLLAMA.start) for n in names[:20]]


async def _served_models(base_url: str, key: str, timeout: float) -> list[str]:
    data = await _get_json(f"{base_url.rstrip('/')}/models", key, timeout)
    return _names(data, "data", "id")


def _names(data: object, table: str, key: str) -> list[str]:
    """The names in a server's list; [] for anything that is no such list."""
    rows = data.get(table) if isinstance(data, dict) else None
    if not isinstance(rows, list):
        return []
    found = [row.get(key) for row in rows if isinstance(row, dict)]
    return [name for name in found if isinstance(name, str) and 0 < len(name) <= 200]


async def _get_json(url: str, key: str, timeout: float) -> object:
    """What the URL answers, or None: whoever is not there, too slow or no such server."""
    import httpx

    headers = {"Authorization": f"Bearer {key}"} if key else {}
    try:
        # Loading certificates takes longer than a look at loopback may: only where they are used.
        secure = url.startswith("https:")
        async with httpx.AsyncClient(timeout=timeout, trust_env=False, verify=secure) as client:
            answer = await asyncio.wait_for(client.get(url, headers=headers), timeout)
            return answer.raise_for_status().json()
    except (httpx.HTTPError, httpx.InvalidURL, TimeoutError, ValueError):
        return None
