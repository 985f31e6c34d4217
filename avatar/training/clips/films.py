"""Scenes made ready for the encoder: squares, cuts, what is visible, batches.

Axis legend: F frames of a scene, B batch, U sources, M samples.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from avatar.landmark_net import Square
from avatar.semo.encoder import SIDE
from avatar.semo.surface import FaceSurface
from avatar.training.clips.driving import Persons, canonical_squares, persons_of
from avatar.training.clips.scenes import Pairs, Scene, pairs_of
from avatar.training.clips.settings import Settings
from avatar.training.motion.batches import Looks, look, misplaced, stacked, with_hidden
from avatar.training.motion.reconstruction import still_visible
from avatar.training.motion.twin import StageTwin

_TOGETHER = 16  # frames


@dataclass(frozen=True, slots=True, eq=False)
class Filmed:
    """Scenes with what does not change while nets do: squares of all frames, who it is, and what is
    visible of the samples in each frame (F,M)."""

    scene: Scene
    squares: tuple[Square, ...]
    person: Persons
    visible: Tensor

    @property
    def frames(self) -> int:
        """How many."""
        return len(self.squares)


def filmed(scene: Scene, surface: FaceSurface, twin: StageTwin) -> Filmed:
    """A scene made ready: squares and visibility by the scaffold."""
    count, size = len(scene.tokens), scene.shard.images.shape[1]
    many = scene.sitter.take(torch.zeros(count, dtype=torch.int64))
    with torch.no_grad():
        rigs = twin.rig(scene.tokens, many).numpy()
        visible = []
        for some in torch.split(torch.arange(count), _TOGETHER):
            again = torch.zeros(len(some), dtype=torch.int64)
            screen = twin(scene.tokens[some], scene.sitter.take(again)).numpy()
            visible.append(still_visible(surface.chart, screen, scene.samples.take(again)))
    squares, _ = canonical_squares(scene.fitted, rigs, size)
    return Filmed(scene, tuple(squares), persons_of([scene.fitted]), torch.cat(visible))


@dataclass(frozen=True, slots=True, eq=False)
class Batch:
    """B targets of U sources. pairs; looks of the encoder at the targets, then at the sources, and
    where they were cut (B,3), (U,3): centre x, y and side in px; of (B,): which source; persons;
    visible (B,M)."""

    pairs: Pairs
    looks: Looks
    squares: tuple[Tensor, Tensor]
    of: Tensor
    persons: Persons
    visible: Tensor

    @property
    def firsts(self) -> list[int]:
        """(U,) the first target of each source."""
        of = self.of.tolist()
        return [of.index(k) for k in range(len(self.squares[1]))]


def drawn(films: list[Filmed], settings: Settings, rng: np.random.Generator) -> Batch:
    """A random batch: some sources, some targets of each, with jitter and hidden patches."""
    chosen = []
    for which in rng.choice(len(films), min(settings.scenes, len(films)), replace=False):
        frames = films[which].scene.targets()
        picked = rng.choice(frames, settings.targets, replace=len(frames) < settings.targets)
        chosen += [(int(which), int(at)) for at in picked]
    return batch_of(films, chosen, (rng, settings))


Chance = tuple[np.random.Generator, Settings]


def batch_of(
    films: list[Filmed], chosen: list[tuple[int, int]], chance: Chance | None = None
) -> Batch:
    """The pairs (film, frame); chance: cuts are off and patches hidden, as the settings say."""
    pairs = pairs_of([film.scene for film in films], chosen)
    used = list(dict.fromkeys(which for which, _ in chosen))
    targets = [_looked(films[which], at, chance, True) for which, at in chosen]
    sources = [_looked(films[k], films[k].scene.source, chance, False) for k in used]
    people = [films[which].person for which, _ in chosen]
    here, there = (torch.tensor([at for _, at in rows]) for rows in (targets, sources))
    return Batch(
        pairs,
        stacked([seen for seen, _ in targets + sources]),
        (here, there),
        torch.tensor([used.index(which) for which, _ in chosen]),
        Persons(*(torch.cat([getattr(p, n) for p in people]) for n in Persons.__slots__)),
        torch.stack([films[which].visible[at] for which, at in chosen]),
    )


def _looked(
    film: Filmed, at: int, chance: Chance | None, target: bool
) -> tuple[tuple[np.ndarray, ...], list[float]]:
    """What the encoder sees of a frame, and centre x, y and side of where it was cut."""
    square, points = film.squares[at], film.scene.shard.points[at]
    if chance is not None:
        square = _shaken(square, *chance)
    image = square.cut(film.scene.shard.images[at], SIDE)
    inside = square.from_picture(points) * np.float32(SIDE)
    if chance is not None:
        rng, settings = chance
        inside = misplaced(rng, inside)
        if target and rng.random() < settings.hidden_frames:
            image = with_hidden(rng, image, settings.hidden)
    return look(image, inside), [square.x, square.y, square.side]


def _shaken(square: Square, rng: np.random.Generator, settings: Settings) -> Square:
    shift, size = settings.jitter
    x, y = rng.normal(0, shift * square.side, 2)
    grown = square.side * float(np.exp(rng.normal(0, size)))
    return Square(square.x + float(x), square.y + float(y), grown)
