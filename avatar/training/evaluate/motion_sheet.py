"""Contact sheets of the evaluation of motion: what drove, what came out, what was true."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from avatar.training.evaluate.album import Bytes, write_rgb
from avatar.training.evaluate.sheet import titled

CELL, ROWS = 192, 6  # px of a picture, rows of a page
GREY = 128


@dataclass(frozen=True, slots=True, eq=False)
class Row:
    """Pictures of one frame, None for those there are not, by column title; name: left of them."""

    name: str
    pictures: dict[str, Bytes | None]


def difference(drawn: Bytes | None, truth: Bytes | None) -> Bytes | None:
    """What is too bright and too dark, around grey."""
    if drawn is None or truth is None:
        return None
    away = drawn.astype(np.int16) - truth.astype(np.int16)
    return np.asarray(np.clip(GREY + away, 0, 255), np.uint8)


def write_pages(rows: Sequence[Row], folder: Path, name: str) -> list[Path]:
    """FOLDER/NAME_K.png, pages of `ROWS` rows; the paths."""
    files = []
    for page, first in enumerate(range(0, len(rows), ROWS)):
        file = folder / f"{name}_{page}.png"
        write_rgb(file, _page(rows[first : first + ROWS]))
        files.append(file)
    return files


def _page(rows: Sequence[Row]) -> Bytes:
    titles = list(dict.fromkeys(title for row in rows for title in row.pictures))
    lines = []
    for row in rows:
        cells = [_cell(row.pictures.get(title)) for title in titles]
        named = [f"{row.name}: {titles[0]}", *titles[1:]]
        lines.append(np.hstack([titled(c, t) for c, t in zip(cells, named, strict=True)]))
    return np.vstack(lines)


def _cell(picture: Bytes | None) -> Bytes:
    if picture is None:
        return np.full((CELL, CELL, 3), GREY, np.uint8)
    how = cv2.INTER_AREA if len(picture) > CELL else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(picture, (CELL, CELL), interpolation=how), np.uint8)
