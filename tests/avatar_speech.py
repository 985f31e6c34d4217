"""Made-up speech with known phones, for tests of the mouth."""

import numpy as np

from speech.types import PLAY_RATE, PhoneSpan, SpeechChunk


def spoken(symbols: str, start: int = 0, turn: int = 1, phone_ms: int = 90) -> SpeechChunk:
    """A chunk that says `symbols` (separated by blanks), each for `phone_ms`."""
    length = phone_ms * PLAY_RATE // 1000
    names = symbols.split()
    phones = tuple(PhoneSpan(n, i * length, (i + 1) * length) for i, n in enumerate(names))
    time = np.arange(length * len(names)) / PLAY_RATE
    pcm = (0.3 * np.sin(2 * np.pi * 140 * time)).astype(np.float32)
    for phone in phones:
        if phone.symbol == "pau":
            pcm[phone.start : phone.end] = 0
    return SpeechChunk(turn, pcm, PLAY_RATE, start, phones)


def split(chunk: SpeechChunk, size: int) -> list[SpeechChunk]:
    """The same speech in pieces of `size` samples, phones cut at the borders."""
    pieces = []
    for at in range(0, len(chunk.pcm), size):
        end = min(at + size, len(chunk.pcm))
        phones = tuple(
            PhoneSpan(p.symbol, max(p.start, at) - at, min(p.end, end) - at)
            for p in chunk.phones
            if p.start < end and p.end > at
        )
        start = chunk.start_sample + at
        pieces.append(SpeechChunk(chunk.turn, chunk.pcm[at:end], chunk.rate, start, phones))
    return pieces
