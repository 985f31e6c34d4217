"""Draw the folds' training log as one small PNG."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np

from avatar.training.landmarks.plot import EDGE, HEIGHT, WIDTH, write

COLUMNS = {  # name in the log: label, colour (BGR)
    "without": ("without folds", (170, 170, 230)),
    "mean_maps": ("mean maps", (60, 160, 60)),
    "with_net": ("with the net", (40, 40, 200)),
}


def plot(log: Path, png: Path) -> None:
    """Write the picture of a log."""
    with log.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    values = {name: [100 * float(row[name]) for row in rows] for name in COLUMNS}
    most = 1.15 * max(values["without"])
    picture = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
    for k, (name, (label, colour)) in enumerate(COLUMNS.items()):
        line = np.array(values[name])
        x = EDGE + (WIDTH - 2 * EDGE) * np.linspace(0, 1, len(line))
        y = HEIGHT - EDGE - (HEIGHT - 2 * EDGE) * np.minimum(line / most, 1)
        points = np.stack([x, y], 1).astype(np.int32)
        cv2.polylines(picture, [points], False, colour, 2, cv2.LINE_AA)
        write(picture, f"{label}: {line[-1]:.2f} %", (WIDTH - 260, EDGE + 18 * k), colour)
    minutes = float(rows[-1]["seconds"]) / 60
    caption = f"light that is missing on held-out skin, mean (last run: {minutes:.1f} minutes)"
    write(picture, caption, (EDGE, HEIGHT - 18), (40, 40, 40))
    cv2.imwrite(str(png), picture)
