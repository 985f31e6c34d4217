"""The `limner` command as scripts see it: the installed program, its output and its exit codes."""

import json
import os
import subprocess
import sys
import time
from pathlib import Path

import pytest
import structlog

from apps.cli import main
from apps.commands.conversations import Conversation
from apps.commands.failures import one_line
from apps.commands.reply import clauses
from emotion.errors import ConfigError, MediaError
from emotion.types import EMOTIONS

ROOT = Path(__file__).resolve().parent.parent
LIMNER = Path(sys.executable).parent / "limner"
PRIVATE = ("LIMNER_", "OPENAI_", "OLLAMA_")
SECONDS = 90  # a bound on hanging, not a measure


@pytest.fixture
def limner(tmp_path):
    """Run the installed command in an empty folder with an environment without surprises."""
    environ = {k: v for k, v in os.environ.items() if not k.startswith(PRIVATE)}
    environ |= {"XDG_STATE_HOME": str(tmp_path / "state")}

    def run(*words, stdin="", **variables):
        return subprocess.run(
            [LIMNER, *map(str, words)], cwd=tmp_path, input=stdin, env=environ | variables,
            capture_output=True, text=True, timeout=SECONDS,
        )  # fmt: skip

    return run


@pytest.fixture
def inside(tmp_path, monkeypatch, capsys):
    """The same in this process: quicker, for the many ways in which commands fail."""
    for name in [n for n in os.environ if n.startswith(PRIVATE)]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path / "state"))
    monkeypatch.chdir(tmp_path)

    def run(*words):
        monkeypatch.setattr(sys, "argv", ["limner", *map(str, words)])
        with pytest.raises(SystemExit) as ended:
            main()
        code = ended.value.code or 0
        return subprocess.CompletedProcess(words, code, *capsys.readouterr())

    yield run
    structlog.reset_defaults()  # the command's log goes to a standard error that is gone now


def objects(done):
    assert done.returncode == 0, done.stderr
    return [json.loads(line) for line in done.stdout.splitlines()]


def assert_failed(done, *words):
    """Exit code 1 and one clear line."""
    assert done.returncode == 1, done.stdout + done.stderr
    assert done.stderr.startswith("limner: ") and done.stderr.count("\n") == 1
    assert "Traceback" not in done.stderr and "unexpected" not in done.stderr
    for word in words:
        assert word in done.stderr


# --- the frame: help, usage, configuration ---


def test_help_is_quick_and_names_every_command(limner):
    seconds = []
    for _ in range(5):  # the best of five: other work on the machine is not the command's
        start = time.perf_counter()
        done = limner("--help")
        seconds.append(time.perf_counter() - start)
    assert done.returncode == 0
    assert min(seconds) < 0.5
    wanted = "chat say drive reply emotion transcribe voices portraits doctor bench config"
    assert all(f"\n  {name} " in done.stdout for name in wanted.split())


@pytest.mark.parametrize(
    "words",
    [
        ["frobnicate"],
        ["--frob"],
        ["say"],
        ["say", "Hello."],
        ["say", "Hello.", "--out", "a.mp4", "--size", "big"],
        ["drive", "--out", "a.mp4"],
        ["reply"],
        ["emotion"],
        ["emotion", "--stdin", "--text", "x"],
        ["transcribe"],
        ["bench", "chat", "--turns", "0"],
    ],
    ids=" ".join,
)
def test_wrong_usage_exits_with_2(limner, words):
    done = limner(*words)
    assert (done.returncode, done.stdout) == (2, "")
    assert "Usage: limner" in done.stderr and "Traceback" not in done.stderr


def test_no_words_show_the_help(limner):
    done = limner()
    assert "Usage: limner" in done.stdout + done.stderr


def test_version(limner):
    assert limner("--version").stdout == "limner 0.1.0\n"


def test_config_show_says_where_values_come_from(limner, tmp_path):
    (tmp_path / "mine.yaml").write_text("avatar: {size: 256}\n")
    done = limner(
        "--config", "mine.yaml", "--set", "server.port=9000", "config", "show", "--json",
        LIMNER_PERSONA="lin", OPENAI_API_KEY="sk-secret",
    )  # fmt: skip
    assert done.returncode == 0 and "sk-secret" not in done.stdout
    found = json.loads(done.stdout)
    assert found["avatar.size"] == {"value": 256, "source": "mine.yaml"}
    assert found["server.port"] == {"value": 9000, "source": "command line"}
    assert found["persona"] == {"value": "lin", "source": "environment LIMNER_PERSONA"}
    assert found["stream.codec"] == {"value": "auto", "source": "default"}


