"""Builds `Settings` from its layers and remembers where each value came from.

Precedence: command line > environment > file > defaults. Values travel as flat dotted keys
("avatar.size") until pydantic checks them all at once.
"""

import difflib
import json
import os
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from pydantic import BaseModel, SecretStr, ValidationError
from pydantic.fields import FieldInfo

from emotion.errors import ConfigError
from pipeline.config import Settings, preset_folder

ENV_PREFIX = "LIMNER_"
# Variables of ours that are not settings: the file to read, and what only tests use.
RESERVED_ENV = frozenset({"LIMNER_CONFIG", "LIMNER_SHARED"})
RESERVED_ENV_PREFIX = "LIMNER_TEST_"
WELL_KNOWN_ENV = {
    "OPENAI_API_KEY": "llm.api_key",
    "OPENAI_BASE_URL": "llm.base_url",
    "OLLAMA_HOST": "llm.ollama_host",
}
DEFAULT = "default"
MAX_FILE_BYTES = 1_000_000

Flat = dict[str, object]


@dataclass(frozen=True, slots=True)
class EffectiveSettings:
    """The settings in force; `sources` says for each dotted key where its value came from."""

    settings: Settings
    sources: Mapping[str, str]

    def rows(self) -> list[tuple[str, object, str]]:
        """(key, JSON-ready value with secrets hidden, source) of every setting, in order."""
        return [
            (key, _shown(_lookup(self.settings, key)), self.sources.get(key, DEFAULT))
            for key in known_settings()
        ]


def load_settings(
    overrides: Mapping[str, object] | None = None,
    *,
    file: str | Path | None = None,
    environ: Mapping[str, str] | None = None,
) -> EffectiveSettings:
    """Read all layers.

    overrides: dotted keys from the command line; None values are not set.
    file: a preset's name or a path; None takes LIMNER_CONFIG, if that is set.
    Raises ConfigError that names the key, its source and what is allowed.
    """
    environ = os.environ if environ is None else environ
    layers: list[tuple[str, str, object]] = []  # key, source, value; later ones win
    chosen = file or environ.get("LIMNER_CONFIG", "")
    if chosen:
        path = find_preset(chosen)
        layers += [(key, str(path), value) for key, value in _read_file(path).items()]
    layers += _read_environment(environ)
    layers += [
        (key, "command line", value)
        for key, value in (overrides or {}).items()
        if value is not None
    ]
    return _build(layers)


def parse_override(text: str) -> tuple[str, str]:
    """Split "avatar.size=768" into key and value. Raises ConfigError."""
    key, equals, value = text.partition("=")
    if not equals or not key.strip():
        raise ConfigError(f'"{text}" is not a setting.', "Write it as section.key=value.")
    return key.strip(), value.strip()


def known_settings() -> dict[str, FieldInfo]:
    """Every setting by dotted key, in the order of the documentation."""
    return dict(_fields(Settings, ""))


def preset_names() -> list[str]:
    """The presets that come with the product."""
    return sorted(path.stem for path in preset_folder().glob("*.yaml"))


def find_preset(chosen: str | Path) -> Path:
    """The file of a preset's name or of a path. Raises ConfigError if there is none."""
    path = Path(chosen).expanduser()
    if path.suffix not in (".yaml", ".yml") and path.name == str(chosen):
        path = preset_folder() / f"{chosen}.yaml"
    if not path.is_file():
        raise ConfigError(
            f'There is no configuration "{chosen}".',
            f"Give a YAML file or one of the presets: {', '.join(preset_names())}.",
        )
    return path


def reference() -> str:
    """All settings as a Markdown table (the heart of docs/configuration.md)."""
    lines = ["| setting | default | environment | meaning |", "| --- | --- | --- | --- |"]
    defaults = Settings()
    for key, info in known_settings().items():
        value = _shown(_lookup(defaults, key))
        written = value if isinstance(value, str) else json.dumps(value)
        shown = "" if value in (None, "", []) else f"`{written}`"
        meaning = (info.description or "") + _bounds(info)
        lines.append(f"| `{key}` | {shown} | `{variable_of(key)}` | {meaning} |")
    return "\n".join(lines) + "\n"


def variable_of(key: str) -> str:
    """The environment variable of a dotted key."""
    return ENV_PREFIX + key.upper().replace(".", "__")


def _fields(model: type[BaseModel], prefix: str) -> Iterator[tuple[str, FieldInfo]]:
    for name, info in model.model_fields.items():
        if isinstance(info.annotation, type) and issubclass(info.annotation, BaseModel):
            yield from _fields(info.annotation, f"{prefix}{name}.")
        else:
            yield prefix + name, info


