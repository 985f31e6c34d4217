"""What the user holds the face to feel, and what it hears of the user: from page to portrait."""

import asyncio
import json
from collections.abc import AsyncIterator
from typing import Any

import numpy as np
import pytest

from avatar.types import Activity
from emotion.errors import MediaError
from pipeline.dispatch import Dispatcher
from pipeline.listening import PASSED_ON
from pipeline.outlet import Outlet
from pipeline.packets import Kind, MediaPacket, Message, VideoCodec
from pipeline.playout import HEARD_FRAME, SOONEST
from pipeline.requests import Feel, Hello, parse_request
from pipeline.session import Session
from speech.turns import Mode, SpeechEnded, SpeechStarted
from speech.types import FPS, PLAY_RATE, SAMPLES_PER_FRAME
from tests.fakes import CountingAvatar, RawEncoder, VirtualClock, inline, settle
from tests.session_bench import make_session


class Ear:
    """Says what happens at the next piece of sound."""

    mode = Mode.HANDS_FREE

    def __init__(self) -> None:
        self.events: list[Any] = []

    def feed(self, pcm: object) -> list[Any]:
        events, self.events = self.events, []
        return events

    def set_mode(self, mode: Mode) -> list[Any]:
        self.mode = mode
        return []


class Table:
    """A page at its live connection, with time in the test's hand."""

    def __init__(self) -> None:
        self.clock = VirtualClock()
        self.ear = Ear()
        self.session: Session = make_session(self.clock, turns=lambda: self.ear)
        self.dispatcher = Dispatcher(self._outlet, 16, 100)
        self.items: list[tuple[int, Message | MediaPacket]] = []  # and the sample it came at

    @staticmethod
    def _outlet(codecs: list[str], generation: int) -> Outlet:
        return Outlet(RawEncoder(), VideoCodec.JPEG, generation, inline)

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

    async def feel(self, **message: object) -> None:
        data = json.dumps({"type": "feel", **message})
        await self.dispatcher.handle(self.session, self.outlet, data)

    async def speak(self, seconds: float, piece: float = 0.04) -> None:
        """The user's microphone, in real time."""
        for _ in range(round(seconds / piece)):
            sound = np.full(round(16_000 * piece), 8_192, np.int16).tobytes()
            await self.dispatcher.handle(self.session, self.outlet, sound)
            await self.clock.advance(piece)

    def of(self, kind: str) -> list[Message]:
        return [m for _, m in self.items if isinstance(m, dict) and m["type"] == kind]


@pytest.fixture
async def table() -> AsyncIterator[Table]:
    made = Table()
    await made.sit_down()
    yield made
    await made.leave()


async def test_a_held_feeling_reaches_the_face_with_its_next_frame_while_it_talks(
    table: Table,
) -> None:
    await table.feel()  # the sliders are opened
    await table.session.hear_text("hi")
    await table.clock.advance(0.3)
    await table.feel(weights={"angry": 1.0, "disgusted": 0.5}, intensity=0.8)
    assert table.face.felt == [None]
    await table.clock.advance(0.04)
    held = table.face.felt[-1]
    await table.clock.advance(0.5)
    assert table.session.activity is Activity.SPEAKING
    assert held is not None and held.dominant() == "angry"
    assert held.strengths()[[2, 4]] == pytest.approx([0.8, 0.4])
    news = table.of("feeling")[-1]
    assert news["held"] and news["label"] == "angry" and news["intensity"] > 0.5
    assert held is table.session.playout.held, "the voice follows from the next clause on"


async def test_named_mixtures_are_understood(table: Table) -> None:
    await table.feel(weights={"happily surprised": 1.0}, intensity=0.6)
    await table.clock.advance(0.1)
    (held,) = table.face.felt
    assert held is not None
    assert held.strengths() == pytest.approx([0.6, 0, 0, 0, 0, 0.6])


async def test_nothing_at_all_is_a_face_held_without_feeling(table: Table) -> None:
    await table.feel(weights={"happy": 0.0}, intensity=0.6)
    await table.clock.advance(0.1)
    (held,) = table.face.felt
    assert held is not None and held.intensity == 0


async def test_back_to_automatic(table: Table) -> None:
    await table.feel(weights={"sad": 1.0})
    await table.clock.advance(0.5)
    await table.feel(open=False)
    await table.clock.advance(1.0)
    assert table.face.felt[-1] is None and table.session.playout.held is None
    assert table.of("feeling")[-1]["intensity"] < 0.02 and not table.of("feeling")[-1]["held"]


