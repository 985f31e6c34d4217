"""What a session tells its page: JSON messages, sent if a page is connected."""

from collections.abc import Callable
from typing import TYPE_CHECKING

from agent.types import ReplyChunk
from avatar.types import Activity
from emotion.errors import LimnerError
from emotion.types import EmotionState
from pipeline import messages
from pipeline.packets import Message
from speech.types import SpeechChunk

if TYPE_CHECKING:
    from pipeline.playout import Playout


class Page:
    """The page at the other end of a session's connection, whichever it is at the moment."""

    def __init__(self, playout: "Playout") -> None:
        self._playout = playout
        self.chat_version = 0
        self.turn_ended: Callable[[str], None] = lambda status: None  # the server counts them
        self._message_ids: set[str] = set()

    def repeats(self, id: str) -> bool:
        """Whether the page's message `id` came before; remembers it. "" never repeats."""
        known = id in self._message_ids
        self._message_ids |= {id} - {""}
        return known

    def post(self, message: Message) -> None:
        """Send a message, if a page is connected."""
        if self._playout.outlet:
            self._playout.outlet.message(message)

    def state(self, activity: Activity, turn: int) -> None:
        """The avatar's activity changed."""
        self.post(messages.state(activity, self._playout.generation, turn))

    def turn(self, turn: int, status: str, id: str = "") -> None:
        """A turn began or ended."""
        if status != "started":
            self.turn_ended(status)
        self.post(messages.turn_status(turn, status, id))

    def chat(self) -> None:
        """The transcript changed."""
        self.chat_version += 1
        self.post({"type": "chat", "version": self.chat_version})

    def caption(self, clause: ReplyChunk, speech: SpeechChunk, emotion: EmotionState) -> None:
        """A piece of a clause stands on the clock and will be heard."""
        self.post(messages.caption(clause, speech, emotion, self._playout.generation))

    def failure(self, code: str, error: LimnerError) -> None:
        """Something failed."""
        self.post(messages.failure(code, error))

    def quality(self, waterfall: dict[str, float]) -> None:
        """The quality ladder's position and the last turn's stages in ms."""
        ladder = self._playout.ladder
        self.post({"type": "quality", "fps": ladder.fps, "step": ladder.step, "ms": waterfall})
