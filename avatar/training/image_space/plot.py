"""Draw the training log as one small PNG: held-out flow error and picture error over the pairs."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np

from avatar.training.landmarks.plot import EDGE, HEIGHT, WIDTH, write

COLUMNS = {  # name in the log: label, colour (BGR), unit
    "flow_px": ("flow error, px at 128", (40, 40, 200)),
    "zero_flow_px": ("no flow at all", (170, 170, 230)),
    "psnr": ("PSNR / 10, dB", (40, 140, 40)),
    "copy_psnr": ("copy of the source / 10", (170, 220, 170)),
}
SCALE = {"psnr": 0.1, "copy_psnr": 0.1}


def plot(log: Path, png: Path) -> None:
    """Write the picture of a log."""
    with log.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    values = {k: [float(row[k]) * SCALE.get(k, 1.0) for row in rows] for k in COLUMNS}
    most = 1.1 * max(max(column) for column in values.values())
    pairs = np.array([float(row["pairs"]) for row in rows])
    picture = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
    for k, (name, (label, colour)) in enumerate(COLUMNS.items()):
        x = EDGE + (WIDTH - 2 * EDGE) * pairs / pairs.max()
        y = HEIGHT - EDGE - (HEIGHT - 2 * EDGE) * np.array(values[name]) / most
        points = np.stack([x, y], 1).astype(np.int32)
        cv2.polylines(picture, [points], False, colour, 2, cv2.LINE_AA)
        write(picture, f"{label}: {values[name][-1]:.2f}", (EDGE, HEIGHT - 108 + 18 * k), colour)
    caption = (
        f"held-out people over {pairs[-1]:.0f} pairs "
        f"({float(rows[-1]['seconds']) / 60:.0f} minutes)"
    )
    write(picture, caption, (EDGE, HEIGHT - 18), (40, 40, 40))
    cv2.imwrite(str(png), picture)
