"""The JSON messages of the live protocol that carry more than a field or two."""

import structlog

from agent.types import ReplyChunk
from avatar.types import Activity, Sight
from emotion.errors import LimnerError, ProviderError
from emotion.types import EmotionState
from pipeline.packets import Message
from speech.types import SAMPLES_PER_FRAME, SpeechChunk

log = structlog.get_logger(__name__)


def state(activity: Activity, generation: int, turn: int) -> Message:
    """What the avatar is doing now."""
    name = activity.name.lower()
    return {"type": "state", "activity": name, "generation": generation, "turn": turn}


def turn_status(turn: int, status: str, id: str = "") -> Message:
    """A turn began or ended; `id` acknowledges the page's message."""
    return {"type": "turn", "turn": turn, "status": status, "id": id}


def explained(error: Exception) -> LimnerError:
    """An error as the user may see it; what is not ours is a bug, and goes to the log in full."""
    if isinstance(error, LimnerError):
        return error
    log.error("unexpected_failure", exc_info=error)
    return ProviderError(
        f"Something unexpected went wrong ({type(error).__name__}).",
        "Try again; the server's log has the details.",
    )


def failure(code: str, error: LimnerError) -> Message:
    """Something failed; the session goes on."""
    return {"type": "error", "code": code, "message": error.message, "remedy": error.remedy}


def notice(code: str, message: str) -> Message:
    """Something the user should know."""
    return {"type": "notice", "code": code, "message": message}


def sighting(got: float, sight: Sight) -> Message:
    """The camera's picture taken at `got` has come, and what came of those before: whether the last
    shows a face, and from which picture of the portrait on (`pts`) the one taken `at` is followed
    (-1: none yet)."""
    pts = sight.frame * SAMPLES_PER_FRAME if sight.frame >= 0 else -1
    return {"type": "camera", "got": got, "face": sight.face, "at": sight.at, "pts": pts}


def feeling(emotion: EmotionState, pts: int, generation: int, *, held: bool) -> Message:
    """How the portrait feels from its picture at `pts` on; held: as the user holds it."""
    return {"type": "feeling", "pts": pts, "generation": generation, "held": held,
            "label": emotion.dominant(), **emotion.as_dict()}  # fmt: skip


def caption(
    clause: ReplyChunk, speech: SpeechChunk, emotion: EmotionState, generation: int
) -> Message:
    """A piece of a clause will be heard; `speech` stands on the media clock. A clause may come in
    several pieces with the same turn and index: the page joins their words."""
    start = speech.start_sample
    return {
        "type": "caption",
        "turn": clause.turn,
        "index": clause.index,
        "generation": generation,
        "text": clause.text,
        "start": start,
        "end": start + len(speech.pcm),
        "words": [[w.text, start + w.start, start + w.end] for w in speech.words],
        "emotion": {"label": emotion.dominant(), **emotion.as_dict()},
    }
