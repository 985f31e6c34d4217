"""The commands that show what there is: voices, portraits, settings, a transcript."""

import json
from collections.abc import Sequence
from pathlib import Path

import typer
from rich.console import Console
from rich.table import Table

from pipeline.config_sources import EffectiveSettings


def print_table(headings: Sequence[str], rows: Sequence[Sequence[object]]) -> None:
    """A table on a terminal, tab-separated lines elsewhere (so that scripts can cut them)."""
    console = Console()
    if not console.is_terminal:
        for row in rows:
            typer.echo("\t".join(str(cell) for cell in row))
        return
    table = Table(*headings, box=None, header_style="bold", pad_edge=False)
    for row in rows:
        table.add_row(*(str(cell) for cell in row))
    console.print(table)


def print_settings(effective: EffectiveSettings, *, as_json: bool) -> None:
    """Every setting with its value and source; secrets are hidden."""
    rows = effective.rows()
    if as_json:
        found = {key: {"value": value, "source": source} for key, value, source in rows}
        typer.echo(json.dumps(found, indent=2))
    else:
        shown = [(key, "" if value is None else value, source) for key, value, source in rows]
        print_table(("setting", "value", "from"), shown)


def print_voices(engine: str, *, as_json: bool) -> None:
    """The voices of an engine that work on this machine."""
    from pipeline.plugins import load
    from speech.protocols import TextToSpeech

    voices: TextToSpeech = load("limner.tts", engine)()
    found = voices.voices()
    if as_json:
        fields = ("id", "title", "language", "sex", "description")
        typer.echo(json.dumps([{name: getattr(v, name) for name in fields} for v in found]))
    else:
        rows = [(v.id, v.title, v.language, v.sex, v.description) for v in found]
        print_table(("voice", "title", "language", "sex", "description"), rows)


def print_portraits(*, as_json: bool) -> None:
    """The portraits of the gallery."""
    from avatar.portraits import gallery

    found = gallery()
    if as_json:
        fields = ("name", "title", "description", "sex")
        typer.echo(json.dumps([{name: getattr(p, name) for name in fields} for p in found]))
    else:
        rows = [(p.name, p.title, p.description) for p in found]
        print_table(("portrait", "title", "description"), rows)


def print_transcript(file: Path, engine: str, *, as_json: bool) -> None:
    """What a recogniser hears in a recording. Raises MediaError."""
    from pipeline.plugins import load
    from speech.audio_files import read_audio
    from speech.protocols import SpeechRecogniser
    from speech.types import FEATURE_RATE

    recogniser: SpeechRecogniser = load("limner.asr", engine)()
    heard = recogniser.transcribe(read_audio(file, FEATURE_RATE), FEATURE_RATE)
    if not as_json:
        typer.echo(heard.text)
        return
    words = [{"text": text, "start": start, "end": end} for text, start, end in heard.words]
    typer.echo(json.dumps({"text": heard.text, "words": words, "confidence": heard.confidence}))
