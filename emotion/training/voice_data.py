"""Clips of voices with what they feel: clauses of performances, and real readings as neutral ones.

A performance is an npz with pcm (int16 at 16 kHz), `clauses` (JSON: start and end in frames of
640 samples, emotions by name, voice); made by `avatar.training.performance`. Real recordings are
a folder with transcripts.csv (file, emotion, speaker, lang, ...).

Axis legend: n clips, F frames of 20 ms.
"""

import csv
import json
import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emotion.types import EMOTIONS
from emotion.voice_arousal import strengths_from_voice
from emotion.voice_features import VoiceFeatures, voice_features

LOG = logging.getLogger(__name__)

_FRAME = 640
_SHORTEST = 0.6  # seconds of a clause
_RATE = 16_000
_NEUTRAL_SETS = (
    "kathleen",
    "librispeech_train_clean_100",
    "librispeech_test_other",
    "ljspeech_sample",
)
_HELD_SPEAKERS = 5  # one in so many is held out
_GERMAN = {"amused": "happy", "angry": "angry", "disgusted": "disgusted", "neutral": "neutral",
           "surprised": "surprised"}  # fmt: skip


@dataclass(frozen=True, slots=True, eq=False)
class Clip:
    """features; strengths: (6,) in [0, 1]; speaker; real: a person, not a synthetic voice."""

    features: VoiceFeatures
    strengths: NDArray[np.float32]
    speaker: str
    real: bool


def performed(folder: Path, most: int, seed: int = 5) -> list[Clip]:
    """Clauses of at most `most` performances of a folder, in order of their files."""
    rng = np.random.default_rng(seed)
    files = sorted(folder.glob("*.npz"))[:most]
    clips = [clip for file in files for clip in _clauses(file, rng)]
    LOG.info("%s: %d clauses of %d performances", folder.name, len(clips), len(files))
    return clips


def real_readings(folder: Path, most: int, *, held: bool) -> list[Clip]:
    """Readings aloud by real people, nearly without feeling: as much as `strengths_from_voice`
    says, which is at most weak. held: by the speakers that are held out."""
    clips = []
    for row in _table(folder):
        if row["set"] not in _NEUTRAL_SETS or _is_held(row["speaker"]) != held:
            continue
        sound = _read(folder / row["file"])[: 6 * _RATE]
        # Nobody labelled these; how aroused they sound is all that is asked of real voices.
        felt = strengths_from_voice(sound)
        clips.append(Clip(voice_features(sound), felt, row["speaker"], True))
        if len(clips) == most:
            break
    return clips


def real_german(folder: Path) -> list[tuple[str, Clip]]:
    """One person's acted feelings, for a held-out look only: (name, clip)."""
    found = []
    for row in _table(folder):
        if row["set"] == "thorsten_emotional_de" and row["emotion"] in _GERMAN:
            name = _GERMAN[row["emotion"]]
            strengths = np.array([float(name == e) for e in EMOTIONS], np.float32)
            clip = Clip(voice_features(_read(folder / row["file"])), strengths, "thorsten", True)
            found.append((name, clip))
    return found


def _clauses(file: Path, rng: np.random.Generator) -> Iterator[Clip]:
    with np.load(file, allow_pickle=False) as take:
        pcm = take["pcm"]
        clauses = json.loads(str(take["clauses"]))
    for clause in clauses:
        sound = pcm[clause["start"] * _FRAME : clause["end"] * _FRAME].astype(np.float32) / 32768
        if len(sound) < _SHORTEST * _RATE:
            continue
        strengths = np.array([clause["emotions"].get(name, 0.0) for name in EMOTIONS], np.float32)
        yield Clip(voice_features(_recorded(sound, rng)), strengths, clause["voice"], False)


def _recorded(sound: NDArray[np.float32], rng: np.random.Generator) -> NDArray[np.float32]:
    """As another microphone hears it: gain, noise, a tilt of the spectrum."""
    gain = 10 ** rng.uniform(-1.2, 0.3)
    tilt = rng.uniform(-0.6, 0.6)
    heard = sound.copy()
    heard[1:] += np.float32(tilt) * sound[:-1]
    noise = rng.normal(0, 10 ** rng.uniform(-4.5, -2.2), len(sound))
    return np.clip(gain * heard + noise, -1, 1).astype(np.float32)


def _is_held(speaker: str) -> bool:
    return sum(speaker.encode()) % _HELD_SPEAKERS == 0


def _table(folder: Path) -> list[dict[str, str]]:
    with (folder / "transcripts.csv").open(newline="", encoding="utf-8") as stream:
        return list(csv.DictReader(stream))


def _read(file: Path) -> NDArray[np.float32]:
    import soundfile

    sound, rate = soundfile.read(file, dtype="float32", always_2d=True)
    if rate != _RATE:
        import soxr

        return np.asarray(soxr.resample(sound[:, 0], rate, _RATE), np.float32)
    return np.asarray(sound[:, 0], np.float32)
