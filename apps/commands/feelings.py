"""`limner emotion`: what is felt in texts, recordings and labels."""

import json
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from io import BufferedIOBase
from pathlib import Path
from typing import Protocol, runtime_checkable

import numpy as np
import typer
from numpy.typing import NDArray

from emotion.errors import MediaError
from emotion.labels import parse_labels
from emotion.latents import Moved
from emotion.protocols import EmotionAppraiser
from emotion.types import EMOTIONS, EmotionState
from pipeline.plugins import load

_SHOWN = 8  # words that moved the reading
_BLOCK = 16_384  # bytes; some hundred lines, so that results appear soon


@runtime_checkable
class ReadsAhead(Protocol):
    """An appraiser that reads many texts together quicker than one by one."""

    def read_ahead(self, texts: Sequence[str]) -> None:
        """Make ready what `appraise` will need for each of the texts."""
        ...


@runtime_checkable
class Explains(Protocol):
    """An appraiser that can say how sure it is, and which words moved it."""

    def confidence(self, text: str) -> float:
        """How sure the reading of a text is, in [0, 1]."""
        ...

    def explain(self, text: str) -> Sequence[Moved]:
        """The words that move the reading, the strongest first."""
        ...


@dataclass(frozen=True, slots=True)
class Inputs:
    """What is given, each as a person writes it. units: "AU6:0.5,AU12:0.7"."""

    text: str | None = None
    audio: Path | None = None
    labels: str | None = None
    units: str | None = None


class Feelings:
    """Appraises inputs with one engine and prints each as an object or as words."""

    def __init__(self, engine: str, *, as_json: bool) -> None:
        self._appraiser: EmotionAppraiser = load("limner.emotion", engine)()
        self._as_json = as_json

    def show(self, given: Inputs) -> None:
        """One input, of any kinds together. Raises MediaError on what cannot be read."""
        labels, text = given.labels, given.text
        state = self._appraiser.appraise(
            text=text,
            audio=_recording(given.audio) if given.audio is not None else None,
            labels=_strengths(parse_labels(labels)) if labels is not None else None,
            action_units=_units(given.units) if given.units is not None else None,
        )
        if text and text.strip() and labels is None and isinstance(self._appraiser, Explains):
            self._print_text(state, text, self._appraiser)
        else:
            self._print(state)

    def show_lines(self, stream: BufferedIOBase) -> None:
        """A text per line, an object per line: an empty line is neutral."""
        for lines in _waiting_lines(stream):
            texts = [line.decode("utf-8", errors="replace").strip() for line in lines]
            if isinstance(self._appraiser, ReadsAhead):
                self._appraiser.read_ahead([text for text in texts if text])
            for text in texts:
                felt = self._appraiser.appraise(text=text) if text else EmotionState.neutral()
                self._print(felt)

    def _print_text(self, state: EmotionState, text: str, appraiser: Explains) -> None:
        """The state, how sure it is, and what each word that matters adds to it."""
        sure, moved = appraiser.confidence(text), appraiser.explain(text)
        if self._as_json:
            found = {"confidence": round(sure, 4), "moved_by": [asdict(one) for one in moved]}
            typer.echo(json.dumps(state.as_dict() | found))
            return
        typer.echo(f"{_words(state)[:-1]}, confidence {sure:.2f})")
        for one in moved[:_SHOWN]:
            typer.echo(f"  {one.text}: {one.emotion} {one.change:+.2f}")

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


def _units(text: str) -> dict[str, float]:
    """ "AU6:0.5,AU12" as intensities; a name alone has intensity 1. Raises MediaError."""
    found = {}
    for part in filter(None, (part.strip() for part in text.split(","))):
        name, colon, number = part.partition(":")
        try:
            found[name] = float(number) if colon else 1.0
        except ValueError:
            raise MediaError(
                f"The intensity in {part[:40]!r} is no number.", 'Write for example "AU12:0.7".'
            ) from None
    if not found:
        raise MediaError("No action unit was given.", 'Write for example "AU6:0.5,AU12:0.7".')
    return found


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
