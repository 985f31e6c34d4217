"""What flows into and out of the dialogue agent."""

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Audio = NDArray[np.float32]  # (T,) in [-1, 1], mono


@dataclass(frozen=True, slots=True, eq=False)
class UserTurn:
    """One thing the user said or typed.

    id: turn number, unique within the session, counting from 1.
    audio: (T,) float32 in [-1, 1] at 16 kHz if it was spoken.
    started_sample: media-clock sample (24 kHz) at which the turn began.
    """

    id: int
    text: str
    audio: Audio | None
    started_sample: int


@dataclass(frozen=True, slots=True)
class ReplyChunk:
    """One speakable clause and, in words, how it is felt ("quietly amused, a little surprised").

    emotion_text is "" when the model gave none: then the clause itself is appraised.
    final marks the last clause of the reply. sources and tools are for the chat only.
    """

    turn: int
    index: int
    text: str
    emotion_text: str
    final: bool
    sources: tuple[str, ...] = ()
    tools: tuple[str, ...] = ()
