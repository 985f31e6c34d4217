"""Motion beside the place where the head rests, so that it stays there however long it goes on.

The anchor of the head (`avatar.life`) moves so slowly that a net which sees ten frames hardly feels
its pull: in long runs the head forgets it. So the net is asked for motion around an anchor at zero,
from frames that are seen that way, and the anchor is added to what it says. The eyes take back the
turn, as they do in the takes. Axis legend: F frames, R 63 rig parameters.
"""

import numpy as np
from numpy.typing import NDArray

from avatar.life import HEAD_CUE
from avatar.rig import GAZE_AT, POSE_AT, follow_gaze
from avatar.semo.surface import FaceSurface

Floats = NDArray[np.float32]
STEADY = np.float32(0.92)  # of a turn of the head that the eyes take back


def moved(surface: FaceSurface, tokens: Floats, by: Floats) -> Floats:
    """(F,64) tokens with the head moved by (F,6) (yaw, pitch, roll, x, y, z) and the eyes kept on
    what they look at; the same tokens where `by` is 0."""
    rigs = follow_gaze(surface.token_to_rig(tokens))
    after = rigs.copy()
    after[:, POSE_AT] += by
    after[:, GAZE_AT] -= STEADY * by[:, :2]
    change = surface.rig_to_token(follow_gaze(after)) - surface.rig_to_token(rigs)
    return np.asarray(tokens + change, np.float32)


def anchors_of(cues: Floats, before: int) -> tuple[Floats, Floats]:
    """Anchors (L,6) of a chunk's cues (L,9), and those (before,6) of the frames that led to it, as
    if it had gone on the same way."""
    anchors = cues[:, HEAD_CUE]
    slope = (anchors[-1] - anchors[0]) / max(len(anchors) - 1, 1)
    back = np.arange(before, 0, -1, dtype=np.float32)[:, None]
    return anchors, anchors[0] - back * slope


def without_anchor(cues: Floats) -> Floats:
    """The cues (L,9) of somebody whose head rests at zero."""
    out = cues.copy()
    out[:, HEAD_CUE] = 0
    return out
