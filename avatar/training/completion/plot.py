"""Draw the training log as one small PNG: held-out errors over the rows of the log."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np

from avatar.training.landmarks.plot import EDGE, HEIGHT, WIDTH, write

COLUMNS = {  # name in the log: label, colour (BGR)
    "photo_without": ("photos as drawn", (170, 170, 230)),
    "photo_completed": ("photos completed", (40, 40, 200)),
    "render_without": ("renders as drawn", (170, 220, 170)),
    "render_completed": ("renders completed", (40, 140, 40)),
}


def plot(log: Path, png: Path) -> None:
    """Write the picture of a log."""
    with log.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    values = {name: [float(row[name]) for row in rows if row[name]] for name in COLUMNS}
    most = 1.1 * max(max(column, default=1.0) for column in values.values())
    picture = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
    for k, (name, (label, colour)) in enumerate(COLUMNS.items()):
        if not values[name]:
            continue
        line = np.array(values[name])
        x = EDGE + (WIDTH - 2 * EDGE) * np.linspace(0, 1, len(line))
        y = HEIGHT - EDGE - (HEIGHT - 2 * EDGE) * line / most
        points = np.stack([x, y], 1).astype(np.int32)
        cv2.polylines(picture, [points], False, colour, 2, cv2.LINE_AA)
        write(picture, f"{label}: {line[-1]:.2f}", (WIDTH - 260, EDGE + 18 * k), colour)
    minutes = float(rows[-1]["seconds"]) / 60
    caption = f"held-out error inside the mouth, 0..255 (last run: {minutes:.1f} minutes)"
    write(picture, caption, (EDGE, HEIGHT - 18), (40, 40, 40))
    cv2.imwrite(str(png), picture)
