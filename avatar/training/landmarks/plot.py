"""Draw the training log as one small PNG: held-out error of each net over the minutes."""

from __future__ import annotations

import argparse
import csv
from pathlib import Path

import cv2
import numpy as np

WIDTH, HEIGHT, EDGE = 720, 400, 50
COLOURS = {
    "find": (90, 90, 90),
    "crop": (200, 90, 30),
    "eye": (40, 140, 40),
    "mouth": (40, 40, 200),
}
LOW, HIGH = 0.5, 100.0  # %, log axis


def place(minutes: float, percent: float, longest: float) -> tuple[int, int]:
    """Pixel of a point of a curve."""
    level = np.log(np.clip(percent, LOW, HIGH) / LOW) / np.log(HIGH / LOW)
    x = EDGE + (WIDTH - 2 * EDGE) * minutes / longest
    return int(x), int(HEIGHT - EDGE - (HEIGHT - 2 * EDGE) * level)


def write(picture: np.ndarray, text: str, at: tuple[int, int], colour: tuple[int, ...]) -> None:
    """Small text."""
    cv2.putText(picture, text, at, cv2.FONT_HERSHEY_SIMPLEX, 0.42, colour, 1, cv2.LINE_AA)


def curves(log: Path) -> dict[str, list[tuple[float, float]]]:
    """Net -> (minutes, held-out %); runs that continue a net follow each other in time."""
    out: dict[str, list[tuple[float, float]]] = {}
    before: dict[str, float] = {}
    with log.open(newline="") as stream:
        for row in csv.DictReader(stream):
            points, minutes = out.setdefault(row["net"], []), float(row["seconds"]) / 60
            if points and minutes + before.get(row["net"], 0.0) < points[-1][0]:
                before[row["net"]] = points[-1][0]
            points.append((minutes + before.get(row["net"], 0.0), float(row["held_out"])))
    return out


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--log", type=Path, required=True)
    parser.add_argument("--png", type=Path, required=True)
    args = parser.parse_args()
    lines = curves(args.log)
    longest = max(points[-1][0] for points in lines.values())
    picture = np.full((HEIGHT, WIDTH, 3), 255, np.uint8)
    for level in (0.5, 1, 2, 5, 10, 20, 50, 100):
        left = place(0, level, longest)
        cv2.line(picture, left, place(longest, level, longest), (225, 225, 225))
        write(picture, f"{level:g}%", (6, left[1] + 4), (80, 80, 80))
    for k, (net, points) in enumerate(lines.items()):
        path = np.array([place(m, p, longest) for m, p in points], np.int32)
        cv2.polylines(picture, [path], False, COLOURS[net], 2, cv2.LINE_AA)
        label = f"{net} {points[-1][1]:.2f}%"
        write(picture, label, (WIDTH - 150, EDGE + 18 * k), COLOURS[net])
    caption = f"held-out error (log) over {longest:.1f} minutes of training for each net"
    write(picture, caption, (EDGE, HEIGHT - 18), (40, 40, 40))
    cv2.imwrite(str(args.png), picture)


if __name__ == "__main__":
    main()
