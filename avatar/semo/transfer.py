"""From a driver's motion token to this portrait's: the movement goes over, the person does not.

What crosses is the rig, which knows no proportions: those come from the portrait's own surface.
Two things are measured rather than copied, because equal weights look different on two people:
how far the lips are apart, and how far the lids are closed.

Axis legend: F frames, R rig parameters, D token dims. Units as in `avatar.rig`.
"""

from copy import copy
from dataclasses import dataclass, replace

import numpy as np

from avatar.rig import EXPRESSIONS, GAZE_AT, INDEX, LOOKS, POSE_AT, Vector, follow_gaze
from avatar.semo.facing import head_motion
from avatar.semo.neutral import FaceAtLandmarks, target_rig
from avatar.semo.surface import FaceSurface
from avatar.semo.types import FittedPortrait, Floats

FPS = 25
OPENING = np.float32(0.25)  # share of the way in which lids open, a frame, once a face is lost
# How much of a weight that a driver never loses may be the shape of this face (or an error of the
# reading) instead of an expression, by the beginning of its name.
_ANATOMY = {"brow": 0.35, "eyeSquint": 0.4, "eyeWide": 0.4, "eyeBlink": 0.45, "cheek": 0.3,
            "noseSneer": 0.3, "jawOpen": 0.08, "mouth": 0.2}  # fmt: skip
_OTHER_ANATOMY = 0.15
_FULL = np.float32(1.1)  # the largest weight
# How eyeBlink reads of closed eyes: at most, at least, and while no blink was seen; and how far a
# blink stands out.
_CLOSED_BLINK, _WEAKEST_BLINK, _UNKNOWN_BLINK = (np.float32(v) for v in (0.92, 0.3, 0.7))
_BLINKED = 0.15
_AJAR, _WIDEST = 0.05, 3.0  # cm between the lips: what counts as closed; the most that is asked
_CLOSE_BOUNDS = (-0.15, 0.9)  # of mouthClose
_PROBE = np.float32(0.1)  # of mouthClose, for its effect
# Where a pose begins to be held back, and the most that a portrait can follow: radians, cm.
_EASY = np.array([0.28, 0.20, 0.26, 1.2, 1.2, 3.0], np.float32)
_MOST = np.array([0.44, 0.33, 0.42, 2.2, 2.2, 6.0], np.float32)
_TOGETHER = 1.2  # the most of all six, in shares of `_MOST`, as one length
_FARTHEST = np.float32(1.2)  # radians, beyond which a reading is wrong
_MOST_GAZE = np.array([0.5, 0.4], np.float32)
_WEIGHTS = slice(0, len(EXPRESSIONS))
BLINKS = np.array([INDEX["eyeBlink_L"], INDEX["eyeBlink_R"]])
_CLOSE, _JAW = INDEX["mouthClose"], INDEX["jawOpen"]
_LOOKED = np.array([INDEX[name] for name in LOOKS])
_NOT_OPEN = np.array([INDEX[n] for n in EXPRESSIONS if n.startswith("mouth") or n == "jawOpen"])


@dataclass(frozen=True, slots=True, eq=False)
class Reference:
    """What a driver does when doing nothing: `rest` (63,) is what changes are counted from;
    `shape` (63,) of it is the driver's face rather than an expression; `shut` (2,) is how eyeBlink
    of the left and the right eye reads when they are closed."""

    rest: Vector
    shape: Vector
    shut: Floats

    @classmethod
    def nothing(cls) -> "Reference":
        """Of a driver who rests at 0."""
        still = np.zeros(len(INDEX), np.float32)
        return cls(still, still, np.full(2, _CLOSED_BLINK, np.float32))

    def having_seen(self, driver: Vector) -> "Reference":
        """With what one more (63,) frame tells of closed eyes."""
        blinks = driver[BLINKS]
        if not (blinks > self.shut).any() or not np.isfinite(blinks).all():
            return self
        return replace(self, shut=np.maximum(self.shut, blinks.clip(0, _CLOSED_BLINK)))


