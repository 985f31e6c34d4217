"""MiniLM's lower layers, run once over the corpus: they do not change while the upper ones learn.

Axis legend: n examples, T word pieces of all examples, E = 384.
"""

import logging
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from emotion.embedding import MiniLM
from emotion.text_net import LOWER
from emotion.training.corpus import Corpus

LOG = logging.getLogger(__name__)
_BATCH = 64
_WIDTH = 384
MAX_PIECES = 64  # in training; longer comments lose their end


@dataclass(frozen=True, slots=True, eq=False)
class Cache:
    """hidden: (T, E) float16, memory-mapped; ends: (n,) int64, where each example's pieces end."""

    hidden: NDArray[np.float16]
    ends: NDArray[np.int64]

    def batch(self, rows: NDArray[np.int64]) -> tuple[Tensor, Tensor]:
        """(B, S, E) float32 and (B, S) bool mask."""
        parts = [self.hidden[self._start(i) : self.ends[i]] for i in rows]
        size = max(len(part) for part in parts)
        hidden = np.zeros((len(parts), size, _WIDTH), np.float32)
        mask = np.zeros((len(parts), size), bool)
        for i, part in enumerate(parts):
            hidden[i, : len(part)] = part
            mask[i, : len(part)] = True
        return torch.from_numpy(hidden), torch.from_numpy(mask)

    def lengths(self) -> NDArray[np.int64]:
        """(n,) word pieces of each example."""
        return np.diff(self.ends, prepend=0)

    def _start(self, row: int) -> int:
        return int(self.ends[row - 1]) if row else 0


def open_cache(folder: Path, corpus: Corpus) -> Cache:
    """The cache of a corpus, made now if it is not there."""
    ends = folder / "ends.npy"
    if not ends.is_file() or len(np.load(ends)) != len(corpus.texts):
        _write(folder, corpus)
    stops = np.load(ends)
    hidden = np.memmap(folder / "hidden.f16", np.float16, "r", shape=(int(stops[-1]), _WIDTH))
    return Cache(hidden, stops)


def _write(folder: Path, corpus: Corpus) -> None:
    folder.mkdir(parents=True, exist_ok=True)
    lengths = []
    with (folder / "hidden.f16").open("wb") as stream:
        for part in _computed(corpus.texts):
            stream.write(part.astype(np.float16).tobytes())
            lengths.append(len(part))
            if len(lengths) % 8192 == 0:
                LOG.info("lower layers: %d of %d texts", len(lengths), len(corpus.texts))
    np.save(folder / "ends.npy", np.cumsum(lengths))


def _computed(texts: list[str]) -> Iterator[NDArray[np.float32]]:
    """Each text's (pieces, E), in order; computed together with others of like length."""
    model = MiniLM()
    for at in range(0, len(texts), 32 * _BATCH):
        chunk = texts[at : at + 32 * _BATCH]
        order = sorted(range(len(chunk)), key=lambda i: len(chunk[i]))
        found: dict[int, NDArray[np.float32]] = {}
        for start in range(0, len(order), _BATCH):
            picked = order[start : start + _BATCH]
            hidden, mask = model.hidden([chunk[i] for i in picked], LOWER)
            for i, row, kept in zip(picked, hidden.numpy(), mask.numpy(), strict=True):
                found[i] = row[kept][:MAX_PIECES]
        yield from (found[i] for i in range(len(chunk)))
