"""Figures of the exported nets on the held-out photos and on pictures without a face."""

from __future__ import annotations

import argparse
import json
import sys
import time
from pathlib import Path

import cv2
import numpy as np

from avatar.landmark_net import FaceFound, LandmarkNet, square_of
from avatar.training.landmarks.config import Config, held_out_names
from avatar.training.landmarks.data import Frame, Frames, texture, vary
from avatar.training.landmarks.layout import SLICES


def errors(net: LandmarkNet, frames: list[Frame]) -> tuple[dict[str, np.ndarray], int, list[float]]:
    """Per group (faces, n) errors as share of the inter-ocular distance; found; CPU s."""
    out: dict[str, list[np.ndarray]] = {name: [] for name in SLICES}
    seconds = []
    for frame in frames:
        start = time.process_time()
        found = net.find(frame.rgb)
        seconds.append(time.process_time() - start)
        best = nearest(found, frame.points)
        if best is not None:
            away = np.linalg.norm(best.points - frame.points, axis=1) / eye_distance(frame.points)
            for name, part in SLICES.items():
                out[name].append(away[part])
    return {k: np.array(v) for k, v in out.items()}, len(out["nose"]), seconds


def nearest(found: list[FaceFound], points: np.ndarray) -> FaceFound | None:
    """The find whose centre is within 0.3 of the face's size."""
    reach = 0.3 * np.ptp(points, 0).max()
    hits = [f for f in found if np.hypot(*(f.points.mean(0) - points.mean(0))) < reach]
    return hits[0] if hits else None


def eye_distance(points: np.ndarray) -> float:
    """Between the outer corners, px."""
    return float(np.linalg.norm(points[76] - points[92]))


def turned(frame: Frame, degrees: float) -> Frame:
    """The picture turned about its middle."""
    h, w = frame.rgb.shape[:2]
    matrix = cv2.getRotationMatrix2D((w / 2 - 0.5, h / 2 - 0.5), degrees, 1.0)
    rgb = cv2.warpAffine(frame.rgb, matrix, (w, h), borderMode=cv2.BORDER_REPLICATE)
    points = (frame.points - 0.5) @ matrix[:, :2].T + matrix[:, 2] + 0.5
    return Frame(np.asarray(rgb, np.uint8), points.astype(np.float32))


def resized(frame: Frame, side: int) -> Frame:
    """The picture at another size."""
    scale = side / frame.rgb.shape[0]
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    return Frame(
        np.asarray(cv2.resize(frame.rgb, (side, side), interpolation=how), np.uint8),
        frame.points * np.float32(scale),
    )


def closer(frame: Frame, margin: float) -> Frame:
    """Only the face: a cut around it, margin times its square, where the picture goes so far."""
    s = square_of(frame.points)
    x0, y0 = (max(0, int(v - margin * s.side / 2)) for v in (s.x, s.y))
    x1, y1 = (int(v + margin * s.side / 2) for v in (s.x, s.y))
    return Frame(
        np.ascontiguousarray(frame.rgb[y0:y1, x0:x1]), frame.points - np.array([x0, y0], np.float32)
    )


def false_alarms(net: LandmarkNet, frames: Frames, count: int) -> dict[str, int]:
    """Pictures with a wrong find: textures, faces upside down, parts, what is beside faces."""
    rng = np.random.default_rng(99)
    out = {"textures": 0, "upside_down": 0, "parts": 0, "beside": 0}
    photos = frames.sets["photos"]
    for k in range(count):
        frame = photos[k % len(photos)]
        s, kind = square_of(frame.points), "textures" if k < count // 2 else list(out)[1 + k % 3]
        if kind == "textures":
            rgb = vary(rng, texture(rng, 384))
        elif kind == "upside_down":
            rgb = np.ascontiguousarray(frame.rgb[::-1, ::-1])
        elif kind == "parts":
            x, y = (v + rng.uniform(-0.3, 0.3) * s.side for v in (s.x, s.y))
            n = 0.15 * s.side
            rgb = frame.rgb[int(y - n) : int(y + n), int(x - n) : int(x + n)]
        else:
            top = int(min(s.y + 0.62 * s.side, frame.rgb.shape[0] - 140))
            rgb = frame.rgb[top:]
        out[kind] += bool(net.find(np.ascontiguousarray(rgb)))
    return out


