"""When each phone of a transcript is said in a recording: pocketsphinx, words first, then phones.

Recordings that do not fit their transcript are turned away: an aligner puts a silence where it
finds nothing, and says nothing about it. Axis legend: T samples at 16 kHz.
"""

import re
from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np

from avatar.training.performance.noise import Floats
from speech import espeak_library
from speech.arpabet import PHONES, from_ipa
from speech.types import FEATURE_RATE, PhoneSpan

FRAME = FEATURE_RATE // 100  # samples of one of the aligner's frames
SHORT_VOWEL = 6  # frames up to which an open central vowel is a schwa
LONGEST = 55  # frames of a phone that is believed
LATER = 128  # samples: half a window, by which borders are found too early (measured: 7 to 12 ms)
# s of silence that is put around, so that first and last phones find their place: in some lengths
# of it the second pass does not reach the last silence, which has nothing to do with the speech.
OPENS = (0.3, 0.1, 0.5, 0.2)
# What is believed: loudness of speech over that of silence (dB), share of the sound's loud part
# that lies in phones, mean score of a frame (true transcripts: -6 to -24, wrong ones: below -34),
# phones a second.
CONTRAST, COVERED, LEAST_SCORE, PACES = 9.0, 0.82, -27.0, (5.0, 24.0)
_WORDS = re.compile(r"[a-z']+")
_SILENT = frozenset({"SIL", "+NSN+", "+SPN+", "+BREATH+", "+COUGH+", "+NOISE+", "+SMACK+", "+UH+"})


@dataclass(frozen=True, slots=True)
class Aligned:
    """phones tile the recording, in its samples; score: mean log-likelihood of the frames;
    reason: "" where it is believed, else why not."""

    phones: tuple[PhoneSpan, ...]
    score: float
    reason: str


@dataclass(frozen=True, slots=True)
class _Segment:
    """A phone of the aligner, in its frames."""

    name: str
    start: int
    frames: int
    score: int


class Aligner:
    """pocketsphinx with its English model; words that it does not know are spelt by espeak-ng."""

    def __init__(self) -> None:
        from pocketsphinx import Decoder

        self._decoder = Decoder(lm=None, loglevel="FATAL")

    def align(self, pcm: Floats, text: str) -> Aligned:
        """pcm: (T,) float32 at FEATURE_RATE, at a usual level; text in English."""
        words = _WORDS.findall(text.lower().replace("’", "'"))
        words = [word.strip("'") for word in words if word.strip("'")]
        if not words:
            return Aligned((), 0.0, "no words")
        self._learn(words)
        failure = ""
        for opening in OPENS:
            try:
                return self._aligned(pcm, " ".join(words), int(opening * FEATURE_RATE))
            except RuntimeError as error:  # what pocketsphinx raises where no path is left
                failure = str(error)
        return Aligned((), 0.0, f"no path ({failure})")

    def _aligned(self, pcm: Floats, text: str, opening: int) -> Aligned:
        edge = np.zeros(opening, np.float32)
        padded = np.concatenate([edge, pcm, edge])
        hiss = np.random.default_rng(0).normal(0, 2e-4, len(padded))
        raw = np.rint((padded + hiss).clip(-1, 1) * 32767).astype(np.int16).tobytes()
        found = self._phones(raw, text)
        phones = _tiled(found, opening // FRAME, len(pcm))
        frames = max(1, sum(segment.frames for segment in found))
        score = sum(segment.score for segment in found) / frames
        return Aligned(phones, score, judged(pcm, phones, score))

    def _learn(self, words: list[str]) -> None:
        for word in dict.fromkeys(words):
            if self._decoder.lookup_word(word) is None:
                spelt = _spelt(word)
                self._decoder.add_word(word, spelt, True)

    def _phones(self, raw: bytes, text: str) -> list[_Segment]:
        decoder = self._decoder
        decoder.set_align_text(text)
        self._pass(raw)
        if decoder.hyp() is None:
            return []
        decoder.set_alignment()
        self._pass(raw)
        alignment = decoder.get_alignment()
        if alignment is None:
            return []
        # Its parts point into it: read them while it is held.
        return [
            _Segment(phone.name, phone.start, phone.duration, phone.score)
            for word in alignment
            for phone in word
        ]

    def _pass(self, raw: bytes) -> None:
        self._decoder.start_utt()
        self._decoder.process_raw(raw, full_utt=True)
        self._decoder.end_utt()


def _spelt(word: str) -> str:
    """The word in the aligner's phones."""
    import threading

    from speech.espeak import manner_of
    from speech.prosody import Prosody

    said = espeak_library.record(word, "en-us", manner_of(Prosody()), threading.Event())
    phones = [p for _, ipa in said.phonemes for p in from_ipa(ipa)]
    return " ".join(p.upper() for p in phones).replace("AX", "AH") or "AH"


def _tiled(items: list[_Segment], before: int, samples: int) -> tuple[PhoneSpan, ...]:
    """Aligned items, `before` frames too late, as phones over 0..samples."""
    out: list[PhoneSpan] = []
    at = 0
    for item in items:
        end = min((item.start + item.frames - before) * FRAME + LATER, samples)
        if end > at:
            out.append(PhoneSpan(_symbol(item.name, item.frames), at, end))
            at = end
    if at < samples:
        out.append(PhoneSpan("pau", at, samples))
    return tuple(out)


def _symbol(name: str, frames: int) -> str:
    if name in _SILENT:
        return "pau"
    symbol = name.lower()
    if symbol == "ah" and frames <= SHORT_VOWEL:
        return "ax"
    return symbol if symbol in PHONES else "pau"


def judged(pcm: Floats, phones: tuple[PhoneSpan, ...], score: float) -> str:
    """Why phones are not believed to be those of the recording; "" if they are."""
    said = [p for p in phones if p.symbol != "pau"]
    spoken = sum(p.end - p.start for p in said)
    if not said or spoken < 0.25 * FEATURE_RATE:
        return "only silence"
    if score < LEAST_SCORE:
        return f"unlikely ({score:.0f})"
    if any(p.end - p.start > LONGEST * FRAME for p in said):
        return "a phone that is too long"
    pace = len(said) / (spoken / FEATURE_RATE)
    if not PACES[0] <= pace <= PACES[1]:
        return f"{pace:.0f} phones a second"
    return _unheard(pcm, said)


def _unheard(pcm: Floats, said: list[PhoneSpan]) -> str:
    loud = np.sqrt((pcm[: len(pcm) // FRAME * FRAME].reshape(-1, FRAME) ** 2).mean(1))
    inside = np.zeros(len(loud), bool)
    for phone in said:
        inside[phone.start // FRAME : phone.end // FRAME] = True
    power = loud**2
    covered = float(power[inside].sum() / max(power.sum(), 1e-12))
    if covered < COVERED:
        return f"{covered:.0%} of the sound in phones"
    if inside.all() or (~inside).sum() < 5:
        return ""
    contrast = 10 * np.log10(power[inside].mean() / max(power[~inside].mean(), 1e-10))
    return "" if contrast >= CONTRAST else f"speech {contrast:.0f} dB over silence"


def spoken_seconds(phones: tuple[PhoneSpan, ...]) -> float:
    """How long there is speech."""
    return sum(p.end - p.start for p in _said(phones)) / FEATURE_RATE


def _said(phones: tuple[PhoneSpan, ...]) -> Iterator[PhoneSpan]:
    return (phone for phone in phones if phone.symbol != "pau")
