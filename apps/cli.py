"""The `limner` command. Only declarations live here; `apps/commands/` does the work.

Importing this module must stay cheap (`limner --help` in under 0.5 s): everything heavy is imported
inside the commands. Exit codes: 0 done, 1 failed with one line on standard error, 2 usage.
"""

import sys
from io import BufferedReader, BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, cast

import typer

if TYPE_CHECKING:
    from pipeline.config_sources import EffectiveSettings

DEBUG = "--debug"


def _readable(text: str | None) -> str | None:
    """Bytes of an argument that are no UTF-8 as replacement characters, not as lone surrogates."""
    return text and text.encode("utf-8", "surrogateescape").decode("utf-8", "replace")


app = typer.Typer(
    name="limner",
    help="Talk face to face with a portrait that listens, feels and answers aloud.",
    no_args_is_help=True,
    add_completion=False,
    pretty_exceptions_enable=False,
    rich_markup_mode=None,  # plain help and one-line errors; also saves a third of the start
    context_settings={"help_option_names": ["-h", "--help"]},
)
config_app = typer.Typer(
    help="Show the configuration.", no_args_is_help=True, rich_markup_mode=None
)
bench_app = typer.Typer(help="Measure this machine.", no_args_is_help=True, rich_markup_mode=None)
app.add_typer(config_app, name="config")
app.add_typer(bench_app, name="bench")

Json = Annotated[bool, typer.Option("--json", help="Print data only, as JSON.")]
Emotion = Annotated[
    str, typer.Option(help='The feeling: "happy:0.8,surprised:0.3"; empty: read from the input.')
]
Portrait = Annotated[str, typer.Option(help="A gallery name or a picture file; empty: persona's.")]
Size = Annotated[int | None, typer.Option(help="Pixels a side, even, 128 to 1024.")]
Out = Annotated[Path, typer.Option(help="The MP4 file to write.")]
Persona = Annotated[str | None, typer.Option(help="Who answers.")]


def _version(wanted: bool) -> None:
    if wanted:
        from importlib.metadata import version

        typer.echo(f"limner {version('limner')}")
        raise typer.Exit


@app.callback()
def options(
    context: typer.Context,
    config: Annotated[str, typer.Option(help="A preset's name or a YAML file.")] = "",
    assignments: Annotated[
        list[str] | None, typer.Option("--set", help="section.key=value; may be repeated.")
    ] = None,
    debug: Annotated[bool, typer.Option(DEBUG, help="Show tracebacks.")] = False,
    version: Annotated[
        bool,
        typer.Option("--version", callback=_version, is_eager=True, help="Show the version."),
    ] = False,
) -> None:
    """Options before the command hold for every command."""
    context.obj = (config, tuple(assignments or ()))


def _settings(
    context: typer.Context, log_level: str = "warning", **overrides: object
) -> "EffectiveSettings":
    """The effective settings; `overrides` with __ for the dot (avatar__size=256).

    Also sends the log to standard error, where only warnings appear unless the command asks.
    """
    from apps.logs import configure_logging
    from pipeline.config_sources import load_settings, parse_override

    config, assignments = context.obj
    values: dict[str, object] = dict(parse_override(text) for text in assignments)
    values |= {
        key.replace("__", "."): value for key, value in overrides.items() if value is not None
    }
    effective = load_settings(values, file=config or None)
    configure_logging(effective.settings.log, log_level)
    return effective


@app.command()
def chat(
    context: typer.Context,
    host: Annotated[str | None, typer.Option(help="Address to listen on.")] = None,
    port: Annotated[int | None, typer.Option(help="Port to listen on.")] = None,
    persona: Persona = None,
    model: Annotated[str | None, typer.Option(help="The brain, e.g. ollama:llama3.2.")] = None,
    size: Size = None,
) -> None:
    """Open the page where you talk with the portrait."""
    settings = _settings(
        context,
        server__host=host,
        server__port=port,
        persona=persona,
        llm__model=model,
        avatar__size=size,
        log_level="",
    )
    from apps.chat import serve

    serve(settings)


