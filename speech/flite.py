"""flite as a voice engine: its ClusterGen voices sound human and still stream within 30 ms.

flite's voices keep settings and the F0 table in shared memory: one clause is spoken at a time.
Every voice here obeys rate, pitch and range (rms through `speech.flite_tilt`).
"""

import queue
import threading
import unicodedata
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from functools import cache
from typing import Any

import numpy as np

from emotion.errors import ProviderError
from speech import flite_library
from speech.arpabet import PHONES
from speech.engine import SpokenPiece, Timeline
from speech.flite_tilt import TiltPitch
from speech.prosody import Prosody
from speech.speakable import bare, is_word
from speech.types import PhoneSpan, Voice, WordSpan

STREAM_SAMPLES = 1600  # 0.1 s: how much sound flite makes before it hands some over
_FIRST = "R:Token.daughter1.R:SylStructure.daughter1.daughter1.R:Segment.p.end"
_TYPOGRAPHY = str.maketrans({"’": "'", "‘": "'", "“": '"', "”": '"', "–": "-", "—": "-", "…": "."})
_LAST = "R:Token.daughtern.R:SylStructure.daughtern.daughtern.R:Segment.end"


@dataclass(frozen=True, slots=True)
class _Listing:
    name: str
    library: str
    title: str
    language: str
    sex: str
    f0_mean: float  # Hz; 0 where the voice has a tilt model instead
    f0_deviation: float  # Hz
    loudness_slope: float  # the vocoder grows louder as pitch to this power (measured)
    description: str

    @property
    def register(self) -> str:
        return "register_" + self.library.removeprefix("flite_")


