"""From an engine's raw utterance to chunks at PLAY_RATE: pauses cut to measure, level, slicing.

All arithmetic is on the timeline that is known beforehand, so the sound streams through.
"""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from speech.engine import Timeline
from speech.prosody import Prosody, amplify
from speech.types import PLAY_RATE, SAMPLES_PER_FRAME, PhoneSpan, SpeechChunk, WordSpan

PAUSE = "pau"
LEAD_IN = round(0.020 * PLAY_RATE)  # silence kept before the first sound
FADE = round(0.005 * PLAY_RATE)  # at each cut inside a silence, so that it does not click
PAUSE_AFTER = {".": 0.30, "!": 0.30, "?": 0.32, ":": 0.22, ";": 0.22, ",": 0.14, "-": 0.16}
PAUSE_ELSE = 0.10  # seconds after a clause that ends in no mark
# A short first chunk lets the face start at once; longer ones later cost less to handle.
CHUNK_FRAMES = (6, 12, 24)


@dataclass(frozen=True, slots=True)
class _Keep:
    """Source samples to copy, faded where something was cut off."""

    start: int
    end: int
    fade_in: bool = False
    fade_out: bool = False


@dataclass(frozen=True, slots=True)
class _Insert:
    """Silence to insert."""

    samples: int


_Edit = _Keep | _Insert


def closing_pause(text: str) -> float:
    """Seconds of silence that speech leaves after this text, spoken neutrally."""
    ending = text.rstrip("\"')]}»” ")[-1:]
    return PAUSE_AFTER.get({"…": ".", "–": "-", "—": "-"}.get(ending, ending), PAUSE_ELSE)


class Shaper:
    """Streams one utterance; `push` and `finish` give the chunks that are ready.

    The first sound comes LEAD_IN after the start; inner silences are scaled by `prosody.pause`;
    the end is followed by `closing` seconds scaled by it too.
    """

    def __init__(
        self, timeline: Timeline, prosody: Prosody, gain: float, closing: float, start: int
    ) -> None:
        scaled = _at_play_rate(timeline)
        self._edits, self._marks = _plan(scaled, prosody.pause, closing * prosody.pause)
        self._length = _planned_length(self._edits)
        self._phones = _tiled(self._moved_phones(scaled), self._length)
        self._words = tuple(
            WordSpan(w.text, self._moved(w.start), self._moved(w.end)) for w in scaled.words
        )
        self._gain = gain * prosody.energy
        self._resampler = _Resampler(timeline.rate)
        self._source = _Window()
        self._ready: list[NDArray[np.float32]] = []
        self._ready_samples = 0
        self._sent = 0
        self._chunks = 0
        self._start = start

    @property
    def length(self) -> int:
        """Samples of the whole result at PLAY_RATE."""
        return self._length

    def push(self, pcm: NDArray[np.float32]) -> Iterator[SpeechChunk]:
        """pcm: (T,) float32 at the timeline's rate."""
        self._take(self._resampler.push(pcm), last=False)
        yield from self._slices(last=False)

    def finish(self) -> Iterator[SpeechChunk]:
        """The rest, to the planned length exactly."""
        self._take(self._resampler.finish(), last=True)
        yield from self._slices(last=True)

    def _take(self, pcm: NDArray[np.float32], *, last: bool) -> None:
        self._source.append(pcm)
        while self._edits:
            edit = self._edits[0]
            if isinstance(edit, _Insert):
                self._emit(np.zeros(edit.samples, np.float32))
                self._edits.pop(0)
                continue
            end = edit.end if last else min(edit.end, self._source.end)
            first = max(edit.start, self._source.position)
            if end > first:
                self._emit(self._source.read(first, end) * _fade(edit, first, end))
            if end < edit.end:
                return
            self._edits.pop(0)

    def _emit(self, pcm: NDArray[np.float32]) -> None:
        self._ready.append(amplify(pcm, self._gain))
        self._ready_samples += len(pcm)

    def _slices(self, *, last: bool) -> Iterator[SpeechChunk]:
        while True:
            frames = CHUNK_FRAMES[min(self._chunks, len(CHUNK_FRAMES) - 1)]
            size = frames * SAMPLES_PER_FRAME
            # A remainder of less than two frames joins the last chunk.
            if self._length - self._sent - size < 2 * SAMPLES_PER_FRAME:
                size = self._length - self._sent
            if size == 0 or self._ready_samples < size:
                assert not last or size == 0, "a shaped utterance has its planned length"
                return
            yield self._slice(size)

    def _slice(self, size: int) -> SpeechChunk:
        pcm = np.concatenate(self._ready)
        self._ready = [pcm[size:]]
        self._ready_samples -= size
        low, high = self._sent, self._sent + size
        self._sent, self._chunks = high, self._chunks + 1
        phones = tuple(
            PhoneSpan(p.symbol, max(p.start, low) - low, min(p.end, high) - low)
            for p in self._phones
            if p.start < high and p.end > low
        )
        words = tuple(
            WordSpan(w.text, w.start - low, w.end - low)
            for w in self._words
            if low <= w.start < high
        )
        return SpeechChunk(0, pcm[:size], PLAY_RATE, self._start + low, phones, words)

    def _moved(self, sample: int) -> int:
        sources, targets = self._marks
        return round(float(np.interp(sample, sources, targets)))

    def _moved_phones(self, timeline: Timeline) -> list[PhoneSpan]:
        return [PhoneSpan(p.symbol, self._moved(p.start), self._moved(p.end))
                for p in timeline.phones]  # fmt: skip


