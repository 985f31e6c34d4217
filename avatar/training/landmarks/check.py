"""Train the net that looks at a found face again (see `avatar.face_check`) and store it as ONNX.

Faces come from the cache of prepare.py; `--nothing` holds pictures without human faces (photos and
drawings of animals and things; files with a name of an even checksum are kept for the figures).
"""

from __future__ import annotations

import argparse
import logging
import time
import zlib
from collections.abc import Iterator
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import DataLoader, IterableDataset

from avatar.face_check import CELLS, SIDE, weights_of
from avatar.landmark_net import Square, square_of
from avatar.portrait_files import read_picture
from avatar.training.landmarks import covers
from avatar.training.landmarks.config import Config, held_out_names
from avatar.training.landmarks.data import Frame, Frames, jitter, texture, vary
from avatar.training.landmarks.model import Residual, conv, stem
from avatar.training.landmarks.train import blend, log, rate_at
from avatar.training.onnx_file import Ports, store
from emotion.errors import PortraitError

LOG = logging.getLogger(__name__)
STORED, DRAWN = 176, 128  # px: of the stored faces, of the patches on which covers are drawn
WIDE = 1.7  # side of the stored faces over the landmarks' extent
COVERS = (covers.hand, covers.hand, covers.mask, covers.thing, covers.strands) + 3 * (
    covers.glasses,
)
Sample = tuple[np.ndarray, np.ndarray]


class Check(nn.Module):
    """(N,3,64,64) in 0..255 to (N, 1 + 2 * 8 * 8): logits of a face, of cover, of hidden eyes."""

    def __init__(self) -> None:
        super().__init__()
        self.near = nn.Sequential(stem(16), conv(16, 32, 2), Residual(32), conv(32, 48, 2))
        self.deep = nn.Sequential(Residual(48), conv(48, 64, 2), Residual(64))
        self.grids = nn.Sequential(conv(48 + 64, 48), nn.Conv2d(48, 2, 1))
        self.face = nn.Sequential(conv(64, 64, 2), nn.Flatten(), nn.Linear(64 * 4, 1))

    def forward(self, x: Tensor) -> Tensor:
        """See the class."""
        near = self.near(x / 64 - 2)
        deep = self.deep(near)
        grown = nn.functional.interpolate(deep, scale_factor=2.0, mode="nearest")
        grids = self.grids(torch.cat([near, grown], 1))
        return torch.cat([self.face(deep), grids.flatten(1)], 1)


def faces_of(cache: Path, held: set[str], most: int) -> list[Frame]:
    """Small upright pictures of the training faces, `most` of each kind."""
    rng, out = np.random.default_rng(0), []
    for kept in Frames(cache, held).sets.values():
        for k in rng.permutation(len(kept))[:most]:
            square = square_of(kept[k].points, WIDE)
            points = square.from_picture(kept[k].points) * np.float32(STORED)
            out.append(Frame(square.cut(kept[k].rgb, STORED), points))
    return out


def nothing_of(folder: Path, keep: bool) -> list[np.ndarray]:
    """Pictures without a face, at most 320 px; keep: those for the figures, else the others."""
    out = []
    for path in sorted(p for p in folder.rglob("*") if p.suffix in (".png", ".jpg")):
        if (zlib.crc32(path.name.encode()) % 2 == 0) != keep:
            continue
        try:
            rgb = read_picture(path)
        except PortraitError as error:  # too small
            LOG.debug("%s", error)
            continue
        scale = min(1.0, 320 / max(rgb.shape[:2]))
        out.append(np.asarray(cv2.resize(rgb, None, fx=scale, fy=scale), np.uint8))
    return out


