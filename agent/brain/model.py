"""`EmbeddedBrain`: the built-in brain as a LangChain chat model."""

import asyncio
import re
from collections.abc import AsyncIterator, Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from datetime import datetime
from typing import Any

from langchain_core.callbacks import AsyncCallbackManagerForLLMRun, CallbackManagerForLLMRun
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage
from langchain_core.outputs import ChatGeneration, ChatGenerationChunk, ChatResult
from pydantic import ConfigDict, Field, PrivateAttr

from agent.brain.conversation import Thought, read_conversation
from agent.brain.thinking import Mind, make_mind, think, warm_mind
from emotion.embedding import Embedder, LocalEmbedder

_TOKEN = re.compile(r"\s*\S+|\s+$")


def _local_time() -> datetime:
    return datetime.now().astimezone()


class EmbeddedBrain(BaseChatModel):
    """Answers from a written book, small tools and the chat itself; the same chat, the same reply.

    embedder: sentence embeddings; by default an own MiniLM, loaded at first use.
    now: the clock for "what time is it".
    Everything it knows of a user stands in the messages it is given.
    """

    model_config = ConfigDict(arbitrary_types_allowed=True)

    embedder: Any = Field(default_factory=LocalEmbedder, exclude=True)
    now: Callable[[], datetime] = Field(default=_local_time, exclude=True)
    _mind: Mind | None = PrivateAttr(default=None)

    @property
    def _llm_type(self) -> str:
        return "embedded"

    async def warm(self, facts: Sequence[str] = ()) -> None:
        """Load everything that the first reply would wait for.

        facts: a persona's `knowledge`, so that the first question about it is as quick as others.
        """
        await warm_mind(self._ready(), facts)

    def _ready(self) -> Mind:
        if self._mind is None:
            embedder: Embedder = self.embedder
            self._mind = make_mind(embedder)
        return self._mind

    async def _think(self, messages: list[BaseMessage]) -> Thought:
        return await think(self._ready(), read_conversation(messages), self.now())

    def _generate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: CallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        # A thread of its own: the caller's may already run an event loop.
        with ThreadPoolExecutor(1) as pool:
            thought = pool.submit(asyncio.run, self._think(messages)).result()
        return _result(thought, stop)

    async def _agenerate(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> ChatResult:
        return _result(await self._think(messages), stop)

    async def _astream(
        self,
        messages: list[BaseMessage],
        stop: list[str] | None = None,
        run_manager: AsyncCallbackManagerForLLMRun | None = None,
        **kwargs: Any,
    ) -> AsyncIterator[ChatGenerationChunk]:
        thought = await self._think(messages)
        for chunk in _chunks(thought, stop):
            if run_manager is not None:
                await run_manager.on_llm_new_token(str(chunk.message.content), chunk=chunk)
            yield chunk


def _chunks(thought: Thought, stop: list[str] | None) -> Iterator[ChatGenerationChunk]:
    """One chunk a word; the first carries what the reply was made with."""
    extra = {"tools": list(thought.tools), "sources": list(thought.sources)}
    for i, match in enumerate(_TOKEN.finditer(_written(thought, stop))):
        message = AIMessageChunk(content=match.group(), additional_kwargs=extra if i == 0 else {})
        yield ChatGenerationChunk(message=message)


def _result(thought: Thought, stop: list[str] | None) -> ChatResult:
    extra = {"tools": list(thought.tools), "sources": list(thought.sources)}
    message = AIMessage(content=_written(thought, stop), additional_kwargs=extra)
    return ChatResult(generations=[ChatGeneration(message=message)])


def _written(thought: Thought, stop: list[str] | None) -> str:
    text = f"<feel>{thought.feel}</feel> {thought.text}"
    for word in stop or []:
        text = text.split(word)[0]
    return text
