"""Which brain speaks: the settings' choice becomes a chat model."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from langchain_core.language_models import BaseChatModel

from agent.models import AUTO, EMBEDDED, Access, ModelChoice, access_for, build_model, detect_models
from pipeline.config import LlmSettings
from pipeline.plugins import load, names

GROUP = "limner.llm"


@dataclass(frozen=True, slots=True)
class Brain:
    """A chat model, the spec that names it, and how people call it.

    note: why a server that was configured is not used, else "".
    """

    model: BaseChatModel
    spec: str
    title: str
    note: str = ""


def access_of(settings: LlmSettings) -> Access:
    """How models are reached, as the agent wants to know it."""
    key = settings.api_key.get_secret_value() if settings.api_key else ""
    return Access(
        settings.base_url or "",
        key,
        settings.temperature,
        ollama_host=settings.ollama_host or "",
    )


def brain_model(
    choice: ModelChoice, settings: LlmSettings, embedded: Callable[[], BaseChatModel] | None = None
) -> BaseChatModel:
    """The chat model of a choice. Names of plug-ins (group limner.llm) come before provider
    strings; `embedded` makes the built-in brain, as for `build_model`. Raises ConfigError."""
    if choice.spec != EMBEDDED and choice.spec in names(GROUP):
        model: BaseChatModel = load(GROUP, choice.spec)()
        return model
    return build_model(choice.spec, access_for(choice, access_of(settings)), embedded)


def chosen(settings: LlmSettings, found: Sequence[ModelChoice]) -> ModelChoice:
    """What the settings choose among the brains that `detect_models` found."""
    if settings.model == AUTO:
        return next(choice for choice in found if choice.available)
    listed = [choice for choice in found if choice.spec == settings.model]
    return listed[0] if listed else ModelChoice(settings.model, settings.model, True, "")


async def choose_brain(settings: LlmSettings, timeout: float = 0.3) -> Brain:
    """The brain of the settings; "auto" is the best found on this machine within `timeout` s.

    Raises ConfigError.
    """
    found = await detect_models(access_of(settings), timeout)
    choice = chosen(settings, found)
    note = _unused(settings, found) if choice.spec == EMBEDDED else ""
    return Brain(brain_model(choice, settings), choice.spec, choice.title, note)


def _unused(settings: LlmSettings, found: Sequence[ModelChoice]) -> str:
    """Why "auto" passes over the server that the settings name."""
    if settings.model != AUTO or not settings.base_url:
        return ""
    named = [c for c in found if c.base_url == settings.base_url and not c.available]
    return f"{named[0].how_to_connect} The built-in brain answers meanwhile." if named else ""
