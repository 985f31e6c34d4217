"""The conversation as the page shows it."""

from dataclasses import dataclass, field
from typing import Literal

import structlog

from agent.types import ReplyChunk
from emotion.errors import LimnerError
from emotion.types import EmotionState
from speech.types import PLAY_RATE, SpeechChunk

UNPLAYED = PLAY_RATE // 8  # samples between the server's clock and the listener's ear

log = structlog.get_logger(__name__)
Status = Literal["streaming", "done", "interrupted", "failed"]


@dataclass(slots=True)
class ChatEntry:
    """One message; `id` is its turn. A failed entry's text carries what happened and the remedy."""

    id: int
    role: Literal["user", "assistant"]
    text: str
    status: Status = "done"
    emotion: EmotionState | None = None
    emotion_text: str = ""
    sources: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
    clauses: list[tuple[str, int]] = field(default_factory=list)  # text, media sample it starts at
    spoken: list[tuple[str, int]] = field(default_factory=list)  # word, media sample it starts at

    def add(self, clause: ReplyChunk, emotion: EmotionState) -> None:
        """Append a clause; the strongest feeling so far becomes the reply's chip."""
        self.text = f"{self.text} {clause.text}".strip()
        self.sources += tuple(s for s in clause.sources if s not in self.sources)
        self.tools += tuple(t for t in clause.tools if t not in self.tools)
        if self.emotion is None or emotion.intensity > self.emotion.intensity:
            self.emotion, self.emotion_text = emotion, clause.emotion_text

    def place(self, clause: ReplyChunk, speech: SpeechChunk) -> None:
        """Remember when the clause and its words are heard (`speech` stands on the media clock)."""
        if not self.clauses or self.clauses[-1][0] != clause.text:
            self.clauses.append((clause.text, speech.start_sample))
        self.spoken += [(w.text, speech.start_sample + w.start) for w in speech.words]

    def fail(self, error: LimnerError) -> None:
        """The reply broke off; the chat says why and what to do."""
        log.warning("turn_failed", turn=self.id, error=str(error))
        self.text, self.status = f"{self.text} {error}".strip(), "failed"

    def interrupt(self, cut: int) -> bool:
        """Keep only what was heard at media sample `cut`; False if the reply was over already."""
        if self.status != "streaming":
            return False
        self.text, self.status = self.heard_until(cut - UNPLAYED), "interrupted"
        return True

    def heard_until(self, sample: int) -> str:
        """What of the reply had been heard at a media sample, to the word where words are known."""
        if self.spoken:
            return " ".join(word for word, start in self.spoken if start <= sample)
        return " ".join(text for text, start in self.clauses if start <= sample)
