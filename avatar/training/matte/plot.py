"""Draw the training log as one small PNG: held-out errors over the minutes."""

from __future__ import annotations

import csv
from pathlib import Path

import cv2
import numpy as np

from avatar.training.landmarks.plot import EDGE, HEIGHT, WIDTH, write

COLUMNS = {  # name in the log: label, colour (BGR), what is drawn of the value
    "photo_iou": ("photos: 100 - IoU, %", (40, 40, 200)),
    "photo_error": ("photos: mean error, %", (200, 90, 30)),
    "render_error": ("renders: mean error, %", (40, 140, 40)),
}
LOW, HIGH = 0.5, 60.0  # %, log axis


def curves(log: Path) -> tuple[np.ndarray, dict[str, np.ndarray]]:
    """Minutes of all runs, one after the other, and the values of each column."""
    with log.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    minutes, before, last = [], 0.0, 0.0
    for row in rows:
        now = float(row["seconds"]) / 60
        before, last = (before + last, now) if now < last else (before, now)
        minutes.append(before + now)
    values = {name: np.array([float(row[name]) for row in rows]) for name in COLUMNS}
    values["photo_iou"] = 100 - values["photo_iou"]
    return np.array(minutes), values


def plot(log: Path, png: Path) -> None:
    """Write the picture of a log."""
    minutes, values = curves(log)
    picture = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)

    def at(minute: float, percent: float) -> tuple[int, int]:
        level = np.log(np.clip(percent, LOW, HIGH) / LOW) / np.log(HIGH / LOW)
        across = EDGE + (WIDTH - 2 * EDGE) * minute / minutes[-1]
        return int(across), int(HEIGHT - EDGE - (HEIGHT - 2 * EDGE) * level)

    for level in (0.5, 1, 2, 5, 10, 20, 50):
        cv2.line(picture, at(0, level), at(minutes[-1], level), (225, 225, 225))
        write(picture, f"{level:g}%", (6, at(0, level)[1] + 4), (80, 80, 80))
    for k, (name, (label, colour)) in enumerate(COLUMNS.items()):
        path = np.array([at(m, v) for m, v in zip(minutes, values[name], strict=True)], np.int32)
        cv2.polylines(picture, [path], False, colour, 2, cv2.LINE_AA)
        write(picture, f"{label}: {values[name][-1]:.2f}", (WIDTH - 260, EDGE + 18 * k), colour)
    caption = f"held-out mattes (log) over {minutes[-1]:.1f} minutes of training"
    write(picture, caption, (EDGE, HEIGHT - 18), (40, 40, 40))
    cv2.imwrite(str(png), picture)
