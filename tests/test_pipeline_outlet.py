"""One connection's way out: order, congestion, barge-in."""

import json

import numpy as np

from avatar.types import Activity
from pipeline.outlet import UNSEEN, WAITING, Outlet
from pipeline.packets import MediaPacket, VideoCodec
from tests.fakes import RawEncoder, inline

RGB = np.zeros((4, 4, 3), np.uint8)


async def drain(outlet: Outlet) -> list[bytes | str]:
    outlet.close()
    return [item async for item in outlet.items()]


async def test_items_come_out_in_order_and_end_after_close() -> None:
    outlet = Outlet(RawEncoder(), VideoCodec.JPEG, 0, inline)
    outlet.message({"type": "one"})
    outlet.sound(np.float32([0.0, 0.5, -2.0]), 960, 0, 7)
    await outlet.picture(RGB, 960, 0, 7, Activity.SPEAKING)
    one, sound, picture = await drain(outlet)
    assert isinstance(one, str) and json.loads(one) == {"type": "one"}
    assert isinstance(sound, bytes) and isinstance(picture, bytes)
    heard = MediaPacket.decode(sound)
    assert np.frombuffer(heard.payload, "<i2").tolist() == [0, 16383, -32767]
    assert (heard.pts, heard.turn, heard.duration) == (960, 7, 3)
    assert MediaPacket.decode(picture).key


async def test_a_cut_drops_waiting_media_keeps_messages_and_goes_first() -> None:
    encoder = RawEncoder()
    outlet = Outlet(encoder, VideoCodec.H264, 0, inline)
    outlet.message({"type": "chat"})
    outlet.sound(np.zeros(960, np.float32), 0, 0, 1)
    outlet.cut(1, 500)
    await outlet.picture(RGB, 960, 1, 0, Activity.IDLE)
    items = await drain(outlet)
    assert [json.loads(i)["type"] for i in items if isinstance(i, str)] == ["generation", "chat"]
    packets = [MediaPacket.decode(i) for i in items if isinstance(i, bytes)]
    assert [p.generation for p in packets] == [1] and packets[0].key


async def test_a_picture_coded_while_the_cut_came_is_not_sent_and_its_key_is_made_again() -> None:
    encoder = RawEncoder()
    outlet = Outlet(encoder, VideoCodec.H264, 0, inline)
    outlet.cut(1, 0)
    await outlet.picture(RGB, 960, 0, 1, Activity.SPEAKING)
    await outlet.picture(RGB, 1920, 1, 0, Activity.IDLE)
    packets = [MediaPacket.decode(i) for i in await drain(outlet) if isinstance(i, bytes)]
    assert [(p.pts, p.key) for p in packets] == [(1920, True)]


async def test_congestion_is_seen_by_acknowledgements_and_by_the_queue() -> None:
    outlet = Outlet(RawEncoder(), VideoCodec.JPEG, 0, inline)
    await outlet.picture(RGB, UNSEEN + 960, 0, 0, Activity.IDLE)
    assert not outlet.congested  # a page that has not acknowledged anything yet
    outlet.acknowledge(0)
    assert outlet.congested and outlet.dropped == 1
    outlet.acknowledge(960)
    assert not outlet.congested
    for _ in range(WAITING + 1):
        outlet.message({})
    assert outlet.congested


async def test_nothing_is_queued_after_close() -> None:
    outlet = Outlet(RawEncoder(), VideoCodec.JPEG, 0, inline)
    outlet.close()
    outlet.message({"type": "late"})
    assert await drain(outlet) == []
