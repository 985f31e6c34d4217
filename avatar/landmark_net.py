"""Finds faces and their 150 landmarks in a picture, with a small net of our own (CPU, no torch).

Whole picture, letterboxed (where it shows none, parts of it) -> coarse upright squares -> points in
the square -> a tighter square from these points -> points again -> eyes and mouth once more from
patches of their own.
Pixel coordinates are continuous: (0, 0) is the top left corner of the top left pixel.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from numpy.typing import NDArray

from speech.onnx import session

Floats = NDArray[np.float32]
Bytes = NDArray[np.uint8]

FIND, CROP, PART = 128, 112, 64  # sides of the nets' inputs, pixels
INPUTS = {"find": FIND, "crop": CROP, "eye": PART, "mouth": PART}
CELL = 8  # px of the finder's input per cell of its answer
STEP = np.float32(CELL / FIND)
LARGEST = 2048  # longer picture sides are scaled down to this many pixels
MARGIN = 1.25  # side of a face's square over the larger side of its points
PEAK, ACCEPT = 0.25, 0.5  # least score of a place to look at, of a face to report
SURE = 0.75  # the same of a face in a part of the picture: many looks, many chances to err
FACES = 4  # places looked at, at most
CLOSER = (0.5, 0.25)  # sides of the parts looked at in turn, of the longer picture side
MOUTH, RIGHT, LEFT = slice(36, 76), slice(76, 92), slice(92, 108)
IRISES = (slice(108, 113), slice(113, 118))
EYE_SIDE, MOUTH_SIDE = 0.22, 0.42  # of the face's square
UNSTEADY = 2.5  # % of the face's size: mirrored answers that far apart halve the score
_LIP, _IRIS = (10 - np.arange(20)) % 20, np.array([0, 3, 2, 1, 4])
_NOSE = np.array([0, 1, 2, 3, 4, 5, 6, 11, 10, 9, 8, 7])
_OVAL_LIPS = [-np.arange(36) % 36, 36 + _LIP, 56 + _LIP]
_EYES_BROWS = [np.r_[92:108, 76:92], 113 + _IRIS, 108 + _IRIS, np.r_[128:138, 118:128]]
MIRROR = np.concatenate([*_OVAL_LIPS, *_EYES_BROWS, 138 + _NOSE])  # points[MIRROR]: mirror image's


@dataclass(frozen=True, slots=True, eq=False)
class FaceFound:
    """points: (150, 2) px in the given picture; score in 0..1; box: x0, y0, x1, y1 of points."""

    points: Floats
    score: float
    box: tuple[float, float, float, float]


@dataclass(frozen=True, slots=True)
class Square:
    """An upright square: centre x, y and side in pixels, roll in radians (clockwise)."""

    x: float
    y: float
    side: float
    roll: float = 0.0

    def to_picture(self, points: Floats) -> Floats:
        """(..., 2) in 0..1 of the square to picture pixels."""
        return ((points - 0.5) * self.side @ _turn(-self.roll) + (self.x, self.y)).astype(
            np.float32
        )

    def from_picture(self, points: Floats) -> Floats:
        """(..., 2) picture pixels to 0..1 of the square."""
        offset = points - np.array([self.x, self.y], np.float32)
        return (offset @ _turn(self.roll) / self.side + 0.5).astype(np.float32)

    def cut(self, rgb: Bytes, size: int, border: int = cv2.BORDER_REPLICATE) -> Bytes:
        """(size, size, 3) the square's content; `rgb` (H, W, 3)."""
        factor = 1.0
        while self.side * factor > 1.5 * size:
            rgb, factor = _halved(rgb), factor / 2
        corners = np.array([[0, 0], [1, 0], [0, 1]], np.float32)
        source = self.to_picture(corners) * np.float32(factor) - 0.5
        matrix = cv2.getAffineTransform(source, corners * np.float32(size) - 0.5)
        out = cv2.warpAffine(rgb, matrix, (size, size), borderMode=border, borderValue=(114,) * 3)
        return np.asarray(out, np.uint8)


def _turn(angle: float) -> Floats:
    """(2, 2) R with row vectors: v @ R turns v by -angle (y down)."""
    c, s = np.cos(angle), np.sin(angle)
    return np.array([[c, -s], [s, c]], np.float32)


def _resized(rgb: Bytes, scale: float) -> Bytes:
    """(H * scale, W * scale, 3), at least one pixel a side; for scales below 1."""
    size = [max(1, round(n * scale)) for n in rgb.shape[1::-1]]
    return np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)


