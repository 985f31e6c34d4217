"""What the brain sees: the messages of a chat, read once. It has no other memory."""

import re
import zlib
from collections.abc import Sequence
from dataclasses import dataclass

from langchain_core.messages import AIMessage, BaseMessage, HumanMessage, SystemMessage

from agent.feeling_tags import FeelingTags, Words
from agent.memory import INTERRUPTED
from agent.prompt import KNOWLEDGE_HEADING

MAX_CHARACTERS = 2_000  # of a message that are read

_NAME = re.compile(r"You are ([^\W\d_][\w'’\- ]{0,38}?)[,.]")
_DEFAULT_NAME = "Limner"
_QUESTION = re.compile(
    r"^(?:so |and |but |well |hey |hi |hello |oh |please |ok |okay )*"
    r"(?:what|who|whom|whose|where|when|why|how|which|do|does|did|is|are|was|were|can|could|will|"
    r"would|should|have you|has|may|tell|say|show|give|explain|write|sing|help|recommend|let's|"
    r"talk|make|describe)\b",
    re.IGNORECASE,
)


@dataclass(frozen=True, slots=True)
class Thought:
    """A reply before it is streamed: plain text, how it is felt, and what it was made with."""

    text: str
    feel: str
    tools: tuple[str, ...] = ()
    sources: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Conversation:
    """A chat, oldest first.

    name: the persona's. facts: what it knows about itself, from the system prompt.
    said: the user's messages; the last is to be answered. replies: the persona's, without tags.
    """

    name: str
    facts: tuple[str, ...]
    said: tuple[str, ...]
    replies: tuple[str, ...]

    @property
    def text(self) -> str:
        """The message to answer, blanks collapsed; "" if there is none."""
        return self.said[-1] if self.said else ""

    @property
    def last_reply(self) -> str:
        """What was said last, or ""."""
        return self.replies[-1] if self.replies else ""

    def pick(self, options: Sequence[str]) -> str:
        """One of `options`, the same for the same chat; the longest unused one of them first."""
        seed = zlib.crc32(f"{self.said[:1]}{len(self.said)}{options[0]}".encode())
        start = seed % len(options)
        rotated = [*options[start:], *options[:start]]
        return min(rotated, key=self._last_used)

    def _last_used(self, option: str) -> int:
        used = (i for i in range(len(self.replies) - 1, -1, -1) if option in self.replies[i])
        return next(used, -1)


def read_conversation(messages: Sequence[BaseMessage]) -> Conversation:
    """Read a chat as any chat model gets it; messages of other kinds are left out."""
    prompt = "\n".join(_text(m) for m in messages if isinstance(m, SystemMessage))
    name = _NAME.search(prompt)
    own = name.group(1) if name else _DEFAULT_NAME
    return Conversation(
        name=own,
        facts=_facts(prompt),
        said=tuple(_flat(_text(m), own) for m in messages if isinstance(m, HumanMessage)),
        replies=tuple(_plain(_text(m)) for m in messages if isinstance(m, AIMessage)),
    )


def is_question(text: str) -> bool:
    """Whether a message asks, with or without a question mark."""
    return text.rstrip().endswith("?") or bool(_QUESTION.match(text))


def plain_key(text: str) -> str:
    """Letters, digits and single blanks only, lower case: how whole messages are compared."""
    kept = re.sub(r"[^\w\s']", " ", text.replace("’", "'").casefold())
    return " ".join(kept.split())


def _facts(prompt: str) -> tuple[str, ...]:
    _, found, rest = prompt.partition(KNOWLEDGE_HEADING)
    if not found:
        return ()
    lines = rest.strip().split("\n\n")[0].splitlines()
    return tuple(line[2:].strip() for line in lines if line.startswith("- "))


def _text(message: BaseMessage) -> str:
    if isinstance(message.content, str):
        return message.content
    parts = (p if isinstance(p, str) else p.get("text", "") for p in message.content)
    return " ".join(part for part in parts if isinstance(part, str))


def _flat(text: str, name: str) -> str:
    """Blanks collapsed, and "thanks, Mara" as "thanks"."""
    flat = " ".join(text[:MAX_CHARACTERS].split())
    own = re.escape(name)
    called = re.compile(rf"^{own}[,!]\s+|(?<=\S)[,\s]+{own}(?=[.!?]*$)", re.I)
    return called.sub("", flat) or flat


def _plain(text: str) -> str:
    tags = FeelingTags()
    pieces = [*tags.feed(text), *tags.finish()]
    words = "".join(piece.text for piece in pieces if isinstance(piece, Words))
    return " ".join(words.replace(INTERRUPTED, " ").split())