def test_config_show_is_tab_separated_where_there_is_no_terminal(limner):
    rows = [line.split("\t") for line in limner("config", "show").stdout.splitlines()]
    assert ["avatar.size", "512", "default"] in rows and {len(row) for row in rows} == {3}


def test_unknown_settings_fail_with_the_known_ones(limner, inside):
    assert_failed(inside("--set", "avatar.sise=2", "config", "show"), "avatar.size", "avatar.fps")
    assert_failed(limner("config", "show", LIMNER_FOO="1"), "LIMNER_FOO", "avatar")
    assert_failed(inside("--config", "nope", "config", "show"), "fast, public, quality")


def test_debug_shows_the_traceback(limner):
    done = limner("--debug", "--config", "nope", "config", "show")
    assert done.returncode == 1 and "Traceback" in done.stderr


# --- emotion ---


def check_state(found):
    assert set(found) >= {"weights", "intensity", "neutral"}
    assert tuple(found["weights"]) == EMOTIONS
    assert 0 <= found["intensity"] <= 1
    assert found["neutral"] == pytest.approx(1 - found["intensity"], abs=1e-3)


def test_emotion_of_labels(inside):
    (found,) = objects(inside("emotion", "--labels", "happy:0.8,surprised:0.4", "--json"))
    check_state(found)
    assert found["weights"]["happy"] == pytest.approx(2 / 3, abs=1e-3)
    assert found["intensity"] == pytest.approx(0.8)


def test_emotion_of_a_text_says_which_words_moved_it(inside):
    text = "The bus was late and I am furious about it."
    (found,) = objects(inside("emotion", "--text", text, "--json"))
    check_state(found)
    assert 0.5 < found["confidence"] <= 1
    first = found["moved_by"][0]
    assert (first["text"], first["emotion"]) == ("furious", "angry") and first["change"] > 0.1
    lines = inside("emotion", "--text", text).stdout.splitlines()
    assert "confidence" in lines[0] and lines[1].startswith("  furious: angry +")


def test_emotion_of_action_units(inside):
    (found,) = objects(inside("emotion", "--units", "AU6:0.6,AU12:0.8", "--json"))
    check_state(found)
    assert max(found["weights"], key=found["weights"].get) == "happy"
    for wrong in ("", "smile:1", "AU12:much", "AU12:7"):
        assert_failed(inside("emotion", "--units", wrong))


def test_emotion_of_lines_gives_an_object_for_each(limner):
    lines = "I am so happy today, this is wonderful!\n\n<script>alert(1)</script>\n\x00\ud83d\n"
    done = limner("emotion", "--stdin", "--json", stdin=lines.encode("utf-8", "replace").decode())
    found = objects(done)
    assert len(found) == 4
    for state in found:
        check_state(state)
    assert max(found[0]["weights"], key=found[0]["weights"].get) == "happy"
    assert found[1]["neutral"] == 1


def test_emotion_of_nothing_and_of_a_huge_text(limner, inside):
    assert objects(limner("emotion", "--stdin", "--json")) == []
    check_state(objects(inside("emotion", "--text", "wow " * 25_000, "--json"))[0])


def test_emotion_of_lines_without_a_standard_input_or_a_last_line_break(tmp_path):
    for end, count in (("<&-", 0), ("< lines.txt", 3)):
        (tmp_path / "lines.txt").write_bytes(b"glad\r\n\xff\xfe\nno end")
        script = f"{LIMNER} emotion --stdin --json {end}"
        done = subprocess.run(
            ["bash", "-c", script], cwd=tmp_path, capture_output=True, text=True, timeout=SECONDS
        )
        assert len(objects(done)) == count


def test_arguments_that_are_no_text_are_read_all_the_same(limner):
    (found,) = objects(limner("emotion", "--text", "I am happy \udcff", "--json"))
    assert found["weights"]["happy"] > 0.5
    assert objects(limner("reply", "hello \udcff", "--session", "s", "--json"))
    assert objects(limner("reply", "hello again", "--session", "s", "--json"))[0]["turn"] == 2


def test_emotion_in_words(inside):
    assert inside("emotion", "--labels", "neutral").stdout == "neutral (intensity 0.00)\n"


@pytest.mark.parametrize("labels", ["", "joyous", "happy:2", "happy:much", "happy:nan"])
def test_bad_labels_fail(inside, labels):
    assert_failed(inside("emotion", "--labels", labels))


@pytest.mark.parametrize("command", [["transcribe"], ["emotion", "--audio"]], ids=" ".join)
def test_bad_recordings_fail(inside, tmp_path, command):
    (tmp_path / "empty.wav").touch()
    (tmp_path / "noise.wav").write_bytes(bytes(range(256)) * 40)
    for name in ("empty.wav", "noise.wav", "absent.wav", "."):
        assert_failed(inside(*command, name))


# --- what there is ---


