"""What a session is made of: engines as the session sees them, all asynchronous.

`pipeline/assembly.py` builds them from plug-ins in worker processes; tests build them from fakes.
"""

from collections.abc import AsyncGenerator, AsyncIterator, Awaitable, Callable
from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from agent.types import ReplyChunk, UserTurn
from avatar.rig import Vector
from avatar.types import Activity, DriveMode, Frame, Sight
from emotion.types import EmotionState
from pipeline.casting import Cast
from speech.turns import TurnDetector
from speech.types import SpeechChunk, Transcript

Configure = Callable[..., Awaitable[None]]  # as `Engines.configure`


class Dialogue(Protocol):
    """The dialogue agent of one session."""

    def reply(self, turn: UserTurn) -> AsyncIterator[ReplyChunk]:
        """Clauses of the reply, as they form."""
        ...

    def heard(self, turn: int, text: str) -> None:
        """The reply was interrupted; the user heard only `text` of it."""
        ...


class LiveVoice(Protocol):
    """A voice engine in its worker process."""

    def stream(self, text: str, voice: str, emotion: EmotionState) -> AsyncIterator[SpeechChunk]:
        """As `TextToSpeech.stream`."""
        ...


class LiveAvatar(Protocol):
    """One living portrait in the avatar's worker process."""

    @property
    def adjustable(self) -> bool:
        """Whether the engine has controls: only then may `adjust` be called."""
        ...

    @property
    def feels(self) -> bool:
        """Whether the engine feels what it is told at once: only then may `feel` be called."""
        ...

    @property
    def hears(self) -> bool:
        """Whether the engine reacts to the user's voice: only then may `hear` be called."""
        ...

    @property
    def drivable(self) -> bool:
        """Whether the engine follows a camera: only then may `drive` be called."""
        ...

    async def push(
        self, speech: SpeechChunk | None, emotion: EmotionState, activity: Activity
    ) -> None:
        """As `AvatarStream.push`."""
        ...

    def frames(self, count: int) -> AsyncGenerator[Frame, None]:
        """As `AvatarStream.frames`; raises ProviderError while the renderer is gone."""
        ...

    async def skip(self, count: int) -> None:
        """As `AvatarStream.skip`."""
        ...

    async def clear(self, frame: int) -> None:
        """As `AvatarStream.clear`."""
        ...

    async def adjust(self, rig: Vector) -> None:
        """As `AvatarStream.adjust`."""
        ...

    async def feel(self, emotion: EmotionState | None) -> None:
        """As `AvatarStream.feel`."""
        ...

    async def hear(self, pcm: NDArray[np.float32], start: int) -> None:
        """As `AvatarStream.hear`."""
        ...

    async def drive(self, jpeg: bytes | None, mode: DriveMode, at: float) -> Sight | None:
        """As `AvatarStream.drive`, with the picture as a JPEG; None while the renderer is gone.
        Raises MediaError for what is no such picture."""
        ...

    async def close(self) -> None:
        """Free what the stream holds; safe to call again."""
        ...


class Ears(Protocol):
    """A recogniser in its worker process."""

    async def transcribe(self, pcm: NDArray[np.float32], rate: int) -> Transcript:
        """As `SpeechRecogniser.transcribe`."""
        ...


class Mind(Protocol):
    """The emotion appraiser in its worker process."""

    async def appraise(self, text: str) -> EmotionState:
        """How `text` (a clause or its emotion text) feels."""
        ...


@dataclass(slots=True)
class Parts:
    """The engines and choices of one session; `voice_id`, `dialogue` and `avatar` may be swapped
    between turns."""

    dialogue: Dialogue
    mind: Mind
    voice: LiveVoice
    voice_id: str
    avatar: LiveAvatar
    ears: Ears
    turns: Callable[[], TurnDetector]
    resting: EmotionState
    cast: Cast | None = None  # who is played; None where engines are scripted