def draw(net: LandmarkNet, frames: list[Frame], folder: Path) -> None:
    """One picture per photo: points on the face, white labels, green ours."""
    folder.mkdir(parents=True, exist_ok=True)
    for k, frame in enumerate(frames):
        best = nearest(net.find(frame.rgb), frame.points)
        square = square_of(frame.points, 1.2)
        picture = cv2.cvtColor(square.cut(frame.rgb, 768), cv2.COLOR_RGB2BGR)
        for points, colour in (
            (frame.points, (255, 255, 255)),
            (best.points if best else frame.points, (0, 255, 0)),
        ):
            for x, y in square.from_picture(points) * 768 * 16:
                cv2.circle(picture, (int(x), int(y)), 24, colour, -1, cv2.LINE_AA, 4)
        cv2.imwrite(str(folder / f"{k:02d}.jpg"), picture)


def two_faces(net: LandmarkNet, frames: list[Frame]) -> float:
    """Share of pairs of photos side by side in which both faces are found."""
    pairs = list(zip(frames[::2], frames[1::2], strict=False))
    both = 0
    for a, b in pairs:
        found = net.find(np.concatenate([a.rgb, b.rgb], 1))
        right = b.points + np.array([a.rgb.shape[1], 0], np.float32)
        both += nearest(found, a.points) is not None and nearest(found, right) is not None
    return both / max(len(pairs), 1)


def summary(net: LandmarkNet, frames: list[Frame]) -> dict[str, object]:
    """Share found, mean error per group in % and the mean of all."""
    groups, found, seconds = errors(net, frames)
    eyes = np.mean([eye_distance(f.points) / f.rgb.shape[0] * 512 for f in frames])
    percent = {k: round(100 * float(v.mean()), 2) for k, v in groups.items() if len(v)}
    every = (
        float(np.concatenate([v.ravel() for v in groups.values()]).mean()) * 100 if found else None
    )
    return {
        "found": found / len(frames),
        "percent": percent,
        "px_at_512": {k: round(v * float(eyes) / 100, 2) for k, v in percent.items()},
        "all_percent": every,
        "ms": round(1e3 * float(np.median(seconds)), 1),
    }


def report(line: str) -> None:
    """One line on standard output."""
    sys.stdout.write(f"{line}\n")
    sys.stdout.flush()


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--portraits", type=Path, required=True)
    parser.add_argument("--cache", type=Path, required=True)
    parser.add_argument("--onnx", type=Path, required=True)
    parser.add_argument("--draw", type=Path, help="folder for pictures with points")
    args = parser.parse_args()
    cv2.setNumThreads(1)
    frames = Frames(args.cache, set(held_out_names(args.portraits, Config())), only_held=True)
    photos, net = frames.sets["photos"], LandmarkNet(args.onnx)
    report(json.dumps({"photos": summary(net, photos)}, indent=1))
    for name, changed in {
        "512 px": [resized(f, 512) for f in photos],
        "256 px": [resized(f, 256) for f in photos],
        "128 px": [resized(f, 128) for f in photos],
        "mirrored": [f.flipped() for f in photos],
        "turned +20": [turned(f, 20) for f in photos],
        "turned -20": [turned(f, -20) for f in photos],
        "close 1.0": [closer(f, 1.0) for f in photos],
        "close 1.4": [closer(f, 1.4) for f in photos],
    }.items():
        figures = summary(net, changed)
        report(f"{name} {[figures[k] for k in ('found', 'all_percent', 'ms')]}")
    report(f"two faces {two_faces(net, photos)}")
    report(f"false alarms of 200 {false_alarms(net, frames, 200)}")
    if args.draw:
        draw(net, photos, args.draw)


if __name__ == "__main__":
    main()
