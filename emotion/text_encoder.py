"""Reads texts into the space of feeling: `TextNet` behind MiniLM's lower layers, calibrated.

Axis legend: B texts, 7 classes (six emotions, then neutral), N x E = 4 x 64 latent.
"""

from collections import OrderedDict
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from emotion.embedding import MiniLM
from emotion.latent_space import LatentSpace
from emotion.lexicon import Lexicon, Reading, load_lexicon
from emotion.packing import unpack
from emotion.text_features import text_features
from emotion.types import EMOTIONS
from emotion.weight_files import WEIGHTS, floats, stored_arrays

if TYPE_CHECKING:
    from emotion.text_net import TextNet

Vector = NDArray[np.float32]

FORMAT = "limner-emotion-text-1"
TEXT = WEIGHTS / "text.safetensors"
_CALIBRATION = "calibration."
_BATCH = 16
_KEPT = 1_024  # readings
_UNSURE = 0.5  # a latent's strengths are those of the feeling times its chance, down to this


@dataclass(frozen=True, slots=True, eq=False)
class Calibration:
    """Found on held-out texts. gain, bias: (7,), chance = sigmoid(gain * logit + bias);
    threshold: (7,), a class is said from this chance on."""

    gain: Vector
    bias: Vector
    threshold: Vector

    def chance(self, logits: Vector) -> Vector:
        """(..., 7) logits -> (..., 7): the share of people who would say so, in [0, 1]."""
        out: Vector = 1 / (1 + np.exp(-np.clip(logits * self.gain + self.bias, -30, 30)))
        return out


@dataclass(frozen=True, slots=True, eq=False)
class Raw:
    """What the net says of B texts. presence: (B, 7) logits; degree: (B,) in [0, 1];
    latents: (B, 4, 64)."""

    presence: Vector
    degree: Vector
    latents: Vector


@dataclass(frozen=True, slots=True, eq=False)
class TextReading:
    """strengths: (6,) in [0, 1]; chance: (7,) that a person would say so; latent: (4, 64)."""

    strengths: Vector
    chance: Vector
    latent: Vector

    @property
    def confidence(self) -> float:
        """How sure the reading is, in [0, 1]: the chance of what is said."""
        felt = bool(self.strengths.any())
        return float(self.chance[int(self.strengths.argmax())] if felt else self.chance[-1])


class TextEncoder:
    """Deterministic; safe to call from any thread; remembers its latest readings.

    embedder: MiniLM shared with others. Raises ConfigError at first use when weights are missing.
    """

    def __init__(
        self,
        embedder: MiniLM,
        space: LatentSpace,
        path: Path = TEXT,
        lexicon: Lexicon | None = None,
    ) -> None:
        self._embedder = embedder
        self._space = space
        self._path = path
        self._given = lexicon
        self._lock = Lock()
        self._known: OrderedDict[str, TextReading] = OrderedDict()

    def read(self, texts: Sequence[str]) -> list[TextReading]:
        """The feeling of each text; texts of like length are computed together."""
        with self._lock:
            new = [text for text in dict.fromkeys(texts) if text not in self._known]
            made = dict(zip(new, self._compute(new), strict=True))
            found = [made[text] if text in made else self._known[text] for text in texts]
            self._known.update(made)
            while len(self._known) > _KEPT:
                self._known.popitem(last=False)
        return found

    def raw(self, texts: Sequence[str]) -> Raw:
        """What the net says before calibration, for measuring."""
        readings = [self.lexicon.read(text) for text in texts]
        return self._raw(texts, readings)

    @property
    def calibration(self) -> Calibration:
        """What held-out texts taught about the net's answers."""
        return self._loaded[1]

    @cached_property
    def lexicon(self) -> Lexicon:
        """The words that the side inputs know."""
        return self._given or load_lexicon()

    def _compute(self, texts: list[str]) -> list[TextReading]:
        order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
        found: dict[int, TextReading] = {}
        for at in range(0, len(order), _BATCH):
            picked = order[at : at + _BATCH]
            part = [texts[i] for i in picked]
            readings = [self.lexicon.read(text) for text in part]
            raw = self._raw(part, readings)
            for place, i in enumerate(picked):
                found[i] = self._reading(raw, place, readings[place])
        return [found[i] for i in range(len(texts))]

    def _raw(self, texts: Sequence[str], readings: list[Reading]) -> Raw:
        import torch

        net, _ = self._loaded
        pairs = zip(texts, readings, strict=True)
        beside = np.stack([text_features(text, self.lexicon, said) for text, said in pairs])
        from emotion.text_net import LOWER

        hidden, mask = self._embedder.hidden(texts, LOWER)
        with torch.inference_mode():
            out = net(hidden, mask, torch.from_numpy(beside))
        latents = self._space.attend(out.query.numpy())
        return Raw(out.presence.numpy(), out.degree.sigmoid().numpy(), latents)

    def _reading(self, raw: Raw, place: int, said: Reading) -> TextReading:
        if not said.english:
            return _foreign(said, self._space)
        chance = self.calibration.chance(raw.presence[place])
        latent = raw.latents[place]
        shape = self._space.meaning(latent).strengths
        strengths = settle(chance, self.calibration.threshold, shape, float(raw.degree[place]))
        if said.named and said.strengths.any():
            # Where nothing but feelings is named, the words are taken at their word.
            strengths = np.asarray((strengths + said.strengths) / 2, np.float32)
            named = self._space.label_latents(said.strengths[None])[0]
            latent = np.asarray((latent + named) / 2, np.float32)
        return TextReading(strengths, chance, latent)

    @cached_property
    def _loaded(self) -> "tuple[TextNet, Calibration]":
        import torch

        from emotion.text_net import LOWER, TextNet

        stored = stored_arrays(self._path, FORMAT)
        kept = {n: a for n, a in stored.items() if not n.startswith(_CALIBRATION)}
        start = {f"layers.{n}": t.numpy() for n, t in self._embedder.upper(LOWER).items()}
        with torch.device("meta"):
            net = TextNet()
        arrays = {n: torch.from_numpy(a) for n, a in unpack(kept, start).items()}
        net.load_state_dict(arrays, assign=True)
        return net.eval().requires_grad_(False), _calibration(stored)


def settle(chance: Vector, threshold: Vector, shape: Vector, degree: float) -> Vector:
    """(6,) strengths from what is likely felt and how strongly.

    chance, threshold: (7,); shape: (6,) strengths that the latent says, which are weaker where
    it is unsure; degree: in [0, 1]. The strongest comes out midway between what the two say,
    which was nearest to what was meant on held-out texts.
    """
    margin = chance / threshold
    felt = margin[:-1] >= 1
    if not felt.any() or margin[-1] >= margin[:-1].max():
        return np.zeros(len(EMOTIONS), np.float32)
    sure = np.maximum(chance[:-1], _UNSURE)
    said = np.where(felt, np.clip(shape / sure, 0, 1), 0)
    peak = float(said.max())
    scale = (degree + peak) / 2 / max(peak, 1e-6)
    return np.clip(said * scale, 0, 1).astype(np.float32)


def _foreign(said: Reading, space: LatentSpace) -> TextReading:
    """Another language: only emoji count, and nothing is sure."""
    latent = space.label_latents(said.strengths[None])[0]
    chance = np.append(said.strengths, 0.0).astype(np.float32)
    return TextReading(said.strengths, chance, latent)


def _calibration(stored: Mapping[str, NDArray[np.generic]]) -> Calibration:
    found = {n.removeprefix(_CALIBRATION): a for n, a in stored.items() if _CALIBRATION in n}
    return Calibration(**floats(found))
