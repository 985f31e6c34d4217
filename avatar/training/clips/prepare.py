"""A folder of clips to shards: tracks, filters, crops. What is done is not done again.

For each clip OUT/records/KEY.json says what was found; OUT/shards/KEY_TRACK.npz holds what was
kept. KEY names the file's content and the settings, so a changed clip is read anew.
"""

import hashlib
import json
import logging
from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import cv2
import numpy as np

from avatar.landmarks import Landmarks
from avatar.portrait import Crop, Face, Intake, built_in_check, built_in_finder, crop_box
from avatar.portrait_checks import height_of, yaw_of
from avatar.portraits import WEIGHTS
from avatar.training.clips.config import Config
from avatar.training.clips.reading import Bytes, Floats, Picture, clip_paths, frames, sound
from avatar.training.clips.store import ClipShard, save_clip
from avatar.training.clips.sync import sync_of
from avatar.training.clips.tracks import Track, tracks
from emotion.errors import LimnerError

LOG = logging.getLogger(__name__)
_MARGIN = 0.01  # of the square: landmarks nearer to its edge count as outside
_VERSION = 3  # of what this module does


@dataclass(frozen=True, slots=True)
class Prepared:
    """shards: what was kept; records: one a clip, for the report."""

    shards: tuple[Path, ...]
    records: tuple[dict[str, Any], ...]


def prepare(folder: Path, out: Path, config: Config) -> Prepared:
    """Read all clips of a folder. Raises MediaError if there is none; a clip that cannot be used
    is told in its record."""
    records = [record_of(path, out, config) for path in clip_paths(folder)]
    kept = [out / "shards" / name for record in records for name in record["shards"]]
    return Prepared(tuple(kept), tuple(records))


def record_of(path: Path, out: Path, config: Config) -> dict[str, Any]:
    """What became of one clip; from the cache if it was read before."""
    key = _key(path, config)
    stored = out / "records" / f"{key}.json"
    if stored.exists():
        known: dict[str, Any] = json.loads(stored.read_text())
        return known | {"clip": path.name}
    LOG.info("reading %s", path.name)
    record: dict[str, Any] = {"clip": path.name, "key": key, "shards": [], "tracks": []}
    try:
        _read(path, out, config, record)
    except LimnerError as error:
        record["failed"] = error.message
    stored.parent.mkdir(parents=True, exist_ok=True)
    unfinished = stored.with_suffix(".part")
    unfinished.write_text(json.dumps(record, indent=1, sort_keys=True))
    unfinished.replace(stored)
    return record


def _key(path: Path, config: Config) -> str:
    digest = hashlib.blake2b(digest_size=8)
    digest.update(f"{_VERSION} {config.model_dump_json()}".encode())
    for file in (path, WEIGHTS):
        with file.open("rb") as opened:
            while block := opened.read(1 << 20):
                digest.update(block)
    return digest.hexdigest()


def _read(path: Path, out: Path, config: Config, record: dict[str, Any]) -> None:
    found = tracks(frames(path, config), built_in_finder(), built_in_check(), config)
    if not found:
        record["failed"] = f"{path.name} shows no single face."
        return
    pcm = sound(path, config)
    for at, track in enumerate(found):
        row, chosen = _judged(track, config)
        record["tracks"].append(row)
        if chosen is None:
            continue
        sync = sync_of(track.times, track.gaps, pcm, config)
        name = f"{record['key']}_{at:02d}.npz"
        info = {"clip": path.name, "key": record["key"], "track": at, "sync": sync.row()}
        shard = _cut(frames(path, config), (track, chosen), info, config)
        save_clip(shard, out / "shards" / name)
        row |= {"kept": len(chosen.frames), "sync": sync.row(), "sources": len(chosen.sources)}
        record["shards"].append(name)


@dataclass(frozen=True, slots=True, eq=False)
class _Chosen:
    """Of a track: frames to keep, the sources among them (both as the track's indices), square."""

    frames: tuple[int, ...]
    sources: tuple[int, ...]
    square: Crop


