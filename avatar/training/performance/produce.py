"""Makes the takes of a split, each from its own seed; skips those that are there."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from avatar.training.performance.config import Settings
from avatar.training.performance.noise import Rng
from avatar.training.performance.script import Playwright
from avatar.training.performance.speech import Others, Voice
from avatar.training.performance.take import Take, perform, save_take
from avatar.training.performance.timeline import Timeline
from speech.types import FPS

SPLITS = ("train", "val", "real_train", "real_val")
_LOG = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Troupe:
    """Who writes, speaks and is heard in the takes of a split."""

    split: str
    playwright: Playwright
    voice: Callable[[Rng], Voice]
    others: Others


def take_of(settings: Settings, troupe: Troupe, index: int) -> Take:
    """The take of that number."""
    rng = np.random.default_rng([settings.seed, SPLITS.index(troupe.split), index])
    voice, others = troupe.voice(rng), troupe.others
    others.meet(rng)
    feels = rng.random() >= settings.neutral_takes
    wanted = FPS * float(rng.uniform(*settings.seconds))
    timeline = Timeline()
    while timeline.frame < wanted:
        for beat in troupe.playwright.beats(rng, feels=feels):
            timeline.live(rng, beat, voice, others)
            if timeline.frame >= wanted:
                break
    return perform(rng, timeline, voice.name, troupe.split)


def produce(
    settings: Settings, troupe: Troupe, out: Path, numbers: range, seconds: float
) -> tuple[int, float]:
    """Makes takes of these numbers in out/SPLIT until `seconds` lie there; returns how many takes
    there are and how long they are."""
    folder = out / troupe.split
    folder.mkdir(parents=True, exist_ok=True)
    total, count = 0.0, 0
    for index in numbers:
        if total >= seconds:
            break
        path = folder / f"{index:05d}.npz"
        if path.exists():
            with np.load(path) as file:
                frames = len(file["activity"])
        else:
            take = take_of(settings, troupe, index)
            save_take(path, take)
            frames = len(take.activity)
        total, count = total + frames / FPS, count + 1
        if count % 20 == 0:
            _LOG.info("%s: %d takes, %.0f s", troupe.split, count, total)
    return count, total
