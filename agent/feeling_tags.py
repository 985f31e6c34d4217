"""Inline feelings in a token stream: `<feel>quietly amused</feel> Well, look at that.`

The tags are never spoken and never shown. They may be split across tokens in any way. A tag that
is malformed or never closed loses its brackets only: the words of the reply always come through.
"""

import re
from dataclasses import dataclass

MAX_FEELING = 120  # characters; what is longer is no feeling but an unclosed tag

_OPEN = re.compile(r"<\s*feel\s*>", re.IGNORECASE)
_CLOSE = re.compile(r"<\s*/\s*feel\s*>", re.IGNORECASE)
_MAX_TAG = 16  # characters of "< / feel >" with a few blanks


@dataclass(frozen=True, slots=True)
class Words:
    """Text to speak and show, as it came."""

    text: str


@dataclass(frozen=True, slots=True)
class Feeling:
    """How what follows is felt, in words."""

    text: str


class FeelingTags:
    """Separates words from feelings as tokens arrive. One object per reply."""

    def __init__(self) -> None:
        self._buffer = ""
        self._inside = False

    def feed(self, token: str) -> list[Words | Feeling]:
        """What can be told for certain after this token, in order."""
        self._buffer += token
        return self._read(last=False)

    def finish(self) -> list[Words | Feeling]:
        """The rest, at the end of the stream."""
        return self._read(last=True)

    def _read(self, last: bool) -> list[Words | Feeling]:
        found: list[Words | Feeling] = []
        while self._buffer:
            step = self._inside_step if self._inside else self._outside_step
            piece, waits = step(last)
            if piece is not None and piece.text:
                found.append(piece)
            if waits:
                break
        return found

    def _outside_step(self, last: bool) -> tuple[Words | Feeling | None, bool]:
        """One piece of what is spoken, and whether more input is needed to go on."""
        at = self._buffer.find("<")
        if at != 0:
            return Words(self._take(len(self._buffer) if at < 0 else at)), False
        opened = _OPEN.match(self._buffer)
        tag = opened or _CLOSE.match(self._buffer)
        if tag:
            self._take(tag.end())
            self._inside = opened is not None
            return None, False
        if not last and _may_become_tag(self._buffer):
            return None, True
        return Words(self._take(1)), False

    def _inside_step(self, last: bool) -> tuple[Words | Feeling | None, bool]:
        closed = _CLOSE.search(self._buffer)
        body = self._buffer[: closed.start()] if closed else self._buffer
        if not _could_be_feeling(body):
            self._inside = False  # it was never closed: the words are words
            return None, False
        if closed:
            self._take(closed.end())
            self._inside = False
            return Feeling(" ".join(body.split())), False
        self._inside = not last
        return None, not last

    def _take(self, count: int) -> str:
        taken, self._buffer = self._buffer[:count], self._buffer[count:]
        return taken


def _may_become_tag(text: str) -> bool:
    """Whether `text`, which starts with "<", is the beginning of a tag."""
    start = "".join(text[:_MAX_TAG].split()).casefold()
    return len(text) < _MAX_TAG and ("<feel>".startswith(start) or "</feel>".startswith(start))


def _could_be_feeling(body: str) -> bool:
    return len(body) <= MAX_FEELING + _MAX_TAG and "\n" not in body and not _OPEN.search(body)