def test_voices_and_portraits_are_data(inside):
    (voices,) = objects(inside("voices", "--json"))
    (portraits,) = objects(inside("portraits", "--json"))
    assert {"id", "title", "language", "sex", "description"} <= set(voices[0])
    assert any(voice["id"].startswith("espeak/") for voice in voices)
    assert {"name", "title", "description"} <= set(portraits[0]) and len(portraits) >= 4


def test_an_unknown_engine_lists_the_known_ones(inside):
    assert_failed(inside("--set", "voice.engine=nope", "voices"), "Known: embedded")


@pytest.mark.parametrize("command", ["config show", "doctor", "emotion --stdin --json"])
def test_a_closed_pipe_is_no_failure(command, tmp_path):
    lines = tmp_path / "lines.txt"
    lines.write_text("wow\n" * 5_000)
    script = f"set -o pipefail; {LIMNER} {command} < {lines} | head -1"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=SECONDS)
    assert (done.returncode, done.stderr, done.stdout.count("\n")) == (0, "", 1)


@pytest.mark.parametrize("command", ["voices", "emotion --labels sad", "--help"])
def test_a_full_disk_behind_the_output_fails_clearly(command):
    script = f"{LIMNER} {command} > /dev/full"
    done = subprocess.run(["bash", "-c", script], capture_output=True, text=True, timeout=SECONDS)
    assert_failed(done, "No space left")


# --- reply ---


def test_reply_gives_a_line_a_clause_and_remembers(limner):
    first = objects(limner("reply", "My name is Ada.", "--session", "s1", "--json"))
    assert [set(o) for o in first] == [{"turn", "index", "text", "emotion_text", "final"}] * len(
        first
    )
    assert [o["index"] for o in first] == list(range(len(first)))
    assert [o["final"] for o in first] == [False] * (len(first) - 1) + [True]
    assert all(o["text"] and o["turn"] == 1 for o in first)
    again = objects(limner("reply", "What is my name?", "--session", "s1", "--json"))
    assert again[0]["turn"] == 2 and "Ada" in " ".join(o["text"] for o in again)
    other = objects(limner("reply", "What is my name?", "--session", "s2", "--json"))
    assert "Ada" not in " ".join(o["text"] for o in other)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["reply", ""], "empty"),
        (["reply", "a" * 100_000], "100,000"),
        (["reply", "Hi.", "--persona", "nobody"], "nobody"),
        (["reply", "Hi.", "--session", "../x"], "session"),
        (["--set", "llm.model=nonsense", "reply", "Hi."], "nonsense"),
        (["--set", "llm.model=server:x", "--set", "llm.base_url=http://127.0.0.1:9/v1",
          "reply", "Hi."], "reach"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)  # fmt: skip
def test_reply_failures_are_one_line(inside, words, said):
    assert_failed(inside(*words), said)


async def test_clauses_without_words_are_folded_into_the_last():
    from agent.types import ReplyChunk

    async def reply():
        yield ReplyChunk(1, 0, "One.", "", False)
        yield ReplyChunk(1, 1, "Two.", "", False)
        yield ReplyChunk(1, 2, "", "", True)

    found = [chunk async for chunk in clauses(reply())]
    assert [(c.text, c.final) for c in found] == [("One.", False), ("Two.", True)]


def test_conversations_are_kept_and_damage_is_told(tmp_path, monkeypatch):
    from agent.types import ReplyChunk

    monkeypatch.setenv("XDG_STATE_HOME", str(tmp_path))
    said = ReplyChunk(1, 0, "Hello Ada.", "glad", True)
    Conversation.load("one").add("I am Ada.", [said])
    again = Conversation.load("one")
    assert again.exchanges == [("I am Ada.", (said,))]
    assert Conversation.load("").exchanges == [] and Conversation.load("two").exchanges == []
    for damage in ("{", '[{"user": 1}]', '{"a": 1}', '[{"user": "a", "reply": [1]}]'):
        again.file.write_text(damage)
        with pytest.raises(MediaError, match="Delete it"):
            Conversation.load("one")


def test_a_conversation_that_cannot_be_kept_is_said_and_told(limner):
    done = limner("reply", "Hello.", "--session", "s", "--json", XDG_STATE_HOME="/proc/none")
    assert_failed(done, "could not be kept in /proc/none/limner/sessions/s.json", "XDG_STATE_HOME")
    assert json.loads(done.stdout.splitlines()[0])["text"]


def test_a_server_that_is_set_but_silent_is_told(limner):
    done = limner("reply", "Hello.", "--json", OPENAI_BASE_URL="http://127.0.0.1:9/v1")
    assert objects(done) and done.stderr.count("\n") == 1
    assert "http://127.0.0.1:9/v1 did not list its models" in done.stderr


