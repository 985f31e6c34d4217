"""Labelled frames and the random samples drawn from them.

A sample is a uint8 RGB patch and its target; batches are NCHW. Units of the targets are given at
`find_sample` and `point_sample`.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.utils.data import IterableDataset

from avatar.landmark_net import FIND, MIRROR, Square, part_squares, square_of

CELL = 8  # px of the finder's input per output cell
SHARES = {"photos": 0.25, "refits": 0.4, "renders": 0.35}
PARTS = {"crop": slice(0, 150), "mouth": slice(36, 76)}
EYE = np.r_[76:92, 108:113]  # right eye and iris
Sample = tuple[np.ndarray, np.ndarray]


@dataclass(frozen=True, slots=True)
class Frame:
    """rgb (H,W,3) uint8; points (150,2) float32 px."""

    rgb: np.ndarray
    points: np.ndarray

    def flipped(self) -> Frame:
        """Mirror image, with left and right of the points exchanged."""
        points = (
            np.array([self.rgb.shape[1], 0], np.float32)
            + self.points * np.array([-1, 1], np.float32)
        )[MIRROR]
        return Frame(np.asarray(cv2.flip(self.rgb, 1)), points)


class Frames:
    """The frames of a cache folder (see prepare.py), without or only with some photos."""

    def __init__(self, cache: Path, held: set[str], only_held: bool = False) -> None:
        self.sets: dict[str, list[Frame]] = {}
        kinds = ("photos",) if only_held else tuple(SHARES)
        for kind in kinds:
            rows = [row for path in sorted(cache.glob(f"{kind}_*.npz")) for row in _rows(path)]
            chosen = [frame for name, frame in rows if (name in held) == only_held]
            if chosen:
                self.sets[kind] = chosen
        self.kinds = list(self.sets)
        share = np.array([SHARES[k] for k in self.kinds])
        self.share = share / share.sum()

    def draw(self, rng: np.random.Generator) -> Frame:
        """A random frame, mirrored half the time."""
        frames = self.sets[self.kinds[rng.choice(len(self.kinds), p=self.share)]]
        frame = frames[rng.integers(len(frames))]
        return frame.flipped() if rng.random() < 0.5 else frame


def _rows(path: Path) -> list[tuple[str, Frame]]:
    """Named frames of one chunk."""
    data = np.load(path)
    images, points, names = data["images"], data["points"], data["name"]
    return [(str(n), Frame(i, p)) for n, i, p in zip(names, images, points, strict=True)]


# -- pictures without a face


def texture(rng: np.random.Generator, size: int) -> np.ndarray:
    """(size,size,3) noise, a gradient, blobs, stripes like text or boxes."""
    kind = rng.integers(5)
    if kind == 0:  # noise of some grain
        n = int(rng.integers(2, size))
        small = rng.integers(0, 256, (n, n, 3), dtype=np.uint8)
        return cv2.resize(small, (size, size), interpolation=int(rng.choice([0, 1, 2])))
    if kind == 1:  # flat or gradient
        ends = rng.integers(0, 256, (2, 2, 3), dtype=np.uint8)
        return cv2.resize(ends, (size, size), interpolation=cv2.INTER_LINEAR)
    out = np.empty((size, size, 3), np.uint8)
    out[:] = rng.integers(0, 256, 3)
    draw = (_blobs, _stripes, _boxes)[kind - 2]
    draw(rng, out)
    return out


def _colour(rng: np.random.Generator) -> tuple[int, int, int]:
    r, g, b = (int(v) for v in rng.integers(0, 256, 3))
    return r, g, b


def _blobs(rng: np.random.Generator, out: np.ndarray) -> None:
    """Ellipses in random colours, skin-like ones among them, with darker spots inside."""
    size = out.shape[0]
    for _ in range(rng.integers(2, 14)):
        at = tuple(int(v) for v in rng.integers(0, size, 2))
        axes = tuple(int(v) for v in rng.integers(2, size // 3 + 3, 2))
        tone = np.array([224, 172, 140]) * rng.uniform(0.25, 1.1) if rng.random() < 0.5 else None
        colour = _colour(rng) if tone is None else tuple(float(v) for v in tone)
        cv2.ellipse(out, at, axes, float(rng.uniform(0, 180)), 0, 360, colour, -1, cv2.LINE_AA)


def _stripes(rng: np.random.Generator, out: np.ndarray) -> None:
    """Rows of short dashes, like text, or long bars."""
    size, step, colour = out.shape[0], int(rng.integers(4, 20)), _colour(rng)
    vertical = rng.random() < 0.3
    for y in range(step, size, step):
        x = int(rng.integers(0, 12))
        while x < size:
            run = int(rng.integers(1, 3 * step))
            a, b = ((y, x), (y, x + run)) if vertical else ((x, y), (x + run, y))
            cv2.line(out, a, b, colour, max(1, step // 3))
            x += run + int(rng.integers(1, step + 1))


def _boxes(rng: np.random.Generator, out: np.ndarray) -> None:
    """Overlapping rectangles, a little blurred."""
    size = out.shape[0]
    for _ in range(rng.integers(3, 20)):
        a, b = (tuple(int(v) for v in rng.integers(-10, size + 10, 2)) for _ in range(2))
        cv2.rectangle(out, a, b, _colour(rng), -1)
    out[:] = cv2.GaussianBlur(out, (0, 0), float(rng.uniform(0.3, 4)))


# -- changes of a patch

_NOISE = np.random.default_rng(0).normal(0, 1, (512, 512, 3)).astype(np.float32)


def _tone(rng: np.random.Generator, rgb: np.ndarray) -> np.ndarray:
    """Gain, gamma and offset for each channel; grey now and then."""
    ramp = np.linspace(0, 1, 256, dtype=np.float32)[:, None]
    gamma = np.exp(rng.normal(0, 0.3) + rng.normal(0, 0.06, 3))
    gain, offset = np.exp(rng.normal(0, 0.2) + rng.normal(0, 0.08, 3)), rng.normal(0, 0.06)
    table = np.clip(255 * (gain * ramp**gamma + offset), 0, 255).astype(np.uint8)
    out = cv2.LUT(rgb, table[None])
    if rng.random() < 0.15:
        out = cv2.cvtColor(cv2.cvtColor(out, cv2.COLOR_RGB2GRAY), cv2.COLOR_GRAY2RGB)
    return np.asarray(out, np.uint8)


def _soften(rng: np.random.Generator, rgb: np.ndarray) -> np.ndarray:
    """Loss of detail: fewer pixels, blur, JPEG."""
    size, roll = rgb.shape[0], rng.random(3)
    if roll[0] < 0.2:
        n = int(size * rng.uniform(0.35, 0.9))
        rgb = cv2.resize(cv2.resize(rgb, (n, n), interpolation=cv2.INTER_AREA), (size, size))
    if roll[1] < 0.15:
        rgb = cv2.GaussianBlur(rgb, (0, 0), float(rng.uniform(0.4, 1.8)))
    if roll[2] < 0.2:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(25, 92))]
        coded = cv2.imencode(".jpg", rgb, quality)[1]
        rgb = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)
    return rgb


def _grain(rng: np.random.Generator, rgb: np.ndarray) -> np.ndarray:
    """Gaussian noise, sigma up to 14 of 255."""
    size = rgb.shape[0]
    y, x = rng.integers(0, 512 - size, 2)
    noise = _NOISE[y : y + size, x : x + size] * np.float32(rng.uniform(1, 14))
    return np.asarray(np.clip(rgb + noise, 0, 255), np.uint8)


def _cover(rng: np.random.Generator, rgb: np.ndarray) -> np.ndarray:
    """Hide some of the patch behind one or two shapes."""
    size, rgb = rgb.shape[0], rgb.copy()
    for _ in range(rng.integers(1, 3)):
        at = tuple(int(v) for v in rng.integers(0, size, 2))
        axes = tuple(int(v) for v in rng.integers(size // 20 + 1, size // 5, 2))
        cv2.ellipse(rgb, at, axes, float(rng.uniform(0, 180)), 0, 360, _colour(rng), -1)
    return rgb


def vary(rng: np.random.Generator, rgb: np.ndarray, cover: float = 0.2) -> np.ndarray:
    """Random tone, sharpness, noise and occlusion of a patch."""
    rgb = _tone(rng, rgb)
    if rng.random() < cover:
        rgb = _cover(rng, rgb)
    rgb = _soften(rng, rgb)
    return _grain(rng, rgb) if rng.random() < 0.3 else rgb


# -- samples of the finder


def _view(canvas: np.ndarray, frame: Frame, rng: np.random.Generator, inside: Square) -> None:
    """Draw the frame on the canvas so that `inside` (in canvas px) shows the face's square."""
    rgb, face, factor = frame.rgb, square_of(frame.points), 1.0
    while face.side * factor > 2 * inside.side:
        rgb, factor = (
            cv2.resize(rgb, None, fx=0.5, fy=0.5, interpolation=cv2.INTER_AREA),
            factor / 2,
        )
    corners = np.array([[0, 0], [1, 0], [0, 1]], np.float32)
    source = face.to_picture(corners) * np.float32(factor) - 0.5
    matrix = cv2.getAffineTransform(source, inside.to_picture(corners) - 0.5)
    mode = cv2.BORDER_TRANSPARENT if rng.random() < 0.6 else cv2.BORDER_REPLICATE
    size = (canvas.shape[1], canvas.shape[0])
    made = cv2.warpAffine(rgb, matrix, size, dst=canvas.copy(), borderMode=mode)
    canvas[:] = made


