"""The named errors of the project. Each says what happened, to which input, and the remedy.

They live in the bottom layer so that every package can raise them.
"""


class LimnerError(Exception):
    """Base of all errors a user may see.

    `message` says what happened and to which input; `remedy` says what to do about it.
    """

    retryable = False

    def __init__(self, message: str, remedy: str) -> None:
        super().__init__(f"{message} {remedy}".strip())
        self.message = message
        self.remedy = remedy

    def __reduce__(self) -> tuple[object, ...]:
        # Errors cross process borders; the default would pass the joined text as `message`.
        return type(self), (self.message, self.remedy), self.__dict__


class ConfigError(LimnerError):
    """A setting, preset, plug-in name or environment variable cannot be used."""


class ProviderError(LimnerError):
    """An engine (LLM, voice, recogniser) failed; `retryable`: trying again may help."""

    def __init__(self, message: str, remedy: str, *, retryable: bool = False) -> None:
        super().__init__(message, remedy)
        self.retryable = retryable


class MediaError(LimnerError):
    """A sound, video or text input is empty, too long, of the wrong type or corrupt."""


class PortraitError(LimnerError):
    """A picture cannot become a portrait: broken, huge, no face, too small."""


class OverloadedError(LimnerError):
    """The machine is full: the session cap is reached or a worker cannot keep up."""

    retryable = True
