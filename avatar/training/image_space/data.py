"""Pairs of frames of one shot with the exact motion between them, from the shards of the world.

The flow is the surface's own (`Shard.flow`): the network is taught by it and by the true frames.
Axis legend: K frames, P pairs, S pixels of a side, H half of it.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor

from avatar.semo.surface import FaceSurface
from avatar.training.image_space.config import Config
from avatar.training.synthetic.shards import Shard, load_shard, shard_paths


@dataclass(frozen=True, slots=True, eq=False)
class Pairs:
    """images: (K, S, S, 3) uint8; tokens: (K, 64); source, target: (P,) of frames; flow: (P, H, H,
    2) float16 source less own position in half sides; known: (P, H, H) uint8 where both frames show
    the point, person or background."""

    images: np.ndarray
    tokens: np.ndarray
    source: np.ndarray
    target: np.ndarray
    flow: np.ndarray
    known: np.ndarray


@dataclass(frozen=True, slots=True)
class Batch:
    """source, target: (B, 3, S, S) in 0..1; tokens (B, 64); flow (B, 2, H, H); known (B, 1, H,
    H)."""

    source: Tensor
    target: Tensor
    source_token: Tensor
    token: Tensor
    flow: Tensor
    known: Tensor

    def to(self, device: str) -> Batch:
        """The same on another device."""
        return Batch(*(getattr(self, name).to(device) for name in Batch.__slots__))


def cached(path: Path, make: Callable[[], Pairs]) -> Pairs:
    """What `make` gives; made once and stored in `path` (.npz), then read from there."""
    if not path.exists():
        made = make()
        with path.open("wb") as stream:
            np.savez(stream, allow_pickle=False, **{n: getattr(made, n) for n in Pairs.__slots__})
    with np.load(path) as stored:
        return Pairs(*(stored[name] for name in Pairs.__slots__))


def pairs_of(
    folders: Sequence[Path], split: str, surface: FaceSurface, config: Config, most: int = 10**9
) -> Pairs:
    """All pairs of a split of some folders of shards; most: at most so many of each person.

    Raises FileNotFoundError if there is no shard of the split.
    """
    paths = [path for folder in folders for path in shard_paths(folder, split)]
    if not paths:
        raise FileNotFoundError(f"no {split} shards in {', '.join(map(str, folders))}")
    rng = np.random.default_rng(config.seed)
    images, tokens, rows, count = [], [], [], 0
    for path in paths:
        shard = load_shard(path)
        images.append(_scaled(shard.images, config.size))
        tokens.append(surface.rig_to_token(shard.rig))
        chosen = list(_chosen(shard, rng, config.sources))
        order = rng.permutation(len(chosen))[:most]
        for source, target in (chosen[k] for k in order):
            flow, known = half_flow(shard, target, source, config.flow_side)
            rows.append((count + source, count + target, flow, known))
        count += len(shard.images)
    columns = [np.stack(column) for column in zip(*rows, strict=True)]
    return Pairs(np.concatenate(images), np.concatenate(tokens), *columns)


def _chosen(shard: Shard, rng: np.random.Generator, sources: int) -> Iterator[tuple[int, int]]:
    for target, shot in enumerate(shard.shot):
        others = np.flatnonzero((shard.shot == shot) & (np.arange(len(shard.shot)) != target))
        for source in rng.permutation(others)[:sources]:
            yield int(source), target


def half_flow(shard: Shard, target: int, source: int, side: int) -> tuple[np.ndarray, np.ndarray]:
    """(H, H, 2) mean of the known flow in half sides, (H, H) whether it is known."""
    flow, visible = shard.flow(target, source)
    size = len(flow)
    weight = visible.astype(np.float32)
    total = cv2.resize(flow * weight[..., None], (side, side), interpolation=cv2.INTER_AREA)
    share = cv2.resize(weight, (side, side), interpolation=cv2.INTER_AREA)
    mean = total / np.maximum(share, 1e-3)[..., None] * np.float32(2 / size)
    return mean.astype(np.float16), (share > 0.5).astype(np.uint8)


def batch_of(pairs: Pairs, picked: np.ndarray, light: np.ndarray | None = None) -> Batch:
    """The pairs of some numbers; light: (B, 3) by which both pictures' colours are multiplied."""
    source, target = pairs.source[picked], pairs.target[picked]
    gain = torch.ones(len(picked), 3) if light is None else torch.from_numpy(light).float()
    before, after = (
        (torch.from_numpy(pairs.images[at]).permute(0, 3, 1, 2) / 255 * gain[:, :, None, None])
        for at in (source, target)
    )
    return Batch(
        before.clamp(0, 1),
        after.clamp(0, 1),
        torch.from_numpy(pairs.tokens[source]),
        torch.from_numpy(pairs.tokens[target]),
        torch.from_numpy(pairs.flow[picked].astype(np.float32)).permute(0, 3, 1, 2),
        torch.from_numpy(pairs.known[picked].astype(np.float32))[:, None],
    )


def _scaled(images: np.ndarray, size: int) -> np.ndarray:
    how = cv2.INTER_AREA if images.shape[1] > size else cv2.INTER_CUBIC
    return np.stack([cv2.resize(image, (size, size), interpolation=how) for image in images])
