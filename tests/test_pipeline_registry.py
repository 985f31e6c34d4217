"""Tokens, reconnects, the cap and expiry of sessions."""

import asyncio
from typing import Any

import pytest

from emotion.errors import ConfigError, OverloadedError
from pipeline.outlet import Outlet
from pipeline.packets import VideoCodec
from pipeline.registry import TICKETS, SessionRegistry
from pipeline.session import Session
from tests.fakes import RawEncoder, VirtualClock, inline, settle
from tests.session_bench import make_session


class Door:
    """Opens sessions and remembers the choices they were opened with."""

    def __init__(self) -> None:
        self.choices: list[dict[str, Any]] = []

    async def open(self, choices: dict[str, Any]) -> Session:
        self.choices.append(choices)
        return make_session(VirtualClock())


def outlet() -> Outlet:
    return Outlet(RawEncoder(), VideoCodec.JPEG, 0, inline)


async def test_a_token_opens_one_session_with_its_choices_and_finds_it_again() -> None:
    door = Door()
    registry = SessionRegistry(door.open, 2, 60)
    token = registry.mint(portrait="mara")
    assert registry.session(token) is None
    first, second = await asyncio.gather(registry.connect(token), registry.connect(token))
    assert first is second is registry.session(token)
    assert door.choices == [{"portrait": "mara"}]
    await registry.close()
    assert registry.sessions() == []


async def test_an_unknown_token_is_refused_with_the_remedy() -> None:
    registry = SessionRegistry(Door().open, 2, 60)
    with pytest.raises(ConfigError, match="Reload"):
        await registry.connect("guess")


async def test_tokens_cannot_be_guessed_and_are_bounded() -> None:
    registry = SessionRegistry(Door().open, 2, 60)
    tokens = [registry.mint() for _ in range(TICKETS + 1)]
    assert len(set(tokens)) == len(tokens) and min(map(len, tokens)) >= 32
    with pytest.raises(ConfigError):
        await registry.connect(tokens[0])  # the oldest made room


async def test_a_full_machine_says_so_but_an_abandoned_session_makes_room() -> None:
    registry = SessionRegistry(Door().open, 1, 60)
    one, two = registry.mint(), registry.mint()
    await registry.connect(one)
    way = outlet()
    registry.attach(one, way)
    with pytest.raises(OverloadedError):
        await registry.connect(two)
    registry.detach(one, way)
    await registry.connect(two)
    assert registry.session(one) is None and registry.session(two) is not None
    await registry.close()


async def test_a_second_connection_of_a_page_replaces_the_first() -> None:
    registry = SessionRegistry(Door().open, 1, 60)
    token = registry.mint()
    session = await registry.connect(token)
    first, second = outlet(), outlet()
    registry.attach(token, first)
    registry.attach(token, second)
    assert [item async for item in first.items()] == []  # closed
    registry.detach(token, first)  # the old connection's farewell must not hurt the new one
    assert session.playout.outlet is second
    await registry.close()


async def test_a_session_without_a_page_ends_after_its_time() -> None:
    now = [0.0]
    registry = SessionRegistry(Door().open, 1, 60, lambda: now[0])
    token = registry.mint()
    session = await registry.connect(token)
    way = outlet()
    registry.attach(token, way)
    registry.detach(token, way)
    now[0] = 59
    registry._expire()
    assert registry.session(token) is session
    now[0] = 61
    registry._expire()
    await settle()
    assert registry.session(token) is None
    assert session.parts.avatar.closed  # type: ignore[attr-defined]
