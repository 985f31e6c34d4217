"""Capitals and riddles: the few certain things of the world that the brain carries."""

import re
from collections.abc import Mapping
from functools import cached_property
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, StringConstraints

from agent.brain.conversation import Conversation, Thought, plain_key
from agent.brain.files import load_table

Text = Annotated[str, StringConstraints(max_length=200)]

_CAPITAL = re.compile(
    r"\bcapital(?: city)? of (?:the )?([a-z][a-z ]{2,30}?)[?.! ]*$", re.IGNORECASE
)
_WANTED = re.compile(r"\b(?:riddles?|brain ?teasers?)\b", re.IGNORECASE)
_ANOTHER = re.compile(
    r"^(?:yes|yeah|sure|ok|okay|please|another|one more|more|next)\b", re.IGNORECASE
)
_GIVEN_UP = re.compile(
    r"(?:i )?(?:give up|have no idea|no idea|don'?t know|idk|tell me|what is it|what's the answer)$"
)
_GUESS = re.compile(r"(?:(?:is it|maybe|perhaps|it's|a|an|the|your|my)\s+)*\w+(?: \w+)?$")
_AGAIN = "Not quite. Once more, then."
_RIGHT = "Shall I ask you another?"


class Riddle(BaseModel):
    """answer is a part of any right answer, in lower case."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    ask: Text
    answer: Text
    told: Text


class World:
    """The world's table, read at first need."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def answer(self, conversation: Conversation, small_talk: bool) -> Thought | None:
        """What is asked about capitals, or the next step of a riddle.

        small_talk: the message is a known phrase ("thank you"), so it is no guess.
        """
        return self._capital(conversation.text) or self._riddle(conversation, small_talk)

    def _capital(self, text: str) -> Thought | None:
        match = _CAPITAL.search(text)
        found = self._capitals.get(match.group(1).casefold().strip()) if match else None
        if found is None:
            return None
        country, capital = found
        said = f"The capital of {country} is {capital}. Have you been there?"
        return Thought(said, "friendly, curious", sources=("Capitals",))

    def _riddle(self, conversation: Conversation, small_talk: bool) -> Thought | None:
        text, last = plain_key(conversation.text), conversation.last_reply
        asked = next((riddle for riddle in self._riddles if riddle.ask in last), None)
        if asked and (asked.answer in text or _GIVEN_UP.match(text)):
            return self._settle(asked, right=asked.answer in text)
        if _WANTED.search(text) or (last.endswith(_RIGHT) and _ANOTHER.match(text)):
            return Thought(
                conversation.pick([r.ask for r in self._riddles]), "mischievous, curious"
            )
        if asked is None or small_talk or not _GUESS.match(text):
            return None
        if last.startswith(_AGAIN):
            return self._settle(asked, right=False)
        return Thought(f"{_AGAIN} {asked.ask}", "amused, encouraging")

    @staticmethod
    def _settle(riddle: Riddle, right: bool) -> Thought:
        if right:
            return Thought(f"Exactly right! You're quick. {_RIGHT}", "delighted, surprised")
        return Thought(f"{riddle.told} {_RIGHT}", "amused")

    @cached_property
    def _capitals(self) -> Mapping[str, tuple[str, str]]:
        table: dict[str, str] = load_table(self._path)["capitals"]
        return {k.removeprefix("the ").casefold(): (k, v) for k, v in table.items()}

    @cached_property
    def _riddles(self) -> tuple[Riddle, ...]:
        return tuple(Riddle.model_validate(entry) for entry in load_table(self._path)["riddles"])
