"""Reenactment of clips: follows a driver through pictures, then shows it all on one portrait.

Axis legend: F frames at 25 a second, R rig parameters, S picture side.
"""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

import numpy as np

from avatar.matte_net import MatteNet
from avatar.rig import SIZE, Vector
from avatar.semo.decoder import MotionDecoder
from avatar.semo.ease import Ease
from avatar.semo.folds import load_folds
from avatar.semo.loading import SURFACE, WEIGHTS, fingerprint, load_surface
from avatar.semo.personal import load_person
from avatar.semo.portrait_cache import PortraitCache
from avatar.semo.steady import steadied
from avatar.semo.surface import FaceSurface
from avatar.semo.transfer import BLINKS, FPS, OPENING, Transfer, reference_of
from avatar.semo.types import Appearance, Bytes, FittedPortrait, Floats
from avatar.semo.watch import Tracker, Trackers
from avatar.types import Portrait

BRIDGED = 8  # frames without a face between two with one that are filled in
_HOLD = 8  # frames for which a lost face is held


@dataclass(frozen=True, slots=True, eq=False)
class Performance:
    """What a driver did: rigs (F, 63), without tremble; seen (F,) bool, where there was a face."""

    rigs: Floats
    seen: np.ndarray

    @property
    def unseen(self) -> int:
        """Frames without a face."""
        return int((~self.seen).sum())


@dataclass(frozen=True, slots=True, eq=False)
class Sitter:
    """A portrait ready to be rendered: the surface it moves by, its fit and its look."""

    surface: FaceSurface
    fitted: FittedPortrait
    appearance: Appearance


class Reenactor:
    """Everything reenactment needs; one instance serves many clips."""

    def __init__(self) -> None:
        self._surface = load_surface()
        self._trackers = Trackers(self._surface)
        self._matte = MatteNet(WEIGHTS / "matte.onnx")
        self._folds = load_folds(WEIGHTS)
        self._portraits = PortraitCache(self._surface, self._matte.find)

    def watch(
        self, pictures: Iterable[Bytes], tracker: Tracker | None = None
    ) -> Iterator[Vector | None]:
        """(63,) rig of the driver in each (H, W, 3) uint8 picture, None where no face is seen.

        Raises ConfigError if the encoder's weights are missing.
        """
        tracker = tracker or self._trackers.open()
        for rgb in pictures:
            found = tracker.track(rgb)
            yield None if found is None else self._surface.token_to_rig(found.token)

    def sit(self, portrait: Portrait, person: Path | None = None) -> Sitter:
        """A portrait ready to be rendered; person: what a clip has taught about who is in it, the
        file that `limner train motion --adapt` wrote. Raises PortraitError, ConfigError."""
        if person is None:
            known = self._portraits.open(portrait, keep=False)
            return Sitter(self._surface, known.fitted, known.appearance)
        taught = load_person(person, fingerprint(SURFACE))
        return Sitter(*taught.open(portrait, self._surface, self._matte.find(portrait.rgb)))

    def render(
        self, sitter: Sitter, done: Performance, size: int, relative: bool = False
    ) -> Iterator[Bytes]:
        """(size, size, 3) uint8 for each frame; each is valid until the next is asked for.

        Raises ValueError for a performance in which no face was seen.
        """
        surface, fitted = sitter.surface, sitter.fitted
        decoder = MotionDecoder(surface, fitted, sitter.appearance, size, folds=self._folds)
        reference = reference_of(done.rigs[done.seen], relative)
        transfer = Transfer(surface, fitted, relative, reference)
        rest = fitted.rig
        target, ease, missing = rest.copy(), Ease(), 0
        for driver, seen in zip(done.rigs, done.seen, strict=True):
            missing = 0 if seen else missing + 1
            if seen:
                target = transfer.rig(driver)
            else:  # held, but not in the middle of a blink
                target[BLINKS] += OPENING * (rest[BLINKS] - target[BLINKS])
            share = np.float32(ease.step(float(missing <= _HOLD)))
            shown = rest + share * (target - rest)
            yield decoder.render(surface.rig_to_token(shown))


def performance_of(rigs: Iterable[Vector | None]) -> Performance:
    """From what `Reenactor.watch` found, frame by frame: short gaps filled, tremble taken out."""
    found = list(rigs)
    seen = np.array([rig is not None for rig in found], bool)
    out = np.zeros((len(found), SIZE), np.float32)
    for at, rig in enumerate(found):
        if rig is not None:
            out[at] = rig
    seen = _bridged(out, seen)
    for first, last in _runs(seen):
        out[first:last] = steadied(out[first:last], FPS)
    return Performance(out, seen)


def _bridged(rigs: Floats, seen: np.ndarray) -> np.ndarray:
    """Fills short gaps of `rigs` in place; (F,) where there is something now."""
    out = seen.copy()
    for (_, first), (last, _) in pairwise(_runs(seen)):
        if last - first <= BRIDGED:
            share = (np.arange(1, last - first + 1) / (last - first + 1)).astype(np.float32)
            rigs[first:last] = rigs[first - 1] + share[:, None] * (rigs[last] - rigs[first - 1])
            out[first:last] = True
    return out


def _runs(seen: np.ndarray) -> list[tuple[int, int]]:
    """First and one past the last frame of each run of True."""
    edges = np.flatnonzero(np.diff(np.r_[0, seen.astype(int), 0]))
    return [(int(a), int(b)) for a, b in zip(edges[::2], edges[1::2], strict=True)]
