"""`limner doctor`: checks what the chat needs and says the remedies.

A check that fails means that the chat could not start; what only makes it worse is a warning.
"""

import asyncio
import importlib.util
import json
import os
import platform
import shutil
import socket
from collections.abc import Callable, Iterator
from contextlib import suppress
from dataclasses import asdict, dataclass
from fractions import Fraction
from importlib.metadata import PackageNotFoundError, requires, version
from typing import Literal

import typer

from emotion.errors import LimnerError
from pipeline.config import Settings
from pipeline.config_sources import EffectiveSettings

Level = Literal["ok", "warn", "fail"]

MIN_SHARED_MEMORY = 64 * 2**20  # frames of a few sessions
MIN_MEMORY = 1.5 * 2**30
PHRASE = "Hello there."
_NETS = (".onnx", ".safetensors")
# Without these no portrait lives: its surface, what moves it, and what reads pictures and feelings.
_NEEDED = {
    "avatar": (
        "surface.safetensors", "reasoner.onnx", "audio_encoder.onnx", "landmarks.onnx",
        "matte.onnx", "folds.onnx", "completion.onnx",
    ),
    "emotion": ("latents.safetensors",),
}  # fmt: skip


@dataclass(frozen=True, slots=True)
class Finding:
    """What one check found; `remedy` is "" where nothing is to be done."""

    check: str
    level: Level
    detail: str
    remedy: str = ""


@dataclass(frozen=True, slots=True)
class Check:
    """A named question; `gravity` is the level of a failure that it raises."""

    name: str
    gravity: Level
    ask: Callable[[Settings], Finding | str]


def examine(settings: Callable[[], EffectiveSettings]) -> Iterator[Finding]:
    """Run all checks, one finding each as it is known; broken settings are a finding too."""
    effective = Settings()
    try:
        effective = settings().settings
        yield Finding("configuration", "ok", "valid")
    except LimnerError as error:
        yield Finding("configuration", "fail", error.message, error.remedy)
    for check in CHECKS:
        yield _run(check, effective)


def print_findings(findings: Iterator[Finding], *, as_json: bool) -> int:
    """Print each finding as it comes; returns the exit code: 1 if the chat could not start."""
    found = []
    for finding in findings:
        found.append(finding)
        if not as_json:
            remedy = f"\n      -> {finding.remedy}" if finding.remedy else ""
            typer.echo(f"{finding.level.upper():4}  {finding.check}: {finding.detail}{remedy}")
    failed = any(finding.level == "fail" for finding in found)
    if as_json:
        typer.echo(json.dumps({"ok": not failed, "checks": [asdict(f) for f in found]}, indent=2))
    return 1 if failed else 0


def _run(check: Check, settings: Settings) -> Finding:
    try:
        found = check.ask(settings)
    except LimnerError as error:
        return Finding(check.name, check.gravity, error.message, error.remedy)
    except Exception as error:  # a broken library may raise anything; the doctor must go on
        detail = f"{type(error).__name__}: {' '.join(str(error).split())}"
        return Finding(check.name, check.gravity, detail, "Run `make chat` again.")
    return Finding(check.name, "ok", found) if isinstance(found, str) else found


def _python(settings: Settings) -> str:
    return platform.python_version()  # pip refuses versions that are too old


def _packages(settings: Settings) -> Finding | str:
    from packaging.requirements import Requirement

    wrong = []
    needed = [Requirement(text) for text in requires("limner") or ()]
    core = [r for r in needed if r.marker is None or r.marker.evaluate({"extra": ""})]
    for requirement in core:
        try:
            if not requirement.specifier.contains(version(requirement.name), prereleases=True):
                wrong.append(f"{requirement.name} {version(requirement.name)}")
        except PackageNotFoundError:
            wrong.append(f"{requirement.name} missing")
    if wrong:
        return Finding("packages", "fail", ", ".join(wrong), "Run `make chat` to install them.")
    return f"{len(core)} installed"


def _flite(settings: Settings) -> Finding | str:
    from speech.flite import Flite

    if not Flite().available():
        return Finding(
            "flite", "warn", "the library is missing; espeak-ng speaks instead, less naturally",
            "sudo apt-get install libflite1",
        )  # fmt: skip
    return "found"


def _voice(settings: Settings) -> Finding | str:
    import numpy as np

    from emotion.types import EmotionState
    from pipeline.plugins import load
    from speech.protocols import TextToSpeech

    engine: TextToSpeech = load("limner.tts", settings.voice.engine)()
    voices = engine.voices()
    silent = []
    for family in {v.id.partition("/")[0]: v for v in reversed(voices)}.values():
        chunks = engine.stream(PHRASE, family.id, EmotionState.neutral())
        loudest = max((float(np.abs(c.pcm).max(initial=0.0)) for c in chunks), default=0.0)
        if loudest < 0.01:
            silent.append(family.id)
    if silent or not voices:
        return Finding(
            "voice", "fail", f"no sound from {', '.join(silent) or 'any voice'}",
            "Reinstall espeakng-loader (pip install --force-reinstall espeakng-loader).",
        )  # fmt: skip
    return f"{len(voices)} voices, spoken aloud in memory"


