"""Real recordings with transcripts: who speaks what, and which speakers are held out."""

import csv
import hashlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from avatar.training.performance.noise import Floats
from emotion.errors import MediaError
from speech.audio_files import read_audio
from speech.types import FEATURE_RATE

LOUD = 0.16  # of the loudest twentieth of a recording after it was levelled (RMS of 20 ms)
_LOUDEST = 0.97


@dataclass(frozen=True, slots=True)
class Recording:
    """text: "" where nobody wrote down what is said."""

    path: Path
    text: str
    speaker: str
    language: str


def read_recordings(folder: Path) -> list[Recording]:
    """What folder/transcripts.csv lists (columns file, text, speaker, set, lang). Raises
    MediaError when there is no such table."""
    table = folder / "transcripts.csv"
    try:
        rows = list(csv.DictReader(table.read_text().splitlines()))
    except OSError as error:
        raise MediaError(f"{table} cannot be read ({error}).", "Check --speech.") from error
    return [
        Recording(
            folder / row["file"], row["text"].strip(), row["speaker"] or row["set"], row["lang"]
        )
        for row in rows
    ]


def is_held_speaker(speaker: str, share: float) -> bool:
    """Whether all of a speaker is held out; the name alone decides."""
    number = int.from_bytes(hashlib.sha256(speaker.encode()).digest()[:6], "big")
    return number / 2**48 < share


def of_split(recordings: list[Recording], *, held: bool, share: float) -> Iterator[Recording]:
    """Those by known, or by held-out, speakers."""
    return (r for r in recordings if is_held_speaker(r.speaker, share) == held)


def read_levelled(recording: Recording) -> Floats:
    """(T,) at FEATURE_RATE with a usual level."""
    pcm = read_audio(recording.path, FEATURE_RATE)
    size = FEATURE_RATE // 50
    pieces = pcm[: len(pcm) // size * size].reshape(-1, size)
    loud = float(np.quantile(np.sqrt((pieces**2).mean(1)), 0.95)) if len(pieces) else 0.0
    gain = LOUD / max(loud, 1e-3)
    return np.asarray(np.clip(pcm * np.float32(gain), -_LOUDEST, _LOUDEST), np.float32)
