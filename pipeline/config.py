"""The settings of the product: what can be set, its defaults and its bounds.

Defaults live here and only here; YAML files and the environment override them. Where a value came
from is kept by `pipeline.config_sources`, which reads the layers and builds `Settings`.
"""

from pathlib import Path
from typing import Annotated, Literal
from urllib.parse import urlsplit

from pydantic import BaseModel, BeforeValidator, ConfigDict, Field, SecretStr, field_validator


def _split(value: object) -> object:
    """Lists arrive from the environment as "a, b"."""
    if isinstance(value, str):
        return [part.strip() for part in value.split(",") if part.strip()]
    return value


def _none_if_blank(value: object) -> object:
    return None if isinstance(value, str) and not value.strip() else value


def _http_url(value: str | None) -> str | None:
    if value is not None and (urlsplit(value).scheme not in ("http", "https")):
        raise ValueError("must begin with http:// or https://")
    return value


Name = Annotated[str, Field(min_length=1, max_length=200)]
Texts = Annotated[tuple[str, ...], BeforeValidator(_split)]
OptionalText = Annotated[str | None, BeforeValidator(_none_if_blank)]


class StrictModel(BaseModel):
    """Base of everything that a person writes: unknown keys are errors, values do not change."""

    model_config = ConfigDict(extra="forbid", frozen=True, validate_default=True)


class ServerSettings(StrictModel):
    """The web server."""

    host: Name = Field(
        default="127.0.0.1", description="Address to listen on; 0.0.0.0 is every network."
    )
    port: int = Field(default=7860, ge=1, le=65535, description="Port to listen on.")
    max_sessions: int = Field(
        default=8, ge=1, le=1000, description="Live pages at once; more are refused."
    )
    session_ttl_s: float = Field(
        default=120,
        ge=5,
        le=86_400,
        description="Seconds that a page which lost its connection is kept.",
    )
    allowed_origins: Texts = Field(
        default=(),
        description="Further origins that may open the live socket, e.g. https://example.org.",
    )
    root_path: str = Field(default="", description="Path prefix behind a proxy, e.g. /limner.")

    @field_validator("root_path")
    @classmethod
    def _rooted(cls, value: str) -> str:
        if value and not value.startswith("/"):
            raise ValueError("must be empty or begin with /")
        return value.rstrip("/")


class LlmSettings(StrictModel):
    """The brain."""

    model: Name = Field(
        default="auto",
        description="auto (what is found on this machine, else the built-in brain), embedded, or a "
        "LangChain provider string such as openai:gpt-4o-mini or ollama:llama3.2.",
    )
    base_url: OptionalText = Field(
        default=None, description="Address of an OpenAI-compatible server."
    )
    api_key: SecretStr | None = Field(default=None, description="Its key; never shown.")
    ollama_host: OptionalText = Field(
        default=None, description="Address of Ollama, if not the usual one."
    )
    temperature: float = Field(
        default=0.7, ge=0, le=2, description="0 is the same answer each time."
    )
    first_token_timeout_s: float = Field(
        default=20, gt=0, le=600, description="Seconds to wait for the first word before giving up."
    )

    @field_validator("base_url")
    @classmethod
    def _is_url(cls, value: str | None) -> str | None:
        return _http_url(value)

    @field_validator("api_key", mode="before")
    @classmethod
    def _no_blank_key(cls, value: object) -> object:
        return _none_if_blank(value)


class VoiceSettings(StrictModel):
    """The voice."""

    engine: Name = Field(default="embedded", description="A plug-in of the group limner.tts.")
    id: Name = Field(
        default="auto", description="A voice of it (limner voices); auto is the persona's."
    )


class EarsSettings(StrictModel):
    """The speech recogniser and turn taking."""

    engine: Name = Field(default="pocketsphinx", description="A plug-in of the group limner.asr.")
    end_of_turn_ms: int = Field(
        default=500, ge=100, le=5000, description="Silence after which the user's turn is over."
    )


class AvatarSettings(StrictModel):
    """The face."""

    engine: Name = Field(default="semo", description="A plug-in of the group limner.avatar.")
    portrait: str = Field(
        default="", description="A gallery name or a picture file; empty: the persona's."
    )
    size: int = Field(
        default=512, ge=128, le=1024, multiple_of=2, description="Pixels a side, even."
    )
    fps: Literal[25] = Field(
        default=25, description="Fixed: the media clock counts 25 frames a second."
    )


class EmotionSettings(StrictModel):
    """What reads the feeling of a clause."""

    engine: Name = Field(default="latents", description="A plug-in of the group limner.emotion.")


class StreamSettings(StrictModel):
    """How pictures and sound reach the page."""

    codec: Literal["auto", "h264", "jpeg"] = Field(
        default="auto", description="auto: H.264 where the browser can decode it, JPEG elsewhere."
    )
    lead_speaking_ms: int = Field(
        default=400, ge=40, le=2000, description="How far ahead speech is sent, at most."
    )


class LimitSettings(StrictModel):
    """What one user may ask for."""

    max_message_chars: int = Field(
        default=4000, ge=1, le=100_000, description="Longest typed message."
    )
    max_upload_mb: float = Field(default=20, gt=0, le=1000, description="Largest uploaded file.")
    max_clip_s: float = Field(default=600, ge=1, le=36_000, description="Longest rendered clip.")


class PrivacySettings(StrictModel):
    """What is kept."""

    store_uploads: bool = Field(
        default=False, description="Keep uploaded pictures after the session."
    )


class LogSettings(StrictModel):
    """The server's log."""

    level: Literal["debug", "info", "warning", "error"] = Field(
        default="info", description="Least shown."
    )
    format: Literal["text", "json"] = Field(default="text", description="json: one object a line.")


class Settings(StrictModel):
    """All settings; see docs/configuration.md."""

    persona: Name = Field(
        default="mara", description="Who you talk to: a file of configs/personas."
    )
    server: ServerSettings = ServerSettings()
    llm: LlmSettings = LlmSettings()
    voice: VoiceSettings = VoiceSettings()
    ears: EarsSettings = EarsSettings()
    avatar: AvatarSettings = AvatarSettings()
    emotion: EmotionSettings = EmotionSettings()
    stream: StreamSettings = StreamSettings()
    limits: LimitSettings = LimitSettings()
    privacy: PrivacySettings = PrivacySettings()
    log: LogSettings = LogSettings()


def preset_folder() -> Path:
    """Where the presets lie: `configs/` of the checkout."""
    return Path(__file__).resolve().parent.parent / "configs"