@pytest.mark.parametrize("name", ["../x", ".hidden", "a/b", "x" * 65, "a b", "\n"])
def test_session_names_are_plain(name):
    with pytest.raises(ConfigError, match="no name for a session"):
        Conversation.load(name)


# --- clips ---


def streams_of(path):
    import av

    with av.open(str(path)) as clip:
        found = {s.type: s for s in clip.streams}
        frames = sum(1 for _ in clip.decode(found["video"]))
        video, audio = found["video"].codec_context, found["audio"].codec_context
        return (video.name, video.width, video.height, audio.name), frames, clip.duration / 1e6


@pytest.mark.slow
def test_say_and_drive_make_clips(limner, tmp_path):
    done = limner("say", "Hello there.", "--portrait", "mara", "--emotion",
                  "happy:0.8,surprised:0.3", "--size", 128, "--out", "one.mp4")  # fmt: skip
    assert (done.returncode, done.stdout) == (0, ""), done.stderr
    kind, frames, seconds = streams_of(tmp_path / "one.mp4")
    assert kind == ("h264", 128, 128, "aac") and frames >= 15
    assert frames / 25 == pytest.approx(seconds, abs=0.2)
    done = limner("drive", "--audio", "one.mp4", "--size", 128, "--out", "two.mp4")
    assert done.returncode == 0, done.stderr
    _, driven, _ = streams_of(tmp_path / "two.mp4")
    assert abs(driven - frames) <= 15


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["say", ""], "empty"),
        (["say", "🙂 ...", "--size", 128], "nothing in the text"),
        (["--set", "limits.max_clip_s=1", "say", "One two three. " * 9], "more than 1 seconds"),
        (["say", "Hi.", "--portrait", "nobody"], "nobody"),
        (["say", "Hi.", "--portrait", "x" * 5_000], "no portrait"),
        (["say", "Hi.", "--portrait", "broken.png"], "broken.png"),
        (["say", "Hi.", "--emotion", "blah"], "blah"),
        (["say", "Hi.", "--voice", "no/voice"], "no/voice"),
        (["say", "Hi.", "--size", 129], "avatar.size"),
        (["drive", "--audio", "absent.wav"], "absent.wav"),
        (["drive", "--audio", "broken.png"], "broken.png"),
    ],
    ids=lambda value: value if isinstance(value, str) else None,
)
def test_clips_that_cannot_be_made_leave_nothing(inside, tmp_path, words, said):
    (tmp_path / "broken.png").write_bytes(b"\x89PNG not a picture")
    assert_failed(inside(*words, "--out", "clip.mp4"), said)
    assert not list(tmp_path.glob("clip*"))


def test_a_clip_that_cannot_be_written_fails(inside):
    assert_failed(inside("say", "Hi.", "--size", 128, "--out", "no/such/folder/clip.mp4"))


# --- doctor ---


def test_doctor_finds_the_chat_able_to_start(inside):
    done = inside("--set", "server.port=0", "doctor", "--json")
    assert done.returncode == 1  # port 0 is out of bounds: broken settings are a finding
    report = json.loads(done.stdout)
    by_name = {check["check"]: check for check in report["checks"]}
    assert by_name["configuration"]["level"] == "fail" and by_name["configuration"]["remedy"]
    wrong = [c for c in report["checks"] if c["level"] == "fail"]
    assert {c["check"] for c in wrong} <= {"configuration", "port"}, wrong


def test_doctor_names_missing_weights(monkeypatch):
    from apps import doctor
    from pipeline.config import Settings

    monkeypatch.setattr(doctor, "_weights_of", lambda package: ["surface.safetensors"])
    semo, warp = Settings(), Settings.model_validate({"avatar": {"engine": "warp"}})
    found = doctor._weights(semo)
    assert found.level == "fail" and "avatar/weights/reasoner.onnx" in found.detail
    assert "surface" not in found.detail and "git checkout" in found.remedy
    assert doctor._weights(warp).level == "warn"


def test_doctor_names_the_port_in_use(inside):
    import socket

    with socket.socket() as taken:
        taken.bind(("127.0.0.1", 0))
        taken.listen()
        port = taken.getsockname()[1]
        done = inside("--set", f"server.port={port}", "doctor")
    assert done.returncode == 1
    assert f"FAIL  port: 127.0.0.1:{port}" in done.stdout and "-> " in done.stdout


# --- failures ---


def test_one_line_is_one_line():
    assert one_line(ConfigError("A\nB.", "C.")) == "A B. C."
    assert one_line(OSError(28, "No space left on device", "x.mp4")).startswith("No space left")
    assert "unexpected ValueError" in one_line(ValueError("odd"))
    assert len(one_line(ValueError("x" * 10_000))) <= 1000
