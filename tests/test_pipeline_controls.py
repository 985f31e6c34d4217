"""What the user sets by hand: from the page's message to the portrait, at once."""

import asyncio
import json
from collections.abc import AsyncIterator

import numpy as np
import pytest

from avatar.rig import INDEX, rig
from emotion.errors import MediaError
from pipeline.dispatch import Dispatcher
from pipeline.encoders import VideoEncoder
from pipeline.outlet import Outlet
from pipeline.packets import Kind, MediaPacket, Message, VideoCodec
from pipeline.requests import Controls, Hello, parse_request
from pipeline.session import Session
from speech.types import PLAY_RATE, SAMPLES_PER_FRAME
from tests.fakes import CountingAvatar, RawEncoder, VirtualClock, inline, settle
from tests.session_bench import LEAD, make_session


class Table:
    """A page at its live connection, with time in the test's hand."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.session: Session = make_session(self.clock)
        self.dispatcher = Dispatcher(self._outlet, 16, 100)
        self.items: list[tuple[int, Message | MediaPacket]] = []  # and the sample it came at

    @staticmethod
    def _outlet(codecs: list[str], generation: int) -> Outlet:
        encoder: VideoEncoder = RawEncoder()
        return Outlet(encoder, VideoCodec.JPEG, generation, inline)

    @property
    def face(self) -> CountingAvatar:
        face = self.session.playout.avatar
        assert isinstance(face, CountingAvatar)
        return face

    async def sit_down(self) -> None:
        self.outlet = self.dispatcher.greet(self.session, Hello(type="hello"))
        self.session.playout.attach(self.outlet)
        self.tasks = [asyncio.create_task(self._read()), asyncio.create_task(self.session.run())]
        await settle()

    async def leave(self) -> None:
        self.outlet.close()
        for task in self.tasks:
            task.cancel()
        await asyncio.gather(*self.tasks, return_exceptions=True)

    async def _read(self) -> None:
        async for item in self.outlet.items():
            read = json.loads(item) if isinstance(item, str) else MediaPacket.decode(item)
            self.items.append((self.clock.sample(), read))

    async def send(self, **message: object) -> None:
        data = json.dumps({"type": "controls", **message})
        await self.dispatcher.handle(self.session, self.outlet, data)

    def of(self, kind: str) -> list[Message]:
        return [m for _, m in self.items if isinstance(m, dict) and m["type"] == kind]

    def ahead(self) -> list[int]:
        """Of each picture, by how many frames it was sent before it was due."""
        pictures = ((at, p) for at, p in self.items if isinstance(p, MediaPacket))
        return [
            (p.pts - at + SAMPLES_PER_FRAME - 1) // SAMPLES_PER_FRAME
            for at, p in pictures if p.kind is Kind.VIDEO
        ]  # fmt: skip


@pytest.fixture
async def table() -> AsyncIterator[Table]:
    made = Table()
    await made.sit_down()
    yield made
    await made.leave()


async def test_what_is_set_reaches_the_portrait_with_its_next_frame(table: Table) -> None:
    await table.clock.advance(1.0)
    await table.send(values={"mouthSmile_L": 0.5, "yaw": 0.2, "AU26": 0.5})
    assert table.face.rigs == []
    await table.clock.advance(0.04)
    (set_,) = table.face.rigs
    expected = {"mouthSmile_L": 0.5, "yaw": 0.2, "jawOpen": 0.3}
    assert np.allclose(set_, rig(expected), atol=1e-6)
    await table.clock.advance(1.0)
    assert len(table.face.rigs) == 1, "nothing is repeated"
    assert table.of("error") == []


async def test_of_a_flood_only_the_last_counts(table: Table) -> None:
    for step in range(50):
        await table.send(values={"jawOpen": step / 49})
    await table.clock.advance(0.1)
    assert [float(r[INDEX["jawOpen"]]) for r in table.face.rigs] == [1.0]


async def test_an_empty_message_puts_everything_back(table: Table) -> None:
    await table.send(values={"jawOpen": 1.0})
    await table.clock.advance(0.1)
    await table.send(values={}, open=False)
    await table.clock.advance(0.1)
    assert not table.face.rigs[-1].any()


@pytest.mark.parametrize(
    ("values", "words"),
    [({"smile": 1}, "no control 'smile'"), ({"jawOpen": 1.5}, "jawOpen is set to 1.5")],
)
async def test_what_cannot_be_is_refused_and_changes_nothing(
    table: Table, values: dict[str, float], words: str
) -> None:
    await table.send(values=values)
    await table.clock.advance(0.2)
    (error,) = table.of("error")
    assert words in error["message"] and error["remedy"]
    assert table.face.rigs == []


@pytest.mark.parametrize(
    "message",
    [
        {},
        {"values": []},
        {"values": {"jawOpen": "wide"}},
        {"values": {"jawOpen": None}},
        {"values": {"j" * 41: 1}},
        {"values": {f"c{n}": 0 for n in range(201)}},
        {"values": {}, "more": 1},
    ],
)
def test_malformed_messages_are_clear_errors(message: dict[str, object]) -> None:
    with pytest.raises(MediaError) as caught:
        parse_request(json.dumps({"type": "controls", **message}))
    assert caught.value.remedy
    assert isinstance(parse_request('{"type":"controls","values":{"AU1":1}}'), Controls)


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999"])
async def test_numbers_that_are_none_are_refused(table: Table, number: str) -> None:
    data = f'{{"type":"controls","values":{{"jawOpen":{number}}}}}'
    await table.dispatcher.handle(table.session, table.outlet, data)
    await table.clock.advance(0.1)
    assert len(table.of("error")) == 1
    assert table.face.rigs == []


async def test_pictures_of_speech_are_not_made_ahead_while_the_controls_are_open(
    table: Table,
) -> None:
    await table.session.hear_text("hi")
    await table.clock.advance(0.1)
    assert max(table.ahead()) > 5, "usually speech is sent ahead"
    await table.send(values={}, open=True)
    await table.clock.advance(0.4)  # what was made ahead is used up
    table.items.clear()
    await table.clock.advance(0.3)
    assert table.ahead() and max(table.ahead()) <= 0
    sound = [p.pts - at for at, p in table.items
             if isinstance(p, MediaPacket) and p.kind is Kind.AUDIO]  # fmt: skip
    assert sound and max(sound) > LEAD - PLAY_RATE // 10, "sound still is"


async def test_another_portrait_is_held_as_the_first_was(table: Table) -> None:
    await table.send(values={"jawOpen": 1.0})
    await table.clock.advance(0.1)
    other = CountingAvatar()
    await table.session.playout.replace_avatar(other)
    await table.clock.advance(0.1)
    assert [float(r[INDEX["jawOpen"]]) for r in other.rigs] == [1.0]


async def test_an_engine_without_controls_is_said_so() -> None:
    table = Table()
    table.face.adjustable = False
    await table.sit_down()
    await table.send(values={"jawOpen": 1.0})
    await table.clock.advance(0.2)
    assert table.of("hello")[0]["controls"] is False
    assert "cannot be moved by hand" in table.of("error")[0]["message"]
    assert table.face.rigs == []
    await table.leave()


async def test_the_page_is_told_of_controls(table: Table) -> None:
    assert table.of("hello")[0]["controls"] is True
