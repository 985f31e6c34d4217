"""The conversation as a plain text that people can keep."""

from collections.abc import Iterable

from pipeline.transcript import ChatEntry

_WHO = {"user": "You", "assistant": "Limner"}


def transcript_text(transcript: Iterable[ChatEntry]) -> str:
    """One paragraph a message, with the feeling and what became of it."""
    return "\n\n".join(_paragraph(entry) for entry in transcript) + "\n"


def _paragraph(entry: ChatEntry) -> str:
    notes = []
    if entry.role == "assistant" and entry.emotion is not None:
        notes.append(entry.emotion.dominant())
    if entry.status in ("interrupted", "failed"):
        notes.append(entry.status)
    note = f" ({', '.join(notes)})" if notes else ""
    return f"{_WHO[entry.role]}{note}: {entry.text}"
