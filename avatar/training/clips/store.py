"""Shards of real clips: one file a track, the same bytes for the same clip and settings.

NAME.npz (read it with `load_clip` or `numpy.load`); axis legend: F frames, S px of a side, K
sources. Pixel positions are continuous, the first pixel's centre is (.5, .5).
"""

import io
import json
import zipfile
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avatar.training.clips.reading import Bytes, Floats
from emotion.errors import MediaError

FORMAT = "limner-clip-1"
_ARRAYS = ("images", "points", "times", "scores", "sources")


@dataclass(frozen=True, slots=True, eq=False)
class ClipShard:
    """Frames of one face track in one square that does not move.

    images (F,S,S,3) uint8; points (F,150,2) px, by our landmark net; times (F,) s in the clip;
    scores (F,) of the landmarks; sources (K,) frames that are calm and sharp, the calmest first.
    info: clip, track, key, square (centre x, y and side in the clip's scaled picture), sync, ...
    """

    images: Bytes
    points: Floats
    times: Floats
    scores: Floats
    sources: NDArray[np.int64]
    info: dict[str, Any]


def save_clip(shard: ClipShard, path: Path) -> None:
    """Write a shard; the same content gives the same bytes."""
    path.parent.mkdir(parents=True, exist_ok=True)
    unfinished = path.with_suffix(".part")
    info = json.dumps({"format": FORMAT, **shard.info}, sort_keys=True)
    values = {name: getattr(shard, name) for name in _ARRAYS} | {"info": np.array(info)}
    with zipfile.ZipFile(unfinished, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as archive:
        for name, value in values.items():
            buffer = io.BytesIO()
            np.lib.format.write_array(buffer, np.asarray(value), allow_pickle=False)
            # A fixed date, else two runs would differ.
            archive.writestr(zipfile.ZipInfo(f"{name}.npy", (2000, 1, 1, 0, 0, 0)),
                             buffer.getbuffer(), zipfile.ZIP_DEFLATED, 1)  # fmt: skip
    unfinished.replace(path)


def load_clip(path: Path) -> ClipShard:
    """Read a shard. Raises MediaError for a file that is none."""
    remedy = "Delete the folder of shards; it is made anew."
    try:
        with np.load(path) as data:
            info = json.loads(str(data["info"]))
            values = {name: data[name] for name in _ARRAYS}
    except (OSError, KeyError, ValueError, zipfile.BadZipFile) as error:
        raise MediaError(f"The shard {path.name} cannot be read ({error}).", remedy) from error
    if info.get("format") != FORMAT:
        raise MediaError(f"The shard {path.name} is of another version.", remedy)
    return ClipShard(**values, info=info)
