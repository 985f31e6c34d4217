"""The dialogue agent: one per session; user turns in, speakable clauses out."""

import asyncio
from collections.abc import AsyncGenerator, AsyncIterator, Iterable, Iterator
from contextlib import aclosing
from dataclasses import dataclass
from typing import Any

from langchain_core.language_models import BaseChatModel
from langchain_core.messages import BaseMessage, BaseMessageChunk, SystemMessage

from agent.clauses import ClauseSplitter
from agent.failures import answered_nothing, provider_error, timed_out
from agent.feeling_tags import Feeling, FeelingTags, Words
from agent.memory import Exchange, Memory
from agent.persona import Persona
from agent.prompt import system_prompt
from agent.reasoning import Reasoning
from agent.types import ReplyChunk, UserTurn
from emotion.errors import LimnerError, MediaError


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one turn; times in seconds, the rest in characters."""

    first_token: float = 20.0
    next_token: float = 20.0
    message: int = 4_000
    reply: int = 8_000


class UnreadableMessageError(MediaError):
    """A message that cannot be answered; `text` is the user's, so that it is not lost."""

    def __init__(self, message: str, remedy: str, text: str = "") -> None:
        super().__init__(message, remedy)
        self.text = text


class Agent:
    """Speaks as a persona through any chat model, and remembers what was heard.

    provider: how the model is called in error messages, e.g. "gpt-4o-mini (OpenAI)".
    """

    def __init__(
        self,
        model: BaseChatModel,
        persona: Persona,
        limits: Limits | None = None,
        provider: str = "The language model",
    ) -> None:
        self._model = model
        self._persona = persona
        self._limits = limits or Limits()
        self._provider = provider
        self._memory = Memory()

    @property
    def persona(self) -> Persona:
        """Who is speaking."""
        return self._persona

    @property
    def messages(self) -> tuple[BaseMessage, ...]:
        """The conversation as the model sees it."""
        return (SystemMessage(system_prompt(self._persona)), *self._memory.messages())

    async def reply(self, turn: UserTurn) -> AsyncIterator[ReplyChunk]:
        """Stream the reply clause by clause; exactly one chunk, the last, is `final`.

        The last chunk's text is empty where the stream ended just after a clause had been given
        out. Raises UnreadableMessageError (a MediaError) for an empty or too long message, and
        ProviderError when the model fails; clauses already given out stay and are remembered.
        """
        exchange = self._memory.open(turn.id, self._checked(turn.text))
        shaper = _Shaper(turn.id)
        async with aclosing(self._stream(list(self.messages))) as stream:
            async for message in stream:
                shaper.credit(message.additional_kwargs)
                for chunk in shaper.feed(_text(message)):
                    exchange.chunks.append(chunk)
                    yield chunk
        last = shaper.finish()
        if not last and not exchange.chunks:
            raise answered_nothing(self._provider)
        _complete(exchange, last)
        for chunk in last:
            yield chunk

    def heard(self, turn: int, text: str) -> None:
        """The reply to `turn` was cut short after `text`: remember only that."""
        self._memory.cut(turn, text)

    def recall(self, user: str, chunks: Iterable[ReplyChunk]) -> None:
        """Take up an earlier conversation: one exchange as it was, the oldest first."""
        said = list(chunks)
        exchange = self._memory.open(said[0].turn if said else 0, user)
        _complete(exchange, said)

    def forget(self) -> None:
        """Start the conversation anew."""
        self._memory.clear()

    def _checked(self, text: str) -> str:
        if not text.strip():
            raise UnreadableMessageError("The message is empty.", "Say or type something.", text)
        if len(text) > self._limits.message:
            raise UnreadableMessageError(
                f"The message is {len(text):,} characters long; "
                f"the most is {self._limits.message:,}.",
                "Shorten it, or send it in parts.",
                text,
            )
        return text.strip()

    async def _stream(self, messages: list[BaseMessage]) -> AsyncGenerator[BaseMessageChunk]:
        """The model's messages as they come. Raises ProviderError, also when it is too slow."""
        stream = self._model.astream(messages)
        limit, seconds, count = "first", self._limits.first_token, 0
        try:
            while count < self._limits.reply:
                async with asyncio.timeout(seconds):
                    chunk = await anext(stream, None)
                if chunk is None:
                    return
                if _text(chunk):
                    limit, seconds = "next", self._limits.next_token
                    count += len(_text(chunk))
                yield chunk
        except TimeoutError as error:
            raise timed_out(self._provider, f"no {limit} word in {seconds:g} s") from error
        except LimnerError:
            raise
        except Exception as error:  # whatever a provider's client raises; see agent.failures
            raise provider_error(error, self._provider) from error
        finally:
            close = getattr(stream, "aclose", None)
            if close is not None:
                await close()