def reference_of(rigs: Floats, relative: bool = False) -> Reference:
    """From the (F, 63) rigs of a driver's clip or of its beginning, F >= 1.

    Pose and gaze rest at their medians. Relative: the expression rests in the calmest frame of the
    first second; absolute: only what the driver never loses counts as the shape of the face.
    Raises ValueError for no frames.
    """
    rigs = np.asarray(rigs, np.float32)
    if rigs.ndim != 2 or not len(rigs):
        raise ValueError(f"a reference needs frames of 63 numbers, not {rigs.shape}")
    rest = np.median(rigs, 0)
    always = np.percentile(rigs, 15, 0)
    if relative:
        rest[_WEIGHTS] = rigs[calmest(rigs[:FPS]), _WEIGHTS]
        if len(rigs) < 2 * FPS:  # too short to say where the head rests: where it begins
            rest[POSE_AT] = rigs[0, POSE_AT]
    shape = np.zeros_like(rest)
    shape[_WEIGHTS] = np.clip(always[_WEIGHTS], 0, _most_anatomy())
    return Reference(rest.astype(np.float32), shape, _shut_at(rigs[:, BLINKS]))


def _shut_at(blinks: Floats) -> Floats:
    """(2,) how closed eyes read, from (F, 2): readings may be weak, yet a blink stands out."""
    most, usual = np.percentile(blinks, 98, 0), np.median(blinks, 0)
    blinked = most - usual > _BLINKED
    return np.where(blinked, most.clip(_WEAKEST_BLINK, _CLOSED_BLINK), _UNKNOWN_BLINK)


def calmest(rigs: Floats) -> int:
    """Which of (F, 63) frames shows the least: closed lips, open eyes, little movement."""
    weights = rigs[:, _WEIGHTS].clip(0, None)
    moved = np.abs(np.gradient(rigs, axis=0)).sum(1) if len(rigs) > 1 else np.zeros(1)
    shown = weights.sum(1) + 2 * rigs[:, _NOT_OPEN].clip(0, None).max(1)
    return int((shown + 2 * weights[:, BLINKS].max(1) + moved).argmin())


def _most_anatomy() -> Vector:
    names = list(_ANATOMY.items())
    return np.array(
        [
            next((most for start, most in names if name.startswith(start)), _OTHER_ANATOMY)
            for name in EXPRESSIONS
        ],
        np.float32,
    )


