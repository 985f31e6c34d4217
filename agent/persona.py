"""Personas: who the face is. Read from YAML by name or path."""

from pathlib import Path
from typing import Annotated

import yaml
from pydantic import (
    BaseModel,
    ConfigDict,
    Field,
    StringConstraints,
    ValidationError,
    field_validator,
)

from emotion.errors import ConfigError, LimnerError
from emotion.labels import parse_labels
from emotion.types import EmotionState

_MAX_BYTES = 200_000
Line = Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=1_000)]


class Persona(BaseModel):
    """One character, as its YAML file writes it."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    name: Annotated[str, StringConstraints(strip_whitespace=True, min_length=1, max_length=40)]
    title: Line = Field(description="one line for lists, e.g. 'a warm listener'")
    about: Line = Field(description="who they are, in the third person")
    speaking_style: Line
    resting_mood: str = Field("neutral", description='labels, e.g. "happy:0.15"')
    portrait: str = Field("", description="gallery name or file; empty: chosen by the program")
    voice: str = Field("", description='"engine/name"; empty: chosen by the program')
    greeting: Line
    knowledge: tuple[Line, ...] = Field((), description="facts in the first person", max_length=200)

    @field_validator("resting_mood")
    @classmethod
    def _readable(cls, value: str) -> str:
        try:
            parse_labels(value)
        except LimnerError as error:
            raise ValueError(str(error)) from error
        return value

    def mood(self) -> EmotionState:
        """The feeling the persona rests in."""
        return parse_labels(self.resting_mood)


def personas_folder() -> Path:
    """`configs/personas` of the checkout (also what an editable install points to)."""
    return Path(__file__).resolve().parent.parent / "configs" / "personas"


def list_personas(folder: Path | None = None) -> tuple[str, ...]:
    """Names that `load_persona` accepts, in alphabetical order."""
    return tuple(sorted(path.stem for path in (folder or personas_folder()).glob("*.yaml")))


def load_persona(name: str, folder: Path | None = None) -> Persona:
    """Read a persona by name ("mira") or by the path of a YAML file.

    Raises ConfigError: unknown name (lists the known ones), unreadable file, unknown or bad key.
    """
    path = _find(name, folder or personas_folder())
    try:
        if path.stat().st_size > _MAX_BYTES:
            raise ConfigError(f"The persona file {path} is too large.", "Keep it under 200 kB.")
        data = yaml.safe_load(path.read_text("utf-8"))
    except (OSError, UnicodeDecodeError, yaml.YAMLError) as error:
        reason = " ".join(str(error).split())
        raise ConfigError(
            f"The persona file {path} cannot be read: {reason}", "Correct the file."
        ) from error
    return _validated(data, path)


def _find(name: str, folder: Path) -> Path:
    known = list_personas(folder)
    if name.casefold() in known:
        return folder / f"{name.casefold()}.yaml"
    path = Path(name)
    if len(name) < 1_000 and path.suffix in (".yaml", ".yml") and path.is_file():
        return path
    raise ConfigError(
        f"There is no persona {name[:60]!r}.",
        f"Known are: {', '.join(known) or 'none'}; or give the path of a YAML file.",
    )


def _validated(data: object, path: Path) -> Persona:
    if not isinstance(data, dict):
        raise ConfigError(f"The persona file {path} holds no keys.", f"It needs: {_keys()}.")
    try:
        return Persona.model_validate(data)
    except ValidationError as error:
        first = error.errors()[0]
        where = ".".join(str(part) for part in first["loc"]) or "file"
        raise ConfigError(
            f"Persona file {path}: {where}: {first['msg']}.", f"Known keys are: {_keys()}."
        ) from error


def _keys() -> str:
    return ", ".join(Persona.model_fields)
