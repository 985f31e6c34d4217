"""`EmbeddedVoices`: the voices that need no network, no key and no weights."""

import functools
import threading
from collections.abc import Iterator, Sequence

import numpy as np

from emotion.errors import ConfigError
from emotion.types import EmotionState
from speech.engine import VoiceEngine
from speech.espeak import Espeak
from speech.flite import Flite
from speech.prosody import Prosody, prosody_of
from speech.shaping import Shaper, closing_pause
from speech.speakable import parts, speakable
from speech.types import PLAY_RATE, PhoneSpan, SpeechChunk, Voice

SILENT_SECONDS = 0.12  # what text without any sound gives
# Measured: brings the neutral voices to about the same loudness (-19 dBFS RMS over speech).
GAINS = {"flite/slt": 0.57, "flite/rms": 1.0, "flite/awb": 0.87, "flite/kal16": 1.75}
ENGINE_GAIN = {"espeak": 0.85}


class EmbeddedVoices:
    """flite where Debian's library is present, and espeak-ng; a `speech.protocols.TextToSpeech`.

    Building one costs nothing; an engine loads when it first speaks.
    """

    def __init__(self, engines: Sequence[VoiceEngine] | None = None) -> None:
        known = tuple(engines) if engines is not None else (Flite(), Espeak())
        self._engines = {engine.name: engine for engine in known}
        self._running: threading.Event | None = None

    def voices(self) -> Sequence[Voice]:
        """All voices on this machine, the best engine first."""
        return self._voices

    @functools.cached_property
    def _voices(self) -> tuple[Voice, ...]:
        return tuple(voice for engine in self._engines.values() for voice in engine.voices())

    def default_voice(self) -> str:
        """The id to use when nobody chose. Raises ConfigError when no engine is present."""
        if not self._voices:
            raise ConfigError(
                "There is no voice engine on this machine.",
                "Run: pip install espeakng-loader (or apt-get install libflite1).",
            )
        return self._voices[0].id

    def stream(self, text: str, voice: str, emotion: EmotionState) -> Iterator[SpeechChunk]:
        """Speak one clause; see `TextToSpeech`. "" chooses the default voice.

        Chunks last up to about a second, the first a quarter. Phones tile each chunk; a word
        stands in the chunk where it begins and may end after it. The same call gives the same
        samples. Text without any sounds gives a short silence.
        """
        engine, name = self._find(voice or self.default_voice())
        stop = threading.Event()
        self._running = stop
        prosody = prosody_of(emotion)
        gain = GAINS.get(f"{engine.name}/{name}", ENGINE_GAIN.get(engine.name, 1.0))
        return _speak(_Speaker(engine, name, prosody, gain, stop), text)

    def cancel(self) -> None:
        """End the running `stream`; a later one is not touched."""
        running = self._running
        if running is not None:
            running.set()

    def _find(self, voice: str) -> tuple[VoiceEngine, str]:
        ids = [known.id for known in self._voices]
        if voice not in ids:
            raise ConfigError(
                f"There is no voice {voice!r:.80} on this machine.",
                f"Choose one of: {', '.join(ids)}.",
            )
        engine, _, name = voice.partition("/")
        return self._engines[engine], name


class _Speaker:
    """A chosen voice in a manner, until stopped."""

    def __init__(
        self, engine: VoiceEngine, name: str, prosody: Prosody, gain: float, stop: threading.Event
    ) -> None:
        self.engine, self.name, self.prosody, self.gain, self.stop = (
            engine, name, prosody, gain, stop,
        )  # fmt: skip

    def part(self, text: str, start: int) -> Iterator[SpeechChunk]:
        """Chunks of one part from sample `start`; nothing for text without sounds."""
        shaper = None
        for piece in self.engine.speak(text, self.name, self.prosody, self.stop):
            if self.stop.is_set():
                return
            if shaper is None:
                closing = closing_pause(text)
                shaper = Shaper(piece.timeline, self.prosody, self.gain, closing, start)
            yield from self._until_stopped(shaper.push(piece.pcm))
        if shaper is not None and not self.stop.is_set():
            yield from self._until_stopped(shaper.finish())

    def _until_stopped(self, chunks: Iterator[SpeechChunk]) -> Iterator[SpeechChunk]:
        for chunk in chunks:
            if self.stop.is_set():
                return
            yield chunk


def _speak(speaker: _Speaker, text: str) -> Iterator[SpeechChunk]:
    at = 0
    for part in parts(speakable(text)):
        for chunk in speaker.part(part, at):
            at = chunk.start_sample + len(chunk.pcm)
            yield chunk
        if speaker.stop.is_set():
            return
    if at == 0 and not speaker.stop.is_set():
        size = round(SILENT_SECONDS * PLAY_RATE)
        phones = (PhoneSpan("pau", 0, size),)
        yield SpeechChunk(0, np.zeros(size, np.float32), PLAY_RATE, 0, phones)
