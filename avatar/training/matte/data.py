"""Pictures with mattes and the random samples drawn from them.

A sample is an RGB picture (S,S,3) uint8 and its matte (S,S) uint8; batches are NCHW.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import IterableDataset

from avatar.matte_net import SIDE
from avatar.training.landmarks.data import texture, vary
from avatar.training.matte.config import Config
from avatar.training.matte.layers import filled
from avatar.training.synthetic.shards import load_shard, shard_paths

STORED = 320  # px, side of the photos while training
Sample = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True, slots=True)
class Cutout:
    """rgb (H,W,3) uint8 the picture; own (H,W,3) uint8 the person's colours, continued beyond;
    plate (H,W,3) uint8 what is behind; matte (H,W) uint8.
    """

    rgb: np.ndarray
    own: np.ndarray
    plate: np.ndarray
    matte: np.ndarray


class Cutouts:
    """The pictures of a cache folder (see prepare.py): to train with, or only the held-out ones.

    held: names of the photos and synthetic people that are held out; shards: a folder made by
    `avatar.training.synthetic`, which says itself who is held out.
    """

    def __init__(
        self, cache: Path, held: set[str], only_held: bool = False, shards: Path | None = None
    ) -> None:
        self.photos = [_taken_apart(*row) for row in _rows(cache, "photos", held, only_held)]
        self.renders = [
            Cutout(image, image, image, matte)
            for image, matte in _rows(cache, "renders", held, only_held)
        ]
        worlds = _worlds(shards, only_held) if shards else ()
        self.worlds = [_taken_apart(*row) for row in worlds]

    def draw(self, rng: np.random.Generator, config: Config) -> Sample:
        """A picture of SIDE px and its matte, perhaps before another ground."""
        photos = rng.random() < config.photos_share or not self.renders
        pool = self.photos if photos else self.renders
        if not photos and self.worlds and rng.random() < config.worlds_share:
            photos, pool = True, self.worlds  # they have a ground of their own
        cutout = pool[rng.integers(len(pool))]
        matrix = _view(rng, len(cutout.matte))
        matte = _seen(cutout.matte, matrix)
        if photos and rng.random() > config.moved_share:
            return _seen(cutout.rgb, matrix), matte
        return composed(_seen(cutout.own, matrix), self.ground(rng, SIDE), matte), matte

    def ground(self, rng: np.random.Generator, size: int) -> np.ndarray:
        """(size,size,3) something to stand before: a photo's ground, or textures."""
        if rng.random() < 0.6 and self.photos:
            plate = self.photos[rng.integers(len(self.photos))].plate
            side = int(len(plate) * rng.uniform(0.5, 1))
            y, x = rng.integers(0, len(plate) - side + 1, 2)
            out = cv2.resize(plate[y : y + side, x : x + side], (size, size))
            out = out[:, ::-1] if rng.random() < 0.5 else out
        else:
            out = texture(rng, size)
        if rng.random() < 0.5:
            out = cv2.GaussianBlur(np.ascontiguousarray(out), (0, 0), float(rng.uniform(1, 12)))
        return np.asarray(out, np.uint8)


def held_people(cache: Path, config: Config) -> set[str]:
    """The last synthetic people of the cache."""
    names: set[str] = set()
    for path in cache.glob("renders_*.npz"):
        names |= set(np.load(path)["name"].tolist())
    return set(sorted(names)[-config.held_people :])


