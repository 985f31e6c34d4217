"""The usable recordings of each speaker, aligned once and remembered on disk."""

import json
import logging
from collections.abc import Iterable
from pathlib import Path

import numpy as np

from avatar.training.performance.align import Aligned, Aligner
from avatar.training.performance.noise import Floats
from avatar.training.performance.recordings import Recording, read_levelled
from avatar.training.performance.speech import Utterance, resampled
from speech.types import FEATURE_RATE, PLAY_RATE, PhoneSpan

ENGLISH = "en"
ENOUGH = 30.0  # s of one speaker that fill takes of its own; others share them
_LOG = logging.getLogger(__name__)


def aligned_voices(recordings: Iterable[Recording], out: Path) -> dict[str, list[Utterance]]:
    """Utterances by speaker, of English recordings with a transcript that fits them. What the
    aligner says is kept in out/aligned."""
    folder = out / "aligned"
    folder.mkdir(parents=True, exist_ok=True)
    aligner: Aligner | None = None
    voices: dict[str, list[Utterance]] = {}
    kept = turned_away = 0.0
    for recording in recordings:
        if recording.language != ENGLISH or not recording.text:
            continue
        pcm = read_levelled(recording)
        memory = folder / f"{recording.path.parent.name}-{recording.path.stem}.json"
        aligned = _remembered(memory, recording.text)
        if aligned is None:
            aligner = aligner or Aligner()
            aligned = aligner.align(pcm, recording.text)
            _remember(memory, aligned, recording.text)
        seconds = len(pcm) / FEATURE_RATE
        if aligned.reason:
            turned_away += seconds
            continue
        kept += seconds
        utterance = _utterance(pcm, aligned, recording.text)
        voices.setdefault(recording.speaker, []).append(utterance)
    _LOG.info(
        "recordings: %.1f min of %d speakers kept, %.1f min turned away",
        kept / 60, len(voices), turned_away / 60,
    )  # fmt: skip
    return _filled(voices)


def seconds_of(utterances: Iterable[Utterance]) -> float:
    """How long they are together."""
    return sum(len(said.pcm) for said in utterances) / PLAY_RATE


def _filled(voices: dict[str, list[Utterance]]) -> dict[str, list[Utterance]]:
    """Speakers of whom there is little put together, so that no take repeats itself."""
    out = {name: said for name, said in voices.items() if seconds_of(said) >= ENOUGH}
    group: list[Utterance] = []
    for name in sorted(set(voices) - set(out)):
        group += voices[name]
        if seconds_of(group) >= ENOUGH:
            out[f"several with {name}"] = group
            group = []
    if group:
        out["several others"] = group
    return out


def _utterance(pcm: Floats, aligned: Aligned, text: str) -> Utterance:
    sound = resampled(pcm, FEATURE_RATE, PLAY_RATE)
    scale = PLAY_RATE / FEATURE_RATE
    phones = tuple(
        PhoneSpan(p.symbol, round(p.start * scale), round(p.end * scale)) for p in aligned.phones
    )
    return Utterance(np.asarray(sound, np.float32), phones, text)


def _remember(path: Path, aligned: Aligned, text: str) -> None:
    spans = [(p.symbol, p.start, p.end) for p in aligned.phones]
    told = {"text": text, "phones": spans, "score": aligned.score, "reason": aligned.reason}
    path.write_text(json.dumps(told))


def _remembered(path: Path, text: str) -> Aligned | None:
    if not path.exists():
        return None
    told = json.loads(path.read_text())
    if told.get("text") != text:
        return None
    phones = tuple(PhoneSpan(symbol, start, end) for symbol, start, end in told["phones"])
    return Aligned(phones, told["score"], told["reason"])
