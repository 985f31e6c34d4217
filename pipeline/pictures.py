"""Uploaded pictures: looked at and cut into portraits in a process of their own.

Whatever a decoder does with a hostile file, it does it there. Pictures are never written to a
disk: their bytes stay with the server, decoded ones in the process, for as long as they are open.
"""

import asyncio
from collections import OrderedDict
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from pipeline.workers import Worker

if TYPE_CHECKING:
    from avatar.portrait import Face, Finding, Intake
    from avatar.types import Portrait

KEPT = 3  # decoded pictures; others are decoded again when needed
PREVIEW = 1024  # px, of the longer side
_Square = tuple[float, float, float]  # centre x, centre y, side in pixels of the picture
_Image = NDArray[np.uint8]


@dataclass(frozen=True, slots=True)
class Upload:
    """A picture as it was uploaded; `key` is unlike that of any other."""

    key: str
    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class FaceSeen:
    """One face: where it is, what speaks against it, and which squares may be cut around it.

    outline: (36, 2) around the face; box: x0, y0, x1, y1; square: the automatic crop; smallest and
    largest side. All in pixels of the picture.
    """

    outline: tuple[tuple[float, float], ...]
    box: tuple[float, float, float, float]
    usable: bool
    findings: tuple["Finding", ...]
    square: _Square
    sides: tuple[float, float]


@dataclass(frozen=True, slots=True)
class PictureSeen:
    """What a picture shows. preview: JPEG, upright; best: the face to begin with."""

    width: int
    height: int
    preview: bytes
    faces: tuple[FaceSeen, ...]
    findings: tuple["Finding", ...]
    best: int


class PictureHost:
    """In the worker process: opens pictures and cuts portraits."""

    def __init__(self) -> None:
        self._open: OrderedDict[str, tuple[_Image, Intake]] = OrderedDict()

    def warm_up(self) -> None:
        """Load what is slow, so that the first picture does not wait for it."""
        from avatar.portrait import inspect, read_picture
        from avatar.portraits import gallery

        inspect(read_picture(gallery()[0].picture))

    def look(self, upload: Upload) -> PictureSeen:
        """What the picture shows. Raises PortraitError for what is no picture."""
        rgb, intake = self._opened(upload)
        return PictureSeen(
            intake.width, intake.height, _preview(rgb),
            tuple(_face_seen(intake, at, face) for at, face in enumerate(intake.faces)),
            intake.findings, intake.best,
        )  # fmt: skip

    def portrait(self, upload: Upload, choice: int, square: _Square) -> "Portrait":
        """The portrait of one face. Raises PortraitError if that face cannot be one."""
        from avatar.portrait import Crop, prepare

        rgb, intake = self._opened(upload)
        return prepare(rgb, choice, Crop(*square), name=upload.name, intake=intake)

    def forget(self, key: str) -> None:
        """Drop a picture; unknown keys are fine."""
        self._open.pop(key, None)

    def _opened(self, upload: Upload) -> tuple[_Image, "Intake"]:
        from avatar.portrait import inspect, read_picture

        if upload.key not in self._open:
            rgb = read_picture(upload.data, upload.name)
            self._open[upload.key] = rgb, inspect(rgb)
        self._open.move_to_end(upload.key)
        while len(self._open) > KEPT:
            self._open.popitem(last=False)
        return self._open[upload.key]


class RemotePictures:
    """The pictures' worker process, started when the first one comes."""

    def __init__(self, worker: Worker) -> None:
        self.worker = worker
        self._starting: asyncio.Task[None] | None = None

    async def start(self) -> None:
        """Start the process and warm it up, once. Raises ProviderError if it cannot be built."""
        if self._starting is None:
            self._starting = asyncio.create_task(self._start())
        await asyncio.shield(self._starting)

    async def look(self, upload: Upload) -> PictureSeen:
        """As `PictureHost.look`."""
        await self.start()
        seen: PictureSeen = await self.worker.call("look", upload)
        return seen

    async def portrait(self, upload: Upload, choice: int, square: _Square) -> "Portrait":
        """As `PictureHost.portrait`."""
        await self.start()
        portrait: Portrait = await self.worker.call("portrait", upload, choice, square)
        return portrait

    async def forget(self, key: str) -> None:
        """As `PictureHost.forget`; a process that is gone has forgotten everything."""
        if self.worker.up:
            await self.worker.call("forget", key)

    async def close(self) -> None:
        """End the process."""
        if self._starting is not None:
            await asyncio.gather(self._starting, return_exceptions=True)
            await self.worker.close()

    async def _start(self) -> None:
        await self.worker.start()
        await self.worker.call("warm_up")


def _face_seen(intake: "Intake", at: int, face: "Face") -> FaceSeen:
    from avatar.portrait import Crop, crop_box

    def side(wished: float) -> float:
        return crop_box(intake, at, Crop(0.0, 0.0, wished)).side

    oval = face.landmarks.group("face_oval").tolist()
    automatic: Crop = crop_box(intake, at)
    return FaceSeen(
        tuple((x, y) for x, y in oval), face.box, face.usable, face.findings,
        (automatic.x, automatic.y, automatic.side), (side(1.0), side(1e6)),
    )  # fmt: skip


def _preview(rgb: _Image) -> bytes:
    import cv2

    scale = min(1.0, PREVIEW / max(rgb.shape[:2]))
    small = rgb
    if scale < 1:
        size = (max(1, round(rgb.shape[1] * scale)), max(1, round(rgb.shape[0] * scale)))
        small = np.asarray(cv2.resize(rgb, size, interpolation=cv2.INTER_AREA), np.uint8)
    coded = cv2.imencode(".jpg", small[:, :, ::-1], [cv2.IMWRITE_JPEG_QUALITY, 86])[1]
    return coded.tobytes()
