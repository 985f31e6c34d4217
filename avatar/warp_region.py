"""Where the picture moves: a rectangle of coarse cells, and smaller windows within it."""

from dataclasses import dataclass

import cv2
import numpy as np

from avatar.motion import f32
from avatar.warp_fields import Array, Face, Frame2D
from avatar.warp_source import Image

REACH = 1.55  # head radii that any field reaches
MARGIN = 0.06  # face units around a window


@dataclass(frozen=True, slots=True)
class Region:
    """rows x columns cells of `cell` pixels from pixel (x, y) of a picture of size x size; around
    them, in all arrays of coarse points, a rim of one cell that is never drawn."""

    size: int
    x: int
    y: int
    cell: int
    rows: int
    columns: int

    @classmethod
    def around(cls, face: Face, frame: Frame2D, size: int) -> "Region":
        """All that a face can move in a picture of size x size."""
        cell = max(2, round(size / 96))
        reach = face.radius * f32([REACH, REACH * 1.12])
        low, high = face.centre - reach, face.centre + reach
        corners = f32([[a[0], b[1]] for a in (low, high) for b in (low, high)])
        pixels = frame.picture(corners)
        first = np.clip(np.floor(pixels.min(0)), 0, size - cell).astype(int)
        last = np.clip(np.ceil(pixels.max(0)), first + cell, size).astype(int)
        columns, rows = -(-(last - first) // cell)
        return cls(size, int(first[0]), int(first[1]), cell, int(rows), int(columns))

    def centres(self) -> Array:
        """(rows + 2, columns + 2, 2) pixel coordinates of the cells' centres, rim included."""
        x = self.x + self.cell * (np.arange(self.columns + 2) - 0.5) - 0.5
        y = self.y + self.cell * (np.arange(self.rows + 2) - 0.5) - 0.5
        return np.stack(np.meshgrid(x, y), -1).astype(np.float32)

    def whole(self) -> "Window":
        """The window that is the region."""
        return Window(self, 0, self.rows, 0, self.columns)

    def window(
        self, frame: Frame2D, box: tuple[float, float, float, float], turn: Array
    ) -> "Window":
        """The cells that show `box` (left, top, right, bottom in face units) after the head has
        moved by `turn` (face units at each of `centres`)."""
        left, top, right, bottom = box
        # The picture's axes of the face as plain numbers: this runs a few times each frame.
        (xx, xy), (yx, yy) = frame.axes.tolist()
        origin_x, origin_y = frame.origin.tolist()

        def cell(x: float, y: float) -> tuple[float, float]:
            pixel_x, pixel_y = x * xx + y * yx + origin_x, x * xy + y * yy + origin_y
            row, column = (pixel_y - self.y) / self.cell, (pixel_x - self.x) / self.cell
            return min(max(row, 0.0), self.rows), min(max(column, 0.0), self.columns)

        row, column = cell((left + right) / 2, (top + bottom) / 2)
        dx, dy = turn[int(row), int(column)].tolist()
        xs, ys = (
            (left - MARGIN + dx, right + MARGIN + dx),
            (top - MARGIN + dy, bottom + MARGIN + dy),
        )
        rows, columns = zip(*(cell(x, y) for x in xs for y in ys), strict=True)
        first_row, first_column = int(min(rows)), int(min(columns))
        last_row, last_column = -int(-max(rows) // 1), -int(-max(columns) // 1)
        return Window(self, first_row, last_row, first_column, last_column)


@dataclass(frozen=True, slots=True)
class Window:
    """Cells top..bottom, left..right of a region."""

    region: Region
    top: int
    bottom: int
    left: int
    right: int

    def refine(self, coarse: Array) -> Array:
        """(h, w, C) values at the window's pixels from those at the region's `centres`."""
        cell = self.region.cell
        part = coarse[self.top : self.bottom + 2, self.left : self.right + 2]
        size = (part.shape[1] * cell, part.shape[0] * cell)
        fine = np.asarray(cv2.resize(part, size, interpolation=cv2.INTER_LINEAR), np.float32)
        rows, columns = self._pixels()
        return fine[cell:, cell:][: rows.stop - rows.start, : columns.stop - columns.start]

    def cut(self, out: Image) -> Image:
        """The window's part of a picture (H, W, C), as a view."""
        return out[self._pixels()]

    def paint(self, out: Image, rgba: Image) -> None:
        """Put (h, w, 4) into a picture (H, W, 3)."""
        cv2.cvtColor(rgba, cv2.COLOR_RGBA2RGB, dst=self.cut(out))

    def _pixels(self) -> tuple[slice, slice]:
        region = self.region
        x, y, cell, size = region.x, region.y, region.cell, region.size
        return (
            slice(y + self.top * cell, min(y + self.bottom * cell, size)),
            slice(x + self.left * cell, min(x + self.right * cell, size)),
        )
