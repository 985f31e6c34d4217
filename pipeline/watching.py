"""Watching: pictures of the user's camera in, a portrait that follows out. Nothing is kept."""

import asyncio
from typing import TYPE_CHECKING

from avatar.types import DriveMode
from emotion.errors import LimnerError, MediaError
from pipeline.messages import explained, sighting

if TYPE_CHECKING:
    from pipeline.session import Session


class Watcher:
    """The eyes of one session. One picture is on its way to the portrait; of those that come
    meanwhile only the newest waits."""

    def __init__(self, session: "Session") -> None:
        self._session = session
        self._waiting: tuple[bytes, DriveMode, float] | None = None
        self._looking: asyncio.Task[None] | None = None

    def see(self, jpeg: bytes, mode: DriveMode, at: float) -> None:
        """Show the portrait a picture, taken `at` seconds of the page's clock. Returns at once;
        what comes of it goes to the page.

        Raises MediaError if the portrait cannot follow a camera.
        """
        if not self._session.playout.avatar.drivable:
            raise MediaError(
                "This face cannot follow a camera.", "Choose another avatar engine (semo)."
            )
        self._waiting = jpeg, mode, at
        if self._looking is None or self._looking.done():
            self._looking = asyncio.create_task(self._look())

    async def close(self) -> None:
        """The camera is off: the portrait goes back to its own life."""
        if self._looking is None:
            return
        self._waiting = None
        await asyncio.gather(self._looking, return_exceptions=True)
        self._looking = None
        await self._session.playout.let_go()

    async def _look(self) -> None:
        page = self._session.page
        while self._waiting is not None:
            (jpeg, mode, at), self._waiting = self._waiting, None
            try:
                sight = await self._session.playout.drive(jpeg, mode, at)
            except LimnerError as error:
                page.failure("camera", error)
            except Exception as error:  # whatever an engine does, the conversation goes on
                page.failure("camera", explained(error))
            else:
                if sight is not None:
                    page.post(sighting(at, sight))
