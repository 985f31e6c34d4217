"""`limner train motion --adapt CLIP`: one person's file from a clip of them."""

import json
import logging
import time
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import cv2
import numpy as np
import torch

from avatar.semo.appearance import appearance_of
from avatar.semo.encoder import MaskedMotionEncoder
from avatar.semo.loading import SURFACE, fingerprint, load_surface
from avatar.semo.personal import Person, save_person
from avatar.semo.surface import FaceSurface
from avatar.semo.types import Appearance, FittedPortrait, Floats
from avatar.training.clips.adapt import (
    AdaptSettings,
    Reading,
    adapt,
    reading,
    story,
    tokens_read,
)
from avatar.training.clips.config import Config
from avatar.training.clips.films import Filmed, filmed
from avatar.training.clips.measure import Figures, measure
from avatar.training.clips.mouth import inside_factors, open_frames
from avatar.training.clips.prepare import record_of
from avatar.training.clips.scenes import load_scenes
from avatar.training.motion.twin import StageTwin
from emotion.errors import MediaError

LOG = logging.getLogger(__name__)
MEASURED = 16  # frames of a clip that figures are taken on
SOURCES = 2  # frames of a track from which the others are made

PARTS: dict[str, tuple[str, ...]] = {
    "inside": ("inside",),
    "depth": ("identity",),
    "reading": ("matrix", "offset"),
    "movements": ("gain", "moves"),
}
_HELPS = 0.005  # less than that is chance

Shown = tuple[FaceSurface, FittedPortrait, Appearance]


@dataclass(frozen=True, slots=True, eq=False)
class Adapted:
    """The person; figures by clip, then "before", "after"; seconds it took without reading."""

    person: Person
    figures: dict[str, dict[str, Figures]]
    seconds: float


def clips_of(paths: list[Path], work: Path, config: Config) -> list[Path]:
    """Shards of a person's clips. Raises MediaError for a clip of no use."""
    shards = []
    for path in paths:
        if not path.is_file():
            raise MediaError(f"The clip {str(path)!r} does not exist.", "Check the path.")
        record = record_of(path, work, config)
        if not record["shards"]:
            why = record.get("failed") or "; ".join(
                str(row.get("left out", "")) for row in record["tracks"]
            )
            raise MediaError(
                f"{path.name} cannot be used: {why}",
                "Film the face alone, sharp and well lit, from the front, for half a minute.",
            )
        shards += [work / "shards" / name for name in record["shards"]]
    return shards


def adapt_person(
    clip: Path, held: list[Path], out: Path, settings: AdaptSettings, encoder: Path | None
) -> Adapted:
    """Write OUT/person.safetensors, OUT/portrait.png and OUT/figures.json.

    held: other clips of the same person, only measured; encoder: None: the shipped one.
    Raises MediaError, ConfigError.
    """
    surface, config = load_surface(), Config()
    twin = StageTwin(surface).requires_grad_(False)
    net = MaskedMotionEncoder() if encoder is None else MaskedMotionEncoder(encoder)
    shards = clips_of([clip], out / "work", config)
    begun = time.monotonic()
    films = _films(shards, surface, twin, settings.seed, SOURCES)
    readings = [reading(film, net) for film in films]
    learnt, tokens = adapt(films, readings, surface, settings)
    person = learnt.person(surface, fingerprint(SURFACE))
    person = replace(person, inside=_inside(films[0], tokens[0], person, surface))
    person = _kept(films[0], readings[0], person, (surface, twin))
    seconds = time.monotonic() - begun
    figures = {clip.name: _compared(films[0], readings[0], person, (surface, twin))}
    for other in held:
        film = _films(clips_of([other], out / "work", config), surface, twin, 0, 1)[0]
        read = reading(film, net)
        figures[other.name] = _compared(film, read, person, (surface, twin))
    adapted = Adapted(person, figures, seconds)
    _write(adapted, films[0], out, settings)
    return adapted


def _films(
    shards: list[Path], surface: FaceSurface, twin: StageTwin, seed: int, sources: int
) -> list[Filmed]:
    scenes = load_scenes(shards, surface, twin, seed, sources)
    return [filmed(scene, surface, twin) for scene in scenes]


