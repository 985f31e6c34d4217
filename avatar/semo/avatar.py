"""The default avatar: any fitted portrait, moved by motion tokens through the learned surface."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor

import cv2
import numpy as np
from threadpoolctl import threadpool_limits

from avatar.acting import Actor, load_faculties
from avatar.matte_net import MatteNet
from avatar.portraits import gallery, load_portrait
from avatar.rig import Vector, rig
from avatar.semo.decoder import MotionDecoder
from avatar.semo.driver import expressed
from avatar.semo.folds import load_folds
from avatar.semo.loading import WEIGHTS, load_surface
from avatar.semo.neutral import target_rig
from avatar.semo.portrait_cache import OpenPortrait, PortraitCache
from avatar.semo.prepared import prepared
from avatar.semo.puppet import Puppet
from avatar.semo.surface import FaceSurface
from avatar.semo.types import Bytes, Floats
from avatar.semo.watch import Trackers, Watch
from avatar.types import Activity, DriveMode, Frame, Portrait, Sight
from emotion.errors import PortraitError
from emotion.types import EmotionState
from speech.types import SpeechChunk

SIZES = (64, 2048)
ENGAGE, RELAX = 0.30, 0.06  # share of the way per frame to the face that expresses, and back
FOLLOW = 0.55  # share of the way that what is set by hand moves in one frame
UNSEEN = 1e-4  # of any rig parameter
FAINT = 0.08  # of what `expressed` says: a living face at rest


def preload() -> None:
    """What a process can make ready before it has an avatar, so that a restart is short."""
    load_faculties()


class SemoStream:
    """One living portrait of one session (an `AvatarStream`)."""

    def __init__(
        self,
        surface: FaceSurface,
        portrait: OpenPortrait,
        decoder: MotionDecoder,
        actor: Actor,
        trackers: Trackers,
    ) -> None:
        self._surface = surface
        self._portrait = portrait  # kept, so that it is found while this stream lives
        self._decoder = decoder
        self._actor = actor
        self._trackers = trackers
        self._puppet: Puppet | None = None  # while a camera moves the face
        self._engaged = 0.0  # 0: the picture's own expression is the rest, 1: the neutral face
        self._wanted, self._added = rig(), rig()  # set by hand, and of it so far

    def push(self, speech: SpeechChunk | None, emotion: EmotionState, activity: Activity) -> None:
        """See `AvatarStream.push`."""
        self._actor.push(speech, emotion, activity)

    def frames(self, count: int) -> Iterator[Frame]:
        """See `AvatarStream.frames`."""
        for _ in range(count):
            index, turn = self._actor.frame, self._actor.turn
            yield Frame(turn, self._decoder.render(self._token(index)), index)

    def skip(self, count: int) -> None:
        """See `AvatarStream.skip`."""
        for _ in range(count):
            self._follow_hand()
        self._actor.skip(count)

    def clear(self, frame: int) -> None:
        """See `AvatarStream.clear`."""
        self._actor.clear(frame)

    def adjust(self, rig: Vector) -> None:
        """See `AvatarStream.adjust`."""
        self._wanted = np.asarray(rig, np.float32)

    def feel(self, emotion: EmotionState | None) -> None:
        """See `AvatarStream.feel`."""
        self._actor.feel(emotion)

    def hear(self, pcm: Floats, start: int) -> None:
        """See `AvatarStream.hear`."""
        self._actor.hear(pcm, start)

    def drive(self, rgb: Bytes | None, mode: DriveMode, at: float) -> Sight:
        """See `AvatarStream.drive`."""
        if rgb is None:
            if self._puppet is not None:
                self._puppet.stop()
            return Sight()
        if self._puppet is None or self._puppet.stopped:
            watch = Watch(self._surface, self._trackers.open)
            self._puppet = Puppet(self._surface, self._portrait.fitted, watch, self._puppet)
        return self._puppet.see(rgb, mode, at)

    def _token(self, frame: int) -> Vector:
        target = target_rig(self._portrait.fitted, self._asked(), own=1 - self._engaged)
        if self._puppet is not None:
            target = self._puppet.step(target, self._actor.speaking, frame)
            if self._puppet.over:
                self._puppet = None
        return self._surface.rig_to_token(target)

    def _asked(self) -> Vector:
        """(63,) of the next frame; moves on."""
        asked = self._surface.token_to_rig(self._actor.step())
        self._follow_hand()
        asked = np.asarray(asked + self._added, np.float32)
        # A smile in the picture gives way when the face has something else to say.
        share = max(0.0, expressed(asked) - FAINT) / (1 - FAINT)
        self._engaged += (ENGAGE if share > self._engaged else RELAX) * (share - self._engaged)
        return asked

    def _follow_hand(self) -> None:
        if self._wanted.any() or self._added.any():
            self._added += np.float32(FOLLOW) * (self._wanted - self._added)
            self._added[np.abs(self._added) < UNSEEN] = 0


class SemoAvatar:
    """Fits portraits and opens streams (an `Avatar`); one instance serves a process."""

    def __init__(self) -> None:
        # Frames are small and sessions many: threads would cost more than they bring. Solving for a
        # fit of 130 unknowns takes 0.1 s on one thread and up to 2 s on two that wait for a core.
        cv2.setNumThreads(1)
        threadpool_limits(limits=1, user_api="blas")
        with ThreadPoolExecutor(1) as beside:
            acting = beside.submit(load_faculties)  # a second of onnxruntime's, on another core
            self._surface = load_surface()
            self._folds = load_folds(WEIGHTS)
            prepared(self._surface)  # before the first portrait waits for it
            matte = MatteNet(WEIGHTS / "matte.onnx")
            self._portraits = PortraitCache(self._surface, matte.find)
            self._trackers = Trackers(self._surface)
            self._faculties = acting.result()
        self._gallery = frozenset(entry.name for entry in gallery())

    def open(self, portrait: Portrait, size: int, seed: int) -> SemoStream:
        """See `Avatar.open`. size: 64 to 2048 px."""
        low, high = SIZES
        if not low <= size <= high:
            raise PortraitError(
                f"A picture of {size} px cannot be drawn.", f"Use {low} to {high} px."
            )
        known = self._portraits.open(portrait, keep=self._is_invented(portrait))
        decoder = MotionDecoder(
            self._surface, known.fitted, known.appearance, size, folds=self._folds
        )
        return SemoStream(
            self._surface, known, decoder, Actor(self._faculties, seed), self._trackers
        )

    def _is_invented(self, portrait: Portrait) -> bool:
        """Whether it is of the gallery; an upload may bear the name of one that is."""
        if portrait.name not in self._gallery:
            return False
        return np.array_equal(load_portrait(portrait.name).rgb, portrait.rgb)
