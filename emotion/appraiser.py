"""The embedded appraiser: lexicon, sentence likeness, voice, labels and action units."""

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from emotion.action_units import strengths_from_units
from emotion.embedding import MiniLM
from emotion.errors import MediaError
from emotion.labels import state_from_labels
from emotion.lexicon import Hit, Lexicon
from emotion.text_reading import TextFeeling, TextReader
from emotion.types import EMOTIONS, EmotionState
from emotion.voice_arousal import strengths_from_voice, voice_arousal

Vector = NDArray[np.float32]

_FLOOR = 0.05  # weaker than this is neutral
_VOICE_SWING = 0.2  # how far an aroused or subdued voice moves what the words say


class LexiconAppraiser:
    """Implements `EmotionAppraiser` without trained weights; deterministic; any thread.

    embedder: MiniLM shared with others; None loads an own one at first use.
    """

    def __init__(self, embedder: MiniLM | None = None, lexicon: Lexicon | None = None) -> None:
        self._reader = TextReader(embedder or MiniLM(), lexicon)

    @classmethod
    def words_only(cls, lexicon: Lexicon | None = None) -> "LexiconAppraiser":
        """By the lexicon alone: under half a millisecond, no model, no latent."""
        appraiser = cls.__new__(cls)
        appraiser._reader = TextReader(None, lexicon)
        return appraiser

    def appraise(
        self,
        text: str | None = None,
        audio: Vector | None = None,
        labels: Mapping[str, float] | None = None,
        action_units: Mapping[str, float] | None = None,
    ) -> EmotionState:
        """The feeling of what is given; see `EmotionAppraiser`. Labels outrule the rest.

        latent: (1, 384), the sentence embedding, where text is given; else (0, 6).
        """
        if text is None and audio is None and not labels and not action_units:
            raise MediaError("Nothing was given to appraise.", "Give text, audio, labels or units.")
        felt = self._reader.read(text) if text and text.strip() else None
        if labels:
            strengths = state_from_labels(labels).strengths()
        else:
            strengths = _strongest(felt, audio, action_units)
        return _state(strengths, felt)

    def read_ahead(self, texts: Sequence[str]) -> None:
        """Embed texts together that will be appraised one by one: half the time."""
        self._reader.read_ahead(texts)

    def explain(self, text: str) -> tuple[Hit, ...]:
        """The words, phrases and emoji that moved the reading of `text`, in reading order."""
        return self._reader.hits(text).hits


def _strongest(
    felt: TextFeeling | None, audio: Vector | None, units: Mapping[str, float] | None
) -> Vector:
    """Strengths by all that is given; words keep the lead over the voice."""
    strengths = np.zeros(len(EMOTIONS), np.float32)
    if units:
        strengths = strengths_from_units(units)
    if felt is not None:
        strengths = np.maximum(strengths, felt.strengths)
    if audio is None:
        return strengths
    if not strengths.any():
        return strengths_from_voice(audio)
    arousal = voice_arousal(audio)
    swing = 0.0 if arousal is None else 2 * (arousal - 0.5) * _VOICE_SWING
    moved: Vector = np.minimum(strengths * np.float32(1 + swing), np.float32(1))
    return moved


def _state(strengths: Vector, felt: TextFeeling | None) -> EmotionState:
    kept = np.where(strengths >= _FLOOR, strengths, 0.0)
    state = EmotionState.from_strengths(dict(zip(EMOTIONS, map(float, kept), strict=True)))
    if felt is None or felt.latent.shape[0] == 0:
        return state
    return EmotionState(state.weights, state.intensity, felt.latent)
