"""Draw the training log as one small PNG: held-out figures over the minutes."""

import csv
from pathlib import Path

import cv2
import numpy as np

from avatar.training.landmarks.plot import EDGE, HEIGHT, WIDTH, write

COLUMNS = {  # name in the log: label, colour (BGR)
    "val_correlation": ("lip gap, new voices", (40, 40, 200)),
    "real_correlation": ("lip gap, new real speakers", (200, 90, 30)),
    "val_aug_correlation": ("lip gap, new voices, disturbed", (120, 120, 230)),
    "real_aug_correlation": ("lip gap, real, disturbed", (230, 170, 120)),
    "val_recall": ("closures found", (40, 140, 40)),
    "within": ("right moment among 100", (150, 60, 150)),
}


def plot(log: Path, png: Path) -> None:
    """Write the picture of a log."""
    with log.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    minutes, before, last = [], 0.0, 0.0
    for row in rows:
        now = float(row["seconds"]) / 60
        before, last = (before + last, now) if now < last else (before, now)
        minutes.append(before + now)
    picture = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)

    def at(minute: float, value: float) -> tuple[int, int]:
        across = EDGE + (WIDTH - 2 * EDGE) * minute / minutes[-1]
        return int(across), int(HEIGHT - EDGE - (HEIGHT - 2 * EDGE) * min(max(value, 0), 1))

    for level in (0, 0.2, 0.4, 0.6, 0.8, 1.0):
        cv2.line(picture, at(0, level), at(minutes[-1], level), (225, 225, 225))
        write(picture, f"{level:g}", (8, at(0, level)[1] + 4), (80, 80, 80))
    for k, (name, (label, colour)) in enumerate(COLUMNS.items()):
        values = [float(row[name]) for row in rows]
        path = np.array([at(m, v) for m, v in zip(minutes, values, strict=True)], np.int32)
        cv2.polylines(picture, [path], False, colour, 2, cv2.LINE_AA)
        place = (WIDTH - 270, HEIGHT - EDGE - 110 + 17 * k)
        write(picture, f"{label}: {values[-1]:.2f}", place, colour)
    caption = f"held-out takes, {minutes[-1]:.1f} minutes of training"
    write(picture, caption, (EDGE, HEIGHT - 18), (40, 40, 40))
    cv2.imwrite(str(png), picture)
