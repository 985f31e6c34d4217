import asyncio
from collections.abc import AsyncIterator
from typing import Any

import pytest
from langchain_core.language_models import BaseChatModel
from langchain_core.messages import AIMessage, AIMessageChunk, BaseMessage, HumanMessage
from langchain_core.outputs import ChatGenerationChunk, ChatResult

from agent.agent import Agent, Limits, UnreadableMessageError
from agent.persona import Persona
from agent.types import ReplyChunk, UserTurn
from emotion.errors import MediaError, ProviderError

PERSONA = Persona(
    name="Zed", title="a test", about="Zed tests.", speaking_style="plain", greeting="Hello."
)


class Scripted(BaseChatModel):
    """Streams what it is told to; an exception in the script is raised, an event awaited."""

    script: list[Any]
    seen: list[list[BaseMessage]]
    closed: list[bool]

    @property
    def _llm_type(self) -> str:
        return "scripted"

    def _generate(self, *args: Any, **kwargs: Any) -> ChatResult:
        raise NotImplementedError

    async def _astream(self, messages: list[BaseMessage], *args: Any, **kwargs: Any):
        self.seen.append(messages)
        try:
            for step in self.script:
                if isinstance(step, BaseException):
                    raise step
                if isinstance(step, asyncio.Event):
                    await step.wait()
                else:
                    extra = {} if isinstance(step, str) else step[1]
                    text = step if isinstance(step, str) else step[0]
                    chunk = AIMessageChunk(content=text, additional_kwargs=extra)
                    yield ChatGenerationChunk(message=chunk)
        finally:
            self.closed.append(True)


def agent_with(*script: Any, **limits: float) -> Agent:
    model = Scripted(script=list(script), seen=[], closed=[])
    return Agent(model, PERSONA, Limits(**limits), "Test server")


def turn(text: str, number: int = 1) -> UserTurn:
    return UserTurn(number, text, None, 0)


async def collect(stream: AsyncIterator[ReplyChunk]) -> list[ReplyChunk]:
    return [chunk async for chunk in stream]


def tokens(text: str) -> list[str]:
    return [text[i : i + 4] for i in range(0, len(text), 4)]


async def test_clauses_with_their_feelings():
    said = (
        "<feel>quietly amused</feel> Well, look at that now. It is here. <feel>sad</feel> Oh dear."
    )
    chunks = await collect(agent_with(*tokens(said)).reply(turn("hi")))
    assert [(c.text, c.emotion_text) for c in chunks] == [
        ("Well, look at that now.", "quietly amused"),
        ("It is here.", "quietly amused"),
        ("Oh dear.", "sad"),
    ]
    assert [c.index for c in chunks] == [0, 1, 2]
    assert [c.final for c in chunks] == [False, False, True]
    assert {c.turn for c in chunks} == {1}


async def test_a_clause_is_given_out_while_the_model_still_speaks():
    gate = asyncio.Event()
    stream = agent_with("Hello there, my friend. And", gate, " so on.").reply(turn("hi"))
    assert (await anext(stream)).text == "Hello there, my friend."
    gate.set()
    assert (await anext(stream)).final


async def test_trailing_feeling_still_ends_with_a_final_chunk():
    chunks = await collect(agent_with("Hello there. ", "<feel>sad</feel>").reply(turn("hi")))
    assert [c.text for c in chunks] == ["Hello there.", ""]
    assert [c.final for c in chunks] == [False, True]


async def test_tools_and_sources_reach_the_chat_once():
    extra = {"tools": ["clock: 12:00"], "sources": ["A book", 7]}
    chunks = await collect(agent_with(("It is noon. ", extra), "Lunch!").reply(turn("hi")))
    assert [(c.tools, c.sources) for c in chunks] == [(("clock: 12:00",), ("A book",)), ((), ())]


async def test_the_model_sees_persona_and_history():
    agent = agent_with("<feel>warm</feel> Hello. ", "How are you?")
    await collect(agent.reply(turn("hi", 1)))
    await collect(agent.reply(turn("fine", 2)))
    model: Any = agent._model
    system, *rest = model.seen[1]
    assert "You are Zed" in system.content
    assert rest == [
        HumanMessage("hi"),
        AIMessage("<feel>warm</feel> Hello. How are you?"),
        HumanMessage("fine"),
    ]


async def test_remembers_only_what_was_heard():
    agent = agent_with("<feel>warm</feel> One two three four. Five six seven eight.")
    await collect(agent.reply(turn("hi")))
    agent.heard(1, "One two")
    assert agent.messages[-1] == AIMessage("<feel>warm</feel> One two [interrupted]")
    agent.heard(99, "unknown turns change nothing")
    agent.forget()
    assert len(agent.messages) == 1


