"""A real session on scripted engines, for tests of what surrounds sessions."""

from collections.abc import Callable
from typing import Any

from emotion.types import EmotionState
from pipeline.clock import MediaClock
from pipeline.parts import Parts
from pipeline.session import Session
from speech.turns import Mode
from speech.types import PLAY_RATE
from tests.fakes import CountingAvatar, ScriptedDialogue, ScriptedEars, ToneVoice, WordMind

LEAD = int(0.4 * PLAY_RATE)


class QuietTurns:
    """A turn detector that hears nothing."""

    def feed(self, pcm: object) -> list[Any]:
        return []

    mode = Mode.HANDS_FREE

    def press(self) -> list[Any]:
        return []

    def release(self) -> list[Any]:
        return []

    def set_mode(self, mode: Mode) -> list[Any]:
        self.mode = mode
        return []


async def _configure(session: Session, **choices: object) -> None: ...


def make_session(
    clock: MediaClock,
    dialogue: ScriptedDialogue | None = None,
    turns: Callable[[], Any] = QuietTurns,
) -> Session:
    """A session whose engines are scripted; everything else is real."""
    parts = Parts(
        dialogue or ScriptedDialogue(), WordMind(), ToneVoice(), "tone/a", CountingAvatar(),
        ScriptedEars(), turns, EmotionState.neutral(),
    )  # fmt: skip
    return Session(parts, clock, LEAD, _configure)
