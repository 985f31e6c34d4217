"""Draw training logs as small PNGs: held-out errors over the rows of the log."""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np

from avatar.training.landmarks.plot import EDGE, HEIGHT, WIDTH, write


@dataclass(frozen=True, slots=True)
class Curves:
    """What is drawn. columns: by name in the log their label and colour (BGR); times: factor of the
    values; unit: after the last value; caption: what they are."""

    columns: dict[str, tuple[str, tuple[int, int, int]]]
    times: float
    unit: str
    caption: str


MOUTH = Curves(
    {
        "photo_without": ("photos as drawn", (170, 170, 230)),
        "photo_completed": ("photos completed", (40, 40, 200)),
        "render_without": ("renders as drawn", (170, 220, 170)),
        "render_completed": ("renders completed", (40, 140, 40)),
    },
    1.0,
    "",
    "held-out error inside the mouth, 0..255",
)
FOLDS = Curves(
    {
        "without": ("without folds", (170, 170, 230)),
        "mean_maps": ("mean maps", (60, 160, 60)),
        "with_net": ("with the net", (40, 40, 200)),
    },
    100.0,
    " %",
    "light that is missing on held-out skin, mean",
)


def plot(log: Path, png: Path, curves: Curves = MOUTH) -> None:
    """Write the picture of a log."""
    with log.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    values = {
        name: np.array([curves.times * float(row[name]) for row in rows if row[name]])
        for name in curves.columns
    }
    most = 1.1 * max((float(line.max()) for line in values.values() if len(line)), default=1.0)
    picture = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
    for k, (name, (label, colour)) in enumerate(curves.columns.items()):
        line = values[name]
        if not len(line):
            continue
        x = EDGE + (WIDTH - 2 * EDGE) * np.linspace(0, 1, len(line))
        y = HEIGHT - EDGE - (HEIGHT - 2 * EDGE) * line / most
        points = np.stack([x, y], 1).astype(np.int32)
        cv2.polylines(picture, [points], False, colour, 2, cv2.LINE_AA)
        text = f"{label}: {line[-1]:.2f}{curves.unit}"
        write(picture, text, (WIDTH - 260, EDGE + 18 * k), colour)
    minutes = float(rows[-1]["seconds"]) / 60
    caption = f"{curves.caption} (last run: {minutes:.1f} minutes)"
    write(picture, caption, (EDGE, HEIGHT - 18), (40, 40, 40))
    cv2.imwrite(str(png), picture)
