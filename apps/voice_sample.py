"""A short sample of a session's voice, as a WAV that the page can play at once."""

import io
import wave
from base64 import b64encode
from typing import TYPE_CHECKING

import numpy as np

from speech.types import PLAY_RATE

if TYPE_CHECKING:
    from pipeline.session import Session

WORDS = "Hello. This is how I sound."


async def voice_sample(session: "Session") -> str:
    """Speak `WORDS` with the session's voice; returns a data URI. Raises ProviderError."""
    parts = session.parts
    spoken = parts.voice.stream(WORDS, parts.voice_id, session.playout.held or parts.resting)
    pieces = [chunk.pcm async for chunk in spoken]
    pcm = np.concatenate(pieces) if pieces else np.zeros(0, np.float32)
    file = io.BytesIO()
    with wave.open(file, "wb") as out:
        out.setnchannels(1)
        out.setsampwidth(2)
        out.setframerate(PLAY_RATE)
        out.writeframes((np.clip(pcm, -1, 1) * 32767).astype("<i2").tobytes())
    return f"data:audio/wav;base64,{b64encode(file.getvalue()).decode()}"
