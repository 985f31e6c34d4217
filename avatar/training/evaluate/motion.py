"""`limner evaluate motion`: encode, decode, compare, on people that nothing was trained on.

One run, one JSON, one Markdown table, sheets of pictures; baselines in the same run. A part whose
data, weights or judges are not there is left out and says why. Definitions: docs/evaluation.md.
"""

import logging
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any

from avatar.semo.encoder import WEIGHTS as ENCODER_WEIGHTS
from avatar.training.evaluate import motion_parts as parts
from avatar.training.evaluate.album import write_json
from avatar.training.evaluate.motion_report import PARTS, markdown
from avatar.training.evaluate.motion_scenes import Studio
from avatar.training.evaluate.motion_shared import Played, played
from avatar.training.evaluate.motion_speed import busy
from avatar.training.evaluate.motion_tokens import Trackers, trackers_of
from avatar.training.evaluate.photofit import Bench
from emotion.errors import ConfigError, LimnerError

LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Amount:
    """How much is looked at: people and frames of each of their shots, by kind of data."""

    people: int = 16
    shots: int = 2
    frames: int = 6
    photos: int = 24
    photo_frames: int = 5
    crossed: int = 4
    pairs: int = 12
    pair_frames: int = 5
    noisy: int = 4
    noisy_frames: int = 40


QUICK = Amount(4, 1, 4, 4, 3, 2, 3, 3, 1, 15)


@dataclass(frozen=True, slots=True)
class Request:
    """Folders of held-out shards (None: that part is left out), where results go, what encodes,
    who judges (None: nobody), how much, and which of `PARTS`."""

    rendered: Path | None
    photos: Path | None
    probe: Path | None
    out: Path
    encoder: Path = ENCODER_WEIGHTS
    bench: Bench | None = None
    amount: Amount = Amount()
    chosen: tuple[str, ...] = PARTS


class MissingError(LimnerError):
    """Something that a part needs is not there."""


class Evaluation:
    """One run."""

    def __init__(self, request: Request) -> None:
        self.request, self.studio = request, Studio()
        self.sheets = request.out / "sheets"

    def run(self) -> dict[str, Any]:
        """All chosen parts, written to OUT/motion.json and OUT/motion.md as they come."""
        self.request.out.mkdir(parents=True, exist_ok=True)
        found: dict[str, Any] = {"busy_at_start": busy()}
        for name in self.request.chosen:
            found[name] = self._part(getattr(self, f"_{name}"), name)
            write_json(self.request.out / "motion.json", found)
            (self.request.out / "motion.md").write_text(markdown(found), "utf-8")
        return found

    def _part(self, make: Callable[[], dict[str, Any]], name: str) -> dict[str, Any]:
        LOG.info("%s ...", name)
        try:
            return make()
        except (LimnerError, OSError, subprocess.CalledProcessError) as error:
            LOG.warning("%s is left out: %s", name, error)
            return {"left_out": str(error)}
        except (ValueError, RuntimeError) as error:
            # A fault of ours: the other parts still shall have their figures.
            LOG.exception("%s failed", name)
            return {"left_out": f"It failed: {error}"}

    @cached_property
    def _trackers(self) -> Trackers:
        return trackers_of(self.studio, self.request.encoder)

    def _trackers_or_none(self) -> Trackers | None:
        try:
            return self._trackers
        except ConfigError as error:
            LOG.warning("Without an encoder: %s", error)
            return None

    @cached_property
    def _played(self) -> list[Played]:
        folder = _given(self.request.probe, "--probe")
        return played(folder, self.request.amount.people, self._trackers)

    def _rendered(self) -> dict[str, Any]:
        amount, folder = self.request.amount, _given(self.request.rendered, "--held-out")
        measure = (amount.people, amount.frames, amount.shots)
        return parts.reconstruction(
            folder, measure, self.studio, self._trackers_or_none(), (self.sheets, "rendered")
        )

    def _photos(self) -> dict[str, Any]:
        amount, folder = self.request.amount, _given(self.request.photos, "--photos")
        measure = (amount.photos, amount.photo_frames, 1)
        # Their frames were drawn by the decoder without completion: so are the answers.
        return parts.reconstruction(
            folder, measure, Studio(completed=False), self._trackers_or_none(),
            (self.sheets, "photos"),
        )  # fmt: skip

    def _cross(self) -> dict[str, Any]:
        return parts.cross(self._played, self.studio, self.request.amount.crossed, self.sheets)

    def _identity_probe(self) -> dict[str, Any]:
        return parts.whose(self._played)

    def _rig(self) -> dict[str, Any]:
        folder, people = self.request.rendered, self.request.amount.people
        own = [] if folder is None else played(folder, people, self._trackers)
        shared = self._played if self.request.probe or not own else []
        return parts.rig([*own, *shared], self.studio)

    def _noise(self) -> dict[str, Any]:
        amount = self.request.amount
        measure = (amount.noisy, amount.noisy_frames)
        return parts.noise(self._played, measure, self.studio, self._trackers)

    def _people(self) -> dict[str, Any]:
        if self.request.bench is None:
            raise MissingError(
                "Nobody judges.", "Give --judges-python, --tools and --dlib (docs/evaluation.md)."
            )
        amount, folder = self.request.amount, _given(self.request.photos, "--photos")
        trackers = self._trackers_or_none()
        drivers = self._played if trackers is not None and self.request.probe else []
        return parts.people(
            (self.request.bench, self.request.out / "judged", self.sheets),
            folder,
            (amount.pairs, amount.pair_frames),
            self.studio,
            drivers,
        )

    def _speed(self) -> dict[str, Any]:
        trackers = self._trackers_or_none()
        folder = self.request.rendered or self.request.probe
        return parts.speed(folder, trackers)


def _given(folder: Path | None, option: str) -> Path:
    if folder is None or not folder.is_dir():
        raise MissingError(f"There is no folder {folder}.", f"Give {option} DIR.")
    return folder