def _embeddings(settings: Settings) -> str:
    from emotion.embedding import MiniLM

    return f"{MiniLM().encode([PHRASE]).shape[1]} numbers a sentence, offline"


def _ears(settings: Settings) -> str:
    import numpy as np

    from pipeline.plugins import load
    from speech.protocols import SpeechRecogniser
    from speech.types import FEATURE_RATE

    engine: SpeechRecogniser = load("limner.asr", settings.ears.engine)()
    engine.transcribe(np.zeros(FEATURE_RATE // 2, np.float32), FEATURE_RATE)
    return f"{settings.ears.engine} listens"


def _voice_activity(settings: Settings) -> str:
    from speech.vad import SileroVad

    SileroVad()
    return "Silero VAD loads"


def _gallery(settings: Settings) -> Finding | str:
    from agent.persona import load_persona
    from avatar.portraits import gallery

    found = [portrait.name for portrait in gallery()]
    wanted = settings.avatar.portrait or load_persona(settings.persona).portrait
    if not found:
        return Finding("portraits", "fail", "the gallery is empty", "Check out avatar/gallery.")
    return f"{len(found)} in the gallery; {wanted or found[0]} is chosen"


def _weights(settings: Settings) -> Finding | str:
    found = {package: _weights_of(package) for package in _NEEDED}
    missing = [
        f"{package}/weights/{name}"
        for package, names in _NEEDED.items() for name in names if name not in found[package]
    ]  # fmt: skip
    if missing:
        level: Level = "fail" if settings.avatar.engine == "semo" else "warn"
        remedy = f"Restore them from the repository: git checkout -- {' '.join(missing)}"
        return Finding("weights", level, f"missing: {', '.join(missing)}", remedy)
    return ", ".join(name for names in found.values() for name in names if name.endswith(_NETS))


def _weights_of(package: str) -> list[str]:
    """The files of a package's folder of weights."""
    spec = importlib.util.find_spec(package)
    for folder in (spec.submodule_search_locations if spec else None) or ():
        with suppress(FileNotFoundError):
            return sorted(os.listdir(os.path.join(folder, "weights")))
    return []


def _encoder(settings: Settings) -> Finding | str:
    import av

    missing = [name for name in ("libx264", "aac") if name not in av.codecs_available]
    if missing:
        return Finding(
            "encoders", "warn", f"PyAV lacks {', '.join(missing)}: JPEG pictures, no clips",
            "Reinstall PyAV from its wheel (pip install --force-reinstall av).",
        )  # fmt: skip
    context = av.CodecContext.create("libx264", "w")
    context.width = context.height = settings.avatar.size
    context.pix_fmt, context.framerate = "yuv420p", Fraction(settings.avatar.fps)
    context.open()
    return "H.264 and AAC"


def _port(settings: Settings) -> Finding | str:
    address = (settings.server.host, settings.server.port)
    family = socket.AF_INET6 if ":" in settings.server.host else socket.AF_INET
    with socket.socket(family) as probe:
        # As servers do; without it a chat that just ended would look like a running one.
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        try:
            probe.bind(address)
        except OSError as error:
            return Finding(
                "port", "fail", f"{address[0]}:{address[1]}: {error.strerror}",
                "Is a chat running already? Else choose another: limner chat --port 7861",
            )  # fmt: skip
    return f"{address[0]}:{address[1]} is free"


def _brains(settings: Settings) -> str:
    from agent.models import detect_models
    from pipeline.brains import access_of

    found = asyncio.run(detect_models(access_of(settings.llm)))
    available = [choice.title for choice in found if choice.available]
    return f"set to {settings.llm.model}; here: {', '.join(available)}"


def _shared_memory(settings: Settings) -> Finding | str:
    if not os.path.isdir("/dev/shm"):
        return "the system's own"  # macOS and others have no such folder
    free = shutil.disk_usage("/dev/shm").free
    if free < MIN_SHARED_MEMORY:
        return Finding(
            "shared memory", "fail", f"{free // 2**20} MB free in /dev/shm",
            "Give it 64 MB or more (docker run --shm-size=256m).",
        )  # fmt: skip
    return f"{free // 2**20:,} MB free in /dev/shm"


def _machine(settings: Settings) -> Finding | str:
    import psutil

    cores = len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count()
    memory = psutil.virtual_memory().available
    detail = f"{cores} cores, {memory / 2**30:.1f} GB of memory free"
    if (cores or 1) < 2 or memory < MIN_MEMORY:
        return Finding(
            "machine", "warn", detail, "Try a smaller picture: limner --config fast chat"
        )
    return detail


CHECKS = (
    Check("python", "fail", _python),
    Check("packages", "fail", _packages),
    Check("machine", "warn", _machine),
    Check("shared memory", "fail", _shared_memory),
    Check("port", "fail", _port),
    Check("flite", "warn", _flite),
    Check("voice", "fail", _voice),
    Check("ears", "warn", _ears),
    Check("voice activity", "fail", _voice_activity),
    Check("embeddings", "fail", _embeddings),
    Check("portraits", "fail", _gallery),
    Check("weights", "warn", _weights),
    Check("encoders", "warn", _encoder),
    Check("brain", "warn", _brains),
)
