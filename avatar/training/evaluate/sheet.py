"""Contact sheets: a few expressions a page, a row for each renderer, faces at the same scale."""

from collections.abc import Sequence

import cv2
import numpy as np

from avatar.training.evaluate.album import SOURCE, Album, Bytes, Floats, read_rgb, write_rgb
from avatar.training.evaluate.recipes import SHEET

COLUMNS = 4
CELL = 384  # px a side
TITLE = 22  # px above each cell
ROOM = 1.7  # side of a cell, in heights of the face: hair and neck show
OVAL = slice(0, 36)  # landmarks around the face


def write_sheets(album: Album, renderers: Sequence[str]) -> None:
    """FOLDER/sheets/PHOTO_K.png: the portrait and every expression of `SHEET`."""
    titles = [SOURCE, *SHEET]
    for photo in filter(lambda name: album.source(name).exists(), album.asked):
        for page, first in enumerate(range(0, len(titles), COLUMNS)):
            rows = [
                [_cell(album, name, photo, title) for title in titles[first : first + COLUMNS]]
                for name in renderers
            ]
            file = album.folder / "sheets" / f"{photo}_{page}.png"
            write_rgb(file, np.vstack([np.hstack(_filled(row)) for row in rows]))


def _cell(album: Album, renderer: str, photo: str, title: str) -> Bytes:
    """One picture with its title; grey where the renderer could not take the photo."""
    if title == SOURCE:
        rgb, marks = read_rgb(album.source(photo)), _source_marks(album, photo)
        return titled(around_face(rgb, marks), photo)
    if "failed" in album.state(renderer, photo):
        return titled(np.full((CELL, CELL, 3), 128, np.uint8), f"{renderer}: failed")
    rgb = read_rgb(album.frame(renderer, photo, list(SHEET).index(title)))
    told = album.place(renderer, photo) / "points.npy"
    # Renderers may work on a crop of their own; none moves the neutral face.
    marks = np.load(told)[0] if told.exists() else _source_marks(album, photo)
    return titled(around_face(rgb, marks), f"{renderer}: {title}")


def _source_marks(album: Album, photo: str) -> Floats:
    """(150, 2) picture shares."""
    side = read_rgb(album.source(photo)).shape[0]
    return np.asarray(np.load(album.source(photo).with_suffix(".npy")) / side, np.float32)


def around_face(rgb: Bytes, marks: Floats) -> Bytes:
    """(CELL, CELL, 3) the face with some room; marks: (150, 2) picture shares."""
    oval = marks[OVAL] * rgb.shape[0]
    side = ROOM * float(np.ptp(oval[:, 1]))
    corner = (oval.min(0) + oval.max(0)) / 2 - side / 2
    scale = CELL / side
    matrix = np.array([[scale, 0, -corner[0] * scale], [0, scale, -corner[1] * scale]])
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_CUBIC
    return np.asarray(cv2.warpAffine(rgb, matrix, (CELL, CELL), flags=how), np.uint8)


def titled(rgb: Bytes, title: str) -> Bytes:
    """(H, W, 3) with a line of text above it."""
    bar = np.full((TITLE, rgb.shape[1], 3), 255, np.uint8)
    font = cv2.FONT_HERSHEY_SIMPLEX
    cv2.putText(bar, title, (4, TITLE - 7), font, 0.5, (0, 0, 0), 1, cv2.LINE_AA)
    return np.vstack([bar, rgb])


def _filled(row: list[Bytes]) -> list[Bytes]:
    return row + [np.full_like(row[0], 255)] * (COLUMNS - len(row))
