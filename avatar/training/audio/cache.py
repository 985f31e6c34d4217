"""What the training reads: features and labels of takes and their augmented copies, on disk.

`prepare` goes on where it stopped, so new takes can be added at any time. Axis legend: F frames, C
features of a hop, L labels.
"""

import logging
import zipfile
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from avatar.training.audio.augment import augmented, only_noise
from avatar.training.audio.config import Config
from avatar.training.audio.takes import SAMPLES, Floats, Take, read
from speech.features import features

LOG = logging.getLogger(__name__)
SPLITS = ("train", "real_train", "val", "real_val")
HELD = ("val", "real_val")
NOISE_EVERY = 12  # takes to one of noise alone


@dataclass(frozen=True, slots=True, eq=False)
class Item:
    """hops: (4 F, C) float16; labels: (F, L) float16."""

    name: str
    hops: np.ndarray
    labels: np.ndarray


def item(name: str, take: Take) -> Item:
    """A take with its features."""
    frames = min(len(take.labels), len(take.pcm) // SAMPLES)
    values = features(take.pcm[: frames * SAMPLES])
    return Item(name, values.astype(np.float16), take.labels[:frames].astype(np.float16))


def prepare(takes: Path, cache: Path, config: Config, most: int = 10**9) -> int:
    """Store what is new of the takes, at most so many; returns how many takes."""
    done = 0
    for split in SPLITS:
        (cache / split).mkdir(parents=True, exist_ok=True)
    for split, path in _in_turn(takes):
        if done >= most:
            break
        if not (cache / split / f"{path.stem}_done").exists():
            _prepare_one(path, cache / split, config)
            done += 1
    return done


def _in_turn(takes: Path) -> Iterator[tuple[str, Path]]:
    """All takes, held-out and real ones among the others, so that each kind is there early."""
    listed = {split: sorted((takes / split).glob("*.npz")) for split in SPLITS}
    longest = max(len(paths) for paths in listed.values())
    for at in range(longest):
        for split, paths in listed.items():
            if at < len(paths):
                yield split, paths[at]


def _prepare_one(path: Path, folder: Path, config: Config) -> None:
    take, number = read(path), zlib.crc32(path.stem.encode())
    store(item(path.stem, take), folder)
    # Held-out takes get one augmented copy, to be measured on.
    count = 1 if folder.name in HELD else config.variants
    for k in range(1, count + 1):
        other = augmented(take, (config.seed, SPLITS.index(folder.name), number, k))
        store(item(f"{path.stem}_{k}", other), folder)
    if number % NOISE_EVERY == 0:
        noise = only_noise(len(take.labels), (config.seed, 99, number))
        store(item(f"{path.stem}_n", noise), folder)
    (folder / f"{path.stem}_done").touch()


def store(what: Item, folder: Path) -> None:
    """Write one item, whole or not at all."""
    part = folder / f"{what.name}.part"
    with part.open("wb") as stream:
        np.savez(stream, hops=what.hops, labels=what.labels)
    part.rename(folder / f"{what.name}.npz")


def load(folder: Path, known: set[str]) -> list[Item]:
    """The items of a folder that are not known yet; their names become known."""
    found = []
    for path in sorted(folder.glob("*.npz")):
        if path.stem in known:
            continue
        try:
            with path.open("rb") as stream, np.load(stream) as stored:
                found.append(Item(path.stem, stored["hops"], stored["labels"]))
        except (OSError, zipfile.BadZipFile) as error:
            LOG.warning("%s cannot be read: %s", path, error)
            continue
        known.add(path.stem)
    return found


def is_augmented(name: str) -> bool:
    """Whether an item is not a take as it was made."""
    return "_" in name


def crop(what: Item, first: int, frames: int, lookahead: int) -> tuple[Floats, Floats]:
    """(4 (frames + lookahead), C) hops and (frames, L) labels from frame `first`, padded at the end
    with what silence gives."""
    hops = what.hops[4 * first : 4 * (first + frames + lookahead)].astype(np.float32)
    missing = 4 * (frames + lookahead) - len(hops)
    if missing > 0:
        hops = np.concatenate([hops, np.repeat(silence(), missing, 0)])
    return hops, what.labels[first : first + frames].astype(np.float32)


def silence() -> Floats:
    """(1, C) features of a hop of digital silence."""
    return features(np.zeros(160, np.float32))