def _halved(rgb: Bytes) -> Bytes:
    """(H/2, W/2, 3); odd last rows and columns are repeated so that the scale is exactly 1/2."""
    h, w = rgb.shape[:2]
    even = cv2.copyMakeBorder(rgb, 0, h % 2, 0, w % 2, cv2.BORDER_REPLICATE)
    return _resized(np.asarray(even, np.uint8), 0.5)


def square_of(points: Floats, margin: float = MARGIN) -> Square:
    """The upright square around a face's (150, 2) points: roll from eyes and mouth."""
    right, left, mouth = (points[s].mean(0) for s in (RIGHT, LEFT, MOUTH))
    across, down = left - right, mouth - (left + right) / 2
    roll = float(np.arctan2(across[1] - down[0], across[0] + down[1]))
    level = points @ _turn(roll)
    low, high = level.min(0), level.max(0)
    x, y = (low + high) / 2 @ _turn(-roll)
    return Square(float(x), float(y), margin * float(np.max(high - low)), roll)


def part_squares(points: Floats) -> list[Square]:
    """Right eye, left eye and mouth of a face's (150, 2) points."""
    face, out = square_of(points), []
    for part, share in ((RIGHT, EYE_SIDE), (LEFT, EYE_SIDE), (MOUTH, MOUTH_SIDE)):
        x, y = (points[part].min(0) + points[part].max(0)) / 2
        out.append(Square(float(x), float(y), share * face.side, face.roll))
    return out


class LandmarkNet:
    """Four small nets in one file; a net that gets an empty batch costs nothing."""

    def __init__(self, model: bytes | Path) -> None:
        """model: the ONNX file or its bytes. Raises OSError or onnxruntime's errors if unusable."""
        self._session = session(model)

    def find(self, rgb: Bytes) -> list[FaceFound]:
        """Faces in an (H, W, 3) uint8 sRGB picture of any size from 128 px, best first.

        Raises ValueError for an array that is no such picture.
        """
        _check(rgb)
        scale = min(1.0, LARGEST / max(rgb.shape[:2]))
        small = rgb if scale == 1 else _resized(rgb, scale)
        found: list[FaceFound] = []
        for areas, least in _looks(small):
            for square, score in self._places(small, areas):
                face = self._face(small, square, score)
                if face.score >= least and not any(_same(face, other) for other in found):
                    found.append(face)
            if found:
                break
        ranked = sorted(found, key=lambda f: -f.score)
        (h, w), (small_h, small_w) = rgb.shape[:2], small.shape[:2]
        back = np.array([w / small_w, h / small_h], np.float32)
        return [_found(f.points * back, f.score) for f in ranked]

    def follow(self, rgb: Bytes, near: Floats) -> Floats:
        """(150, 2) px of the face whose landmarks lie about `near`, px: one in a video, known from
        the frame before. One look at the face and one at each eye, a quarter of the work of `find`.
        """
        square = square_of(near)
        points = self._run("crop", [square.cut(rgb, CROP)])[0, :-1].reshape(-1, 2)
        out = square.to_picture(points)
        self._refine_eyes(rgb, out)
        return out

    def _run(self, name: str, patches: list[Bytes]) -> Floats:
        """One net's answers, (N, ...), to N patches of its size."""
        feed = {k: np.zeros((0, 3, n, n), np.float32) for k, n in INPUTS.items()}
        feed[name] = np.stack(patches).transpose(0, 3, 1, 2).astype(np.float32)
        return np.asarray(self._session.run([f"{name}_out"], feed)[0], np.float32)

    def _places(self, rgb: Bytes, areas: list[Square]) -> list[tuple[Square, float]]:
        """The FACES best coarse squares in all areas and their scores, best first."""
        patches = [area.cut(rgb, FIND, cv2.BORDER_CONSTANT) for area in areas]
        grids = self._run("find", patches)
        places = [p for a, g in zip(areas, grids, strict=True) for p in _peaks(a, g)]
        return sorted(places, key=lambda place: -place[1])[:FACES]

    def _face(self, rgb: Bytes, square: Square, score: float) -> FaceFound:
        """Points in the square, then in the square of these, then eyes and mouth."""
        coarse = self._run("crop", [square.cut(rgb, CROP)])[0, :-1].reshape(-1, 2)
        square = square_of(square.to_picture(coarse))
        points, presence, apart = self._twice("crop", rgb, square, MIRROR)
        steady = 1 / (1 + (100 * MARGIN * apart / UNSTEADY) ** 4)
        return _found(self._refined(rgb, points), float(np.sqrt(score * presence)) * steady)

    def _twice(
        self, name: str, rgb: Bytes, square: Square, order: NDArray[np.int64]
    ) -> tuple[Floats, float, float]:
        """Mean answer to the square and its mirror image (`order`: of the mirrored points).

        Points in picture pixels, share of certainty that there is a face, and how far apart the
        two answers are, as a share of the square's side.
        """
        patch = square.cut(rgb, INPUTS[name])
        answers = self._run(name, [patch, np.ascontiguousarray(patch[:, ::-1])])
        one, other = answers[:, :-1].reshape(2, -1, 2)
        other = other[order] * np.array([-1, 1], np.float32) + np.array([1, 0], np.float32)
        apart = float(np.linalg.norm(one - other, axis=1).mean())
        presence = float(1 / (1 + np.exp(-answers[:, -1].mean())))
        return square.to_picture((one + other) * np.float32(0.5)), presence, apart

    def _refined(self, rgb: Bytes, points: Floats) -> Floats:
        """The (150, 2) points with eyes, irises and lips found again in patches of their own."""
        out = points.copy()
        self._refine_eyes(rgb, out)
        mouth = part_squares(points)[2]
        out[MOUTH] = self._twice("mouth", rgb, mouth, MIRROR[MOUTH] - MOUTH.start)[0]
        return out

    def _refine_eyes(self, rgb: Bytes, points: Floats) -> None:
        """Eyes and irises of the (150, 2) points, in place."""
        right, left, _ = part_squares(points)
        patches = [right.cut(rgb, PART), np.ascontiguousarray(left.cut(rgb, PART)[:, ::-1])]
        eyes = self._run("eye", patches)[:, :-1].reshape(2, -1, 2)
        eyes[1, :, 0] = 1 - eyes[1, :, 0]
        points[RIGHT], points[IRISES[0]] = np.split(right.to_picture(eyes[0]), [16])
        points[LEFT], points[IRISES[1]] = np.split(left.to_picture(eyes[1]), [16])
        points[IRISES[1]] = points[IRISES[1]][_IRIS]


