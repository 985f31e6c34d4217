"""A portrait that follows a person before the camera: in all they do, or as a listener's echo.

Axis legend: R rig parameters (`avatar.rig`). A step is one frame of 25 a second.
"""

from collections import deque

import numpy as np

from avatar.rig import EXPRESSIONS, GAZE_AT, INDEX, LOOKS, POSE_AT, SIZE, Vector, follow_gaze, rig
from avatar.semo.ease import Ease
from avatar.semo.surface import FaceSurface
from avatar.semo.transfer import BLINKS, OPENING, Reference, Transfer, reference_of
from avatar.semo.types import Bytes, FittedPortrait
from avatar.semo.watch import Seen, Watch
from avatar.types import DriveMode, Sight

_LEARN = 12  # pictures of a face from which it is learned how the driver rests
_LATE, _HOLD = 3, 8  # steps without a face until lids open, and for which it is held
_DELAY, _FOLLOW = 9, np.float32(0.16)  # of the echo: steps, share of the way a step
_AWAY = 3.0  # seconds without a picture after which it is learned anew how the driver rests
_FORGET, _UNSEEN = np.float32(0.88), 1e-3  # of another mode, a step
# What comes back from a listener, and how much of it.
_ECHO = {"mouthSmile": 0.6, "mouthDimple": 0.5, "cheekSquint": 0.5, "browInnerUp": 0.6,
         "browOuterUp": 0.6, "browDown": 0.45}  # fmt: skip
_ECHO_POSE = np.array([0.45, 0.45, 0.5, 0.15, 0.15, 0.2], np.float32)
# The most that what is followed moves in a step, so that an error is no jump.
_FASTEST = np.full(SIZE, 0.5, np.float32)
_FASTEST[[INDEX["eyeBlink_L"], INDEX["eyeBlink_R"]]] = 0.7
_FASTEST[GAZE_AT] = 0.35
_FASTEST[POSE_AT] = (0.14, 0.14, 0.14, 0.9, 0.9, 1.2)


def _mirror() -> tuple[list[int], Vector]:
    """Where each parameter's mirror image stands, and its sign."""
    swap = {"_L": "_R", "_R": "_L"}
    turned = {"jawLeft": "jawRight", "jawRight": "jawLeft",
              "mouthLeft": "mouthRight", "mouthRight": "mouthLeft"}  # fmt: skip
    sign = np.ones(SIZE, np.float32)
    sign[[INDEX[name] for name in ("gaze_x", "yaw", "roll", "x")]] = -1
    image = [turned.get(n, n[:-2] + swap[n[-2:]] if n[-2:] in swap else n) for n in INDEX]
    return [INDEX[name] for name in image], sign


_IMAGE, _SIGN = _mirror()


def mirrored(driver: Vector) -> Vector:
    """(63,) of the mirror image, as the driver expects of a face on the screen."""
    return np.asarray(driver[_IMAGE] * _SIGN, np.float32)


def _shares(prefixes: dict[str, float], other: float) -> Vector:
    out = np.full(SIZE, other, np.float32)
    for name in EXPRESSIONS:
        for start, share in prefixes.items():
            if name.startswith(start):
                out[INDEX[name]] = share
                break
    return out


_ECHOED = _shares(_ECHO, 0.0)
_ECHOED[POSE_AT] = _ECHO_POSE
# What the driver keeps of the face while the portrait speaks: its words own the lips.
_BESIDE_SPEECH = _shares({"mouthSmile": 0.4, "mouthDimple": 0.4, "mouth": 0.0, "jaw": 0.0}, 1.0)


