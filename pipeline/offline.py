"""Clips: a portrait that speaks, rendered into an MP4 file, faster than real time.

Rendering and coding run side by side (both leave Python's lock); sound and pictures share the
media clock of the live session, so they cannot drift.
"""

import re
from collections import deque
from collections.abc import Callable, Iterable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from avatar.protocols import Avatar, AvatarStream
from avatar.types import Activity, Frame, Portrait
from emotion.errors import MediaError
from emotion.types import EmotionState
from pipeline.encoders import check_size
from pipeline.movie import Movie
from pipeline.worker_main import load
from speech.protocols import TextToSpeech
from speech.types import PLAY_RATE, SAMPLES_PER_FRAME, SpeechChunk

Speech = Iterable[tuple[SpeechChunk, EmotionState]]
Progress = Callable[[int, int], None]  # frames done, frames in all

MAX_CHARACTERS = 20_000  # about 25 minutes
_SENTENCE = 400  # characters after which a sentence without an end is cut at a blank
_TAIL = 8  # frames after the last sound, in which the mouth closes
_AHEAD = 2 * PLAY_RATE  # speech is told to the avatar this long before it is heard
_WAITING = 8  # pictures between renderer and coder
_SILENT = 1e-3  # sound weaker than this is none
_PIECE = PLAY_RATE  # recordings are handed on by the second


@dataclass(frozen=True, slots=True, eq=False)
class ClipOptions:
    """How a clip shall look and sound.

    portrait: gallery name or path; emotion: how all of it is felt, unless `feel` (sentence to
    feeling) is given; voice: as in `limner voices`, "" for the engine's first; size: pixels a
    side; longest: seconds; avatar, tts: engines as "module:Class".
    """

    portrait: str
    emotion: EmotionState = field(default_factory=EmotionState.neutral)
    feel: Callable[[str], EmotionState] | None = None
    voice: str = ""
    size: int = 512
    longest: float = 600.0
    avatar: str = "avatar.warp:WarpAvatar"
    tts: str = "speech.tts:EmbeddedVoices"
    portraits: str = "avatar.portraits:load_portrait"


def say_clip(text: str, options: ClipOptions, out: Path, progress: Progress | None = None) -> Path:
    """Render the portrait saying `text`; returns `out`.

    Raises MediaError (empty or too long a text, size, file that cannot be written), ConfigError
    (voice), PortraitError, ProviderError. Nothing is left behind then.
    """
    sentences = list(split_sentences(text))
    return _render(options, lambda: _aloud(sentences, options), out, progress)


def drive_clip(
    audio: Path, options: ClipOptions, out: Path, progress: Progress | None = None
) -> Path:
    """Render the portrait speaking a recording; returns `out`. Raises as `say_clip` does."""
    return _render(options, lambda: _recorded(audio, options), out, progress)


