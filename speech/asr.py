"""`PocketSphinxRecogniser`: English speech to text by the model in the pocketsphinx wheel."""

import re
import threading
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from speech.pcm import checked, resample
from speech.types import FEATURE_RATE, Transcript
from speech.vad import SPEECH, WINDOW, SileroVad

if TYPE_CHECKING:
    from pocketsphinx import Decoder

LONGEST_PIECE = 30.0  # seconds decoded at once; longer sound is cut at a pause
SHORTEST_SPEECH = 3  # windows of 32 ms that must be speech, else there is nothing to decode
LONG_PAUSE = 30  # windows without speech, about a second, that part two utterances
MARGIN = 8  # windows kept around speech: consonants before and after are weak
MOST_GAIN = 30.0  # about 30 dB
_FRAMES_PER_SECOND = 100
_NOT_A_WORD = re.compile(r"[<\[+].*")
_VARIANT = re.compile(r"\(\d+\)$")  # "the(2)" is another way to say "the"

_Word = tuple[str, float, float]


@dataclass(frozen=True, slots=True)
class _Heard:
    words: tuple[_Word, ...]
    confidences: tuple[float, ...]


class PocketSphinxRecogniser:
    """A `speech.protocols.SpeechRecogniser` for English; fine for clear speech near a microphone.

    Building one costs nothing; the model (about 0.3 s) loads with the first sound. Calls from
    several threads wait for one another. Sound without speech gives an empty transcript.
    """

    def __init__(self, vad: SileroVad | None = None) -> None:
        self._vad = vad or SileroVad()
        self._lock = threading.Lock()

    def transcribe(self, pcm: NDArray[np.float32], rate: int) -> Transcript:
        """pcm: (T,) float32 in [-1, 1] mono; see `SpeechRecogniser`.

        Confidence is the mean posterior probability of the words, weighted by their lengths.
        """
        sound = _levelled(resample(checked(pcm, rate), rate, FEATURE_RATE))
        speech = np.array(self._vad.open().push(sound)) > SPEECH
        if int(speech.sum()) < SHORTEST_SPEECH:
            return Transcript("", (), 0.0)
        pieces = list(speech_pieces(speech, len(sound)))
        with self._lock:
            heard = [self._decode(sound[start:end], start) for start, end in pieces]
        return _joined(heard)

    @cached_property
    def _decoder(self) -> "Decoder":
        from pocketsphinx import Decoder

        # Whole utterances are at hand, so the mean of the features is taken over each of them.
        return Decoder(samprate=FEATURE_RATE, loglevel="FATAL", cmn="batch")

    def _decode(self, pcm: NDArray[np.float32], start: int) -> _Heard:
        decoder = self._decoder
        decoder.reinit_feat()  # its noise estimate must not pass from one sound to the next
        decoder.start_utt()
        decoder.process_raw((pcm * 32767).astype("<i2").tobytes(), full_utt=True)
        decoder.end_utt()
        if decoder.hyp() is None:
            return _Heard((), ())
        offset = start / FEATURE_RATE
        words, confidences = [], []
        for segment in decoder.seg():
            if _NOT_A_WORD.match(segment.word):
                continue
            begin = offset + segment.start_frame / _FRAMES_PER_SECOND
            end = offset + (segment.end_frame + 1) / _FRAMES_PER_SECOND
            words.append((_VARIANT.sub("", segment.word), begin, end))
            confidences.append(min(segment.prob, 1.0))
        return _Heard(tuple(words), tuple(confidences))


def speech_pieces(speech: NDArray[np.bool_], samples: int) -> Iterator[tuple[int, int]]:
    """Spans of samples to decode; silences of LONG_PAUSE and more are left out.

    speech: (N,) bool for windows of WINDOW samples, at least one of them true. No span is longer
    than LONGEST_PIECE: where nobody pauses so long, the longest pause is the cut.
    """
    (where,) = np.nonzero(speech)
    gaps = np.flatnonzero(np.diff(where) > LONG_PAUSE)
    firsts, lasts = where[[0, *(gaps + 1)]], where[[*gaps, -1]]
    windows = -(-samples // WINDOW)
    for first, last in zip(firsts.tolist(), lasts.tolist(), strict=True):
        begin, end = max(first - MARGIN, 0), min(last + 1 + MARGIN, windows)
        for cut in _cuts(speech, begin, end):
            yield begin * WINDOW, min(cut * WINDOW, samples)
            begin = cut


def _cuts(speech: NDArray[np.bool_], begin: int, end: int) -> Iterator[int]:
    """Windows where the stretch begin..end is to be cut, the last being its end."""
    most = int(LONGEST_PIECE * FEATURE_RATE / WINDOW)
    while end - begin > most:
        earliest = begin + most // 3
        begin = earliest + _longest_pause(speech[earliest : begin + most])
        yield begin
    yield end


def _longest_pause(speech: NDArray[np.bool_]) -> int:
    """Middle of the longest run without speech; the end when there is none."""
    borders = np.flatnonzero(np.diff(np.concatenate([[True], speech, [True]]).astype(np.int8)))
    runs = borders.reshape(-1, 2)
    if len(runs) == 0:
        return len(speech)
    start, end = runs[int(np.argmax(runs[:, 1] - runs[:, 0]))]
    return max(int(start + end) // 2, 1)


def _levelled(pcm: NDArray[np.float32]) -> NDArray[np.float32]:
    """Quiet sound made louder: it would sink into the recogniser's noise floor."""
    peak = float(np.abs(pcm).max())
    return pcm * np.float32(min(0.9 / peak, MOST_GAIN)) if peak > 0 else pcm


def _joined(heard: list[_Heard]) -> Transcript:
    words = tuple(word for piece in heard for word in piece.words)
    if not words:
        return Transcript("", (), 0.0)
    weights = [end - start for _, start, end in words]
    probabilities = [c for piece in heard for c in piece.confidences]
    confidence = float(np.average(probabilities, weights=weights))
    text = " ".join(word for word, _, _ in words)
    return Transcript(text, words, min(max(confidence, 0.0), 1.0))
