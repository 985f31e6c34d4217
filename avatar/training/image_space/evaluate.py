"""The image-space variant beside the surface decoder, on held-out people at the same size.

Both get exact motion: N the tokens of the labels, S the rig by which exact landmarks are met. Axis
legend: S pixels of a side.
"""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import cv2
import numpy as np
import torch
from numpy.typing import NDArray

from avatar.training.evaluate.album import write_rgb
from avatar.training.evaluate.motion_measure import COPY, Measured, Truth, measured, table, truth_of
from avatar.training.evaluate.motion_regions import regions, scaled
from avatar.training.evaluate.motion_scenes import Scene, Sitter, Studio, opened, scenes
from avatar.training.evaluate.motion_tokens import exact
from avatar.training.evaluate.sheet import titled
from avatar.training.image_space.model import ImageSpaceDecoder, parameters

IMAGE, SURFACE = "image space (N)", "surface (S)"
SHEET_ROWS, CELL = 5, 192

Bytes = NDArray[np.uint8]


def compared(
    net: ImageSpaceDecoder, folders: Sequence[Path], people: int, frames: int, sheet: Path
) -> dict[str, Any]:
    """Both variants' figures (see `motion_measure.table`); writes a sheet of pictures."""
    studio, rows, pictures = Studio(), [], []
    ways: dict[str, list[float]] = {IMAGE: [], SURFACE: []}
    for folder in folders:
        found_scenes = scenes(folder, people, frames, shots=2)
        for scene, sitter in opened(found_scenes, studio, net.config.size):
            found, best = _scene(net, scene, sitter, ways)
            rows += found
            pictures.append(best)
    write_sheet(pictures, sheet)
    return {
        "size": net.config.size,
        "parameters": parameters(net),
        "cpu_ms_a_frame": {way: round(float(np.median(ms)), 1) for way, ms in ways.items()},
        "ways": table(rows),
    }


def _scene(
    net: ImageSpaceDecoder, scene: Scene, sitter: Sitter, times: dict[str, list[float]]
) -> tuple[list[Measured], tuple[float, list[Bytes]]]:
    """Rows of one scene, and the pictures of its most turned frame with that turn."""
    size = net.config.size
    source, wanted = resized(scene.portrait, size), exact(scene, sitter)
    rig = scene.shard.rig[[scene.source, *scene.targets]]
    tokens = torch.from_numpy(sitter.surface.rig_to_token(rig))
    rows, best = [], (-1.0, [source])
    for at, frame in enumerate(scene.targets):
        truth = _truth(scene, frame, size)
        begun = time.process_time()
        drawn = sitter.draw(wanted[at])
        times[SURFACE].append(1e3 * (time.process_time() - begun))
        begun = time.process_time()
        picture, flow = drawn_by(net, source, tokens[:1], tokens[at + 1 : at + 2])
        times[IMAGE].append(1e3 * (time.process_time() - begun))
        rows += [
            measured(truth, COPY, source, None),
            measured(truth, IMAGE, picture, (flow, np.ones(flow.shape[:2], np.float32))),
            measured(truth, SURFACE, drawn, sitter.flow(wanted[at])),
        ]
        if truth.turn > best[0]:
            best = truth.turn, [source, picture, drawn, truth.rgb]
    return rows, best


@torch.no_grad()
def drawn_by(
    net: ImageSpaceDecoder, source: Bytes, before: torch.Tensor, token: torch.Tensor
) -> tuple[Bytes, NDArray[np.float32]]:
    """(S, S, 3) and its flow (S, S, 2), source less own position in picture shares."""
    net.eval()
    picture = torch.from_numpy(source).permute(2, 0, 1)[None] / 255
    out = net(picture, before, token)
    rgb = (out.picture[0].permute(1, 2, 0) * 255).round().clamp(0, 255).byte().numpy()
    flow = torch.nn.functional.interpolate(out.flow, scale_factor=2.0, mode="bilinear")
    shares = np.asarray(flow[0].permute(1, 2, 0).numpy() / 2, np.float32)
    return np.asarray(rgb, np.uint8), shares


def _truth(scene: Scene, frame: int, size: int) -> Truth:
    full = truth_of(scene, frame, regions(scene.shard, frame))
    flow = cv2.resize(full.flow, (size, size), interpolation=cv2.INTER_AREA)
    known = cv2.resize(full.visible.astype(np.float32), (size, size), interpolation=cv2.INTER_AREA)
    return Truth(
        full.who,
        full.at,
        full.turn,
        resized(full.rgb, size),
        scaled(full.parts, size),
        np.asarray(flow * np.float32(size / len(full.rgb)), np.float32),
        np.asarray(known > 0.99),
    )


def resized(rgb: Bytes, size: int) -> Bytes:
    """(size, size, 3)."""
    how = cv2.INTER_AREA if size < len(rgb) else cv2.INTER_CUBIC
    return np.asarray(cv2.resize(rgb, (size, size), interpolation=how), np.uint8)


def write_sheet(pictures: list[tuple[float, list[Bytes]]], file: Path) -> None:
    """The scenes that turn most: source, N, S, truth."""
    best = sorted(pictures, key=lambda pair: -pair[0])[:SHEET_ROWS]
    titles = ("source", IMAGE, SURFACE, "truth")
    lines = [np.hstack([resized(p, CELL) for p in row]) for _, row in best]
    head = np.hstack([titled(np.zeros((0, CELL, 3), np.uint8), title) for title in titles])
    write_rgb(file, np.vstack([head, *lines]))


def markdown(found: dict[str, Any]) -> str:
    """One table."""
    lines = [
        f"{found['size']} px, {found['parameters']:,} parameters, exact motion for both.",
        "",
        "| | head, dB | face, dB | mouth, dB | head SSIM | flow error, px | CPU ms a frame |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    for way, row in found["ways"].items():
        cells = [f"{row['psnr'][name].get('mean', float('nan')):.1f}" for name in
                 ("head", "face", "mouth")]  # fmt: skip
        cells.append(f"{row['ssim']['head'].get('mean', float('nan')):.3f}")
        cells.append(f"{row['flow_px'].get('mean', float('nan')):.2f}")
        cells.append(str(found["cpu_ms_a_frame"].get(way, "")))
        lines.append(f"| {way} | " + " | ".join(cells) + " |")
    one = next(iter(found["ways"].values()))["psnr"]["head"]
    return "\n".join([*lines, "", f"{one['people']} people, {one['n']} frames."]) + "\n"