def render_clip(
    avatar: Avatar,
    portrait: Portrait,
    speech: Speech,
    out: Path,
    size: int = 512,
    progress: Progress | None = None,
) -> Path:
    """Render speech (on one media clock from 0, at PLAY_RATE) into an MP4 file; returns `out`.

    The file appears only when it is whole. Raises MediaError, PortraitError.
    """
    _check(size)
    said = list(speech)
    if not said:
        raise MediaError("There is nothing to say.", "Give a text or a recording with speech.")
    samples = max(chunk.start_sample + len(chunk.pcm) for chunk, _ in said)
    count = -(-samples // SAMPLES_PER_FRAME) + _TAIL
    sound = _mix(said, count * SAMPLES_PER_FRAME)
    stream = avatar.open(portrait, size, seed=0)
    with Movie(out, size) as movie, ThreadPoolExecutor(1, "coder") as coder:
        waiting: deque[Future[None]] = deque()
        for frame in _frames(stream, said, count):
            at = frame.index * SAMPLES_PER_FRAME
            pcm = sound[at : at + SAMPLES_PER_FRAME]
            waiting.append(coder.submit(movie.add, frame.rgb, pcm))
            if len(waiting) > _WAITING:
                waiting.popleft().result()
            if progress is not None:
                progress(frame.index + 1, count)
        for one in waiting:
            one.result()
    return out


def split_sentences(text: str) -> Iterator[str]:
    """The sentences of a text; raises MediaError if it is empty or longer than MAX_CHARACTERS."""
    if not text.strip():
        raise MediaError("The text is empty.", "Give some words to say.")
    if len(text) > MAX_CHARACTERS:
        raise MediaError(
            f"The text has {len(text):,} characters; a clip holds {MAX_CHARACTERS:,}.",
            "Split it into several clips.",
        )
    for sentence in re.split(r"(?<=[.!?…])\s+|\n{2,}", text.strip()):
        while len(sentence) > _SENTENCE:
            cut = sentence.rfind(" ", 1, _SENTENCE)
            cut = cut if cut > 0 else _SENTENCE
            yield sentence[:cut].strip()
            sentence = sentence[cut:].strip()
        if sentence:
            yield sentence


def _check(size: int) -> None:
    try:
        check_size(size)
    except ValueError as error:
        raise MediaError(f"A clip cannot have {size} pixels a side.", f"{error}.") from error


def _render(
    options: ClipOptions, speech: Callable[[], Speech], out: Path, progress: Progress | None
) -> Path:
    """What needs no computing is checked before the first sound is made."""
    _check(options.size)
    Movie.check(out)
    portrait = load(options.portraits)(options.portrait)
    avatar = load(options.avatar)()
    return render_clip(avatar, portrait, speech(), out, options.size, progress)


def _aloud(sentences: Iterable[str], options: ClipOptions) -> Speech:
    """What is said, all of it. Raises MediaError where nothing can be heard."""
    said = []
    for chunk, emotion in _spoken(sentences, options):
        if chunk.start_sample + len(chunk.pcm) > options.longest * PLAY_RATE:
            raise MediaError(
                f"The text takes more than {options.longest:g} seconds to say.",
                "Split it into several clips, or raise limits.max_clip_s.",
            )
        said.append((chunk, emotion))
    if not any(np.abs(chunk.pcm).max(initial=0) > _SILENT for chunk, _ in said):
        raise MediaError(
            "The voice finds nothing in the text that it could say.",
            "Give words in the language of the voice, or choose another one (limner voices).",
        )
    return said


def _spoken(sentences: Iterable[str], options: ClipOptions) -> Speech:
    engine: TextToSpeech = load(options.tts)()
    voice = options.voice or engine.voices()[0].id
    start = 0
    for sentence in sentences:
        emotion = options.feel(sentence) if options.feel else options.emotion
        end = start
        for chunk in engine.stream(sentence, voice, emotion):
            placed = replace(chunk, start_sample=start + chunk.start_sample)
            end = placed.start_sample + len(placed.pcm)
            yield placed, emotion
        start = end


def _recorded(audio: Path, options: ClipOptions) -> Speech:
    pcm = load("speech.audio_files:read_audio")(audio, PLAY_RATE, options.longest)
    for start in range(0, len(pcm), _PIECE):
        yield SpeechChunk(0, pcm[start : start + _PIECE], PLAY_RATE, start), options.emotion


def _mix(said: Iterable[tuple[SpeechChunk, EmotionState]], samples: int) -> NDArray[np.float32]:
    """(samples,) float32 in [-1, 1]: all speech at its place."""
    sound = np.zeros(samples, np.float32)
    for chunk, _ in said:
        sound[chunk.start_sample : chunk.start_sample + len(chunk.pcm)] = chunk.pcm
    return sound


def _frames(
    stream: AvatarStream, said: Iterable[tuple[SpeechChunk, EmotionState]], count: int
) -> Iterator[Frame]:
    """All frames; the avatar hears of speech as much in advance as in a live session."""
    rest = deque(said)
    last = rest[-1][0]
    spoken = -(-(last.start_sample + len(last.pcm)) // SAMPLES_PER_FRAME)
    for index in range(count):
        while rest and rest[0][0].start_sample <= index * SAMPLES_PER_FRAME + _AHEAD:
            chunk, emotion = rest.popleft()
            stream.push(chunk, emotion, Activity.SPEAKING)
        if index == spoken:
            stream.push(None, emotion, Activity.IDLE)
        yield from stream.frames(1)
