"""Turns whatever a provider's client raises into a `ProviderError` with the exact reason.

Clients of different providers share no base class, so errors are recognised by what nearly all of
them carry: an HTTP status, and built-in exceptions in their chain of causes.
"""

from collections.abc import Iterator

from emotion.errors import LimnerError, ProviderError

_MAX_REASON = 300
_BUILT_IN = "Or choose the built-in brain (llm.model=embedded)."


def provider_error(error: Exception, provider: str) -> ProviderError:
    """`error` as users shall see it; a ProviderError passes unchanged."""
    if isinstance(error, ProviderError):
        return error
    status = _status(error)
    if status is not None:
        return _from_status(status, error, provider)
    if "No generation chunks" in str(error):  # LangChain's ValueError for an empty stream
        return answered_nothing(provider)
    names = [type(cause).__name__ for cause in _causes(error)]
    if isinstance(error, TimeoutError) or any("Timeout" in name for name in names):
        return timed_out(provider, _reason(error))
    if any(name in _UNREACHABLE for name in names):
        return ProviderError(
            f"{provider} cannot be reached ({_reason(error)}).",
            f"Check that it is running and that its address is right. {_BUILT_IN}",
            retryable=True,
        )
    if any(name in _BROKEN for name in names):
        return ProviderError(
            f"{provider} broke off its answer ({_reason(error)}).", "Ask again.", retryable=True
        )
    if any(name in _MALFORMED for name in names):
        return ProviderError(
            f"{provider} sent something that is no valid answer ({_reason(error)}).",
            "Check that the address is that of an OpenAI-compatible server, then ask again.",
            retryable=True,
        )
    return ProviderError(
        f"{provider} failed: {type(error).__name__}: {_reason(error)}.",
        f"Ask again. {_BUILT_IN}",
        retryable=isinstance(error, OSError),
    )


def timed_out(provider: str, reason: str) -> ProviderError:
    """The provider is too slow."""
    return ProviderError(
        f"{provider} did not answer in time ({reason}).",
        f"Ask again, or choose a faster model. {_BUILT_IN}",
        retryable=True,
    )


def answered_nothing(provider: str) -> ProviderError:
    """The provider closed its answer without a word."""
    return ProviderError(f"{provider} answered with nothing.", "Ask again.", retryable=True)


_UNREACHABLE = frozenset({"ConnectError", "ConnectionRefusedError", "ConnectionError", "gaierror"})
_BROKEN = frozenset(
    {
        "RemoteProtocolError",
        "ReadError",
        "IncompleteRead",
        "ConnectionResetError",
        "BrokenPipeError",
    }
)
_MALFORMED = frozenset(
    {"JSONDecodeError", "ValidationError", "APIResponseValidationError", "UnicodeDecodeError",
     "KeyError", "TypeError", "AttributeError"}
)  # fmt: skip


def _from_status(status: int, error: Exception, provider: str) -> ProviderError:
    reason = f"HTTP {status}: {_reason(error)}"
    if status == 429:
        return ProviderError(
            f"{provider} limits how often it may be asked ({reason}).",
            "Wait a little, then ask again; or check the account's quota.",
            retryable=True,
        )
    if status in (401, 403):
        return ProviderError(
            f"{provider} refused the key ({reason}).", f"Check the API key. {_BUILT_IN}"
        )
    if status == 404:
        return ProviderError(
            f"{provider} does not know this model or address ({reason}).",
            f"Check the model's name and the base URL. {_BUILT_IN}",
        )
    return ProviderError(
        f"{provider} failed ({reason}).", f"Ask again. {_BUILT_IN}", retryable=status >= 500
    )


def _status(error: Exception) -> int | None:
    for cause in _causes(error):
        status = getattr(cause, "status_code", None)
        if isinstance(status, int) and status >= 400:
            return status
    return None


def _causes(error: BaseException) -> Iterator[BaseException]:
    seen: set[int] = set()
    current: BaseException | None = error
    while current is not None and id(current) not in seen:
        seen.add(id(current))
        yield current
        current = current.__cause__ or current.__context__


def _reason(error: Exception) -> str:
    """One line, at most 300 characters, never empty."""
    text = error.message if isinstance(error, LimnerError) else str(error)
    line = " ".join(text.split()) or type(error).__name__
    return line if len(line) <= _MAX_REASON else line[: _MAX_REASON - 1] + "…"