async def test_a_cancelled_reply_is_remembered_as_cut():
    agent = agent_with("One two three four. Five", asyncio.Event())
    stream = agent.reply(turn("hi"))
    await anext(stream)
    await stream.aclose()
    assert agent.messages[-1] == AIMessage("One two three four. [interrupted]")
    assert agent._model.closed == [True]  # type: ignore[attr-defined]


async def test_cancelling_the_task_stops_the_model():
    agent = agent_with(asyncio.Event())
    task = asyncio.create_task(collect(agent.reply(turn("hi"))))
    while not agent._model.seen:  # type: ignore[attr-defined]
        await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert agent._model.closed == [True]  # type: ignore[attr-defined]


@pytest.mark.parametrize("text", ["", "  \n ", "x" * 4_001, "x" * 100_000])
async def test_unreadable_messages_keep_the_users_text(text):
    agent = agent_with("never")
    with pytest.raises(UnreadableMessageError) as caught:
        await collect(agent.reply(turn(text)))
    assert isinstance(caught.value, MediaError)
    assert caught.value.text == text
    assert len(str(caught.value)) < 300
    assert len(agent.messages) == 1


async def test_silence_before_the_first_word():
    agent = agent_with(asyncio.Event(), first_token=0.01)
    with pytest.raises(ProviderError, match="no first word in 0.01 s") as caught:
        await collect(agent.reply(turn("hi")))
    assert caught.value.retryable


async def test_silence_in_the_middle_keeps_what_was_said():
    agent = agent_with("One two three four. Five", asyncio.Event(), next_token=0.01)
    got: list[str] = []
    with pytest.raises(ProviderError, match="no next word"):
        async for chunk in agent.reply(turn("hi")):
            got.append(chunk.text)
    assert got == ["One two three four."]
    assert agent.messages[-1] == AIMessage("One two three four. [interrupted]")


class StatusError(Exception):
    def __init__(self, status: int) -> None:
        super().__init__(f"status {status}")
        self.status_code = status


@pytest.mark.parametrize(
    ("error", "named", "retryable"),
    [
        (StatusError(429), "limits how often", True),
        (StatusError(401), "refused the key", False),
        (StatusError(404), "does not know", False),
        (StatusError(500), "HTTP 500", True),
        (StatusError(400), "HTTP 400", False),
        (ConnectionRefusedError("refused"), "cannot be reached", True),
        (TimeoutError(), "did not answer in time", True),
        (ConnectionResetError("gone"), "broke off", True),
        (KeyError("choices"), "no valid answer", True),
        (ProviderError("Mine.", "Do it."), "Mine.", False),
        (RuntimeError("x" * 5_000), "RuntimeError", False),
    ],
)
async def test_failures_are_named(error, named, retryable):
    with pytest.raises(ProviderError, match=named) as caught:
        await collect(agent_with(error).reply(turn("hi")))
    assert caught.value.retryable is retryable
    assert caught.value.remedy
    assert len(str(caught.value)) < 800


@pytest.mark.parametrize("script", [[], [""], ["<feel>warm</feel>"], ["  \n"]])
async def test_an_empty_answer_is_a_failure(script):
    with pytest.raises(ProviderError, match="answered with nothing"):
        await collect(agent_with(*script).reply(turn("hi")))


async def test_an_endless_answer_is_cut():
    agent = agent_with(*["word " * 100] * 500, reply=2_000)
    chunks = await collect(agent.reply(turn("hi")))
    assert chunks[-1].final
    assert sum(len(c.text) for c in chunks) <= 3_000


async def test_after_a_failure_the_conversation_goes_on():
    agent = agent_with(StatusError(500))
    with pytest.raises(ProviderError):
        await collect(agent.reply(turn("first", 1)))
    agent._model.script[:] = ["All right again."]  # type: ignore[attr-defined]
    chunks = await collect(agent.reply(turn("second", 2)))
    assert chunks[-1].text == "All right again."
    assert HumanMessage("first") in agent.messages


async def test_old_exchanges_are_forgotten_first():
    agent = agent_with("ok.")
    for number in range(1, 60):
        await collect(agent.reply(turn(f"message {number} " + "x" * 500, number)))
    text = "".join(str(m.content) for m in agent.messages)
    assert "message 59" in text and "message 1 " not in text
    assert len(text) < 20_000


def test_errors_cross_process_borders():
    import pickle

    error = pickle.loads(pickle.dumps(UnreadableMessageError("M.", "R.", "kept")))
    assert (error.message, error.remedy, error.text) == ("M.", "R.", "kept")
