"""The documents tell the truth: folders, links, commands, settings and code examples."""

import re
import shlex
import subprocess
import sys
import threading
from pathlib import Path
from urllib.parse import unquote

import numpy as np
import pytest
import typer.main

from apps.cli import app
from emotion.types import EmotionState
from pipeline.config_sources import load_settings, parse_override, preset_names, reference

ROOT = Path(__file__).resolve().parent.parent
DOCUMENTS = [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]
README = (ROOT / "README.md").read_text(encoding="utf-8")
PLUGINS = (ROOT / "docs/plugins.md").read_text(encoding="utf-8")
# Commands that need no engine are run; the others are only checked against their options.
QUICK = ("limner config show", "limner portraits", "limner voices")


def blocks(text, language):
    return re.findall(rf"^```{language}\n(.*?)^```", text, re.DOTALL | re.MULTILINE)


def documented_commands():
    found = {}
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        lines = [line for block in blocks(text, "bash") for line in block.splitlines()]
        lines += re.findall(r"`(limner [^`]+|make [^`]+)`", text)
        for line in lines:
            command = line.split("  #")[0].strip()
            if command.startswith(("limner ", "make ")):
                found.setdefault(command, document.name)
    return sorted(found)


def ignored_folders():
    lines = (ROOT / ".gitignore").read_text().split()
    return {line.strip("/") for line in lines if line.endswith("/")}


def test_readme_tree_names_every_folder_and_no_other():
    listed = re.findall(r"^\| `(\w+)/` \|", README, re.MULTILINE)
    present = [
        path.name
        for path in ROOT.iterdir()
        if path.is_dir() and not path.name.startswith(".") and not path.name.endswith(".egg-info")
    ]
    assert sorted(listed) == sorted(set(present) - ignored_folders())


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_links_lead_somewhere(document):
    text = document.read_text(encoding="utf-8")
    targets = re.findall(r"\]\((?!https?:|#)([^)#]+)", text)
    missing = [t for t in targets if not (document.parent / unquote(t)).exists()]
    assert missing == []


def test_named_files_exist():
    paths = "|".join(("agent", "apps", "avatar", "configs", "emotion", "pipeline", "speech"))
    for document in DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        named = re.findall(rf"`((?:{paths})/[\w/]+\.\w+)`", text)
        assert [n for n in named if not (ROOT / n).is_file()] == [], document.name


def test_configuration_reference_is_up_to_date():
    text = (ROOT / "docs/configuration.md").read_text(encoding="utf-8")
    assert text.endswith(reference()), "run: limner config reference"
    for preset in preset_names():
        assert f"`{preset}`" in text


def test_the_yaml_examples_load(tmp_path):
    for document in DOCUMENTS:
        for number, block in enumerate(blocks(document.read_text(encoding="utf-8"), "yaml")):
            file = tmp_path / f"{document.stem}{number}.yaml"
            file.write_text(block)
            load_settings(file=file, environ={})


@pytest.mark.parametrize("command", [c for c in documented_commands() if c.startswith("make")])
def test_documented_command_is_a_make_target(command):
    targets = re.findall(r"^([a-z-]+):", (ROOT / "Makefile").read_text(), re.MULTILINE)
    assert shlex.split(command)[1] in targets


@pytest.mark.parametrize("command", [c for c in documented_commands() if c.startswith("limner")])
def test_documented_command_parses(command):
    words = shlex.split(command)[1:]
    group = typer.main.get_command(app)
    if len(words) == 1:  # only named, as in "see `limner say`"
        assert words[0] in (*group.commands, "--help")
        return
    context = group.make_context("limner", words)
    for assignment in context.params.get("assignments") or ():
        parse_override(assignment)
    _parse_below(group, context)


def _parse_below(group, context):
    """Parse the rest of a command line as its command would, without running it."""
    if not (rest := [*context._protected_args, *context.args]):
        return
    name, command, rest = group.resolve_command(context, rest)
    below = command.make_context(name, list(rest), parent=context)
    if hasattr(command, "resolve_command"):
        _parse_below(command, below)


@pytest.mark.parametrize("command", QUICK)
def test_documented_command_runs(command):
    assert command in documented_commands()
    limner = Path(sys.executable).parent / "limner"
    done = subprocess.run(
        [limner, *command.split()[1:]], cwd=ROOT, capture_output=True, text=True, timeout=60
    )
    assert (done.returncode, done.stderr) == (0, "")
    assert done.stdout.strip()


@pytest.fixture(scope="module")
def examples():
    """Every class of docs/plugins.md, by name."""
    found = {}
    for block in blocks(PLUGINS, "python"):
        space = {"__name__": "example"}
        exec(compile(block, "docs/plugins.md", "exec"), space)
        found |= {k: v for k, v in space.items() if isinstance(v, type)}
    return found


def test_every_plugin_group_is_documented_with_its_setting():
    from pipeline.config_sources import known_settings
    from pipeline.plugins import GROUPS

    rows = dict(re.findall(r"^\| `(limner\.\w+)` .*\| `([\w.]+)` \|$", PLUGINS, re.MULTILINE))
    assert set(rows) == set(GROUPS)
    assert set(rows.values()) <= set(known_settings())


def test_the_example_voice_speaks_and_stops(examples):
    voice = examples["Beeps"]()
    chunks = voice.stream("one two three", voice.voices()[0].id, EmotionState.neutral())
    first = next(chunks)
    assert first.pcm.dtype == np.float32 and np.abs(first.pcm).max() > 0.1
    threading.Thread(target=voice.cancel).run()
    assert list(chunks) == []


def test_the_example_recogniser_hears(examples):
    ears = examples["Optimist"]()
    assert ears.transcribe(np.full(1600, 0.5, np.float32), 16_000).text == "yes"
    assert ears.transcribe(np.zeros(1600, np.float32), 16_000).text == ""


def test_the_example_brain_streams(examples):
    brain = examples["Parrot"]()
    assert "".join(c.text for c in brain.stream("good morning")).split() == ["good", "morning"]
    assert brain.invoke("hello").text == "hello"


def test_the_example_appraiser_feels(examples):
    appraiser = examples["Shouting"]()
    assert appraiser.appraise(text="NO WAY").dominant() == "angry"
    assert appraiser.appraise(text="no way").dominant() == "neutral"


def test_the_example_face_brightens_while_it_speaks(examples):
    from types import SimpleNamespace

    from avatar.types import Activity
    from speech.types import PLAY_RATE, SpeechChunk

    picture = np.full((8, 8, 3), 100, np.uint8)
    stream = examples["Photograph"]().open(SimpleNamespace(rgb=picture), 4, 0)
    speech = SpeechChunk(1, np.zeros(960 * 2, np.float32), PLAY_RATE, 960)
    stream.push(speech, EmotionState.neutral(), Activity.SPEAKING)
    frames = list(stream.frames(5))
    assert [f.index for f in frames] == [0, 1, 2, 3, 4]
    assert frames[0].rgb.shape == (4, 4, 3) and frames[2].rgb.mean() == 100
    stream.clear(9)
    assert next(stream.frames(1)).rgb.mean() == 80