def _band(rng: np.random.Generator, canvas: np.ndarray) -> None:
    """Grey bars as letterboxing makes them."""
    n = int(rng.integers(1, 40))
    view = canvas if rng.random() < 0.5 else canvas.transpose(1, 0, 2)
    view[:n], view[view.shape[0] - n :] = 114, 114


def _random_square(rng: np.random.Generator, low: float, high: float, width: float) -> Square:
    """Side log-uniform in low..high px, centre such that most of it lies in 0..width x 0..128."""
    side = float(np.exp(rng.uniform(np.log(low), np.log(high))))
    room = [max(n / 2 - 0.42 * side, 0.05 * n) for n in (width, FIND)]
    x, y = (n / 2 + rng.uniform(-r, r) for n, r in zip((width, FIND), room, strict=True))
    return Square(x, y, side, float(np.radians(np.clip(rng.normal(0, 13), -32, 32))))


def _no_face(rng: np.random.Generator, frames: Frames, canvas: np.ndarray) -> None:
    """Leave the texture, or add a face upside down, a part of one, or what is beside one."""
    kind, frame = rng.choice(4, p=(0.4, 0.15, 0.15, 0.3)), frames.draw(rng)
    if kind == 0:
        turned = _random_square(rng, 24, 160, FIND)
        roll = float(np.radians(rng.uniform(110, 250)))
        _view(canvas, frame, rng, Square(turned.x, turned.y, turned.side, roll))
    elif kind == 1:
        x, y = rng.uniform(-80, 208, 2)
        _view(canvas, frame, rng, Square(x, y, float(rng.uniform(330, 700))))
    elif kind == 2:
        side, angle = float(rng.uniform(60, 160)), rng.uniform(0, 2 * np.pi)
        x, y = 64 + (64 + 0.75 * side) * np.array([np.cos(angle), np.sin(angle)], np.float64)
        _view(canvas, frame, rng, Square(float(x), float(y), side))


