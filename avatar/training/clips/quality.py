"""What makes a frame no good for training, in a few words for the report."""

import numpy as np

from avatar.landmarks import Landmarks
from avatar.portrait_checks import Severity, findings_of, height_of, yaw_of
from avatar.training.clips.config import Config
from avatar.training.clips.reading import Bytes, Floats

# What blocks a portrait and spoils a training frame as well; shut eyes and open mouths do not.
_WORDS = {"cut_off": "cut off by the picture's edge", "dark": "dark", "bright": "overexposed",
          "flat": "no contrast", "blurred": "blurred"}  # fmt: skip


def fault_of(rgb: Bytes, points: Floats, score: float, config: Config) -> str:
    """Why the frame (H,W,3) with a face at (150,2) is no good, or ""."""
    marks = Landmarks(np.asarray(points, np.float32))
    if score < config.confident:
        return "landmarks unsure"
    if height_of(marks) < config.smallest:
        return "small"
    if abs(yaw_of(marks)) > config.most_turned:
        return "turned away"
    for finding in findings_of(rgb, marks, None):
        if finding.severity is Severity.BLOCKS and finding.code in _WORDS:
            return _WORDS[finding.code]
    return ""