def _judged(track: Track, config: Config) -> tuple[dict[str, Any], _Chosen | None]:
    """The report's row, and what is kept if it is enough."""
    good = track.good
    row: dict[str, Any] = {
        "from": round(float(track.times[0]), 2),
        "to": round(float(track.times[-1]), 2),
        "frames": len(good),
        "good": int(good.sum()),
        "faults": dict(Counter(fault for fault in track.faults.tolist() if fault)),
        "ended": track.ended,
        "kept": 0,
    }
    if not good.any() or _seconds(track, good) < config.shortest:
        row["left out"] = f"less than {config.shortest:g} s of good frames"
        return row, None
    first = min((int(at) for at in np.flatnonzero(good)), key=track.calm)
    square = _square(track, first)
    inside = good & _inside(track.points, square)
    if _seconds(track, inside) < config.shortest:
        row["left out"] = "the head leaves the square around its calmest frame"
        return row, None
    kept = _thinned(track.times, np.flatnonzero(inside), config)
    return row, _Chosen(kept, _sources(track, kept, config), square)


def _seconds(track: Track, which: np.ndarray) -> float:
    """How long the frames last that are marked."""
    steps = np.diff(track.times)
    usual = float(np.median(steps)) if len(steps) else 0.04
    return float(which.sum()) * usual


def _square(track: Track, frame: int) -> Crop:
    """As our intake cuts a portrait."""
    points = track.points[frame]
    marks = Landmarks(points)
    low, high = points.min(0).tolist(), points.max(0).tolist()
    box = (*low, *high)
    face = Face(marks, float(track.scores[frame]), box, height_of(marks), yaw_of(marks), ())
    return crop_box(Intake(*track.size, (face,), ()))


def _inside(points: Floats, square: Crop) -> np.ndarray:
    corner = np.array([square.x, square.y]) - square.side / 2
    share = (points - corner) / square.side
    return np.asarray(((share > _MARGIN) & (share < 1 - _MARGIN)).all((1, 2)))


def _thinned(times: Floats, usable: np.ndarray, config: Config) -> tuple[int, ...]:
    """Not more than `rate` a second and `most_frames` in all, spread evenly."""
    kept, last = [], -np.inf
    for at in usable:
        # Half a frame's tolerance, so that 25 frames a second give 8.3 or 12.5, not less.
        if times[at] - last >= 1 / config.rate - 0.02:
            kept.append(int(at))
            last = times[at]
    if len(kept) > config.most_frames:
        spread = np.linspace(0, len(kept) - 1, config.most_frames).round().astype(int)
        kept = [kept[k] for k in spread]
    return tuple(kept)


def _sources(track: Track, kept: tuple[int, ...], config: Config) -> tuple[int, ...]:
    """The calmest frames, some time apart."""
    chosen: list[int] = []
    for at in sorted(kept, key=track.calm):
        if all(abs(track.times[at] - track.times[other]) >= config.apart for other in chosen):
            chosen.append(at)
        if len(chosen) == config.sources:
            break
    return tuple(chosen)


def _cut(
    pictures: Iterable[Picture],
    found: tuple[Track, _Chosen],
    info: dict[str, Any],
    config: Config,
) -> ClipShard:
    """The chosen frames of a track in their square."""
    track, chosen = found
    wanted = {float(track.times[at]): at for at in chosen.frames}
    images: dict[int, Bytes] = {}
    for picture in pictures:
        at = wanted.get(float(np.float32(picture.time)))
        if at is not None:
            images[at] = cut_square(picture.rgb, chosen.square, config.side)
        if len(images) == len(wanted):
            break
    shown = [at for at in chosen.frames if at in images]
    square = chosen.square
    corner = np.array([square.x, square.y], np.float32) - np.float32(square.side / 2)
    return ClipShard(
        images=np.stack([images[at] for at in shown]),
        points=((track.points[shown] - corner) * (config.side / square.side)).astype(np.float32),
        times=track.times[shown],
        scores=track.scores[shown],
        sources=np.array([shown.index(at) for at in chosen.sources if at in images], np.int64),
        info=info | {"square": [square.x, square.y, square.side]},
    )


def cut_square(rgb: Bytes, square: Crop, side: int) -> Bytes:
    """(side, side, 3); beyond the picture its edge pixels are repeated."""
    width = round(square.side)
    left, top = round(square.x - square.side / 2), round(square.y - square.side / 2)
    height, across = rgb.shape[:2]
    inside = rgb[max(top, 0) : max(top + width, 0), max(left, 0) : max(left + width, 0)]
    edges = (
        max(-top, 0),
        max(top + width - height, 0),
        max(-left, 0),
        max(left + width - across, 0),
    )
    whole = cv2.copyMakeBorder(inside, *edges, cv2.BORDER_REPLICATE) if any(edges) else inside
    how = cv2.INTER_AREA if width > side else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(whole, (side, side), interpolation=how), np.uint8)
