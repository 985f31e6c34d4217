"""Acts become films through the product's decoder, and judges read the films; readings are kept.

Axis legend: F frames, S px of a side.
"""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np

from avatar.portraits import gallery, load_portrait
from avatar.semo.avatar import ENGAGE, RELAX
from avatar.semo.driver import expressed
from avatar.semo.neutral import target_rig
from avatar.training.evaluate.act_judge import FELT
from avatar.training.evaluate.album import Bytes, Floats
from avatar.training.evaluate.motion_scenes import SIZE, Sitter, Studio
from avatar.training.evaluate.photofit import Bench
from avatar.training.landmarks.layout import SLICES
from avatar.types import Portrait
from avatar.warp import WarpRenderer
from emotion.errors import PortraitError

JUDGE = "avatar.training.evaluate.act_judge"
_INNER = SLICES["lips_inner"]
_MIDDLE = ((3, 17), (4, 16), (5, 15), (6, 14), (7, 13))  # facing pairs in the middle of the lips
_EYES = (SLICES["right_eye"], SLICES["left_eye"])


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What the judges say of a film; see `act_judge`."""

    names: tuple[str, ...]
    scores: Floats
    points: Floats
    turn: Floats
    feeling: Floats

    @property
    def gap(self) -> Floats:
        """(F,) between the inner lips, in distances between the eyes."""
        inner = self.points[:, _INNER]
        pairs = [np.linalg.norm(inner[:, a] - inner[:, b], axis=1) for a, b in _MIDDLE]
        right, left = (self.points[:, eye].mean(1) for eye in _EYES)
        eyes = np.linalg.norm(right - left, axis=1)
        return np.asarray(np.mean(pairs, 0) / eyes, np.float32)

    def score(self, name: str) -> Floats:
        """(F,) of a blendshape by the judge's name."""
        return np.asarray(self.scores[:, self.names.index(name)], np.float32)


class Cast:
    """The people on whom motion is shown."""

    def __init__(self, portraits: Sequence[Portrait], size: int = SIZE) -> None:
        self._portraits = {portrait.name: portrait for portrait in portraits}
        self._size, self._studio = size, Studio()
        self._open: dict[str, Sitter] = {}

    @classmethod
    def of_gallery(cls, count: int, size: int = SIZE) -> "Cast":
        """Invented people, spread over the gallery."""
        names = [entry.name for entry in gallery()]
        chosen = np.linspace(0, len(names) - 1, min(count, len(names))).round().astype(int)
        return cls([load_portrait(names[at]) for at in chosen], size)

    @classmethod
    def of_folder(cls, folder: Path, count: int, size: int = SIZE) -> "Cast":
        """Some held-out photos of a folder, of those that the intake takes."""
        from avatar.training.landmarks.config import Config, held_out_names

        taken: list[Portrait] = []
        for name in _spread(held_out_names(folder, Config())):
            if len(taken) == count:
                break
            try:
                taken.append(load_portrait(folder / f"{name}.jpg"))
            except PortraitError:
                continue
        return cls(taken, size)

    @property
    def names(self) -> tuple[str, ...]:
        """Of the people."""
        return tuple(self._portraits)

    def portrait(self, who: str) -> Portrait:
        """One person's picture."""
        return self._portraits[who]

    def sitter(self, who: str) -> Sitter:
        """One person fitted, once."""
        if who not in self._open:
            self._open[who] = self._studio.sitter(self._portraits[who], self._size)
        return self._open[who]

    @cached_property
    def key(self) -> str:
        """Changes when the product would draw these people otherwise."""
        files = sorted((Path(__file__).parents[2] / "weights").glob("*.safetensors"))
        stamp = [f"{f.name}{f.stat().st_size}" for f in files if "surface" in f.name]
        return hashlib.sha256("".join(stamp).encode()).hexdigest()[:8]

    def frames(self, shown: "Shown") -> Iterator[Bytes]:
        """Pictures of asked rigs, as a live stream draws them."""
        sitter, engaged = self.sitter(shown.who), float(shown.settled)
        wanted = frozenset(shown.at or range(len(shown.rigs)))
        for frame, asked in enumerate(shown.rigs):
            # The picture's own expression gives way when the face has something else to say.
            share = max(float(shown.settled), expressed(asked))
            engaged += (ENGAGE if share > engaged else RELAX) * (share - engaged)
            if frame in wanted:
                rig = target_rig(sitter.fitted, asked, own=1 - engaged)
                yield sitter.draw(sitter.surface.rig_to_token(rig))


class WarpCast(Cast):
    """The same people drawn by the weight-free engine; takes (F, D) motion instead of rigs, and
    knows no other rest than the picture's."""

    def frames(self, shown: "Shown") -> Iterator[Bytes]:
        """See `Cast.frames`."""
        renderer = WarpRenderer(self.portrait(shown.who), self._size)
        wanted = frozenset(shown.at or range(len(shown.rigs)))
        for frame, motion in enumerate(shown.rigs):
            if frame in wanted:
                yield renderer.render(motion)


@dataclass(frozen=True, slots=True, eq=False)
class Shown:
    """Rigs (F, 63) on a person; at: the frames that are looked at, () for all; felt: whether the
    judge of feelings looks too; settled: the picture's own expression is gone from the start."""

    who: str
    rigs: Floats
    at: tuple[int, ...] = ()
    felt: bool = False
    settled: bool = False


class Screening:
    """Draws what has not been drawn, lets the judges read it, keeps the readings in a folder."""

    def __init__(self, cast: Cast, bench: Bench, folder: Path) -> None:
        self.cast, self._bench, self._folder = cast, bench, folder

    def read(self, shown: Sequence[Shown]) -> list[Reading]:
        """A reading for each, in order. Raises CalledProcessError if the judges fail."""
        self._folder.mkdir(parents=True, exist_ok=True)
        names = [self._name(one) for one in shown]
        # A few at a time: a film of 100 frames takes 20 MB until it has been read.
        for first in range(0, len(shown), 24):
            self._draw(shown[first : first + 24], names[first : first + 24])
        return [_loaded(self._folder / f"{name}.npz") for name in names]

    def _draw(self, shown: Sequence[Shown], names: Sequence[str]) -> None:
        # A folder of its own: another run that shares the readings must not judge half a film.
        with TemporaryDirectory(dir=self._folder) as films:
            for one, name in zip(shown, names, strict=True):
                if not (self._folder / f"{name}.npz").exists():
                    np.save(Path(films) / f"{name}.npy", np.stack(list(self.cast.frames(one))))
            if any(Path(films).iterdir()):
                self._bench.run(JUDGE, [self._bench.tools / "judges"], films)
            for file in Path(films).glob("*.npz"):
                file.replace(self._folder / file.name)

    def _name(self, one: Shown) -> str:
        rigs = np.ascontiguousarray(one.rigs, np.float32).round(5) + np.float32(0)
        how = f"{self.cast.key} {one.at} {one.settled} {type(self.cast).__name__}"
        content = hashlib.sha256(rigs.tobytes() + how.encode())
        return f"{one.who}_{content.hexdigest()[:20]}{FELT if one.felt else ''}"


def _spread(names: Sequence[str]) -> list[str]:
    """The same names in an order whose first few stand all over the list."""
    return [names[at] for at in np.random.default_rng(0).permutation(len(names))]


def _loaded(file: Path) -> Reading:
    with np.load(file) as data:
        names = tuple(str(name) for name in data["names"])
        return Reading(names, *(data[k] for k in ("scores", "points", "turn", "feeling")))
