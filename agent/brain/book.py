"""The brain's book: passages it can say, found by their letters or by meaning."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Annotated, Any

import numpy as np
from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict, StringConstraints

from agent.brain.conversation import is_question, plain_key
from agent.brain.files import DATA, load_table
from emotion.baked import read_baked
from emotion.embedding import Embedder

Text = Annotated[str, StringConstraints(max_length=600)]


_OTHER_FORM = 0.15  # what a question loses against a statement, and the other way round


class Passage(BaseModel):
    """One entry of a book file; `smalltalk.yaml` explains the keys."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    feel: Text
    say: tuple[Text, ...]
    ask: tuple[Text, ...] = ()
    exact: tuple[Text, ...] = ()
    more: tuple[Text, ...] = ()
    offer: Text = ""
    then: Text = ""
    title: Text = ""


class Pattern(BaseModel):
    """A statement that calls for a certain question back."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    match: str
    feel: Text
    say: tuple[Text, ...]


class Meeting(BaseModel):
    """How one kind of message is met; `again` is for its second time in a row,
    `mild` for a feeling that is named lightly."""

    model_config = ConfigDict(extra="forbid", frozen=True)

    feel: Text
    say: tuple[Text, ...]
    echo: tuple[Text, ...] = ()
    again: tuple[Text, ...] = ()
    mild: tuple[Text, ...] = ()


@dataclass(frozen=True, slots=True)
class Found:
    """A passage and how close its nearest example is: cosine, 1 is the same."""

    key: str
    passage: Passage
    score: float


class Book:
    """All passages; embeddings of their examples are computed once, at first need."""

    def __init__(self, folder: Path = DATA) -> None:
        self._folder = folder
        self._rows: NDArray[np.float32] | None = None

    @cached_property
    def passages(self) -> Mapping[str, Passage]:
        """By key, in file order."""
        tables = [load_table(self._folder / name) for name in ("smalltalk.yaml", "knowledge.yaml")]
        return {k: Passage.model_validate(v) for table in tables for k, v in table.items()}

    @cached_property
    def meetings(self) -> Mapping[str, Meeting]:
        """Ways to meet feelings and what is not known, by kind."""
        table = {k: v for k, v in self._feelings.items() if k != "patterns"}
        return {kind: Meeting.model_validate(entry) for kind, entry in table.items()}

    @cached_property
    def patterns(self) -> tuple[Pattern, ...]:
        """In the order in which they are tried."""
        return tuple(Pattern.model_validate(entry) for entry in self._feelings["patterns"])

    def exactly(self, text: str) -> str | None:
        """Key of the passage for which `text` is a whole message."""
        return self._exact.get(plain_key(text))

    async def warm(self, embedder: Embedder) -> None:
        """Make the examples' embeddings ready: read them, or compute them where they changed."""
        if self._rows is None:
            rows = read_baked(self.baked_path, self.asks)
            self._rows = await embedder.embed(self.asks) if rows is None else rows

    async def nearest(self, row: NDArray[np.float32], asks: bool, embedder: Embedder) -> Found:
        """The passage closest in meaning to a sentence. row: (384,) float32, length 1.

        asks: it is a question; "I feel great" must not be taken for "Do you feel great?".
        """
        await self.warm(embedder)
        assert self._rows is not None
        scores = self._rows @ row - _OTHER_FORM * (self._asking != asks)
        best = int(scores.argmax())
        key = self._examples[best][0]
        return Found(key, self.passages[key], float(scores[best]))

    def spoken_from(self, reply: str) -> Iterator[str]:
        """Keys of the passages that `reply` was made from."""
        for key, passage in self.passages.items():
            if any(_spoken(line) in reply for line in (*passage.say, *passage.more) if line):
                yield key

    def offered_in(self, reply: str) -> str | None:
        """Key that a "yes" to `reply` leads to."""
        passages = self.passages.values()
        return next((p.then for p in passages if p.offer and reply.endswith(p.offer)), None)

    @property
    def baked_path(self) -> Path:
        """Where the examples' embeddings are stored."""
        return self._folder / "book.npz"

    @cached_property
    def asks(self) -> tuple[str, ...]:
        """Every example of what a passage answers."""
        return tuple(ask for _, ask in self._examples)

    @cached_property
    def _examples(self) -> tuple[tuple[str, str], ...]:
        return tuple((key, ask) for key, p in self.passages.items() for ask in p.ask)

    @cached_property
    def _asking(self) -> NDArray[np.bool_]:
        return np.array([is_question(ask) for ask in self.asks])

    @cached_property
    def _exact(self) -> Mapping[str, str]:
        return {plain_key(text): key for key, p in self.passages.items() for text in p.exact}

    @cached_property
    def _feelings(self) -> dict[str, Any]:
        return load_table(self._folder / "feelings.yaml")


def _spoken(line: str) -> str:
    """The part of a line that is the same in every chat."""
    return max(line.replace("{user}", "{name}").split("{name}"), key=len).strip()