def _rows(
    cache: Path, prefix: str, held: set[str], only_held: bool
) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Pictures and mattes of the chosen names."""
    for path in sorted(cache.glob(f"{prefix}_*.npz")):
        data = np.load(path)
        images, mattes, names = data["images"], data["mattes"], data["name"]
        for image, matte, name in zip(images, mattes, names, strict=True):
            if (str(name) in held) == only_held:
                yield image, matte


def _worlds(shards: Path, only_held: bool) -> Iterator[tuple[np.ndarray, np.ndarray]]:
    """Every fourth frame of the shards of some people, with exact mattes."""
    for path in shard_paths(shards, "held_out" if only_held else "train"):
        shard = load_shard(path)
        yield from zip(shard.images[::4], shard.alpha[::4], strict=True)


def _taken_apart(rgb: np.ndarray, matte: np.ndarray) -> Cutout:
    """A photo with the person's colours continued over the ground, and the other way round."""
    rgb, matte = (
        np.asarray(cv2.resize(part, (STORED, STORED), interpolation=cv2.INTER_AREA))
        for part in (rgb, matte)
    )
    share = matte.astype(np.float32) / 255
    own = filled(rgb, (share > 0.97).astype(np.float32))
    clear = cv2.erode((share < 0.02).astype(np.float32), np.ones((9, 9), np.uint8))
    return Cutout(rgb, own, filled(rgb, np.asarray(clear)), matte)


def composed(own: np.ndarray, ground: np.ndarray, matte: np.ndarray) -> np.ndarray:
    """(H,W,3) uint8 the person before the ground."""
    share = cv2.merge([matte] * 3)
    front = cv2.multiply(own, share, scale=1 / 255)
    return np.asarray(cv2.add(front, cv2.multiply(ground, 255 - share, scale=1 / 255)), np.uint8)


# -- samples


def sample(rng: np.random.Generator, cutouts: Cutouts, config: Config) -> Sample:
    """(SIDE,SIDE,3) and (SIDE,SIDE): cut, turned, mirrored, varied."""
    if rng.random() < 0.04:  # nobody there
        return vary(rng, cutouts.ground(rng, SIDE), 0.0), np.zeros((SIDE, SIDE), np.uint8)
    rgb, matte = cutouts.draw(rng, config)
    if rng.random() < 0.5:
        rgb, matte = (np.ascontiguousarray(part[:, ::-1]) for part in (rgb, matte))
    return (vary(rng, rgb, 0.0) if rng.random() < config.varied else rgb), matte


def _view(rng: np.random.Generator, size: int) -> np.ndarray:
    """(2,3) from a picture of `size` to SIDE: a square of 0.5 to 1.15 of it, turned a little."""
    side = size * float(np.clip(np.exp(rng.normal(-0.12, 0.22)), 0.5, 1.15))
    room = abs(size - side) / 2 + 0.04 * size
    x, y = size / 2 + rng.uniform(-room, room, 2)
    y -= 0.06 * (size - side)  # heads are in the upper half
    turn = np.asarray(cv2.getRotationMatrix2D((x, y), float(rng.normal(0, 6)), SIDE / side))
    return np.asarray(turn + np.array([[0, 0, SIDE / 2 - x], [0, 0, SIDE / 2 - y]]))


def _seen(image: np.ndarray, matrix: np.ndarray) -> np.ndarray:
    """(SIDE,SIDE,...) of an image; edge pixels repeated outside."""
    seen = cv2.warpAffine(image, matrix, (SIDE, SIDE), borderMode=cv2.BORDER_REPLICATE)
    return np.asarray(seen, np.uint8)


class Batches(IterableDataset[tuple[Tensor, Tensor]]):
    """Endless batches of samples: (N,3,SIDE,SIDE) and (N,1,SIDE,SIDE) uint8."""

    def __init__(self, cutouts: Cutouts, config: Config, seed: int) -> None:
        self._cutouts, self._config, self._seed = cutouts, config, seed

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        cv2.setNumThreads(1)
        rng = np.random.default_rng(self._seed)
        while True:
            made = [sample(rng, self._cutouts, self._config) for _ in range(self._config.batch)]
            images = np.stack([rgb for rgb, _ in made]).transpose(0, 3, 1, 2)
            mattes = np.stack([matte for _, matte in made])[:, None]
            yield torch.from_numpy(np.ascontiguousarray(images)), torch.from_numpy(mattes)
