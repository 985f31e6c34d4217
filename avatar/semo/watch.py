"""Looks at a camera's pictures in a thread of its own, so that frames never wait for them."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from threading import Lock
from typing import TYPE_CHECKING, Protocol

from avatar.rig import Vector
from avatar.semo.loading import WEIGHTS
from avatar.semo.steady import Steady
from avatar.semo.surface import FaceSurface
from avatar.semo.types import Bytes, Floats

if TYPE_CHECKING:
    from avatar.landmark_net import LandmarkNet
    from avatar.semo.encoder import MaskedMotionEncoder


class SeenFace(Protocol):
    """What a tracker tells of a face in sight."""

    @property
    def token(self) -> Floats:
        """(64,) with the pose."""
        ...


class Tracker(Protocol):
    """Follows one face through one video stream."""

    def track(self, rgb: Bytes) -> SeenFace | None:
        """The face in the next picture (H, W, 3), None if there is none to be seen."""
        ...


class Trackers:
    """Makes trackers; what they share is loaded when the first is wanted."""

    def __init__(self, surface: FaceSurface) -> None:
        self._surface = surface
        self._shared: tuple[MaskedMotionEncoder, LandmarkNet] | None = None
        self._loading = Lock()

    def open(self) -> Tracker:
        """A tracker of a new stream. Raises ConfigError if the weights are missing."""
        from avatar.semo.tracking import MotionTracker

        encoder, landmarks = self._load()
        return MotionTracker(encoder, landmarks, self._surface)

    def _load(self) -> "tuple[MaskedMotionEncoder, LandmarkNet]":
        from avatar.landmark_net import LandmarkNet
        from avatar.semo.encoder import MaskedMotionEncoder

        with self._loading:
            if self._shared is None:
                encoder = MaskedMotionEncoder()
                self._shared = encoder, LandmarkNet(WEIGHTS / "landmarks.onnx")
            return self._shared


@dataclass(frozen=True, slots=True, eq=False)
class Seen:
    """rig: (63,) of the driver, without tremble, None while there is no face; at: when the picture
    was taken, -1: none has been looked at."""

    rig: Vector | None = None
    at: float = -1.0


class Watch:
    """One camera. `last` is the newest picture looked at."""

    def __init__(self, surface: FaceSurface, open_tracker: Callable[[], Tracker]) -> None:
        self._surface = surface
        self._open_tracker = open_tracker
        self._tracker: Tracker | None = None
        self._steady = Steady()
        self._thread = ThreadPoolExecutor(1, "watch")
        self._looking: Future[None] | None = None
        self.last = Seen()

    def look(self, rgb: Bytes, at: float) -> bool:
        """Look at a picture soon; False if the one before is still being looked at.

        Raises what came up there: ConfigError if the weights are missing.
        """
        if self._looking is not None:
            if not self._looking.done():
                return False
            self._looking.result()
        self._looking = self._thread.submit(self.see, rgb, at)
        return True

    def see(self, rgb: Bytes, at: float) -> None:
        """Look at a picture now."""
        if self._tracker is None:
            self._tracker = self._open_tracker()
        found = self._tracker.track(rgb)
        rig = None
        if found is not None:
            rig = self._steady(self._surface.token_to_rig(found.token), at)
        self.last = Seen(rig, at)

    def close(self) -> None:
        """Look at nothing more."""
        self._thread.shutdown(wait=False, cancel_futures=True)