def find_sample(rng: np.random.Generator, frames: Frames) -> Sample:
    """(128,128,3) and (6,16,16): 1 face, 0 none, -1 either; dx, dy (cells), log(side / 32 px);
    cosine and sine of the roll.
    """
    canvas, roll, squares = texture(rng, FIND), rng.random(), []
    if roll < 0.28:
        _no_face(rng, frames, canvas)
    elif roll < 0.46:
        squares = [_random_square(rng, 22, 85, FIND / 2) for _ in range(2)]
        for k, square in enumerate(squares):
            _view(canvas[:, k * 64 : k * 64 + 64], frames.draw(rng), rng, square)
        squares[1] = Square(squares[1].x + 64, squares[1].y, squares[1].side, squares[1].roll)
    else:
        squares = [_random_square(rng, 22, 165, FIND)]
        _view(canvas, frames.draw(rng), rng, squares[0])
        if rng.random() < 0.25:
            _band(rng, canvas)
    return vary(rng, canvas, 0.15), _grid(squares)


def _grid(squares: list[Square]) -> np.ndarray:
    """The finder's target."""
    cells = FIND // CELL
    out = np.zeros((6, cells, cells), np.float32)
    at = (np.mgrid[0:cells, 0:cells][::-1] + 0.5).astype(np.float32)  # x, y of the cells' centres
    for s in squares:
        offset = np.array([s.x, s.y], np.float32)[:, None, None] / CELL - at
        far = np.hypot(*offset) * CELL
        near = far < max(0.14 * s.side, 0.71 * CELL)
        out[0][(far < 0.36 * s.side) & (out[0] == 0)] = -1
        values = np.stack([*offset, *(np.full_like(far, v) for v in _shape(s))])
        out[:, near] = np.concatenate([np.ones_like(far)[None], values])[:, near]
    return out


def _shape(s: Square) -> tuple[float, float, float]:
    """Size and roll as the finder gives them."""
    return float(np.log(s.side / 32)), float(np.cos(s.roll)), float(np.sin(s.roll))


# -- samples of the pointers


