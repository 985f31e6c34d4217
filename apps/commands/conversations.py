"""Conversations of `limner reply --session`, kept between calls as one JSON file each."""

import json
import os
import re
from collections.abc import Sequence
from dataclasses import dataclass, field
from pathlib import Path

from agent.types import ReplyChunk
from emotion.errors import ConfigError, MediaError

NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}")
KEPT = 200  # exchanges; the agent itself remembers fewer

Exchange = tuple[str, tuple[ReplyChunk, ...]]


@dataclass(slots=True)
class Conversation:
    """What was said so far; `file` is None where nothing is kept."""

    file: Path | None = None
    exchanges: list[Exchange] = field(default_factory=list)

    @classmethod
    def load(cls, name: str) -> "Conversation":
        """The conversation of that name, empty if new; "" keeps nothing.

        Raises ConfigError for a name that is no plain file name, MediaError for a damaged file.
        """
        if not name:
            return cls()
        if not NAME.fullmatch(name):
            raise ConfigError(
                f"{name[:80]!r} is no name for a session.",
                "Use up to 64 letters, digits, - and _.",
            )
        file = state_folder() / f"{name}.json"
        return cls(file, _read(file) if file.exists() else [])

    def add(self, user: str, chunks: Sequence[ReplyChunk]) -> None:
        """Note an exchange, in the file too. Raises MediaError when that cannot be written."""
        self.exchanges.append((user, tuple(chunks)))
        if self.file is None:
            return
        try:
            self._write(self.file)
        except OSError as error:
            raise MediaError(
                f"The conversation could not be kept in {self.file}: {error.strerror}.",
                "Free some space, or set XDG_STATE_HOME to a folder that can be written.",
            ) from error

    def _write(self, file: Path) -> None:
        rows = [
            {"user": said, "reply": [[c.text, c.emotion_text] for c in reply]}
            for said, reply in self.exchanges[-KEPT:]
        ]
        file.parent.mkdir(parents=True, exist_ok=True)
        part = file.with_suffix(".part")  # a full disk must not cost the old file
        try:
            part.write_text(json.dumps(rows, ensure_ascii=False, indent=1), encoding="utf-8")
            part.chmod(0o600)
            part.replace(file)
        finally:
            part.unlink(missing_ok=True)


def state_folder() -> Path:
    """$XDG_STATE_HOME/limner/sessions, usually ~/.local/state/limner/sessions."""
    home = os.environ.get("XDG_STATE_HOME") or Path.home() / ".local" / "state"
    return Path(home) / "limner" / "sessions"


def _read(file: Path) -> list[Exchange]:
    try:
        rows = json.loads(file.read_text(encoding="utf-8"))
        return [
            (str(row["user"]), tuple(_chunks(turn, row["reply"])))
            for turn, row in enumerate(rows, start=1)
        ]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise MediaError(
            f"The conversation {file} cannot be read: {error}.", "Delete it, or use another name."
        ) from error


def _chunks(turn: int, reply: list[list[str]]) -> list[ReplyChunk]:
    last = len(reply) - 1
    return [
        ReplyChunk(turn, index, text, feeling, index == last)
        for index, (text, feeling) in enumerate(reply)
    ]