async def test_of_a_flood_only_the_last_counts(table: Table) -> None:
    for step in range(50):
        await table.feel(weights={"happy": 1.0}, intensity=step / 49)
    await table.clock.advance(0.1)
    assert [f.intensity for f in table.face.felt if f] == [1.0]


async def test_a_face_that_cannot_feel_at_once_is_told_at_rest() -> None:
    table = Table()
    table.face.feels = False
    await table.sit_down()
    await table.feel(weights={"sad": 1.0})
    await table.clock.advance(0.2)
    assert table.face.felt == []
    assert [e.dominant() for s, e, _ in table.face.pushed if s is None][-1] == "sad"
    await table.leave()


async def test_another_portrait_feels_what_the_first_was_to(table: Table) -> None:
    await table.feel(weights={"sad": 1.0})
    await table.clock.advance(0.1)
    other = CountingAvatar()
    await table.session.playout.replace_avatar(other)
    await table.clock.advance(0.1)
    assert [f.dominant() for f in other.felt if f] == ["sad"]


async def test_a_page_that_comes_back_knows_what_is_held(table: Table) -> None:
    assert table.of("hello")[0]["feeling"] is None
    await table.feel(weights={"sad": 1.0}, intensity=0.5)
    await table.clock.advance(0.1)
    again = table.dispatcher.greet(table.session, Hello(type="hello"))
    table.session.playout.attach(again)
    hello = json.loads(str(await anext(again.items())))
    assert hello["feeling"]["intensity"] == 0.5 and hello["feeling"]["weights"]["sad"] == 1.0
    await table.clock.advance(0.3)


async def test_pictures_of_speech_are_not_made_ahead_while_the_sliders_are_open(
    table: Table,
) -> None:
    await table.feel(open=True)
    await table.session.hear_text("hi")
    await table.clock.advance(0.5)
    ahead = [p.pts - at for at, p in table.items
             if isinstance(p, MediaPacket) and p.kind is Kind.VIDEO]  # fmt: skip
    assert max(ahead) <= SAMPLES_PER_FRAME


@pytest.mark.parametrize(
    ("weights", "words"),
    [({"smug": 1.0}, "smug"), ({"happy": 1.5}, "1.5"), ({"happy": float("nan")}, "nan")],
)
async def test_what_cannot_be_felt_is_refused(
    table: Table, weights: dict[str, float], words: str
) -> None:
    await table.feel(weights=weights)
    await table.clock.advance(0.1)
    (error,) = table.of("error")
    assert words in error["message"] and error["remedy"]
    assert table.face.felt == []


@pytest.mark.parametrize(
    "message",
    [{"weights": []}, {"weights": {"happy": "very"}}, {"intensity": 2}, {"more": 1}],
)
def test_malformed_messages_are_clear_errors(message: dict[str, object]) -> None:
    with pytest.raises(MediaError) as caught:
        parse_request(json.dumps({"type": "feel", **message}))
    assert caught.value.remedy
    assert isinstance(parse_request('{"type":"feel"}'), Feel)


async def listening(table: Table) -> None:
    await table.session.listener.set_mode("hands_free")
    table.ear.events = [SpeechStarted(0)]
    await table.speak(0.04)
    assert table.session.activity is Activity.LISTENING


async def test_the_face_hears_the_user_in_pieces_without_a_gap_and_in_time(table: Table) -> None:
    await table.clock.advance(1.0)
    await listening(table)
    begun = table.clock.sample() * FPS // PLAY_RATE
    await table.speak(3.0)
    pieces = table.face.heard
    assert len(pieces) >= 15 and all(len(pcm) >= PASSED_ON for pcm, _ in pieces)
    ends = [start + len(pcm) for pcm, start in pieces]
    assert [start for _, start in pieces[1:]] == ends[:-1]
    assert pieces[0][1] >= (begun + SOONEST) * HEARD_FRAME, "planned frames are not changed"
    assert pieces[0][1] <= (begun + FPS) * HEARD_FRAME, "it reacts within a second"
    assert float(pieces[0][0].max()) == 0.25


async def test_nothing_is_passed_on_where_the_face_does_not_listen(table: Table) -> None:
    await table.session.listener.set_mode("hands_free")
    await table.speak(1.0)
    assert table.face.heard == []
    await listening(table)
    table.ear.events = [SpeechEnded(np.zeros(100, np.float32), 0, 100)]
    await table.speak(1.0)
    assert table.face.heard == []
    await table.session.listener.set_mode("off")
    await table.speak(1.0)
    assert table.face.heard == []


async def test_a_face_without_ears_is_left_alone(table: Table) -> None:
    table.face.hears = False
    await listening(table)
    await table.speak(1.0)
    assert table.face.heard == []