def _check(rgb: Bytes) -> None:
    if rgb.ndim != 3 or rgb.shape[2] != 3 or rgb.dtype != np.uint8 or 0 in rgb.shape:
        raise ValueError(f"a picture is (H, W, 3) uint8, not {rgb.shape} {rgb.dtype}")


def _looks(rgb: Bytes) -> Iterator[tuple[list[Square], float]]:
    """Where to look for faces, in turn, and the least score: the whole, then parts of it."""
    h, w = rgb.shape[:2]
    longer = max(h, w)
    yield [Square(w / 2, h / 2, float(longer))], ACCEPT
    for share in CLOSER:
        side = share * longer
        columns, rows = (_middles(length, side) for length in (w, h))
        yield [Square(x, y, side) for y in rows for x in columns], SURE


def _middles(length: int, side: float) -> list[float]:
    """Middles of the fewest pieces of `side` that cover `length`, at most half a side apart."""
    if length <= side:
        return [length / 2]
    pieces = int(np.ceil((length - side) / (side / 2) - 1e-6)) + 1
    middles: list[float] = np.linspace(side / 2, length - side / 2, pieces).tolist()
    return middles


def _peaks(area: Square, grid: Floats) -> Iterator[tuple[Square, float]]:
    """Squares and scores of the finder's answer (6, 16, 16) for an area, best first."""
    score = 1 / (1 + np.exp(-grid[0]))
    for _ in range(FACES):
        if score.max() < PEAK:
            return
        y, x = divmod(int(score.argmax()), score.shape[1])
        dx, dy, log_side, c, s = grid[1:, y, x]
        at = area.to_picture(np.array([x + 0.5 + dx, y + 0.5 + dy], np.float32) * STEP)
        side = 32 * float(np.exp(np.clip(log_side, -1, 2)))
        size, roll = side * area.side / FIND, float(np.arctan2(s, c))
        yield Square(float(at[0]), float(at[1]), size, roll), float(score[y, x])
        rows, columns = np.mgrid[: score.shape[0], : score.shape[1]]
        score[np.hypot(columns - x, rows - y) * CELL < max(0.5 * side, CELL)] = 0


def _same(a: FaceFound, b: FaceFound) -> bool:
    """Whether two finds are one face: centres closer than 0.4 of the larger one's size."""
    apart = np.hypot(*(a.points.mean(0) - b.points.mean(0)))
    return bool(apart < 0.4 * max(np.ptp(f.points, axis=0).max() for f in (a, b)))


def _found(points: Floats, score: float) -> FaceFound:
    """With the box around the points."""
    (x0, y0), (x1, y1) = points.min(0).tolist(), points.max(0).tolist()
    return FaceFound(points.astype(np.float32), score, (x0, y0, x1, y1))
