"""What the text encoder learns from: GoEmotions in Ekman's grouping, and practice sentences.

GoEmotions (Demszky et al. 2020, Apache-2.0) comes as lines of text, comma-joined label numbers and
an id. Axis legend: n examples, 7 classes (six emotions, then neutral).
"""

import gzip
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emotion.errors import MediaError
from emotion.lexicon import Reading, load_lexicon
from emotion.text_features import text_features
from emotion.training.templates import Practice, Templates
from emotion.types import EMOTIONS

Array = NDArray[np.float32]

# The order of ekman_labels.txt: anger, disgust, fear, joy, neutral, sadness, surprise.
EKMAN = ("angry", "disgusted", "fearful", "happy", "neutral", "sad", "surprised")
SPLITS = ("train", "dev", "test", "practice", "practice_dev")
_USUAL = 0.6  # how strongly something is felt where nobody says
_SHOWS = 0.05


@dataclass(frozen=True, slots=True, eq=False)
class Corpus:
    """texts; split: (n,) index into `SPLITS`; presence: (n, 7) share of people who would say so;
    strengths: (n, 6) in [0, 1]; graded: (n,) 1 where the strength is known; features: (n, F);
    kinds: of practice sentences, "" elsewhere."""

    texts: list[str]
    split: NDArray[np.int8]
    presence: Array
    strengths: Array
    graded: Array
    features: Array
    kinds: list[str]


@dataclass(frozen=True, slots=True, eq=False)
class _Row:
    text: str
    split: str
    presence: Array
    strengths: Array
    graded: float
    features: Array
    kind: str = ""


def read_corpus(folder: Path, practice: int, seed: int) -> Corpus:
    """All splits. folder: holds ekman_train.tsv.gz, ekman_dev.tsv and ekman_test.tsv; practice:
    how many sentences to make. Raises MediaError when a file is missing or not of that form."""
    reader = _Reader()
    rows = [row for split in SPLITS[:3] for row in reader.comments(folder, split)]
    rows += [reader.practice(one, i) for i, one in enumerate(Templates(seed).draw(practice))]
    return Corpus(
        [row.text for row in rows],
        np.array([SPLITS.index(row.split) for row in rows], np.int8),
        np.stack([row.presence for row in rows]),
        np.stack([row.strengths for row in rows]),
        np.array([row.graded for row in rows], np.float32),
        np.stack([row.features for row in rows]),
        [row.kind for row in rows],
    )


class _Reader:
    def __init__(self) -> None:
        self._lexicon = load_lexicon()

    def comments(self, folder: Path, split: str) -> Iterator[_Row]:
        for text, numbers, *_ in comment_lines(folder, split):
            names = {EKMAN[int(number)] for number in numbers.split(",")}
            reading = self._lexicon.read(text)
            presence = np.array([name in names for name in (*EMOTIONS, "neutral")], np.float32)
            strengths, graded = _graded(presence[:-1], reading)
            features = text_features(text, self._lexicon, reading)
            yield _Row(text, split, presence, strengths, graded, features)

    def practice(self, one: Practice, number: int) -> _Row:
        strengths = np.array([one.strengths.get(name, 0.0) for name in EMOTIONS], np.float32)
        felt = (strengths >= _SHOWS) * (1 - one.neutral)
        presence = np.append(felt, one.neutral).astype(np.float32)
        # Which sentence is held out depends on its number only: one in twelve.
        split = "practice_dev" if number % 12 == 0 else "practice"
        features = text_features(one.text, self._lexicon)
        return _Row(one.text, split, presence, strengths, 1.0, features, one.kind)


def _graded(felt: Array, reading: Reading) -> tuple[Array, float]:
    """Strengths of the feelings that people named: as strong as the words where they say it."""
    said = reading.strengths * felt
    if not said.any():
        return (_USUAL * felt).astype(np.float32), 0.0
    return np.where(felt > 0, np.maximum(said, 0.5 * said.max()), 0).astype(np.float32), 1.0


def comment_lines(folder: Path, split: str) -> list[list[str]]:
    """The rows of a split: text, comma-joined label numbers, id. Raises MediaError as above."""
    for name in (f"ekman_{split}.tsv", f"ekman_{split}.tsv.gz"):
        path = folder / name
        if path.is_file():
            raw = gzip.decompress(path.read_bytes()) if name.endswith("gz") else path.read_bytes()
            return [line.split("\t") for line in raw.decode("utf-8").split("\n") if "\t" in line]
    raise MediaError(
        f"{folder} holds no ekman_{split}.tsv.",
        "Give the folder of GoEmotions in Ekman's grouping with --emotion-text.",
    )
