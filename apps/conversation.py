"""The transcript as messages of Gradio's chat: all text inert, each reply with its feeling."""

import re
from collections.abc import Iterable, Iterator
from html import escape
from urllib.parse import urlsplit

from emotion.types import EMOTIONS, EmotionState
from pipeline.transcript import ChatEntry

Message = dict[str, object]

_MARKDOWN = re.compile(r"[\\`*_{}\[\]()<>#+\-.!|~&$\"'=:@/]")
_SHOWN = 0.05  # shares of a feeling below this are not listed
_MARKS = {"interrupted": "interrupted", "failed": "not answered"}
_ACTIONS = (("again", "Say it again"), ("copy", "Copy"), ("clip", "Download clip"))


def chat_messages(transcript: Iterable[ChatEntry]) -> list[Message]:
    """Messages for `gr.Chatbot`, in order; a reply's tools come folded before it."""
    return [message for entry in transcript for message in _messages(entry)]


def literal(text: str) -> str:
    """Text that markdown and HTML show exactly as it is."""
    return _MARKDOWN.sub(lambda found: f"&#{ord(found.group())};", text)


def reply_markdown(text: str) -> str:
    """A model's markdown without its power: no HTML, no pictures (they would call other hosts)."""
    return escape(text, quote=False).replace("![", "!\\[").replace("$", "&#36;")


def describe(emotion: EmotionState) -> str:
    """The full mixture in words, e.g. "happy 70 %, surprised 30 %; strength 60 %"."""
    if emotion.dominant() == "neutral":
        return "neutral"
    shares = sorted(zip(emotion.weights.tolist(), EMOTIONS, strict=True), reverse=True)
    parts = [f"{name} {share:.0%}" for share, name in shares if share >= _SHOWN]
    return f"{', '.join(parts)}; strength {emotion.intensity:.0%}".replace("%", " %")


def _messages(entry: ChatEntry) -> Iterator[Message]:
    if entry.role == "user":
        yield {"role": "user", "content": literal(entry.text)}
        return
    for tool in entry.tools:
        name = tool.split(":", 1)[0].split("(", 1)[0].strip().replace("_", " ")
        metadata = {"title": f"Used {name[:60]}", "status": "done"}
        yield {"role": "assistant", "content": literal(tool), "metadata": metadata}
    yield {"role": "assistant", "content": _reply(entry)}


def _reply(entry: ChatEntry) -> str:
    if entry.status == "streaming" and not entry.text:
        return '<span class="typing" title="Thinking">&hellip;</span>'
    text = literal(entry.text) if entry.status == "failed" else reply_markdown(entry.text)
    foot = _mark(entry) + _chip(entry) + _sources(entry) + _actions(entry)
    return f'{text}\n\n<div class="reply-foot">{foot}</div>' if foot else text


def _mark(entry: ChatEntry) -> str:
    word = _MARKS.get(entry.status)
    return f'<span class="reply-mark reply-{entry.status}">{word}</span>' if word else ""


def _chip(entry: ChatEntry) -> str:
    if entry.emotion is None:
        return ""
    word = entry.emotion.dominant()
    words = f"{entry.emotion_text}: " if entry.emotion_text else ""
    title = escape(words + describe(entry.emotion))
    return f'<span class="feeling feeling-{word}" title="{title}">{word}</span>'


def _sources(entry: ChatEntry) -> str:
    return "".join(_source(source) for source in entry.sources)


def _source(source: str) -> str:
    parts = urlsplit(source) if "://" in source[:12] else None
    if parts and parts.scheme in ("http", "https"):
        link = f'<a href="{escape(source)}" rel="noopener noreferrer" target="_blank">'
        return f'<span class="source">{link}{escape(parts.netloc)}</a></span>'
    return f'<span class="source" title="{escape(source)}">{escape(_short(source))}</span>'


def _short(text: str, limit: int = 40) -> str:
    return text if len(text) <= limit else f"{text[: limit - 1].rstrip()}…"


def _actions(entry: ChatEntry) -> str:
    if entry.status == "streaming" or not entry.text:
        return ""
    links = "".join(
        f'<a class="act act-{name}" href="#reply-{name}-{entry.id}" title="{title}">{title}</a>'
        for name, title in _ACTIONS
        if name == "copy" or entry.status != "failed"
    )
    return f'<span class="acts">{links}</span>'
