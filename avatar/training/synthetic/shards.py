"""Shards: one file of labelled frames for each person.

NAME.npz (deflated, read it with `load_shard` or `numpy.load`); axis legend: F frames, S pixels of a
side, V vertices, T triangles. Pixel positions are continuous, the first pixel's centre is (.5, .5).

| member | shape, type | meaning |
| --- | --- | --- |
| images | (F,S,S,3) uint8 | RGB |
| alpha | (F,S,S) uint8 | share of the person, 255 is all |
| segmentation | (F,S,S) uint8 | `materials.Segment`, at the pixel's centre |
| depth | (F,S,S) float16 | cm from the camera, 0 for background |
| surface | (F,S,S) uint16 | triangle at the pixel's centre, 65535 for background |
| weights | (F,S,S,2) uint8 | of the triangle's first two corners, 0..255 for -0.5..1.5 |
| points | (F,V,3) int16 | vertices: x, y in S / 8192 px; depth minus `distance` in 256ths cm |
| distance | (F,) float32 | cm |
| focal | (F,) float32 | the camera's focal length, px |
| anchor | (F,3) float32 | px x, y, depth cm: midway between the eyeballs' centres, see `anchor` |
| triangles | (T,3) uint16 | vertices; those of the face pack's head come first, in its order |
| landmarks | (F,150,2) float32 | px, order of `avatar.landmarks.GROUPS` |
| rig | (F,63) float32 | `avatar.rig.RIG` |
| time | (F,) float32 | seconds in the performance |
| shot | (F,) int32 | frames of one shot share camera, light and background |
| strength | (F,) float32 | of the feeling |
| identity, semantics, closure | (80,), (7,), () | of the pack's modes, mouthClose at rest |
| source | (S,S,3) uint8 | photos only, else empty: the photo itself |
| to_source | (F,S,S,2) float16 | photos only: backward flow to `source`, px, hair included |
| real | (F,S,S) uint8 | photos only: 255 where the pixel is the photo's, 0 where it is made up |
| info | JSON | kind (render or photo), format, seed, split, emotion, traits or name, ... |

Folds of the skin (`folds`) are in the pictures' shading alone: points, depth and flow are those of
the smooth surface. Photos have the learned surface's points and triangles instead of the pack's;
their surface ends where the face does, and `UNKNOWN` in the segmentation is hair, clothes or neck.
"""

import io
import json
import os
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avatar.training.synthetic.buffers import Bytes, Floats, Ints
from avatar.training.synthetic.labels import Seen, flow_between

NOTHING = 65535
UNKNOWN = 255
FORMAT = 3
POINT_STEPS, DEPTH_STEPS = 8192, 256
LEVEL = 1  # of compression; higher ones cost more than the rendering
PLAIN = frozenset({"points"})  # hardly shrink


@dataclass(frozen=True, slots=True, eq=False)
class Shard:
    """One person's frames as stored; see the module's table."""

    images: Bytes
    alpha: Bytes
    segmentation: Bytes
    depth: NDArray[np.float16]
    surface: NDArray[np.uint16]
    weights: Bytes
    points: NDArray[np.int16]
    distance: Floats
    focal: Floats
    anchor: Floats
    triangles: NDArray[np.uint16]
    landmarks: Floats
    rig: Floats
    time: Floats
    shot: Ints
    strength: Floats
    identity: Floats
    semantics: Floats
    closure: Floats
    source: Bytes
    to_source: NDArray[np.float16]
    real: Bytes
    info: dict[str, Any]

    def seen(self, frame: int) -> Seen:
        """A frame as `flow_between` takes it."""
        surface = self.surface[frame].astype(np.int32)
        surface[surface == NOTHING] = -1
        weights = self.weights[frame].astype(np.float32) * np.float32(2 / 255) - np.float32(0.5)
        depth = self.depth[frame].astype(np.float32)
        return Seen(surface, weights, depth, self.screen(frame))

    def screen(self, frame: int) -> Floats:
        """(V,3) px x, y and 1 / depth of every vertex."""
        size = self.images.shape[1]
        points = self.points[frame].astype(np.float32)
        depth = points[:, 2] / DEPTH_STEPS + self.distance[frame]
        xy = points[:, :2] * np.float32(size / POINT_STEPS)
        return np.column_stack([xy, 1 / depth]).astype(np.float32)

    def flow(self, target: int, source: int) -> tuple[Floats, NDArray[np.bool_]]:
        """Backward flow (S,S,2) px and visibility (S,S) between two frames, see `flow_between`.

        Of photos only the face is known to be visible.
        """
        seen = self.seen(target)
        flow, visible = flow_between(seen, self.seen(source), self.triangles.astype(np.int32))
        return flow, visible & (seen.triangle >= 0) if self.info["kind"] == "photo" else visible


def stored_weights(weights: Floats) -> Bytes:
    """Weights in -0.5..1.5 to bytes."""
    return np.round((weights + 0.5) * np.float32(127.5)).clip(0, 255).astype(np.uint8)


def stored_points(screen: Floats, size: int) -> tuple[NDArray[np.int16], float]:
    """(V,3) px x, y and 1 / depth to points (V,3) int16 and their distance."""
    depth = 1 / screen[:, 2]
    distance = float(np.float32(np.median(depth)))
    steps = np.column_stack(
        [screen[:, :2] * np.float32(POINT_STEPS / size), (depth - distance) * DEPTH_STEPS]
    )
    limit = np.iinfo(np.int16)
    return np.clip(np.round(steps), limit.min, limit.max).astype(np.int16), distance


def save_shard(shard: Shard, path: Path) -> None:
    """Write a shard; the same content gives the same bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_name(f".{path.stem}.{os.getpid()}.part")  # others may write it, too
    with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED, compresslevel=LEVEL) as archive:
        for name in Shard.__slots__:
            value = getattr(shard, name)
            if name == "info":
                value = np.array(json.dumps(value, sort_keys=True))
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, np.asarray(value), allow_pickle=False)
            # A fixed date, else two runs would differ.
            entry = zipfile.ZipInfo(f"{name}.npy", (2000, 1, 1, 0, 0, 0))
            plain = name in PLAIN
            entry.compress_type = zipfile.ZIP_STORED if plain else zipfile.ZIP_DEFLATED
            archive.writestr(entry, buffer.getbuffer(), compresslevel=LEVEL)
    unfinished.replace(path)


def load_shard(path: Path) -> Shard:
    """Read a shard. Raises FileNotFoundError; ValueError for a file of another format."""
    with np.load(path) as data:
        info = json.loads(str(data["info"])) if "info" in data else {}
        if info.get("format") != FORMAT:
            raise ValueError(f"{path} is no shard of format {FORMAT}: make it anew")
        values = {name: data[name] for name in Shard.__slots__ if name != "info"}
    return Shard(**values, info=info)


def no_source(size: int) -> dict[str, NDArray[Any]]:
    """The members that only photos have, empty."""
    return {
        "source": np.zeros((0, size, 3), np.uint8),
        "to_source": np.zeros((0, size, size, 2), np.float16),
        "real": np.zeros((0, size, size), np.uint8),
    }


def shard_paths(folder: Path, split: str | None = None) -> list[Path]:
    """All shards of a folder in order; split: "train" or "held_out" keeps only those."""
    paths = sorted(p for p in folder.glob("*.npz") if p.stem.startswith(("person_", "photo_")))
    return paths if split is None else [p for p in paths if p.stem.endswith(f"_{split}")]
