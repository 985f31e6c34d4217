"""`limner emotion`: what is felt in texts, recordings and labels."""

import json
from collections.abc import Iterable
from pathlib import Path

import numpy as np
import typer
from numpy.typing import NDArray

from emotion.labels import parse_labels
from emotion.protocols import EmotionAppraiser
from emotion.types import EMOTIONS, EmotionState
from pipeline.plugins import load


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

    def show_lines(self, lines: Iterable[bytes]) -> None:
        """A text per line, an object per line: an empty line is neutral."""
        for line in lines:
            text = line.decode("utf-8", errors="replace").strip()
            self._print(self._appraiser.appraise(text=text) if text else EmotionState.neutral())

    def _print(self, state: EmotionState) -> None:
        typer.echo(json.dumps(state.as_dict()) if self._as_json else _words(state))


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
