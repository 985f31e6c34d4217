"""The user's camera: from the page's message to the portrait, and what comes back."""

import base64
import json
from collections.abc import AsyncIterator

import cv2
import numpy as np
import pytest

from avatar.types import Sight
from emotion.errors import MediaError, ProviderError
from pipeline.camera import picture_of
from pipeline.requests import Camera, parse_request
from tests.fakes import CountingAvatar
from tests.test_pipeline_controls import Table


def jpeg(width: int = 64, height: int = 48) -> bytes:
    rgb = np.full((height, width, 3), (200, 100, 50), np.uint8)
    return bytes(cv2.imencode(".jpg", rgb[:, :, ::-1])[1])


def message(mode: str = "drives", at: float = 1.0, picture: bytes | None = None) -> str:
    coded = base64.b64encode(jpeg() if picture is None else picture).decode()
    return json.dumps({"type": "camera", "mode": mode, "at": at, "jpeg": coded})


async def send(table: Table, data: str) -> None:
    await table.dispatcher.handle(table.session, table.outlet, data)
    await table.clock.advance(0.01)


@pytest.fixture
async def table() -> AsyncIterator[Table]:
    made = Table()
    await made.sit_down()
    yield made
    await made.leave()


async def test_a_picture_reaches_the_portrait_and_is_answered(table: Table) -> None:
    assert table.of("hello")[0]["camera"] is True
    table.face.sight = Sight(True, 0.5, 7)
    await send(table, message("mirrors", 1.25))
    ((picture, mode, at),) = table.face.driven
    assert (picture, mode, at) == (jpeg(), "mirrors", 1.25)
    assert table.of("camera") == [
        {"type": "camera", "got": 1.25, "face": True, "at": 0.5, "pts": 7 * 960}
    ]


async def test_before_anything_is_followed_there_is_no_place_on_the_clock(table: Table) -> None:
    await send(table, message())
    assert table.of("camera")[0]["pts"] == -1


async def test_of_pictures_that_come_too_fast_the_newest_waits(table: Table) -> None:
    table.face.slow.clear()
    for at in (1.0, 1.1, 1.2, 1.3):
        await send(table, message(at=at))
    assert [at for _, _, at in table.face.driven] == [1.0]
    table.face.slow.set()
    await table.clock.advance(0.01)
    assert [at for _, _, at in table.face.driven] == [1.0, 1.3]
    assert [m["got"] for m in table.of("camera")] == [1.0, 1.3]


async def test_off_lets_the_portrait_go_once(table: Table) -> None:
    await send(table, message("off", picture=b""))
    assert table.face.driven == [], "it was never on"
    await send(table, message())
    await send(table, message("off", picture=b""))
    await send(table, message("off", picture=b""))
    assert [picture is None for picture, _, _ in table.face.driven] == [False, True]


async def test_what_the_engine_says_reaches_the_page_and_the_talk_goes_on(table: Table) -> None:
    table.face.drive_error = MediaError("The camera's picture cannot be read.", "Send a JPEG.")
    await send(table, message())
    table.face.drive_error = RuntimeError("surprise")
    await send(table, message())
    assert [m["code"] for m in table.of("error")] == ["camera", "camera"]
    assert all(m["remedy"] for m in table.of("error"))
    table.face.drive_error = ProviderError("gone", "wait")
    await send(table, message("off", picture=b""))
    await table.session.hear_text("hi")
    await table.clock.advance(0.2)
    assert table.of("caption")


async def test_a_face_that_cannot_follow_is_said_so(table: Table) -> None:
    table.face.drivable = False
    await send(table, message())
    assert "cannot follow a camera" in table.of("error")[0]["message"]
    assert table.face.driven == []


async def test_pictures_of_speech_are_not_made_ahead_while_the_user_drives(table: Table) -> None:
    await table.session.hear_text("hi")
    await table.clock.advance(0.1)
    assert max(table.ahead()) > 5
    for _ in range(8):
        await send(table, message())
        await table.clock.advance(0.05)
    table.items.clear()
    await send(table, message())
    await table.clock.advance(0.2)
    assert table.ahead() and max(table.ahead()) <= 0


async def test_another_portrait_is_driven_on(table: Table) -> None:
    await send(table, message())
    other = CountingAvatar()
    await table.session.playout.replace_avatar(other)
    await send(table, message(at=2.0))
    assert [at for _, _, at in other.driven] == [2.0]


@pytest.mark.parametrize(
    "wrong",
    [{}, {"mode": "watches"}, {"mode": "drives", "at": "now"}, {"mode": "drives", "jpeg": 5},
     {"mode": "drives", "jpeg": "A"}, {"mode": "drives", "more": 1},
     {"mode": "drives", "jpeg": "A" * 600_000}],
)  # fmt: skip
def test_malformed_messages_are_clear_errors(wrong: dict[str, object]) -> None:
    with pytest.raises(MediaError) as caught:
        parse_request(json.dumps({"type": "camera", **wrong}))
    assert caught.value.remedy


@pytest.mark.parametrize("number", ["NaN", "Infinity", "1e999"])
def test_times_that_are_none_are_refused(number: str) -> None:
    with pytest.raises(MediaError):
        parse_request(f'{{"type":"camera","mode":"drives","at":{number}}}')


def test_a_message_is_read() -> None:
    read = parse_request(message("mirrors", 3.5))
    assert isinstance(read, Camera) and (read.mode, read.at, read.jpeg) == ("mirrors", 3.5, jpeg())


def test_pictures_are_read_with_care() -> None:
    rgb = picture_of(jpeg(320, 240))
    assert rgb.shape == (240, 320, 3) and np.abs(rgb[0, 0] - (200.0, 100.0, 50.0)).max() < 12
    png = bytes(cv2.imencode(".png", np.zeros((64, 64, 3), np.uint8))[1])
    for wrong in (b"", b"no picture", png, jpeg()[:200]):
        with pytest.raises(MediaError, match="cannot be read"):
            picture_of(wrong)
    for size in ((16, 64), (1400, 64)):
        with pytest.raises(MediaError, match="pixels"):
            picture_of(jpeg(*size))