@app.command()
def say(
    context: typer.Context,
    text: Annotated[str, typer.Argument(help="What to say.", callback=_readable)],
    out: Out,
    portrait: Portrait = "",
    emotion: Emotion = "",
    voice: Annotated[str | None, typer.Option(help="A voice of `limner voices`.")] = None,
    size: Size = None,
) -> None:
    """Render a clip (H.264 + AAC) of a portrait that says TEXT."""
    settings = _settings(context, voice__id=voice, avatar__size=size)
    from apps.commands.clips import Look, say_text

    say_text(text, Look(portrait, emotion), settings.settings, out)


@app.command()
def drive(
    context: typer.Context,
    audio: Annotated[Path, typer.Option(help="The speech that drives the face.")],
    out: Out,
    portrait: Portrait = "",
    emotion: Emotion = "",
    size: Size = None,
) -> None:
    """Render a clip of a portrait that speaks a recording."""
    settings = _settings(context, avatar__size=size)
    from apps.commands.clips import Look, drive_audio

    drive_audio(audio, Look(portrait, emotion), settings.settings, out)


@app.command()
def reenact(
    context: typer.Context,
    video: Annotated[Path, typer.Option(help="The video of a person who drives the face.")],
    out: Out,
    portrait: Portrait = "",
    relative: Annotated[
        bool,
        typer.Option("--relative", help="Add the driver's changes to the portrait's own look."),
    ] = False,
    start: Annotated[float, typer.Option(min=0, help="Seconds of the video to leave out.")] = 0,
    seconds: Annotated[float, typer.Option(min=0, help="Seconds to use; 0: to the end.")] = 0,
    person: Annotated[
        Path | None,
        typer.Option(help="What train motion --adapt learned of the portrait's person."),
    ] = None,
    size: Size = None,
) -> None:
    """Render a clip of a portrait that does what the person in a video does."""
    settings = _settings(context, avatar__size=size)
    from apps.commands.clips import Taken, reenact_video

    taken = Taken(video, start, seconds, relative, person)
    typer.echo(reenact_video(taken, portrait, settings.settings, out), err=True)


@app.command()
def reply(
    context: typer.Context,
    text: Annotated[str, typer.Argument(help="What you say.", callback=_readable)],
    persona: Persona = None,
    session: Annotated[str, typer.Option(help="Go on with this conversation.")] = "",
    json: Json = False,
) -> None:
    """Answer TEXT, clause by clause."""
    settings = _settings(context, persona=persona)
    from apps.commands.reply import print_reply

    print_reply(text, session, settings.settings, as_json=json)


@app.command()
def emotion(
    context: typer.Context,
    text: Annotated[
        str | None, typer.Option(help="Read the feeling of a text.", callback=_readable)
    ] = None,
    audio: Annotated[Path | None, typer.Option(help="Read it from a recording.")] = None,
    labels: Annotated[str | None, typer.Option(help='"happy:0.8", "sadly angry".')] = None,
    units: Annotated[str | None, typer.Option(help='Action units: "AU6:0.5,AU12:0.7".')] = None,
    stdin: Annotated[bool, typer.Option("--stdin", help="A text per line.")] = False,
    json: Json = False,
) -> None:
    """Say what is felt in a text, a recording, labels or action units, and by which words."""
    given = [part for part in (text, audio, labels, units) if part is not None]
    if not stdin and not given:
        raise typer.BadParameter("give --text, --audio, --labels, --units or --stdin")
    if stdin and given:
        raise typer.BadParameter("--stdin stands alone")
    settings = _settings(context)
    from apps.commands.feelings import Feelings, Inputs

    feelings = Feelings(settings.settings.emotion.engine, as_json=json)
    if stdin:
        # Without a standard input (`<&-`) there are no lines; its type knows no `read1`.
        feelings.show_lines(cast("BufferedReader", sys.stdin.buffer) if sys.stdin else BytesIO())
    else:
        feelings.show(Inputs(text, audio, labels, units))


@app.command()
def transcribe(
    context: typer.Context,
    file: Annotated[Path, typer.Argument(help="A recording in any usual format.")],
    json: Json = False,
) -> None:
    """Write down what is said in a recording."""
    settings = _settings(context)
    from apps.commands.listing import print_transcript

    print_transcript(file, settings.settings.ears.engine, as_json=json)


