"""The parts of the evaluation of motion, each to its figures and sheets."""

from collections.abc import Iterator, Sequence
from itertools import islice
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from avatar.landmarks import Landmarks
from avatar.training.evaluate import motion_people
from avatar.training.evaluate.album import Bytes, Floats
from avatar.training.evaluate.motion_completion import Sides, jitter
from avatar.training.evaluate.motion_measure import COPY, Measured, table
from avatar.training.evaluate.motion_people import Driven
from avatar.training.evaluate.motion_probe import noise_figures
from avatar.training.evaluate.motion_reconstruction import (
    CROSS,
    ENCODER,
    EXACT,
    LANDMARKS,
    Seen,
    all_reproduced,
)
from avatar.training.evaluate.motion_scenes import Scene, Sitter, Studio, opened, scenes
from avatar.training.evaluate.motion_shared import (
    Played,
    cross_figures,
    crossed,
    said,
    whose_figures,
)
from avatar.training.evaluate.motion_sheet import Row, difference, write_pages
from avatar.training.evaluate.motion_speed import busy, drawing, tracking_ms
from avatar.training.evaluate.motion_tokens import Trackers, applied, explained
from avatar.training.evaluate.photofit import Bench
from avatar.training.synthetic.shards import load_shard, shard_paths
from avatar.types import Portrait
from emotion.errors import LimnerError, PortraitError

NOISE, QUALITY, SEED = 5.0, 75, 3  # grey levels, of JPEG
SLOW = 3  # the landmarks' fit gets a third of the noisy frames
TIMED = 60


def reconstruction(
    folder: Path,
    measure: tuple[int, int, int],
    studio: Studio,
    trackers: Trackers | None,
    sheet: tuple[Path, str],
) -> dict[str, Any]:
    """Encode and decode held-out shards: people, frames of a shot, shots; a table by way, and what
    completion changes."""
    sides = Sides()

    def complete(scene: Scene, sitter: Sitter, tokens: Floats) -> None:
        if sitter.completed:
            sides.add(scene, sitter, tokens)

    people, frames, shots = measure
    found = opened(scenes(folder, people, frames, shots), studio)
    seen = all_reproduced(found, studio, trackers, complete)
    if not seen:
        raise PortraitError(f"There is no held-out person in {folder}.", "Make some.")
    way = EXACT if trackers is None else ENCODER
    rows = [_row(one, way) for one in sorted(seen, key=lambda one: -one.scene.turn(one.frame))]
    write_pages(rows[:12], *sheet)
    every = [row for one in seen for row in one.rows]
    return {
        "ways": table(every),
        "worst": _worst(every, way),
        "completion": sides.figures() if studio.completion.any else None,
    }


def _row(one: Seen, way: str) -> Row:
    truth = np.asarray(one.scene.shard.images[one.frame], np.uint8)
    ways = {name: one.shown.get(name) for name in (EXACT, ENCODER, LANDMARKS)}
    name = f"{_short(one.scene.who)}, {one.scene.turn(one.frame):.0f} deg"
    return Row(
        name,
        {
            "source": one.shown[COPY],
            **{name: picture for name, picture in ways.items() if picture is not None},
            "truth": truth,
            f"{way} - truth": difference(one.shown.get(way), truth),
        },
    )


def _short(who: str) -> str:
    """As much of a file's stem as fits over a picture."""
    kind, _, name = who.removesuffix("_held_out").partition("_")
    return name.lstrip("0") or kind


def _worst(rows: Sequence[Measured], way: str) -> list[list[object]]:
    """Where to look first: people by their mean head PSNR."""
    found: dict[str, list[float]] = {}
    for row in rows:
        if row.way == way:
            found.setdefault(row.who, []).append(row.psnr["head"])
    means = sorted((float(np.nanmean(v)), who) for who, v in found.items())
    return [[round(mean, 2), who] for mean, who in means[:6]]


def cross(every: Sequence[Played], studio: Studio, frames: int, sheets: Path) -> dict[str, Any]:
    """Another person's tokens of the same performance against the person's own."""
    seen, drivers = crossed(every, studio, frames)
    if not seen:
        raise PortraitError("Nobody plays the same performance.", "Make shards with --share.")
    rows = []
    for one, driver in zip(seen, drivers, strict=True):
        truth = np.asarray(one.scene.shard.images[one.frame], np.uint8)
        rows.append(
            Row(
                _short(one.scene.who),
                {
                    "driver": driver,
                    "same identity": one.shown.get(ENCODER),
                    "cross identity": one.shown.get(CROSS),
                    "truth": truth,
                    "cross - truth": difference(one.shown.get(CROSS), truth),
                },
            )
        )
    write_pages(rows[:12], sheets, "cross")
    return cross_figures(seen)


def whose(every: Sequence[Played]) -> dict[str, Any]:
    """Who it is, read from tokens."""
    return whose_figures(every)


def rig(every: Sequence[Played], studio: Studio) -> dict[str, Any]:
    """What the face does, read from tokens."""
    return said(every, studio.surface, studio)


