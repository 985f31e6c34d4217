"""What was said, as the model shall remember it: only what the listener heard."""

from dataclasses import dataclass, field

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage

from agent.types import ReplyChunk

INTERRUPTED = "[interrupted]"


@dataclass(slots=True)
class Exchange:
    """One user turn and the reply so far."""

    turn: int
    user: str
    chunks: list[ReplyChunk] = field(default_factory=list)
    heard: str | None = None  # what was heard of a reply that was cut short
    complete: bool = False

    def reply(self) -> str:
        """The reply as remembered, with its feeling tags."""
        if self.heard is not None:
            first = self.chunks[0].emotion_text if self.chunks and self.heard else ""
            return f"{_tag(first)}{self.heard} {INTERRUPTED}".strip()
        text = " ".join(_with_changed_feelings(self.chunks))
        return text if self.complete else f"{text} {INTERRUPTED}".strip()


class Memory:
    """The exchanges of one session, the oldest forgotten first."""

    def __init__(self, max_exchanges: int = 40, max_characters: int = 16_000) -> None:
        self._max_exchanges = max_exchanges
        self._max_characters = max_characters
        self._exchanges: list[Exchange] = []

    def open(self, turn: int, user: str) -> Exchange:
        """Begin a turn."""
        exchange = Exchange(turn, user)
        self._exchanges.append(exchange)
        self._forget()
        return exchange

    def cut(self, turn: int, heard: str) -> None:
        """Remember of the reply to `turn` only what was heard; an unknown turn changes nothing."""
        for exchange in self._exchanges:
            if exchange.turn == turn:
                exchange.heard = heard.strip()

    def messages(self) -> list[BaseMessage]:
        """The conversation; the last message is the user's where its reply has not begun."""
        found: list[BaseMessage] = []
        for exchange in self._exchanges:
            found.append(HumanMessage(exchange.user))
            open_turn = exchange is self._exchanges[-1] and not exchange.chunks
            if not (open_turn and exchange.heard is None):
                found.append(AIMessage(exchange.reply()))
        return found

    def clear(self) -> None:
        """Forget everything."""
        self._exchanges.clear()

    def _forget(self) -> None:
        sizes = [len(e.user) + sum(len(c.text) for c in e.chunks) for e in self._exchanges]
        while len(sizes) > 1 and (
            len(sizes) > self._max_exchanges or sum(sizes) > self._max_characters
        ):
            sizes.pop(0)
            self._exchanges.pop(0)


def _with_changed_feelings(chunks: list[ReplyChunk]) -> list[str]:
    """Clauses, each preceded by its feeling where that differs from the last one."""
    last, parts = "", []
    for chunk in chunks:
        changed = chunk.emotion_text if chunk.emotion_text != last else ""
        parts.append(f"{_tag(changed)}{chunk.text}")
        last = chunk.emotion_text
    return [part for part in parts if part]


def _tag(feeling: str) -> str:
    return f"<feel>{feeling}</feel> " if feeling else ""
