"""Pictures of feelings: confusion matrices, strengths that show, faces side by side."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from avatar.training.evaluate.act_film import Cast, Shown
from avatar.training.evaluate.album import Bytes, write_rgb
from avatar.training.evaluate.feeling_figures import LABELS, STRENGTHS
from avatar.training.evaluate.sheet import titled
from emotion.types import EMOTIONS

if TYPE_CHECKING:
    from avatar.training.evaluate.feeling import Played

_CELL, _ROOM, _TOP = 34, 84, 44  # px
_FONT = cv2.FONT_HERSHEY_SIMPLEX
_PLOT = (420, 260, 34)  # width, height, edge
_COLOURS = ((30, 30, 30), (40, 90, 200), (200, 90, 40), (40, 150, 60), (150, 60, 160))


def confusions(held: Mapping[str, Any], file: Path) -> None:
    """A matrix for each way and reader: rows asked, columns read."""
    names = [name for name in held if "told nothing" not in name]
    rows = [
        np.hstack([_matrix(held[name][reader]["confusion"], f"{name}: {reader}") for name in names])
        for reader in ("net", "units")
    ]
    write_rgb(file, np.vstack(rows))


def text_confusion(counts: list[list[int]], names: Sequence[str], file: Path) -> None:
    """What people said (rows) against what was read in their words."""
    write_rgb(file, _matrix(counts, "GoEmotions test: said, read", names))


def _matrix(counts: list[list[int]], title: str, names: Sequence[str] = EMOTIONS) -> Bytes:
    side = _CELL * len(names)
    out = np.full((_TOP + side + 10, _ROOM + side + 10, 3), 255, np.uint8)
    _write(out, title, (6, 16), 0.45)
    for k, name in enumerate(names):
        _write(out, name, (4, _TOP + k * _CELL + 21), 0.38)
        _write(out, name[:4], (_ROOM + k * _CELL + 2, _TOP - 5), 0.34)
        whole = max(sum(counts[k]), 1)
        for j, count in enumerate(counts[k]):
            shade = int(255 * (1 - count / whole))
            corner = (_ROOM + j * _CELL, _TOP + k * _CELL)
            end = (corner[0] + _CELL - 2, corner[1] + _CELL - 2)
            cv2.rectangle(out, corner, end, (shade, shade, 255), -1)
            if count:
                _write(out, str(count), (corner[0] + 3, corner[1] + 21), 0.38)
    return out


def strength_curves(held: Mapping[str, Any], file: Path) -> None:
    """For each label the strength that shows against the one that was asked."""
    cells = [_curves(held, label) for label in LABELS]
    while len(cells) % 4:
        cells.append(np.full_like(cells[0], 255))
    rows = [np.hstack(cells[at : at + 4]) for at in range(0, len(cells), 4)]
    write_rgb(file, np.vstack(rows))


def _curves(held: Mapping[str, Any], label: str) -> Bytes:
    width, height, edge = _PLOT
    out = np.full((height, width, 3), 255, np.uint8)
    _write(out, label, (edge, 18), 0.5)
    top, low = 1.4, -0.2
    for level in (0.0, 0.5, 1.0):
        y = int(height - edge - (height - 2 * edge) * (level - low) / (top - low))
        cv2.line(out, (edge, y), (width - edge, y), (225, 225, 225), 1)
        _write(out, f"{level:g}", (4, y + 4), 0.36)
    ways = [name for name in held if "told nothing" not in name]
    for name, colour in zip(ways, _COLOURS, strict=False):
        went = [0.0, *held[name]["strengths"]["by_label"][label]]
        x = edge + (width - 2 * edge) * np.array([0.0, *STRENGTHS])
        y = height - edge - (height - 2 * edge) * (np.clip(went, low, top) - low) / (top - low)
        cv2.polylines(out, [np.stack([x, y], 1).astype(np.int32)], False, colour, 2, cv2.LINE_AA)
        at = ways.index(name)
        _write(out, name, (width - 130, height - edge - 12 - 15 * at), 0.38, colour)
    return out


def sheet(cast: Cast, motions: Mapping[str, "Played"], file: Path, people: int = 2) -> None:
    """Full strength of every label, a row for each person and way, eight labels a page."""
    names = [name for name in motions if "told nothing" not in name]
    for page, first in enumerate(range(0, len(LABELS), 7)):
        rows = []
        for who in cast.names[:people]:
            for name in names:
                rows.append(np.hstack([
                    _face(cast, who, motions[name], at, name)
                    for at in range(first, min(first + 7, len(LABELS)))
                ]))  # fmt: skip
        write_rgb(file.with_stem(f"{file.stem}_{page}"), np.vstack(rows))


def _face(cast: Cast, who: str, motion: "Played", label: int, title: str) -> Bytes:
    rigs = motion.felt[label][-1]
    shown = Shown(who, rigs, motion.at[-1:], settled=True)
    (picture,) = cast.frames(shown)
    return titled(picture, f"{title}: {LABELS[label]}")


def _write(
    out: Bytes, text: str, at: tuple[int, int], size: float, colour: tuple[int, ...] = (0, 0, 0)
) -> None:
    cv2.putText(out, text, at, _FONT, size, colour, 1, cv2.LINE_AA)