class _Resampler:
    """A stream from an engine's rate to PLAY_RATE."""

    def __init__(self, rate: int) -> None:
        import soxr

        same = rate == PLAY_RATE
        self._stream = None if same else soxr.ResampleStream(rate, PLAY_RATE, 1, quality="HQ")

    def push(self, pcm: NDArray[np.float32]) -> NDArray[np.float32]:
        return pcm if self._stream is None else self._run(pcm, last=False)

    def finish(self) -> NDArray[np.float32]:
        nothing = np.zeros(0, np.float32)
        return nothing if self._stream is None else self._run(nothing, last=True)

    def _run(self, pcm: NDArray[np.float32], *, last: bool) -> NDArray[np.float32]:
        assert self._stream is not None
        out: NDArray[np.float32] = self._stream.resample_chunk(pcm, last=last)
        return out.reshape(-1)


class _Window:
    """Samples that came in and are still to be read; positions count from the utterance."""

    def __init__(self) -> None:
        self._pcm = np.zeros(0, np.float32)
        self.position = 0

    @property
    def end(self) -> int:
        return self.position + len(self._pcm)

    def append(self, pcm: NDArray[np.float32]) -> None:
        self._pcm = np.concatenate([self._pcm, pcm])

    def read(self, start: int, end: int) -> NDArray[np.float32]:
        """Samples start..end, zeros beyond what came; what lies before `end` is forgotten."""
        offset = start - self.position
        part = self._pcm[offset : offset + end - start]
        self._pcm = self._pcm[offset + end - start :]
        self.position = end
        return np.concatenate([part, np.zeros(end - start - len(part), np.float32)])


def _at_play_rate(timeline: Timeline) -> Timeline:
    def at(sample: int) -> int:
        return round(sample * PLAY_RATE / timeline.rate)

    return Timeline(
        PLAY_RATE,
        at(timeline.length),
        tuple(PhoneSpan(p.symbol, at(p.start), at(p.end)) for p in timeline.phones),
        tuple(WordSpan(w.text, at(w.start), at(w.end)) for w in timeline.words),
    )


def _silences(timeline: Timeline) -> list[tuple[int, int]]:
    """Spans of silence, neighbours joined, in order."""
    spans: list[tuple[int, int]] = []
    for phone in timeline.phones:
        if phone.symbol != PAUSE or phone.end <= phone.start:
            continue
        if spans and spans[-1][1] >= phone.start:
            spans[-1] = (spans[-1][0], phone.end)
        else:
            spans.append((phone.start, phone.end))
    return spans


def _plan(
    timeline: Timeline, pause: float, closing: float
) -> tuple[list[_Edit], tuple[list[int], list[int]]]:
    """Edits that make the result, and (source, target) marks between which time is linear."""
    edits: list[_Edit] = []
    sources, targets = [0], [0]
    done = made = 0  # source samples used, target samples made
    faded = False
    speech_end = timeline.length
    for start, end in _silences(timeline):
        if start > 0 and end >= timeline.length - FADE:
            speech_end = start
            break
        wanted = LEAD_IN if start == 0 else max(round((end - start) * pause), 2 * FADE)
        head, tail = _split_silence(start, end, wanted)
        if head > done:
            edits.append(_Keep(done, head, fade_in=faded, fade_out=True))
        made += head - done
        gap = wanted - (head - start) - (end - tail)
        if gap > 0:
            edits.append(_Insert(gap))
        sources += [start, end]
        targets += [made - (head - start), made - (head - start) + wanted]
        made, done, faded = made + gap, tail, True
    kept = round(closing * PLAY_RATE)
    tail = min(speech_end + kept, timeline.length)
    edits.append(_Keep(done, tail, fade_in=faded, fade_out=True))
    sources += [speech_end, max(timeline.length, speech_end + 1)]
    speech_target = made + speech_end - done
    targets += [speech_target, speech_target + kept]
    if kept > tail - speech_end:
        edits.append(_Insert(kept - (tail - speech_end)))
    return edits, (sources, targets)


def _split_silence(start: int, end: int, wanted: int) -> tuple[int, int]:
    """Where to leave and re-enter the source so that about `wanted` of a silence stays."""
    keep = min(wanted, end - start)
    before = 0 if start == 0 else keep // 2
    return start + before, end - (keep - before)


def _planned_length(edits: list[_Edit]) -> int:
    return sum(e.samples if isinstance(e, _Insert) else e.end - e.start for e in edits)


def _fade(edit: _Keep, start: int, end: int) -> NDArray[np.float32]:
    """(end - start,) float32 gain for those samples of the edit."""
    index = np.arange(start, end, dtype=np.float32)
    gain = np.ones(end - start, np.float32)
    if edit.fade_in:
        gain = np.minimum(gain, (index - edit.start + 1) / FADE)
    if edit.fade_out:
        gain = np.minimum(gain, (edit.end - index) / FADE)
    return gain


def _tiled(phones: list[PhoneSpan], length: int) -> tuple[PhoneSpan, ...]:
    """Phones without holes or overlaps over 0..length; what nobody claims is silence."""
    out: list[PhoneSpan] = []
    at = 0
    for phone in phones:
        start, end = max(phone.start, at), min(phone.end, length)
        if end <= start:
            continue
        if start > at:
            out.append(PhoneSpan(PAUSE, at, start))
        out.append(PhoneSpan(phone.symbol, start, end))
        at = end
    if at < length:
        out.append(PhoneSpan(PAUSE, at, length))
    return tuple(out)