def general(film: Filmed, surface: FaceSurface) -> Shown:
    """The film's source as anybody's picture."""
    return surface, film.scene.fitted, appearance_of(film.scene.fitted, surface)


def personal(film: Filmed, person: Person, surface: FaceSurface) -> Shown:
    """The same with what is known of the person."""
    own = person.on(surface)
    fitted = person.fitted(film.scene.fitted, own)
    return own, fitted, person.appearance(appearance_of(fitted, own))


def _inside(film: Filmed, tokens: torch.Tensor, person: Person, surface: FaceSurface) -> Floats:
    """(N,3) from the frames with an open mouth."""
    frames = open_frames(film.scene.shard)
    LOG.info("%d frames show the inside of the mouth", len(frames))
    chosen = {at: tokens[at].numpy() for at in frames}
    return inside_factors(film.scene.shard, personal(film, person, surface), chosen)


def _kept(
    film: Filmed, read: Reading, learnt: Person, models: tuple[FaceSurface, StageTwin]
) -> Person:
    """Of what was learnt, the parts that make this clip's frames better when its tokens are those
    that the encoder reads: what only serves the frames' own tokens is dropped."""
    surface, twin = models
    best = replace(learnt, **{name: getattr(_nobody(learnt), name) for name in _names()})
    least = _score(_measured(film, read, best, (surface, twin)))
    for part, names in PARTS.items():
        tried = replace(best, **{name: getattr(learnt, name) for name in names})
        score = _score(_measured(film, read, tried, (surface, twin)))
        LOG.info("%s: %.3f, without %.3f", part, score, least)
        if score < least - _HELPS:
            best, least = tried, score
    return best


def _names() -> list[str]:
    return [name for names in PARTS.values() for name in names]


def _nobody(person: Person) -> Person:
    """Changes nothing; of the same shapes."""
    zeros = {name: np.zeros_like(getattr(person, name)) for name in _names()}
    ones = {name: np.ones_like(getattr(person, name)) for name in ("gain", "inside")}
    return replace(person, **(zeros | ones))


def _score(figures: Figures) -> float:
    """Lower is better: logarithms of the face's and, doubly, of the mouth's error."""
    return -figures.psnr * float(np.log(10)) / 10 + 2 * float(np.log(figures.mouth))


def _measured(
    film: Filmed, read: Reading, person: Person, models: tuple[FaceSurface, StageTwin]
) -> Figures:
    """The product's way, encoder to decoder, with what is known of the person."""
    surface, twin = models
    targets = film.scene.targets()
    spread = np.linspace(0, len(targets) - 1, min(MEASURED, len(targets))).astype(int)
    frames = torch.tensor([targets[k] for k in spread])
    fixed = replace(read, tokens=torch.from_numpy(person.read(read.tokens.numpy())))
    with torch.no_grad():
        tokens = tokens_read(film, fixed, frames, twin).numpy()
    by_frame = dict(zip(frames.tolist(), tokens, strict=True))
    shown = personal(film, person, surface)
    return measure(film.scene.shard, shown, by_frame, film.scene.source)[0]


def _compared(
    film: Filmed, read: Reading, person: Person, models: tuple[FaceSurface, StageTwin]
) -> dict[str, Figures]:
    """Without and with the person's file."""
    out = {
        "before": _measured(film, read, _nobody(person), models),
        "after": _measured(film, read, person, models),
    }
    LOG.info("%s: %s", film.scene.name, out)
    return out


def _write(adapted: Adapted, film: Filmed, out: Path, settings: AdaptSettings) -> None:
    figures: dict[str, object] = {
        clip: {name: asdict(some) for name, some in rows.items()}
        for clip, rows in adapted.figures.items()
    }
    figures["seconds"] = round(adapted.seconds, 1)
    save_person(adapted.person, out / "person.safetensors", story(settings, figures))
    (out / "figures.json").write_text(json.dumps(figures, indent=1, sort_keys=True))
    source = film.scene.shard.images[film.scene.source]
    cv2.imwrite(str(out / "portrait.png"), cv2.cvtColor(source, cv2.COLOR_RGB2BGR))