class Puppet:
    """One portrait's driver. before: the one before, whose last movement goes softly."""

    def __init__(
        self,
        surface: FaceSurface,
        fitted: FittedPortrait,
        watch: Watch,
        before: "Puppet | None" = None,
    ) -> None:
        self._surface, self._fitted, self._watch = surface, fitted, watch
        self._mode: DriveMode = "drives"
        self._learned: list[Vector] = []
        self._transfer: Transfer | None = None
        self._rest: Reference | None = None
        self._wanted, self._echo = rig(), rig()
        self._late: deque[Vector] = deque(maxlen=_DELAY)
        self._ease = Ease()  # how far the driver is followed
        self._seen = Seen()
        self._since = 0  # steps since the last picture with a face
        self._sight = Sight()
        self._moves = rig()  # what is added to the portrait's own
        # The same of another mode or driver, on its way out.
        self._before: Vector | None = None if before is None else before._moves
        self._last_at = 0.0
        self.stopped = False

    def see(self, rgb: Bytes, mode: DriveMode, at: float) -> Sight:
        """See `AvatarStream.drive`."""
        if self._transfer is not None and not 0 <= at - self._last_at < _AWAY:
            self._transfer, self._before = None, self._moves  # perhaps somebody else
        self._last_at = at
        if mode != self._mode:
            self._mode = mode
            self._echo, self._ease = rig(), Ease()
            self._late.clear()
            self._before = self._moves  # goes softly
        self._watch.look(rgb, at)
        return self._sight

    def stop(self) -> None:
        """Go back to the portrait's own life."""
        self.stopped = True
        self._watch.close()

    @property
    def over(self) -> bool:
        """Whether nothing of the driver is left."""
        return self.stopped and self._ease.share == 0

    def step(self, own: Vector, speaking: float, frame: int) -> Vector:
        """(63,) rig to show in frame number `frame`, where the portrait by itself shows `own`."""
        self._take(frame)
        shown = self._shown(own, speaking)
        self._moves = shown - own
        if self._before is not None:
            self._before = self._before * _FORGET
            shown = shown + self._before
            if np.abs(self._before).max() < _UNSEEN:
                self._before = None
        return shown

    def _shown(self, own: Vector, speaking: float) -> Vector:
        follows = self._transfer is not None and not self.stopped and self._since <= _HOLD
        aim = float(follows) * (1 - speaking if self._mode == "mirrors" else 1)
        share = self._ease.step(aim)
        if self._transfer is None or share == 0:
            return own
        if self._mode == "mirrors":
            return self._echoing(own, np.float32(share))
        return self._led(own, np.float32(share), speaking)

    def _take(self, frame: int) -> None:
        """What the watch has seen since the last step."""
        self._since += 1
        seen = self._watch.last
        if seen.at == self._seen.at:
            return
        self._seen = seen
        if seen.rig is None:
            self._sight = Sight(False, self._sight.at, self._sight.frame)
            return
        self._since = 0
        self._sight = Sight(True, seen.at, frame)
        driver = mirrored(seen.rig)
        if self._transfer is None:
            self._learn(driver)
            return
        self._follow(driver)

    def _learn(self, driver: Vector) -> None:
        self._learned.append(driver)
        if len(self._learned) >= _LEARN:
            self._rest = reference_of(np.stack(self._learned))
            self._transfer = Transfer(self._surface, self._fitted, reference=self._rest)
            self._wanted = self._transfer.rig(driver)
            self._learned.clear()

    def _follow(self, driver: Vector) -> None:
        assert self._transfer is not None and self._rest is not None
        rest = self._rest.having_seen(driver)
        if rest is not self._rest:
            self._rest, self._transfer = rest, self._transfer.knowing(rest)
        if self._mode == "drives":
            wanted = self._transfer.rig(driver)
            self._wanted = self._wanted + (wanted - self._wanted).clip(-_FASTEST, _FASTEST)
        else:
            moved = driver - self._rest.shape
            moved[POSE_AT] = (driver - self._rest.rest)[POSE_AT]
            echo = moved * _ECHOED
            echo[: len(EXPRESSIONS)] = echo[: len(EXPRESSIONS)].clip(0, 0.6)
            echo[POSE_AT] = echo[POSE_AT].clip((-0.15, -0.12, -0.15, -0.8, -0.8, -1.5),
                                               (0.15, 0.12, 0.15, 0.8, 0.8, 1.5))  # fmt: skip
            self._late.append(echo)

    def _led(self, own: Vector, follows: np.float32, speaking: float) -> Vector:
        if self._since > _LATE:  # held, but not in the middle of a blink
            self._wanted[BLINKS] += OPENING * (own[BLINKS] - self._wanted[BLINKS])
        share = follows * (1 + np.float32(speaking) * (_BESIDE_SPEECH - 1))
        return follow_gaze(own + share * (self._wanted - own))

    def _echoing(self, own: Vector, follows: np.float32) -> Vector:
        if len(self._late) == _DELAY:
            self._echo += _FOLLOW * (self._late[0] - self._echo)
        out = own + follows * self._echo
        weights = slice(0, len(EXPRESSIONS))
        out[weights] = np.minimum(out[weights], np.maximum(own[weights], 1))
        looks = [INDEX[name] for name in LOOKS]
        out[looks] = own[looks]
        return np.asarray(out, np.float32)
