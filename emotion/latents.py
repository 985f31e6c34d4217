"""Emotion-to-latents: text, voice, labels and action units become one state with one latent.

Axis legend: N x E = 4 x 64 latent, 6 emotions.
"""

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np
from numpy.typing import NDArray

from emotion.action_units import strengths_from_units, unit_vector
from emotion.embedding import MiniLM
from emotion.errors import MediaError
from emotion.labels import state_from_labels
from emotion.latent_space import LatentSpace, load_space
from emotion.text_encoder import TextEncoder, TextReading
from emotion.types import EMOTIONS, EmotionState
from emotion.voice_encoder import VoiceEncoder, VoiceReading

Vector = NDArray[np.float32]

_FLOOR = 0.05  # weaker than this is neutral
_VOICE = 0.2  # what a voice's latent weighs beside words or action units, which weigh 1
_SWING = 0.2  # how far an aroused or subdued voice moves what the words say
_MOST_WORDS = 60  # that are left out one by one
_MOVES = 0.02  # least change of a strength that counts
_WORD = re.compile(r"\S+")


@dataclass(frozen=True, slots=True)
class Moved:
    """A word, and how much of `emotion` its presence adds to the reading, in [-1, 1]."""

    text: str
    emotion: str
    change: float


@dataclass(frozen=True, slots=True, eq=False)
class _Source:
    """What one kind of input says; weight: of its latent."""

    strengths: Vector
    latent: Vector
    weight: float = 1.0


class EmotionToLatents:
    """Implements `EmotionAppraiser`; deterministic; safe to call from any thread.

    embedder: MiniLM shared with others; None loads an own one at first use.
    """

    def __init__(self, embedder: MiniLM | None = None, space: LatentSpace | None = None) -> None:
        self._embedder = embedder or MiniLM()
        self._given = space

    def appraise(
        self,
        text: str | None = None,
        audio: Vector | None = None,
        labels: Mapping[str, float] | None = None,
        action_units: Mapping[str, float] | None = None,
    ) -> EmotionState:
        """The feeling of what is given; see `EmotionAppraiser`. Labels set the weights exactly.

        latent: (4, 64) float32, the mean over the kinds of input that are there.
        Raises MediaError on input that cannot be read, ConfigError when weights are missing.
        """
        if text is None and audio is None and not labels and not action_units:
            raise MediaError("Nothing was given to appraise.", "Give text, audio, labels or units.")
        if labels:
            return self._labelled(state_from_labels(labels))
        sources = [self._units(action_units)] if action_units else []
        if text and text.strip():
            [reading] = self._text.read([text])
            sources.append(_Source(reading.strengths, reading.latent))
        voice = self._voice.read(audio) if audio is not None else None
        return self._joined(sources, voice)

    def read_ahead(self, texts: Sequence[str]) -> None:
        """Read texts together that will be appraised one by one: half the time."""
        self._text.read(texts)

    def confidence(self, text: str) -> float:
        """How sure the reading of a text is, in [0, 1]; low in languages it does not know."""
        return self._text.read([text])[0].confidence if text.strip() else 1.0

    def explain(self, text: str) -> tuple[Moved, ...]:
        """The words that move the reading, the strongest first: measured by leaving each out.

        Only the first sixty words are tried.
        """
        words = list(_WORD.finditer(text))[:_MOST_WORDS]
        rests = [text[: word.start()] + text[word.end() :] for word in words]
        whole, *parts = self._text.read([text, *(rest for rest in rests)])
        empty = np.zeros(len(EMOTIONS), np.float32)
        moved = []
        for word, rest, part in zip(words, rests, parts, strict=True):
            left = part.strengths if rest.strip() else empty
            change = whole.strengths - left
            # Of what is felt; a word that keeps a text from being felt has a negative share.
            counts = whole.strengths > 0 if whole.strengths.any() else change < 0
            at = int(np.abs(change * counts).argmax())
            moved.append(Moved(word.group(), EMOTIONS[at], round(float(change[at]), 3)))
        kept = [one for one in moved if abs(one.change) >= _MOVES]
        return tuple(sorted(kept, key=lambda one: -abs(one.change)))

    def text_readings(self, texts: Sequence[str]) -> list[TextReading]:
        """What the text encoder alone says, with chances and latents."""
        return self._text.read(texts)

    @property
    def text_encoder(self) -> TextEncoder:
        """The encoder of texts, for measuring."""
        return self._text

    @cached_property
    def _space(self) -> LatentSpace:
        return self._given or load_space()

    @cached_property
    def _text(self) -> TextEncoder:
        return TextEncoder(self._embedder, self._space)

    @cached_property
    def _voice(self) -> VoiceEncoder:
        return VoiceEncoder(self._space)

    def _labelled(self, state: EmotionState) -> EmotionState:
        [latent] = self._space.label_latents(state.strengths()[None])
        return EmotionState(state.weights, state.intensity, latent)

    def _units(self, units: Mapping[str, float]) -> _Source:
        [latent] = self._space.unit_latents(unit_vector(units)[None])
        return _Source(strengths_from_units(units), latent)

    def _joined(self, sources: list[_Source], voice: VoiceReading | None) -> EmotionState:
        """The mean of strengths, swayed by the voice, and the mean of latents; neutral without
        any source."""
        if voice is not None:
            strengths = _swayed([source.strengths for source in sources], voice)
            sources = [*sources, _Source(strengths, voice.latent, _VOICE)]
        elif sources:
            strengths = _mean([source.strengths for source in sources], [1.0] * len(sources))
        else:
            return self._labelled(EmotionState.neutral())
        latent = _mean([s.latent for s in sources], [s.weight for s in sources])
        kept = np.where(strengths >= _FLOOR, strengths, 0.0)
        state = EmotionState.from_strengths(dict(zip(EMOTIONS, map(float, kept), strict=True)))
        return EmotionState(state.weights, state.intensity, latent)


def _swayed(said: list[Vector], voice: VoiceReading) -> Vector:
    """Words and units keep the lead: a voice moves what they say, and speaks where they do not."""
    strengths = _mean(said, [1.0] * len(said)) if said else voice.strengths
    if not strengths.any():
        return voice.strengths
    swing = 2 * (voice.arousal - 0.5) * _SWING if said else 0.0
    return np.asarray(np.minimum(strengths * (1 + swing), 1), np.float32)


def _mean(values: list[Vector], weights: list[float]) -> Vector:
    return np.asarray(np.average(np.stack(values), axis=0, weights=weights), np.float32)


def label_latents(strengths: Vector, space: LatentSpace | None = None) -> Vector:
    """(B, 6) strengths in [0, 1] in the order of `EMOTIONS` -> (B, N, E) float32.

    space: the loaded space; None reads the shipped one (keep it where this is called often).
    """
    return (space or load_space()).label_latents(strengths)
