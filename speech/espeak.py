"""espeak-ng as a voice engine: robotic, but tiny, quick (RTF 0.001) and in many languages."""

import itertools
import math
import re
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from speech import espeak_library
from speech.arpabet import from_ipa
from speech.engine import SpokenPiece, Timeline
from speech.espeak_library import Manner, Recording
from speech.prosody import Prosody
from speech.speakable import bare, is_word
from speech.types import PhoneSpan, Voice, WordSpan

NEUTRAL_RATE = 165  # words a minute


@dataclass(frozen=True, slots=True)
class _Listing:
    name: str  # ours
    code: str  # espeak-ng's own name
    title: str
    language: str
    sex: str


_LISTINGS = tuple(
    _Listing(*row)
    for row in (
        ("en-us-f3", "en-us+f3", "Ada", "en-US", "female"),
        ("en-us-f2", "en-us+f2", "Bea", "en-US", "female"),
        ("en-us-m3", "en-us+m3", "Carl", "en-US", "male"),
        ("en-us-m7", "en-us+m7", "Dean", "en-US", "male"),
        ("en-gb-f4", "en+f4", "Emma", "en-GB", "female"),
        ("en-gb-f1", "en+f1", "Fay", "en-GB", "female"),
        ("en-gb-m1", "en+m1", "Guy", "en-GB", "male"),
        ("en-gb-rp-m8", "en-gb-x-rp+m8", "Hugh", "en-GB", "male"),
        ("de-f2", "de+f2", "Ida", "de-DE", "female"),
        ("de-m3", "de+m3", "Jan", "de-DE", "male"),
        ("fr-f2", "fr+f2", "Lea", "fr-FR", "female"),
        ("fr-m3", "fr+m3", "Marc", "fr-FR", "male"),
        ("es-f2", "es+f2", "Nora", "es-ES", "female"),
        ("es-m3", "es+m3", "Oscar", "es-ES", "male"),
        ("it-f2", "it+f2", "Pia", "it-IT", "female"),
        ("pt-br-f2", "pt-br+f2", "Rita", "pt-BR", "female"),
        ("nl-m3", "nl+m3", "Sem", "nl-NL", "male"),
        ("pl-f2", "pl+f2", "Ula", "pl-PL", "female"),
        ("sv-f2", "sv+f2", "Vera", "sv-SE", "female"),
        ("tr-m3", "tr+m3", "Yusuf", "tr-TR", "male"),
        ("hi-f2", "hi+f2", "Asha", "hi-IN", "female"),
        ("cmn-f2", "cmn+f2", "Mei", "zh-CN", "female"),
    )
)
_CODES = {listing.name: listing.code for listing in _LISTINGS}


class Espeak:
    """The espeak-ng engine; see `speech.engine.VoiceEngine`."""

    name = "espeak"

    def available(self) -> bool:
        """Whether the wheel is installed."""
        return espeak_library.installed()

    def voices(self) -> Sequence[Voice]:
        """A selection of espeak-ng's voices and variants."""
        if not self.available():
            return ()
        about = "espeak-ng: clear and quick, sounds like a machine"
        return tuple(
            Voice(f"{self.name}/{v.name}", v.title, v.language, v.sex, about) for v in _LISTINGS
        )

    def speak(
        self, text: str, voice: str, prosody: Prosody, stop: threading.Event
    ) -> Iterator[SpokenPiece]:
        """One piece with the whole utterance: it takes milliseconds."""
        recording = espeak_library.record(text, _CODES[voice], manner_of(prosody), stop)
        if recording.pcm.size and any(from_ipa(ipa) for _, ipa in recording.phonemes):
            yield SpokenPiece(timeline_of(recording, text), recording.pcm)


def manner_of(prosody: Prosody) -> Manner:
    """espeak-ng's scales: pitch doubles every 50 steps, range is linear, 50 is normal."""
    pitch = 50 + 50 * math.log2(prosody.pitch)
    return Manner(
        _clamped(NEUTRAL_RATE * prosody.rate, 80, 450),
        _clamped(pitch, 0, 100),
        _clamped(50 * prosody.range, 0, 100),
    )


def _clamped(value: float, low: int, high: int) -> int:
    return min(max(round(value), low), high)


def timeline_of(recording: Recording, text: str) -> Timeline:
    """Phones and words of a recording; an event marks a beginning and the next one its end."""
    length = len(recording.pcm)
    phones = tuple(_phones(recording, length))
    return Timeline(recording.rate, length, phones, tuple(_words(recording, text, phones, length)))


def _phones(recording: Recording, length: int) -> Iterator[PhoneSpan]:
    starts = [start for start, _ in recording.phonemes] + [length]
    for (start, ipa), end in zip(recording.phonemes, starts[1:], strict=True):
        # An empty name is a pause. Several phones under one name share its time evenly.
        symbols = from_ipa(ipa) or ("pau",)
        borders = [start + (end - start) * i // len(symbols) for i in range(len(symbols) + 1)]
        for symbol, low, high in zip(symbols, borders, borders[1:], strict=False):
            if high > low:
                yield PhoneSpan(symbol, low, high)


def _words(
    recording: Recording, text: str, phones: Sequence[PhoneSpan], length: int
) -> Iterator[WordSpan]:
    tokens = list(re.finditer(r"\S+", text))
    heard: dict[int, int] = {}  # token index to first sample; "42" is several events
    for sample, position in recording.words:
        index = next((i for i, token in enumerate(tokens) if position < token.end()), None)
        if index is not None:
            heard.setdefault(index, sample)
    borders = [*heard.items(), (len(tokens), length)]
    for (index, start), (following, limit) in itertools.pairwise(borders):
        end = _spoken_end(phones, start, limit)
        # espeak-ng runs words such as "I am" together under one event; they share its time.
        group = [t.group() for t in tokens[index:following] if is_word(t.group())]
        yield from _shared(group, start, end)


def _spoken_end(phones: Sequence[PhoneSpan], start: int, limit: int) -> int:
    """Where the last sound between start and limit ends; start when there is none."""
    inside = [p for p in phones if start <= p.start < limit and p.symbol != "pau"]
    return min(inside[-1].end, limit) if inside else start


def _shared(tokens: Sequence[str], start: int, end: int) -> Iterator[WordSpan]:
    """Tokens over one span of time, each as long as its letters."""
    total = sum(map(len, tokens))
    done = 0
    for token in tokens if end > start else ():
        low = start + (end - start) * done // total
        done += len(token)
        yield WordSpan(bare(token), low, start + (end - start) * done // total)
