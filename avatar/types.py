"""What flows out of the avatar. Axis legend: F frames, D motion dims, H W pixels."""

from dataclasses import dataclass
from enum import IntEnum
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from avatar.landmarks import Landmarks


class Activity(IntEnum):
    """What the avatar is doing; the numbers travel in packets."""

    IDLE = 0
    LISTENING = 1
    THINKING = 2
    SPEAKING = 3


# How a camera moves a portrait: it does what the driver does, or softly returns the driver's looks.
DriveMode = Literal["drives", "mirrors"]


@dataclass(frozen=True, slots=True)
class Sight:
    """What came of a camera's pictures so far.

    face: whether the last picture looked at shows one; at: when the picture was taken that the
    portrait followed last, on the camera's clock in seconds, -1: none yet; frame: the number of the
    first frame that shows it.
    """

    face: bool = False
    at: float = -1.0
    frame: int = -1


@dataclass(frozen=True, slots=True, eq=False)
class MotionChunk:
    """tokens: (F, D) float32 motion parameters of consecutive frames from `start_frame`."""

    turn: int
    tokens: NDArray[np.float32]
    start_frame: int


@dataclass(frozen=True, slots=True, eq=False)
class Frame:
    """rgb: (H, W, 3) uint8; index: 25 fps frame number on the media clock (sample / 960)."""

    turn: int
    rgb: NDArray[np.uint8]
    index: int


@dataclass(frozen=True, slots=True, eq=False)
class Portrait:
    """A picture that can come alive.

    rgb: (H, W, 3) uint8 sRGB, square; landmarks in its pixels.
    """

    name: str
    title: str
    description: str
    rgb: NDArray[np.uint8]
    landmarks: Landmarks
