"""Settings of the synthetic world, and which people are held out."""

import zlib
from dataclasses import dataclass, field
from itertools import count, islice
from typing import Literal

import numpy as np

from avatar.training.synthetic.performance import Manner

Split = Literal["train", "held_out"]
_HELD_OUT_PERFORMANCES = 1_000_003  # keeps their seeds apart from those of training


@dataclass(frozen=True, slots=True)
class Config:
    """size: px; frames of each person, every `stride`-th of a performance at 25 fps; a shot of
    frames_per_shot keeps camera, light and background; share: so many people of one split in a
    row play the same performance; people whose number is a multiple of held_out_every are never
    trained on; only: makes people of one split only; turn: degrees by which heads turn from
    nearly frontal, in a turn_share of the shots."""

    seed: int = 0
    people: int = 60
    frames: int = 24
    size: int = 256
    stride: int = 4
    frames_per_shot: int = 8
    share: int = 1
    held_out_every: int = 8
    first: int = 0  # number of the first person
    only: Split | None = None
    turn: float = 0.0
    turn_share: float = 1.0
    manner: Manner = field(default_factory=Manner)

    def split(self, person: int) -> Split:
        """Whether a person, by number, may be trained on."""
        return "held_out" if person % self.held_out_every == 0 else "train"

    def numbers(self) -> tuple[int, ...]:
        """Of the people to make, from `first` on."""
        wanted = (n for n in count(self.first) if self.only in (None, self.split(n)))
        return tuple(islice(wanted, self.people))

    def person_seed(self, person: int) -> int:
        """Of the identity."""
        return _mixed(self.seed, 11, person)

    def performance_seed(self, person: int) -> int:
        """The same for `share` people in a row of one split."""
        before = -(-person // self.held_out_every)  # held-out people with smaller numbers
        if self.split(person) == "held_out":
            group = before // self.share + _HELD_OUT_PERFORMANCES
        else:
            group = (person - before) // self.share
        return _mixed(self.seed, 12, group)

    def shot_seed(self, person: int, shot: int) -> int:
        """Of camera, light and background."""
        return _mixed(self.seed, 13, person, shot)

    def photo_seed(self, name: str) -> int:
        """Of the performance that a photo, by its file's stem, plays."""
        return _mixed(self.seed, 14, zlib.crc32(name.encode()))


def _mixed(*numbers: int) -> int:
    return int(np.random.SeedSequence(numbers).generate_state(1)[0])