def noise(
    every: Sequence[Played], measure: tuple[int, int], studio: Studio, trackers: Trackers
) -> dict[str, Any]:
    """Still faces in noise: how much tokens, and pictures drawn by them, change."""
    known = np.concatenate([[p.scene.known(at) for at in p.scene.targets] for p in every])
    usual = known.std(0)
    people, frames = measure
    found: dict[str, list[dict[str, Any]]] = {ENCODER: [], LANDMARKS: []}
    pictures = []
    first = {p.scene.who: p.scene for p in reversed(every)}
    for scene, sitter in islice(opened(iter(first.values()), studio), people):
        noisy = list(_noisy(scene.portrait, frames))
        follow = trackers(25.0)
        tokens = np.stack([t for t in map(follow, noisy) if t is not None])
        rigs = studio.surface.token_to_rig(tokens)
        found[ENCODER].append(noise_figures(tokens, rigs, usual))
        if sitter.completed:
            pictures.append(jitter(sitter, applied(tokens, sitter)))
        marks = scene.shard.landmarks[scene.source]
        fitted = np.stack([explained(rgb, marks, studio) for rgb in noisy[::SLOW]])
        fits = studio.surface.rig_to_token(fitted)
        found[LANDMARKS].append(noise_figures(fits, fitted, usual))
    return {"noise_grey_levels": NOISE, "jpeg": QUALITY, "ways": found, "pictures": pictures}


def _noisy(rgb: Bytes, frames: int) -> list[Bytes]:
    """The same picture in fresh sensor noise and compressed, again and again."""
    rng, out = np.random.default_rng(SEED), []
    for _ in range(frames):
        grain = rgb + rng.normal(0, NOISE, rgb.shape)
        bgr = np.clip(np.round(grain), 0, 255).astype(np.uint8)[..., ::-1]
        data = cv2.imencode(".jpg", bgr, [cv2.IMWRITE_JPEG_QUALITY, QUALITY])[1]
        back = cv2.imdecode(data, cv2.IMREAD_COLOR)
        assert back is not None
        out.append(np.ascontiguousarray(back[..., ::-1], np.uint8))
    return out


def people(
    where: tuple[Bench, Path, Path],
    folder: Path,
    measure: tuple[int, int],
    studio: Studio,
    drivers: Sequence[Played],
) -> dict[str, Any]:
    """Held-out photos driven by held-out people, and asked for feelings; judged. where: bench,
    folder of the judged pictures, folder of sheets."""
    bench, judged, sheets = where
    pairs, frames = measure
    sitters = dict(islice(_photos(folder, studio), pairs))
    asked = motion_people.asked_feelings(sitters)
    chosen = _spread_over_people(drivers, len(sitters))
    driven = [_driven(s, one, frames) for s, one in zip(sitters.values(), chosen, strict=False)]
    read = motion_people.judged(bench, judged, driven, asked)
    rows = [_driven_row(who, pair) for who, pair in zip(sitters, driven, strict=False)]
    write_pages(rows, sheets, "driven")
    identity = motion_people.identity_figures(read, driven) if driven else {"left_out": "no driver"}
    return {"identity": identity, "feelings": motion_people.feeling_figures(read)}


def _photos(folder: Path, studio: Studio) -> Iterator[tuple[str, Sitter]]:
    """(name, Sitter) of the photos themselves that held-out shards were made from."""
    for path in shard_paths(folder, "held_out"):
        shard = load_shard(path)
        try:
            points = studio.found(shard.source)
            marks = Landmarks(np.asarray(points, np.float32))
            name = path.stem.removesuffix("_held_out")
            portrait = Portrait(name, name, "", np.asarray(shard.source, np.uint8), marks)
            yield name, studio.sitter(portrait, len(shard.source))
        except LimnerError:
            continue


def _spread_over_people(drivers: Sequence[Played], count: int) -> list[Played]:
    """Different people first."""
    by_shot = sorted(drivers, key=lambda one: (one.scene.shot, one.scene.who))
    return [by_shot[k % len(by_shot)] for k in range(count)] if by_shot else []


def _driven(sitter: Sitter, one: Played, frames: int) -> Driven:
    """A portrait by the encoder's tokens and by the driver's labels."""
    targets = one.scene.targets
    chosen = np.linspace(0, len(targets) - 1, min(frames, len(targets))).round().astype(int)
    some = one.some([targets[k] for k in chosen])
    taken = [some.scene.source, *some.scene.targets]
    labels = sitter.surface.rig_to_token(np.stack([some.scene.known(at) for at in taken]))
    ways = {ENCODER: some.tokens, EXACT: labels}
    drawn = {way: motion_people.driven(sitter, tokens) for way, tokens in ways.items()}
    images = [np.asarray(some.scene.shard.images[at], np.uint8) for at in taken]
    return Driven(sitter.fitted.rgb, images, drawn)


def _driven_row(who: str, pair: Driven) -> Row:
    pictures: dict[str, Bytes | None] = {
        "portrait": pair.portrait,
        "driver at rest": pair.driver[0],
    }
    for k, picture in enumerate(pair.driver[1:3]):
        frames = pair.frames[ENCODER]
        pictures[f"driver {k + 1}"] = picture
        pictures[f"driven {k + 1}"] = frames[k] if k < len(frames) else None
    return Row(_short(who), pictures)


def speed(folder: Path | None, trackers: Trackers | None) -> dict[str, Any]:
    """Milliseconds of tracking and of drawing; see how busy the machine was."""
    out: dict[str, Any] = {"busy": busy()}
    if trackers is not None and folder is not None:
        for path in shard_paths(folder, "held_out")[:1]:
            shard = load_shard(path)
            own = np.flatnonzero(shard.shot == shard.shot[0])
            stream = [np.asarray(shard.images[at], np.uint8) for at in own]
            out["tracking_ms"] = tracking_ms((stream * TIMED)[:TIMED], trackers)
    out["drawing"] = drawing()
    return out
