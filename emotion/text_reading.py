"""The feeling of a text: what the lexicon finds, weighed against what the sentence resembles.

Axis legend: C = 7 classes (six emotions, neutral), E = 384.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path

import numpy as np
import yaml
from numpy.typing import NDArray

from emotion.baked import read_baked, write_baked
from emotion.embedding import MiniLM
from emotion.lexicon import Lexicon, Reading, load_lexicon
from emotion.types import EMOTIONS

Vector = NDArray[np.float32]

# Calibrated on GoEmotions' dev split (Ekman grouping): how much a named feeling weighs against
# resemblance, and what each class needs, because prototypes lie at different mean distances.
_NAMED_WEIGHT = 0.5
_BIAS = np.array([-0.06, -0.08, -0.04, -0.14, -0.02, 0.04, 0.16], np.float32)
_NEIGHBOURS = 5
_CLASSES = (*EMOTIONS, "neutral")
_BAKED = Path(__file__).with_name("prototypes.npz")

_RESEMBLANCE_GAIN = 2.0  # margin over neutral -> strength
_RESEMBLANCE_CAP = 0.5  # what is not said in words is never claimed strongly
_SIDE_SHARE = 0.6  # a second emotion counts from this share of the best margin


@dataclass(frozen=True, slots=True, eq=False)
class TextFeeling:
    """strengths: (6,) float32; reading: what the words said; latent: (N, 384), N is 0 or 1."""

    strengths: Vector
    reading: Reading
    latent: Vector


class TextReader:
    """Reads feelings from English text. embedder None: by the lexicon alone."""

    def __init__(self, embedder: MiniLM | None, lexicon: Lexicon | None = None) -> None:
        self._embedder = embedder
        self._given = lexicon

    def read(self, text: str) -> TextFeeling:
        """The feeling of `text`; other languages than English give neutral, emoji aside."""
        reading = self._lexicon.read(text)
        if self._embedder is None:
            return TextFeeling(reading.strengths, reading, np.zeros((0, 384), np.float32))
        latent = self._embedder.encode([text])
        named_neutral = reading.plain and not reading.strengths.any()
        if reading.named or named_neutral or not reading.english:
            return TextFeeling(reading.strengths, reading, latent)
        return TextFeeling(self._weigh(reading, latent[0]), reading, latent)

    def read_ahead(self, texts: Sequence[str]) -> None:
        """Have the embedder remember the texts that `read` will ask for."""
        if self._embedder is not None:
            self._embedder.encode(texts)

    def hits(self, text: str) -> Reading:
        """What the lexicon alone finds."""
        return self._lexicon.read(text)

    @cached_property
    def _lexicon(self) -> Lexicon:
        return self._given or load_lexicon()

    @cached_property
    def _prototypes(self) -> list[Vector]:
        """C arrays (P, E): the typical sentences of each class."""
        table = _prototype_texts()
        texts = [text for name in _CLASSES for text in table[name]]
        rows = read_baked(_BAKED, texts)
        if rows is None:
            assert self._embedder is not None
            rows = self._embedder.encode(texts)
        ends = np.cumsum([len(table[name]) for name in _CLASSES])
        return list(np.split(rows, ends[:-1]))

    def _weigh(self, reading: Reading, sentence: Vector) -> Vector:
        """Lexicon and resemblance together. sentence: (E,)."""
        likeness = np.array([_likeness(rows, sentence) for rows in self._prototypes], np.float32)
        likeness += _BIAS
        margin = likeness[:-1] + np.float32(_NAMED_WEIGHT) * reading.evidence - likeness[-1]
        best = float(margin.max())
        if best <= 0:
            return np.zeros(len(EMOTIONS), np.float32)
        shows = (margin >= _SIDE_SHARE * best) & (margin > 0)
        resembled = np.minimum(margin * np.float32(_RESEMBLANCE_GAIN), np.float32(_RESEMBLANCE_CAP))
        silent = shows & (reading.evidence <= 0)
        return np.where(silent, resembled * _share(reading), reading.strengths).astype(np.float32)


def bake_prototypes() -> None:
    """Compute and store the embeddings of the typical sentences (see `emotion.baked`)."""
    table = _prototype_texts()
    texts = [text for name in _CLASSES for text in table[name]]
    write_baked(_BAKED, texts, MiniLM().encode(texts))


def _prototype_texts() -> dict[str, list[str]]:
    source = Path(__file__).with_name("prototypes.yaml").read_text("utf-8")
    table: dict[str, list[str]] = yaml.safe_load(source)
    return table


def _likeness(prototypes: Vector, sentence: Vector) -> float:
    """Mean cosine with the nearest prototypes of one class."""
    return float(np.sort(prototypes @ sentence)[-_NEIGHBOURS:].mean())


def _share(reading: Reading) -> np.float32:
    """Resemblance says less where words already name a feeling."""
    return np.float32(1 - float(reading.strengths.max()))
