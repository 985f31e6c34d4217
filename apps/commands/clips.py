"""`limner say`, `drive` and `reenact`: clips of a portrait that speaks or follows a person."""

from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from pathlib import Path

from rich.console import Console
from rich.progress import BarColumn, Progress, TaskProgressColumn, TextColumn, TimeRemainingColumn

from agent.persona import Persona, list_personas, load_persona
from avatar.portraits import gallery
from emotion.labels import parse_labels
from emotion.protocols import EmotionAppraiser
from emotion.types import EmotionState
from pipeline.casting import Cast
from pipeline.config import Settings
from pipeline.driver_video import Span
from pipeline.offline import ClipOptions, drive_clip, say_clip
from pipeline.plugins import load, reference
from pipeline.reenact import ReenactOptions, reenact_clip
from speech.types import FEATURE_RATE, Voice


@dataclass(frozen=True, slots=True)
class Look:
    """Who is shown and with what feeling; empty: the persona's portrait, the input's feeling."""

    portrait: str
    emotion: str


@dataclass(frozen=True, slots=True)
class Taken:
    """What of a video drives the face, in seconds (0 seconds: to its end), and how; person: what
    a clip has taught about who is in the portrait."""

    video: Path
    start: float
    seconds: float
    relative: bool
    person: Path | None


def say_text(text: str, look: Look, settings: Settings, out: Path) -> None:
    """Render a clip of someone who says `text`. Raises LimnerError; nothing is left behind then."""
    if look.emotion:
        options = _options(look, settings, parse_labels(look.emotion))
    else:
        appraiser = _appraiser(settings)
        options = replace(
            _options(look, settings), feel=lambda sentence: appraiser.appraise(text=sentence)
        )
    with _progress(out) as advance:
        say_clip(text, options, out, advance)


def drive_audio(audio: Path, look: Look, settings: Settings, out: Path) -> None:
    """Render a clip of someone who speaks a recording. Raises as `say_text`."""
    from speech.audio_files import read_audio

    pcm = read_audio(audio, FEATURE_RATE, settings.limits.max_clip_s)
    felt = parse_labels(look.emotion) if look.emotion else _appraiser(settings).appraise(audio=pcm)
    with _progress(out) as advance:
        drive_clip(audio, _options(look, settings, felt), out, advance)


def reenact_video(taken: Taken, portrait: str, settings: Settings, out: Path) -> str:
    """Render a clip of a portrait that follows the person in a video; what came of it, in words.

    Raises LimnerError; nothing is left behind then.
    """
    persona = load_persona(settings.persona)
    options = ReenactOptions(
        portrait=portrait or settings.avatar.portrait or persona.portrait or gallery()[0].name,
        relative=taken.relative,
        size=settings.avatar.size,
        span=Span(taken.start, taken.seconds, settings.limits.max_clip_s),
        person=taken.person,
    )
    with _progress(out) as advance:
        made = reenact_clip(taken.video, options, out, advance)
    words = f"{made.frames} frames"
    if made.unseen:
        words += f"; in {made.unseen} of them no face was in sight, and the portrait rested"
    return words + "."


def _options(look: Look, settings: Settings, emotion: EmotionState | None = None) -> ClipOptions:
    wanted = look.portrait or settings.avatar.portrait
    persona = _persona(wanted, settings)
    portrait = wanted or persona.portrait or gallery()[0].name
    return ClipOptions(
        portrait=portrait,
        emotion=emotion or EmotionState.neutral(),
        voice=_voice(portrait, persona, settings),
        size=settings.avatar.size,
        longest=settings.limits.max_clip_s,
        avatar=reference("limner.avatar", settings.avatar.engine),
        tts=reference("limner.tts", settings.voice.engine),
    )


def _persona(portrait: str, settings: Settings) -> Persona:
    """Whose face it is, so that it gets its own voice; else the persona of the settings."""
    for persona in map(load_persona, list_personas()):
        if portrait and persona.portrait == portrait:
            return persona
    return load_persona(settings.persona)


def _voice(portrait: str, persona: Persona, settings: Settings) -> str:
    voices: Sequence[Voice] = load("limner.tts", settings.voice.engine)().voices()
    return Cast(persona, portrait, settings.voice.id).voice_id(voices)


def _appraiser(settings: Settings) -> EmotionAppraiser:
    appraiser: EmotionAppraiser = load("limner.emotion", settings.emotion.engine)()
    return appraiser


@contextmanager
def _progress(out: Path) -> Iterator[Callable[[int, int], None]]:
    """A bar on standard error that takes (frames done, frames in all); none without a terminal."""
    console = Console(stderr=True)
    columns = (
        TextColumn("{task.description}"),
        BarColumn(),
        TaskProgressColumn(),
        TimeRemainingColumn(),
    )
    with Progress(*columns, console=console, disable=not console.is_terminal) as bar:
        task = bar.add_task(str(out), total=None)
        yield lambda done, total: bar.update(task, completed=done, total=total)