_LISTINGS = {
    v.name: v
    for v in (
        _Listing("slt", "flite_cmu_us_slt", "Slate", "en-US", "female", 172, 27, 1.0,
                 "Warm American woman"),
        _Listing("rms", "flite_cmu_us_rms", "Ramsey", "en-US", "male", 0, 0, 0.0,
                 "Calm, deep American man"),
        _Listing("awb", "flite_cmu_us_awb", "Alban", "en-GB", "male", 132, 25, 0.5,
                 "Scottish man"),
        _Listing("kal16", "flite_cmu_us_kal16", "Kal", "en-US", "male", 95, 11, 0.0,
                 "Classic American machine voice"),
    )
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class LatinWord:
    """A word as it stands in the text, and as flite can read it."""

    written: str
    spoken: str


_LOCK = threading.Lock()
_PieceQueue = queue.SimpleQueue["SpokenPiece | BaseException | None"]


class Flite:
    """The flite engine; see `speech.engine.VoiceEngine`."""

    name = "flite"

    def available(self) -> bool:
        """Whether libflite and at least one voice are on this machine."""
        return bool(self.voices())

    def voices(self) -> Sequence[Voice]:
        """The voices whose libraries are here."""
        if not flite_library.present("flite"):
            return ()
        return tuple(
            Voice(f"{self.name}/{v.name}", v.title, v.language, v.sex, v.description)
            for v in _LISTINGS.values()
            if flite_library.present(v.library)
        )

    def speak(
        self, text: str, voice: str, prosody: Prosody, stop: threading.Event
    ) -> Iterator[SpokenPiece]:
        """Pieces of 0.1 s while flite makes them, on a thread that ends with this iterator."""
        words = latin_words(text)
        if not words:
            return
        job = _Job(words, stop)
        thread = threading.Thread(
            target=self._run, args=(job, voice, prosody), name="flite", daemon=True
        )
        thread.start()
        try:
            while (piece := job.pieces.get()) is not None:
                if isinstance(piece, BaseException):
                    raise piece
                yield piece
        finally:
            job.abandoned.set()
            thread.join()

    def _run(self, job: "_Job", voice: str, prosody: Prosody) -> None:
        try:
            with _LOCK:
                _loaded(voice).speak(job, prosody)
        except BaseException as error:  # the reader raises it in its own thread
            job.pieces.put(error)
        finally:
            job.pieces.put(None)


class _Job:
    """One utterance under way."""

    def __init__(self, words: Sequence[LatinWord], stop: threading.Event) -> None:
        self.words = words
        self.gain = 1.0
        self.pieces: _PieceQueue = queue.SimpleQueue()
        self.abandoned = threading.Event()
        self.timeline: Timeline | None = None
        self.error: Exception | None = None
        self._stop = stop

    def ended(self) -> bool:
        return self._stop.is_set() or self.abandoned.is_set()

    def deliver(self, wave: flite_library.Wave, start: int, size: int, utterance: int) -> None:
        """Hand over samples start..start + size of the wave."""
        if self.timeline is None:
            self.timeline = timeline_of(utterance, self.words, wave)
        pcm = flite_library.samples(wave, start, size)
        self.pieces.put(SpokenPiece(self.timeline, pcm * np.float32(self.gain)))


@cache
def _loaded(voice: str) -> "_LoadedVoice":
    """The voice of this process: flite registers each once and then points into our memory."""
    return _LoadedVoice(_LISTINGS[voice])


class _LoadedVoice:
    """A registered voice with its knobs and its stream."""

    def __init__(self, listing: _Listing) -> None:
        self._listing = listing
        self._voice, self._features = flite_library.register(listing.library, listing.register)
        self._tilt = TiltPitch(self._features) if listing.f0_mean == 0 else None
        self._job: _Job | None = None
        self._callback = flite_library.StreamCallback(self._on_sound)
        flite_library.attach_stream(self._features, self._callback, STREAM_SAMPLES)

    def speak(self, job: _Job, prosody: Prosody) -> None:
        library = flite_library.load()
        self._adjust(library.feat_set_float, prosody)
        job.gain = prosody.pitch**-self._listing.loudness_slope
        sentence = " ".join(word.spoken for word in job.words)
        self._job = job
        flite_library.seed_noise()
        utterance = library.flite_synth_text(sentence.encode(), self._voice)
        self._job = None
        if job.error is not None:
            raise job.error
        if not utterance:
            raise ProviderError("flite could not speak a clause.", "Try another voice.")
        library.delete_utterance(utterance)

    def _adjust(self, set_float: Callable[[int, bytes, float], None], prosody: Prosody) -> None:
        set_float(self._features, b"duration_stretch", 1 / prosody.rate)
        if self._tilt is not None:
            self._tilt.set(prosody.pitch, prosody.range)
            return
        mean = self._listing.f0_mean * prosody.pitch
        deviation = self._listing.f0_deviation * prosody.pitch * prosody.range
        set_float(self._features, b"int_f0_target_mean", mean)
        set_float(self._features, b"int_f0_target_stddev", deviation)

    def _on_sound(self, wave: Any, start: int, size: int, last: int, info: Any) -> int:
        job = self._job
        if job is None or job.ended() or job.error is not None:
            return flite_library.STREAM_STOP
        try:
            job.deliver(wave.contents, start, size, info.contents.utterance)
        except Exception as error:  # must not cross the C frames; `speak` raises it
            job.error = error
            return flite_library.STREAM_STOP
        return flite_library.STREAM_GO


def latin_words(text: str) -> list[LatinWord]:
    """The words that flite can read, in ASCII: accents dropped, other scripts left out."""
    words = []
    for written in text.split():
        plain = unicodedata.normalize("NFKD", written.translate(_TYPOGRAPHY))
        spoken = "".join(plain.encode("ascii", "ignore").decode().split())
        if is_word(spoken):
            words.append(LatinWord(written, spoken))
    return words


def timeline_of(utterance: int, words: Sequence[LatinWord], wave: flite_library.Wave) -> Timeline:
    """Read phone and word times from a flite utterance whose durations are known."""
    rate, length = wave.sample_rate, wave.num_samples
    library = flite_library.load()
    phones: list[PhoneSpan] = []
    start = 0
    for item in flite_library.items(utterance, "Segment"):
        end = min(round(library.item_feat_float(item, b"end") * rate), length)
        symbol = library.item_feat_string(item, b"name").decode()
        phones.append(PhoneSpan(symbol if symbol in PHONES else "pau", start, end))
        start = end
    return Timeline(rate, length, tuple(phones), tuple(_words(utterance, words, rate, length)))


def _words(
    utterance: int, words: Sequence[LatinWord], rate: int, length: int
) -> Iterator[WordSpan]:
    library = flite_library.load()
    tokens = list(flite_library.items(utterance, "Token"))
    same = len(tokens) == len(words)
    for index, token in enumerate(tokens):
        start = round(library.ffeature_float(token, _FIRST.encode()) * rate)
        end = min(round(library.ffeature_float(token, _LAST.encode()) * rate), length)
        if end > start:
            named = library.item_feat_string(token, b"name").decode()
            yield WordSpan(bare(words[index].written) if same else named, start, end)