def _lookup(settings: BaseModel, key: str) -> object:
    value: Any = settings
    for part in key.split("."):
        value = getattr(value, part)
    return value


def _shown(value: object) -> object:
    """JSON-ready and without secrets, also those inside an address (https://user:key@host)."""
    if isinstance(value, SecretStr):
        return "********"
    if isinstance(value, tuple):
        return list(value)
    if isinstance(value, str) and "://" in value and "@" in urlsplit(value).netloc:
        return value.replace(urlsplit(value).netloc.rpartition("@")[0], "********", 1)
    return value


def _bounds(info: FieldInfo) -> str:
    found = {
        name: getattr(item, name)
        for item in info.metadata
        for name in ("ge", "gt", "le", "lt")
        if getattr(item, name, None) is not None
    }
    if not found:
        return ""
    low = f"{found['ge']}" if "ge" in found else f"above {found.get('gt')}"
    return f" ({low} to {found.get('le', found.get('lt'))})"


def _read_file(path: Path) -> Flat:
    import yaml

    try:
        if path.stat().st_size > MAX_FILE_BYTES:
            raise ConfigError(f"{path} is too large for a configuration.", "Is it the right file?")
        data = yaml.safe_load(path.read_text(encoding="utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise ConfigError(f"{path} cannot be read: {reason}", "Correct the file.") from error
    if data is None:
        return {}
    if not isinstance(data, dict):
        raise ConfigError(
            f"{path} is not a mapping of settings.", "Write section:, then key: value."
        )
    return dict(_flatten(data, "", str(path)))


def _flatten(
    data: Mapping[object, object], prefix: str, source: str
) -> Iterator[tuple[str, object]]:
    sections = {key.partition(".")[0] for key in known_settings() if "." in key}
    for name, value in data.items():
        key = f"{prefix}{name}"
        if key not in sections:
            yield key, value
        elif isinstance(value, dict):
            yield from _flatten(value, f"{key}.", source)
        elif value is not None:
            raise ConfigError(
                f'"{key}" in {source} is a section, not a value.', f"Known in it: {_known_in(key)}."
            )


def _read_environment(environ: Mapping[str, str]) -> Iterator[tuple[str, str, object]]:
    for name, key in WELL_KNOWN_ENV.items():
        if environ.get(name, "").strip():
            yield key, f"environment {name}", environ[name]
    for name in sorted(environ):
        reserved = name in RESERVED_ENV or name.startswith(RESERVED_ENV_PREFIX)
        if name.startswith(ENV_PREFIX) and not reserved:
            yield _key_of(name), f"environment {name}", environ[name]


def _key_of(variable: str) -> str:
    """LIMNER_AVATAR__SIZE and LIMNER_AVATAR_SIZE are both avatar.size: no section has a _."""
    name = variable.removeprefix(ENV_PREFIX).lower()
    return name.replace("__", ".") if "__" in name else name.replace("_", ".", 1)


def _build(layers: list[tuple[str, str, object]]) -> EffectiveSettings:
    known = known_settings()
    nested: dict[str, Any] = {}
    sources: dict[str, str] = {}
    for key, source, value in layers:
        if key not in known:
            raise _unknown(key, source)
        section, _, name = key.rpartition(".")
        (nested.setdefault(section, {}) if section else nested)[name] = value
        sources[key] = source
    try:
        return EffectiveSettings(Settings.model_validate(nested), sources)
    except ValidationError as error:
        raise _invalid(error, sources) from None  # the cause would repeat secrets


def _unknown(key: str, source: str) -> ConfigError:
    section = key.partition(".")[0]
    close = difflib.get_close_matches(key, known_settings(), n=1)
    hint = f"Did you mean {close[0]}? " if close else ""
    return ConfigError(
        f'Unknown setting "{key}" ({source}).', f"{hint}Known settings: {_known_in(section)}."
    )


def _known_in(section: str) -> str:
    inside = [key for key in known_settings() if key.startswith(f"{section}.")]
    outside = dict.fromkeys(key.partition(".")[0] for key in known_settings())
    return ", ".join(inside or outside)


def _invalid(error: ValidationError, sources: Mapping[str, str]) -> ConfigError:
    first = error.errors(include_url=False)[0]
    info = known_settings()
    key = next(
        ".".join(str(part) for part in first["loc"][:end])
        for end in (2, 1, 0)
        if ".".join(str(part) for part in first["loc"][:end]) in info or end == 0
    )
    given = "" if key == "llm.api_key" else f" to {str(first['input'])[:80]!r}"
    reason = first["msg"].removeprefix("Value error, ")
    meaning = info[key].description if key in info else ""
    return ConfigError(
        f"{key} cannot be set{given} ({sources.get(key, DEFAULT)}): {reason}.",
        f"{key}: {meaning}",
    )