def jitter(rng: np.random.Generator, s: Square, shift: float, size: float, roll: float) -> Square:
    """A square beside s: standard deviations as share of the side, log side and degrees."""
    move = np.clip(rng.normal(0, shift, 2), -2.5 * shift, 2.5 * shift) * s.side
    scale = float(np.exp(np.clip(rng.normal(0, size), -2.2 * size, 2.2 * size)))
    turn = float(np.radians(np.clip(rng.normal(0, roll), -2 * roll, 2 * roll)))
    return Square(s.x + float(move[0]), s.y + float(move[1]), s.side * scale, s.roll + turn)


def _trimmed(rng: np.random.Generator, frame: Frame) -> Frame:
    """The picture ends close to the face, or cuts a little of it off."""
    s = square_of(frame.points)
    low = np.array([s.x, s.y]) - s.side * rng.uniform(0.3, 0.6, 2)
    high = np.array([s.x, s.y]) + s.side * rng.uniform(0.3, 0.6, 2)
    x0, y0 = np.maximum(low, 0).astype(int)
    x1, y1 = high.astype(int)
    return Frame(
        np.ascontiguousarray(frame.rgb[y0:y1, x0:x1]), frame.points - np.array([x0, y0], np.float32)
    )


def _blank(rng: np.random.Generator, frames: Frames, size: int) -> np.ndarray:
    """A patch that shows no upright face."""
    kind, frame = rng.choice(4, p=(0.2, 0.4, 0.2, 0.2)), frames.draw(rng)
    s = square_of(frame.points)
    if kind == 0:
        return texture(rng, size)
    if kind == 1:
        turned = Square(s.x, s.y, s.side, float(np.radians(rng.uniform(100, 260))))
        return jitter(rng, turned, 0.18, 0.2, 1).cut(frame.rgb, size)
    if kind == 2:
        angle = rng.uniform(0, 2 * np.pi)
        x, y = np.array([s.x, s.y]) + s.side * rng.uniform(0.6, 1) * np.array(
            [np.cos(angle), np.sin(angle)]
        )
        return Square(x, y, s.side * float(rng.uniform(0.6, 1.3)), s.roll).cut(frame.rgb, size)
    x, y = np.array([s.x, s.y]) + rng.uniform(-0.3, 0.3, 2) * s.side
    return Square(x, y, s.side * float(rng.uniform(0.12, 0.4)), s.roll).cut(frame.rgb, size)


def point_sample(rng: np.random.Generator, frames: Frames, part: str, size: int) -> Sample:
    """(size,size,3) and (2n+1,): the part's points in 0..1 of the patch, face 1 or 0.

    part: "crop" (all), "eye" (the subject's right one) or "mouth".
    """
    frame = frames.draw(rng)
    if part == "crop":
        if rng.random() < 0.15:
            return vary(rng, _blank(rng, frames, size)), np.zeros(301, np.float32)
        frame = _trimmed(rng, frame) if rng.random() < 0.2 else frame
        near = rng.uniform(0.1, 1)
        square = jitter(rng, square_of(frame.points), 0.08 * near, 0.13 * near, 12 * near)
        chosen = frame.points
    else:
        square = part_squares(frame.points)[0 if part == "eye" else 2]
        square = jitter(rng, square, 0.05, 0.08, 5)
        chosen = frame.points[EYE if part == "eye" else PARTS[part]]
    rgb = vary(rng, square.cut(frame.rgb, size), 0.2 if part == "crop" else 0.05)
    return rgb, np.append(square.from_picture(chosen).ravel(), np.float32(1))


class Batches(IterableDataset[tuple[Tensor, Tensor]]):
    """Endless random batches for the net "find", "crop", "eye" or "mouth"."""

    def __init__(self, frames: Frames, net: str, size: int, batch: int, seed: int) -> None:
        self.frames, self.net, self.size, self.batch, self.seed = frames, net, size, batch, seed

    def __iter__(self) -> Iterator[tuple[Tensor, Tensor]]:
        cv2.setNumThreads(1)
        rng = np.random.default_rng(self.seed)
        while True:
            rows = [self.sample(rng) for _ in range(self.batch)]
            images = np.stack([r[0] for r in rows]).transpose(0, 3, 1, 2)
            yield torch.from_numpy(images.copy()), torch.from_numpy(np.stack([r[1] for r in rows]))

    def sample(self, rng: np.random.Generator) -> Sample:
        """One sample of the net's kind."""
        if self.net == "find":
            return find_sample(rng, self.frames)
        return point_sample(rng, self.frames, self.net, self.size)