def styled(rng: np.random.Generator, rgb: np.ndarray) -> np.ndarray:
    """As painted, drawn or printed."""
    kind = rng.integers(5)
    grey = cv2.cvtColor(rgb, cv2.COLOR_RGB2GRAY)
    if kind == 0:
        step = 256 // int(rng.integers(2, 7))
        return np.asarray(np.minimum(rgb // step * step + step // 2, 255), np.uint8)
    smooth = cv2.bilateralFilter(rgb, 7, 60, 5)
    if kind == 1:
        return np.asarray(smooth, np.uint8)
    block = int(rng.integers(2, 6)) * 2 + 1
    lines = cv2.adaptiveThreshold(
        cv2.GaussianBlur(grey, (0, 0), 0.8), 255, cv2.ADAPTIVE_THRESH_MEAN_C, 0, block, 4
    )
    if kind == 2:
        return np.repeat(lines[..., None], 3, 2)
    if kind == 3:
        return np.asarray(cv2.bitwise_and(smooth, smooth, mask=lines), np.uint8)
    soft = cv2.GaussianBlur(255 - grey, (0, 0), float(rng.uniform(2, 6)))
    return np.repeat(cv2.divide(grey, 255 - soft, scale=255)[..., None], 3, 2)


def sample(rng: np.random.Generator, faces: list[Frame], nothing: list[np.ndarray]) -> Sample:
    """(SIDE,SIDE,3) and target (1 + 3 * CELLS * CELLS): face; cover, hidden eyes, weights."""
    target = np.zeros(1 + 3 * CELLS * CELLS, np.float32)
    frame = faces[rng.integers(len(faces))]
    if rng.random() < 0.35:
        return vary(rng, _no_face(rng, frame, nothing), 0.1), target
    frame = frame.flipped() if rng.random() < 0.5 else frame
    square = jitter(rng, square_of(frame.points), 0.02, 0.04, 3)
    rgb, points = square.cut(frame.rgb, DRAWN), square.from_picture(frame.points) * DRAWN
    rgb = styled(rng, rgb) if rng.random() < 0.2 else rgb
    hidden = [np.zeros((DRAWN, DRAWN), np.float32) for _ in range(2)]
    if rng.random() < 0.5:
        cover = COVERS[rng.integers(len(COVERS))]
        rgb, hidden[int(cover is covers.glasses)] = cover(rng, rgb, points)
    cells = [cv2.resize(h, (CELLS, CELLS), interpolation=cv2.INTER_AREA).ravel() for h in hidden]
    inside = weights_of(square, frame.points).ravel()
    target[:] = np.concatenate([[1.0], *cells, inside])
    small = cv2.resize(rgb, (SIDE, SIDE), interpolation=cv2.INTER_AREA)
    return vary(rng, np.asarray(small, np.uint8), 0.0), target


def _no_face(rng: np.random.Generator, frame: Frame, nothing: list[np.ndarray]) -> np.ndarray:
    """A texture, a part of a picture without faces, or a face upside down or much too large."""
    kind = rng.random()
    if kind < 0.15 or not nothing:
        return texture(rng, SIDE)
    turn = float(rng.normal(0, 0.2))
    if kind < 0.8:
        rgb = nothing[rng.integers(len(nothing))]
        side = float(min(rgb.shape[:2])) * rng.uniform(0.3, 1.1)
        x, y = (rng.uniform(0.3, 0.7) * n for n in rgb.shape[1::-1])
        return Square(x, y, side, turn).cut(rgb, SIDE)
    face = square_of(frame.points)
    if kind < 0.9:
        return Square(face.x, face.y, face.side, face.roll + np.pi + turn).cut(frame.rgb, SIDE)
    x, y = (v + rng.uniform(-0.35, 0.35) * face.side for v in (face.x, face.y))
    return Square(x, y, face.side * rng.uniform(0.2, 0.35), turn).cut(frame.rgb, SIDE)


def loss_of(out: Tensor, target: Tensor) -> Tensor:
    """Cross entropy of the face, and of the grids within faces."""
    cross = nn.functional.binary_cross_entropy_with_logits
    face, cells = target[:, 0], CELLS * CELLS
    weights = target[:, 1 + 2 * cells :].repeat(1, 2)
    grids = cross(out[:, 1:], target[:, 1 : 1 + 2 * cells], weights, reduction="sum")
    return cross(out[:, 0], face) + grids / weights.sum().clamp(min=1)


class Batches(IterableDataset[tuple[Tensor, Tensor]]):
    """Endless batches of 64."""

    def __init__(self, faces: list[Frame], nothing: list[np.ndarray], seed: int) -> None:
        self._faces, self._nothing, self._seed = faces, nothing, seed

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        cv2.setNumThreads(0)
        rng = np.random.default_rng(self._seed)
        while True:
            made = [sample(rng, self._faces, self._nothing) for _ in range(64)]
            images = np.stack([rgb for rgb, _ in made]).transpose(0, 3, 1, 2)
            yield (
                torch.from_numpy(images.astype(np.float32)),
                torch.from_numpy(np.stack([target for _, target in made])),
            )


def train(args: argparse.Namespace) -> nn.Module:
    """Train for `args.minutes`; OUT/check.pt holds the moving average of the weights."""
    cv2.setNumThreads(0)
    torch.manual_seed(3)
    held = set(held_out_names(args.portraits, Config()))
    net, average = Check(), Check()
    if (args.out / "check.pt").exists():
        net.load_state_dict(torch.load(args.out / "check.pt"))
    average.load_state_dict(net.state_dict())
    optimiser = torch.optim.AdamW(net.parameters(), weight_decay=1e-4)
    batches = Batches(faces_of(args.cache, held, 900), nothing_of(args.nothing, False), args.seed)
    begun, shown, recent = time.time(), 0.0, [0.0]
    for count, (images, target) in enumerate(DataLoader(batches, None, num_workers=1), 1):
        done = (time.time() - begun) / (60 * args.minutes)
        for group in optimiser.param_groups:
            group["lr"] = rate_at(done, 2e-3)
        loss = loss_of(net.train()(images), target)
        optimiser.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        optimiser.step()
        recent.append(loss.item())
        blend(average, net, min(0.995, count / (count + 10)))
        if time.time() - begun - shown > 45 or done >= 1:
            shown = time.time() - begun
            torch.save(average.state_dict(), args.out / "check.pt")
            mean = float(np.mean(recent[-100:]))
            log(args.out, "check", shown, count, 64 * count, mean, float("nan"), "")
        if done >= 1:
            break
    return average


def export(net: nn.Module, path: Path) -> None:
    """Input `face` (N,3,SIDE,SIDE), output `look` (N, 1 + 2 * CELLS * CELLS) logits."""
    ports = Ports(("face",), ("look",), {"face": "n", "look": "n"})
    store(net, (torch.zeros(1, 3, SIDE, SIDE),), ports, path)


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__)
    for name in ("portraits", "cache", "nothing", "out"):
        parser.add_argument(f"--{name}", type=Path, required=True)
    parser.add_argument("--minutes", type=float, default=10.0)
    parser.add_argument("--seed", type=int, default=5)
    args = parser.parse_args()
    logging.basicConfig(level=logging.INFO)
    args.out.mkdir(parents=True, exist_ok=True)
    torch.set_num_threads(1)
    export(train(args), args.out / "face_check.onnx")


if __name__ == "__main__":
    main()
