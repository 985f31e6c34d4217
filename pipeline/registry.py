"""Sessions by token: a page loads with a token, connects with it, and may come back with it."""

import asyncio
import secrets
import time
from collections.abc import Awaitable, Callable
from dataclasses import dataclass, field
from typing import Any

import structlog

from emotion.errors import ConfigError, OverloadedError
from pipeline.outlet import Outlet
from pipeline.session import Session

TICKETS = 5_000  # pages that loaded and have not connected; the oldest are forgotten beyond this

log = structlog.get_logger(__name__)
OpenSession = Callable[[dict[str, Any]], Awaitable[Session]]


@dataclass(slots=True)
class _Live:
    session: Session
    task: asyncio.Task[None]
    outlet: Outlet | None = None
    left_at: float = 0.0


@dataclass(slots=True)
class SessionRegistry:
    """All sessions of this server.

    open: builds a session from the choices a page was minted with.
    ttl_s: how long a session outlives its last connection.
    """

    open: OpenSession
    max_sessions: int
    ttl_s: float
    now: Callable[[], float] = time.monotonic
    _tickets: dict[str, dict[str, Any]] = field(default_factory=dict)
    _live: dict[str, _Live] = field(default_factory=dict)
    _opening: asyncio.Lock = field(default_factory=asyncio.Lock)

    def mint(self, **choices: Any) -> str:
        """A token for a page that is loading; choices as in `Engines.open_session`."""
        while len(self._tickets) >= TICKETS:
            self._tickets.pop(next(iter(self._tickets)))
        token = secrets.token_urlsafe(24)
        self._tickets[token] = choices
        return token

    def session(self, token: str) -> Session | None:
        """The live session of a token, if there is one."""
        live = self._live.get(token)
        return live.session if live else None

    def sessions(self) -> list[Session]:
        """All live sessions."""
        return [live.session for live in self._live.values()]

    async def connect(self, token: str) -> Session:
        """The session of a token, opened now if need be.

        Raises ConfigError for an unknown token, OverloadedError when the machine is full.
        """
        async with self._opening:
            if token not in self._live:
                await self._open(token)
        return self._live[token].session

    def attach(self, token: str, outlet: Outlet) -> None:
        """Send the session's media to this connection; an older connection is closed."""
        live = self._live[token]
        if live.outlet:
            live.outlet.close()
        live.outlet = outlet
        live.session.playout.attach(outlet)

    def detach(self, token: str, outlet: Outlet) -> None:
        """The connection is gone; the session waits `ttl_s` for another."""
        live = self._live.get(token)
        if live is None or live.outlet is not outlet:
            return
        live.outlet, live.left_at = None, self.now()
        live.session.playout.attach(None)
        asyncio.get_running_loop().call_later(self.ttl_s + 0.1, self._expire)

    async def forget(self, token: str) -> None:
        """End a session and all that is known of it."""
        live = self._live.pop(token, None)
        self._tickets.pop(token, None)
        if live:
            live.task.cancel()
            await asyncio.gather(live.task, return_exceptions=True)

    async def close(self) -> None:
        """End all sessions."""
        for token in list(self._live):
            await self.forget(token)

    async def _open(self, token: str) -> None:
        choices = self._tickets.get(token)
        if choices is None:
            raise ConfigError("This page is no longer known to the server.", "Reload it.")
        if len(self._live) >= self.max_sessions:
            await self._make_room()
        session = await self.open(choices)
        task = asyncio.create_task(session.run())
        task.add_done_callback(lambda done: self._ended(token, done))
        self._live[token] = _Live(session, task)
        await asyncio.sleep(0)  # let it begin: a task cancelled before that would not clean up

    async def _make_room(self) -> None:
        left = [(live.left_at, token) for token, live in self._live.items() if not live.outlet]
        if not left:
            raise OverloadedError(
                f"All {self.max_sessions} places on this machine are taken.",
                "Try again in a few minutes, or raise server.max_sessions.",
            )
        await self.forget(min(left)[1])

    def _ended(self, token: str, task: asyncio.Task[None]) -> None:
        if task.cancelled() or task.exception() is None:
            return
        log.error("session_failed", exc_info=task.exception())
        live = self._live.pop(token, None)
        if live and live.outlet:
            live.outlet.close()  # the page reconnects and gets a new session

    def _expire(self) -> None:
        for token, live in list(self._live.items()):
            if live.outlet is None and self.now() - live.left_at >= self.ttl_s:
                self._live.pop(token)
                self._tickets.pop(token, None)
                live.task.cancel()
