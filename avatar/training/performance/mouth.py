"""The mouth of the words: the live mapping from phones to lips, for a whole take at once.

Axis legend: F frames, R 63 rig parameters.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from avatar.motion import INDEX as MOTION
from avatar.rig import SIZE
from avatar.semo.driver import rig_of
from avatar.training.performance.noise import Floats, follow
from avatar.training.recipes import close_lips, keep_contact
from avatar.visemes import MouthTrack
from speech.types import SpeechChunk

OPEN_GAIN, SHAPE_GAIN = 0.13, 0.08  # of lips and jaw, and of spreading, per unit of style
_OPEN = [MOTION["gap"], MOTION["jaw"]]
_SHAPED = [MOTION["wide"], MOTION["round"]]
_OWN = 0.35  # share of the way per frame to who owns the lips


@dataclass(frozen=True, slots=True, eq=False)
class Mouth:
    """rig: (F, 63) of the words alone; contact: (F,) how far lips or lip and teeth touch;
    speaking: (F,) how far words own the lips; level: (F,) loudness in [0, 1]."""

    rig: Floats
    contact: Floats
    speaking: Floats
    level: Floats


def mouth_of(speech: Sequence[SpeechChunk], frames: int, articulation: float) -> Mouth:
    """The mouth of chunks on the take's clock; articulation: style, 0 is usual, variance 1."""
    track = MouthTrack()
    for chunk in speech:
        track.push(chunk)
    seen = [track.at(frame) for frame in range(frames)]
    motion = np.stack([frame.motion for frame in seen])
    motion[:, _OPEN] *= 1 + OPEN_GAIN * articulation
    motion[:, _SHAPED] *= 1 + SHAPE_GAIN * articulation
    rig = np.stack([rig_of(row) for row in motion]) if frames else np.zeros((0, SIZE), np.float32)
    closed, bitten = (motion[:, MOTION[name]].clip(0, 1) for name in ("close", "tuck"))
    close_lips(rig, np.clip(2.5 * closed - 1.5, 0, 1).astype(np.float32))
    keep_contact(rig)
    speaking = np.array([frame.speaking for frame in seen], np.float32)
    level = np.array([frame.level for frame in seen], np.float32)
    contact = np.maximum(closed, np.clip(1.6 * bitten - 0.3, 0, 1))
    return Mouth(rig, contact.astype(np.float32), follow(speaking, _OWN), level)
