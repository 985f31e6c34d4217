"""From the page's requests to the session's methods."""

from collections.abc import Callable

import structlog

from avatar.controls import rig_of
from emotion.errors import LimnerError, MediaError
from emotion.labels import mixture
from pipeline.messages import failure, state
from pipeline.outlet import Outlet
from pipeline.packets import VideoCodec
from pipeline.replay import replay
from pipeline.requests import (
    Ack,
    Camera,
    Controls,
    Feel,
    Hello,
    Measured,
    Mic,
    Ping,
    Replay,
    Request,
    Stop,
    Text,
    Visibility,
    parse_request,
)
from pipeline.session import Session
from speech.types import FPS, PLAY_RATE

log = structlog.get_logger(__name__)
MakeOutlet = Callable[[list[str], int], Outlet]


class Dispatcher:
    """Handles what pages ask.

    outlet: builds the way out for a page that takes these codecs, at a generation.
    reported: receives what pages report of themselves, for the metrics.
    """

    def __init__(
        self,
        outlet: MakeOutlet,
        size: int,
        max_chars: int,
        reported: Callable[[Ack | Measured], None] = lambda report: None,
    ) -> None:
        self._outlet = outlet
        self._size = size
        self._max_chars = max_chars
        self._reported = reported

    def greet(self, session: Session, hello: Hello | None) -> Outlet:
        """A connection begins. Raises MediaError if the page did not say hello."""
        if hello is None:
            raise MediaError("The page did not introduce itself.", "Reload the page.")
        generation, held = session.playout.generation, session.playout.held
        outlet = self._outlet(list(hello.codecs), generation)
        outlet.hidden = hello.hidden
        outlet.message({
            "type": "hello", "generation": generation, "rate": PLAY_RATE, "fps": FPS,
            "size": [self._size, self._size], "pts": session.clock.sample(),
            "codec": "h264" if outlet.codec is VideoCodec.H264 else "jpeg",
            "turn": session.turn, "controls": session.playout.avatar.adjustable,
            "camera": session.playout.avatar.drivable,
            "feeling": None if held is None else held.as_dict(),
        })  # fmt: skip
        outlet.message(state(session.activity, generation, session.turn))
        outlet.message({"type": "chat", "version": session.page.chat_version})
        return outlet

    async def handle(self, session: Session, outlet: Outlet, data: str | bytes) -> None:
        """One message (str) or piece of microphone sound (bytes). Errors go back to the page."""
        try:
            if isinstance(data, bytes):
                await session.listener.feed(data)
            else:
                await self._request(session, outlet, parse_request(data))
        except LimnerError as error:
            outlet.message(failure("bad_input", error))

    async def _request(self, session: Session, outlet: Outlet, request: Request) -> None:
        match request:
            case Text():
                await self._text(session, outlet, request)
            case Stop():
                await session.stop()
            case Ack():
                outlet.acknowledge(int(request.pts))
                self._reported(request)
            case Visibility():
                outlet.hidden = request.hidden
            case Mic():
                await session.listener.set_mode(request.mode)
            case Replay():
                await replay(session, request.turn)
            case Controls():
                _control(session, request)
            case Feel():
                _hold(session, request)
            case Camera():
                await _watch(session, request)
            case Measured():
                self._reported(request)
            case Ping():
                outlet.message({"type": "pong", "t": request.t})

    async def _text(self, session: Session, outlet: Outlet, request: Text) -> None:
        try:
            self._check(request.text)
        except MediaError as error:
            outlet.message({**failure("bad_text", error), "id": request.id})
            return
        await session.hear_text(request.text.strip(), request.id)

    def _check(self, text: str) -> None:
        if not text.strip():
            raise MediaError("The message is empty.", "Type something first.")
        if len(text) > self._max_chars:
            raise MediaError(
                f"The message has {len(text):,} characters; the limit is {self._max_chars:,}.",
                "Shorten it or send it in parts.",
            )


def _control(session: Session, request: Controls) -> None:
    playout = session.playout
    if not playout.avatar.adjustable:
        raise MediaError("This face cannot be moved by hand.", "Choose another avatar engine.")
    playout.adjust(rig_of(request.values), request.open)


def _hold(session: Session, request: Feel) -> None:
    free = request.weights is None
    emotion = None if free else mixture(request.weights or {}, request.intensity)
    session.playout.hold(emotion, request.open)


async def _watch(session: Session, request: Camera) -> None:
    if request.mode == "off":
        await session.watcher.close()
    else:
        session.watcher.see(request.jpeg, request.mode, request.at)
