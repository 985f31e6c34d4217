"""The plug-in point `limner.avatar`."""

from collections.abc import Iterator
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from avatar.rig import Vector
from avatar.types import Activity, DriveMode, Frame, Portrait, Sight
from emotion.types import EmotionState
from speech.types import SpeechChunk


class AvatarStream(Protocol):
    """One living portrait of one session; holds all state of that session's motion."""

    def push(self, speech: SpeechChunk | None, emotion: EmotionState, activity: Activity) -> None:
        """Tell what comes: speech (at PLAY_RATE, start_sample on the media clock, a multiple of
        nothing in particular), how it is felt, and the activity from the next frame on.

        Speech is queued and its lips move when frames reach its samples; `emotion` belongs to that
        speech where there is one, else it is felt from the next frame on wherever no speech says
        otherwise. A stream that has `feel` lets feelings come and go by itself (`emotion.mood`);
        to one that has not the session tells them as they fade.
        """
        ...

    def frames(self, count: int) -> Iterator[Frame]:
        """The next `count` frames, in order, at 25 fps."""
        ...

    def skip(self, count: int) -> None:
        """Let `count` frames of time pass without rendering (hidden tab, overload)."""
        ...

    def clear(self, frame: int) -> None:
        """Barge-in: forget queued speech; the next frame is number `frame` and moves on smoothly
        from the current pose."""
        ...

    def adjust(self, rig: Vector) -> None:
        """(63,) float32 in avatar.rig order: added to the motion from the next frame on, until
        changed. A stream may lack this method: its portraits then have no controls."""
        ...

    def feel(self, emotion: EmotionState | None) -> None:
        """What is felt from the next frame on whatever is said, queued speech included; None: by
        itself again. A stream may lack this method: what the user holds then colours what is said
        from then on."""
        ...

    def hear(self, pcm: NDArray[np.float32], start: int) -> None:
        """What the user says while the portrait listens: (T,) float32 in [-1, 1], 16 kHz mono, to
        react to as heard from sample `start` of the media clock (counted at 16 kHz). Pieces of 0.1
        to 0.2 s follow one another. A stream may lack this method."""
        ...

    def drive(self, rgb: NDArray[np.uint8] | None, mode: DriveMode, at: float) -> Sight:
        """A camera's picture of a person whom the portrait is to follow: (H, W, 3) uint8, taken
        `at` seconds (rising, any zero). Returns at once with what came of the pictures before;
        what comes too quickly is passed over. None: no more pictures, the portrait goes back to
        its own life. A stream may lack this method: its portraits then follow no camera."""
        ...


class Avatar(Protocol):
    """A renderer of portraits; one instance serves many streams of one process."""

    def open(self, portrait: Portrait, size: int, seed: int) -> AvatarStream:
        """A stream of size x size frames starting at frame 0. Raises PortraitError.

        May be called in a thread beside those that render other streams' frames.
        """
        ...
