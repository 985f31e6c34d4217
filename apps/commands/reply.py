"""`limner reply`: the dialogue agent without face and voice, one clause a line."""

import asyncio
import json
from collections.abc import AsyncIterator
from dataclasses import replace

import typer

from agent.agent import Agent, Limits
from agent.persona import load_persona
from agent.types import ReplyChunk, UserTurn
from apps.commands.conversations import Conversation
from pipeline.brains import choose_brain
from pipeline.config import Settings


def print_reply(text: str, session: str, settings: Settings, *, as_json: bool) -> None:
    """Answer once; with a session's name the conversation goes on where it was left.

    What was answered before a failure is printed and kept. Raises LimnerError.
    """
    asyncio.run(_print(text, Conversation.load(session), settings, as_json))


async def _print(text: str, conversation: Conversation, settings: Settings, as_json: bool) -> None:
    agent = await _agent(settings)
    for user, chunks in conversation.exchanges:
        agent.recall(user, chunks)
    turn = UserTurn(len(conversation.exchanges) + 1, text, None, 0)
    said: list[ReplyChunk] = []
    try:
        async for clause in clauses(agent.reply(turn)):
            said.append(clause)
            _show(clause, as_json)
    finally:
        if said:
            conversation.add(text, said)


async def _agent(settings: Settings) -> Agent:
    brain = await choose_brain(settings.llm)
    if brain.note:
        typer.echo(f"limner: {brain.note}", err=True)
    seconds = settings.llm.first_token_timeout_s
    limits = Limits(seconds, seconds, settings.limits.max_message_chars)
    return Agent(brain.model, load_persona(settings.persona), limits, brain.title)


async def clauses(reply: AsyncIterator[ReplyChunk]) -> AsyncIterator[ReplyChunk]:
    """The clauses that have words; the last one is final.

    An agent learns only from the end of the stream which clause was the last, and may then give an
    empty one; a script wants none of those. So each clause waits for the next.
    """
    held: ReplyChunk | None = None
    async for chunk in reply:
        if held is None or chunk.text:
            if held is not None:
                yield held
            held = chunk
        else:
            held = replace(held, final=chunk.final)
    if held is not None:
        yield held


def _show(chunk: ReplyChunk, as_json: bool) -> None:
    if as_json:
        fields = ("turn", "index", "text", "emotion_text", "final")
        line = json.dumps({name: getattr(chunk, name) for name in fields}, ensure_ascii=False)
    else:
        line = f"{chunk.text}  ({chunk.emotion_text})" if chunk.emotion_text else chunk.text
    typer.echo(line)
