"""`limner emotion`: what is felt in texts, recordings and labels."""

import json
from collections.abc import Iterator, Sequence
from io import BufferedIOBase
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import typer
from numpy.typing import NDArray

from emotion.labels import parse_labels
from emotion.protocols import EmotionAppraiser
from emotion.types import EMOTIONS, EmotionState
from pipeline.plugins import load

_BLOCK = 16_384  # bytes; some hundred lines, so that results appear soon


@runtime_checkable
class ReadsAhead(Protocol):
    """An appraiser that reads many texts together quicker than one by one."""

    def read_ahead(self, texts: Sequence[str]) -> None:
        """Make ready what `appraise` will need for each of the texts."""
        ...


class Feelings:
    """Appraises inputs with one engine and prints each as an object or as words."""

    def __init__(self, engine: str, *, as_json: bool) -> None:
        self._appraiser: EmotionAppraiser = load("limner.emotion", engine)()
        self._as_json = as_json

    def show(self, text: str | None, audio: Path | None, labels: str | None) -> None:
        """One input, of any kinds together. Raises MediaError on what cannot be read."""
        strengths = _strengths(parse_labels(labels)) if labels is not None else None
        pcm = _recording(audio) if audio is not None else None
        self._print(self._appraiser.appraise(text=text, audio=pcm, labels=strengths))

    def show_lines(self, stream: BufferedIOBase) -> None:
        """A text per line, an object per line: an empty line is neutral."""
        for lines in _waiting_lines(stream):
            texts = [line.decode("utf-8", errors="replace").strip() for line in lines]
            if isinstance(self._appraiser, ReadsAhead):
                self._appraiser.read_ahead([text for text in texts if text])
            for text in texts:
                felt = self._appraiser.appraise(text=text) if text else EmotionState.neutral()
                self._print(felt)

    def _print(self, state: EmotionState) -> None:
        typer.echo(json.dumps(state.as_dict()) if self._as_json else _words(state))


def _waiting_lines(stream: BufferedIOBase) -> Iterator[list[bytes]]:
    """The lines that wait, at once: many of a file, one of a person who types."""
    begun = b""
    while block := stream.read1(_BLOCK):
        *lines, begun = (begun + block).split(b"\n")
        if lines:
            yield lines
    if begun:
        yield [begun]


def _recording(file: Path) -> NDArray[np.float32]:
    from speech.audio_files import read_audio
    from speech.types import FEATURE_RATE

    return read_audio(file, FEATURE_RATE)


def _strengths(state: EmotionState) -> dict[str, float]:
    """Strengths by name; "neutral" where nothing is felt."""
    found = {
        name: float(value)
        for name, value in zip(EMOTIONS, state.strengths(), strict=True)
        if value > 0
    }
    return found or {"neutral": 1.0}


def _words(state: EmotionState) -> str:
    shares = sorted(zip(state.weights, EMOTIONS, strict=True), reverse=True)
    parts = [f"{name} {float(weight):.0%}" for weight, name in shares if weight >= 0.01]
    felt = ", ".join(parts) if parts and state.intensity > 0 else "neutral"
    return f"{felt} (intensity {state.intensity:.2f})"