@app.command()
def voices(context: typer.Context, json: Json = False) -> None:
    """List the voices that can be used on this machine."""
    settings = _settings(context)
    from apps.commands.listing import print_voices

    print_voices(settings.settings.voice.engine, as_json=json)


@app.command()
def portraits(json: Json = False) -> None:
    """List the portraits of the gallery."""
    from apps.commands.listing import print_portraits

    print_portraits(as_json=json)


@app.command()
def doctor(context: typer.Context, json: Json = False) -> None:
    """Check everything the chat needs and say the remedies."""
    from apps.doctor import examine, print_findings

    findings = examine(lambda: _settings(context))
    raise typer.Exit(print_findings(findings, as_json=json))


@app.command(
    "train",
    # Each part has options of its own, `--help` included.
    context_settings={
        "allow_extra_args": True,
        "ignore_unknown_options": True,
        "help_option_names": [],
    },
)
def train(
    context: typer.Context,
    part: Annotated[str, typer.Argument(help="motion, reasoner, ...; then its options.")],
) -> None:
    """Train a network anew: `limner train surface --help` lists what it takes."""
    from apps.commands.training import run

    raise typer.Exit(run(part, context.args))


@app.command(
    "evaluate",
    context_settings={
        "allow_extra_args": True,
        "ignore_unknown_options": True,
        "help_option_names": [],
    },
)
def evaluate(
    context: typer.Context,
    what: Annotated[str, typer.Argument(help="motion, sync, emotion, life, ...")],
) -> None:
    """Judge the face on held-out people: `limner evaluate motion --help` lists what it takes."""
    from apps.commands.evaluating import run

    raise typer.Exit(run(what, context.args))


@app.command(
    "synthesize",
    context_settings={
        "allow_extra_args": True,
        "ignore_unknown_options": True,
        "help_option_names": [],
    },
)
def synthesize(context: typer.Context) -> None:
    """Make training data: rendered people, re-posed photos, or `performances` of speech."""
    from apps.commands.synthesize import run

    raise typer.Exit(run(context.args))


@bench_app.command("chat")
def bench_chat(
    context: typer.Context,
    turns: Annotated[int, typer.Option(min=1, max=10_000, help="Turns to measure.")] = 50,
    json: Json = False,
) -> None:
    """Measure the live path: first sound, first frame, smoothness, interruption."""
    settings = _settings(context)
    from apps.bench import bench_chat as run

    run(settings.settings, turns=turns, as_json=json)


@bench_app.command("render")
def bench_render(
    engine: Annotated[
        list[str] | None, typer.Option(help="A renderer; may be repeated; none: all.")
    ] = None,
    size: Annotated[
        list[int] | None, typer.Option(min=128, max=1024, help="Pixels a side; may be repeated.")
    ] = None,
    portraits: Annotated[int, typer.Option(min=1, max=16, help="Of the gallery.")] = 4,
    frames: Annotated[int, typer.Option(min=5, max=10_000, help="Of each portrait.")] = 200,
    json: Json = False,
) -> None:
    """Measure the renderers: frames a second on one core, memory and start of a portrait."""
    from apps.commands.rendering import bench_render as run

    run(engine or (), size or (256, 512), portraits, frames, as_json=json)


@config_app.command("show")
def config_show(context: typer.Context, json: Json = False) -> None:
    """Print every setting in force and where its value came from."""
    from apps.commands.listing import print_settings

    print_settings(_settings(context), as_json=json)


@config_app.command("reference")
def config_reference() -> None:
    """Print all settings with their defaults as a Markdown table."""
    from pipeline.config_sources import reference

    typer.echo(reference(), nl=False)


def main() -> None:
    """Run the command; the entry point of `limner`."""
    try:
        app()
    except SystemExit as ended:
        # Whoever read our output (`| head -1`) has enough: no failure, though typer exits with 1.
        if isinstance(ended.__context__, BrokenPipeError):
            sys.exit(0)
        raise
    except Exception as error:
        if DEBUG in sys.argv[1:]:
            raise
        from apps.commands.failures import one_line

        typer.echo(f"limner: {one_line(error)}", err=True)
        sys.exit(1)


if __name__ == "__main__":
    main()