class Transfer:
    """Asks of one portrait what a driver does. Holds nothing that changes.

    relative: the change from the driver's reference frame is added to the expression that the
    portrait's picture shows; else the portrait does what the driver does, from its own neutral
    face. reference: the driver at rest; None: a driver who rests at 0.
    """

    def __init__(
        self,
        surface: FaceSurface,
        fitted: FittedPortrait,
        relative: bool = False,
        reference: Reference | None = None,
    ) -> None:
        self._surface, self._fitted, self._relative = surface, fitted, relative
        self._reference = reference or Reference.nothing()
        self._face = FaceAtLandmarks(surface, fitted.rest)
        # A driver's rig on the mean person tells how far it opens the lips.
        self._mean = FaceAtLandmarks(
            surface, surface.rest(np.zeros(surface.identity_size, np.float32))
        )
        self._own_gap = self._face.lip_gap(fitted.rig if relative else fitted.neutral)
        closed = self._reference.rest if relative else self._reference.shape
        self._driver_gap = self._mean.lip_gap(_expression(closed))
        self._scale = _head_scale(fitted)

    @property
    def reference(self) -> Reference:
        """The driver at rest."""
        return self._reference

    def knowing(self, reference: Reference) -> "Transfer":
        """The same with another reference of the same driver's rest."""
        out = copy(self)
        out._reference = reference
        return out

    def token(self, driver: Floats) -> Floats:
        """(64,) token of the driver to (64,) token of this portrait."""
        return self._surface.rig_to_token(self.rig(self._surface.token_to_rig(driver)))

    def rig(self, driver: Vector) -> Vector:
        """(63,) rig of the driver to the (63,) rig to show on this portrait, within limits."""
        driver = np.nan_to_num(np.asarray(driver, np.float32), posinf=0, neginf=0)
        out = self._added(driver) if self._relative else self._asked(driver)
        out[GAZE_AT] = out[GAZE_AT].clip(-_MOST_GAZE, _MOST_GAZE)
        moved = held_back(self._moved(driver), _EASY, _MOST)
        out[POSE_AT] = moved * min(1.0, _TOGETHER / max(1e-6, float(np.linalg.norm(moved / _MOST))))
        return follow_gaze(self._with_lips(out, driver))

    def _moved(self, driver: Vector) -> Floats:
        """(6,) pose from the driver's rest."""
        rest, now = self._reference.rest[POSE_AT], driver[POSE_AT].copy()
        now[:3] = now[:3].clip(-_FARTHEST, _FARTHEST)
        return head_motion(rest, now, self._fitted.camera.rotation, self._scale)

    def _asked(self, driver: Vector) -> Vector:
        """Absolute: the driver's expression on the portrait's neutral face."""
        asked = np.zeros_like(driver)
        asked[_WEIGHTS] = (driver - self._reference.shape)[_WEIGHTS].clip(0, _FULL)
        asked[BLINKS] = self._shut(driver, self._reference.shape).clip(0, 1)
        asked[_LOOKED] = 0
        asked[GAZE_AT] = driver[GAZE_AT] - self._reference.rest[GAZE_AT]
        return target_rig(self._fitted, asked)

    def _added(self, driver: Vector) -> Vector:
        """Relative: the driver's change on the expression that the picture shows."""
        own, rest = self._fitted.rig, self._reference.rest
        out = own + driver - rest
        low, high = np.minimum(own, 0), np.maximum(own, _FULL)
        out[_WEIGHTS] = out[_WEIGHTS].clip(low[_WEIGHTS], high[_WEIGHTS])
        shut = self._shut(driver, rest).clip(-1, 1)
        towards = np.where(shut > 0, self._fitted.blink - own[BLINKS], own[BLINKS].clip(0, None))
        out[BLINKS] = own[BLINKS] + shut * towards
        return np.asarray(out, np.float32)

    def _shut(self, driver: Vector, rest: Vector) -> Floats:
        """(2,) how far the lids are closed, from 0 where the driver's rest to 1."""
        shut = self._reference.shut
        open_at = rest[BLINKS].clip(0, 0.6 * shut)
        return np.asarray((driver[BLINKS] - open_at) / (shut - open_at), np.float32)

    def _with_lips(self, target: Vector, driver: Vector) -> Vector:
        """With the lips as much farther apart than at rest as the driver's are."""
        opened = self._mean.lip_gap(_expression(driver)) - self._driver_gap
        if abs(opened) < _AJAR:
            opened = 0.0
        else:
            opened -= _AJAR * float(np.sign(opened))
        closed = min(self._own_gap, self._closed_gap())
        wanted = float(np.clip(self._own_gap + opened, closed, closed + _WIDEST))
        out = target.copy()
        for _ in range(2):
            gap, step = self._face.lip_gap(out), out.copy()
            step[_CLOSE] += _PROBE
            slope = (gap - self._face.lip_gap(step)) / float(_PROBE)
            more = (gap - wanted) / max(slope, 1.0)
            out[_CLOSE] = np.clip(out[_CLOSE] + more, *_CLOSE_BOUNDS)
        return out

    def _closed_gap(self) -> float:
        return self._face.lip_gap(self._fitted.neutral)


def held_back(values: Floats, easy: Floats, most: Floats) -> Floats:
    """As they are up to `easy`, beyond it ever slower towards `most`; same shapes."""
    size = np.abs(values)
    room = most - easy
    over = easy + room * np.tanh((size - easy) / room)
    return np.asarray(np.sign(values) * np.where(size <= easy, size, over), np.float32)


def _expression(rig: Vector) -> Vector:
    """Without gaze, lids that follow it, and pose."""
    out = np.array(rig, np.float32)
    out[GAZE_AT] = out[POSE_AT] = 0
    out[_LOOKED] = 0
    return out


def _head_scale(fitted: FittedPortrait) -> float:
    """Size of the portrait's head as the surface has it, of the mean head's: by the eyes."""
    apart = float(np.linalg.norm(fitted.eye_centres[0] - fitted.eye_centres[1]))
    return float(np.clip(apart / 6.3, 0.7, 1.4))