class _Shaper:
    """Tokens of one reply to chunks: feelings taken out, words cut into clauses."""

    def __init__(self, turn: int) -> None:
        self._turn = turn
        self._reasoning = Reasoning()
        self._tags = FeelingTags()
        self._clauses = ClauseSplitter()
        self._feeling = ""
        self._next_feeling: str | None = None
        self._index = 0
        self._tools: tuple[str, ...] = ()
        self._sources: tuple[str, ...] = ()

    def credit(self, extra: dict[str, Any]) -> None:
        """What the model says its reply was made with; the next clause carries it."""
        self._tools += _names(extra.get("tools"))
        self._sources += _names(extra.get("sources"))

    def feed(self, token: str) -> Iterator[ReplyChunk]:
        for piece in self._tags.feed(self._reasoning.feed(token)):
            yield from self._piece(piece)

    def finish(self) -> list[ReplyChunk]:
        """What is left, the last one final; an empty final chunk if nothing but that is missing."""
        pieces = [*self._tags.feed(self._reasoning.finish()), *self._tags.finish()]
        chunks = [c for piece in pieces for c in self._piece(piece)]
        texts = self._clauses.finish()
        if not texts and not chunks and self._index == 0:
            return []
        texts = texts or [""]
        chunks += [self._chunk(text, final=i == len(texts) - 1) for i, text in enumerate(texts)]
        return chunks

    def _piece(self, piece: Words | Feeling) -> Iterator[ReplyChunk]:
        if isinstance(piece, Words):
            for text in self._clauses.feed(piece.text):
                yield self._chunk(text)
            return
        rest = self._clauses.pending.strip()
        if not rest:
            self._feeling, self._next_feeling = piece.text, None
        elif _ends(rest):  # a new feeling after a sentence: the sentence is whole
            for text in self._clauses.finish():
                yield self._chunk(text)
            self._feeling, self._next_feeling = piece.text, None
        else:
            self._next_feeling = piece.text

    def _chunk(self, text: str, final: bool = False) -> ReplyChunk:
        chunk = ReplyChunk(
            self._turn, self._index, text, self._feeling, final, self._sources, self._tools
        )
        self._index += 1
        self._tools = self._sources = ()
        if self._next_feeling is not None:
            self._feeling, self._next_feeling = self._next_feeling, None
        return chunk


def _ends(text: str) -> bool:
    return text[-1] in ".!?…。！？,;:\"'”)"


def _names(value: object) -> tuple[str, ...]:
    """Strings of a list that a provider sent along; anything else counts as none."""
    return tuple(v for v in value if isinstance(v, str)) if isinstance(value, list) else ()


def _complete(exchange: Exchange, last: list[ReplyChunk]) -> None:
    exchange.chunks.extend(last)
    exchange.complete = True


def _text(chunk: BaseMessageChunk | BaseMessage) -> str:
    """The spoken text of a chunk; reasoning and tool parts carry none."""
    content = chunk.content
    if isinstance(content, str):
        return content
    texts = (part if isinstance(part, str) else part.get("text", "") for part in content)
    return "".join(text for text in texts if isinstance(text, str))
