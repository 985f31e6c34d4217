"""A minute of life as curves: who does what, head, gaze, lids, lips, one block for each motion."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from avatar.rig import GAZE_AT, INDEX, POSE_AT
from avatar.training.evaluate.album import Bytes, write_rgb
from avatar.training.evaluate.life_figures import MINUTE, Moves
from avatar.training.recipes import lip_opening
from avatar.types import Activity

Curve = NDArray[np.floating[Any]]

_SCALE, _ROOM, _HEIGHT, _BAND = 1, 110, 44, 10  # px a frame, of names, of a curve, of activities
_COLOURS = {
    Activity.IDLE: (235, 235, 235), Activity.LISTENING: (190, 225, 190),
    Activity.THINKING: (190, 205, 240), Activity.SPEAKING: (245, 205, 170),
}  # fmt: skip
_INK, _FONT = (60, 60, 60), cv2.FONT_HERSHEY_SIMPLEX


def traces(ways: Mapping[str, Moves], file: Path, start: int = 0) -> None:
    """Frames start..start + a minute."""
    blocks = [_block(name, moves, slice(start, start + MINUTE)) for name, moves in ways.items()]
    write_rgb(file, np.vstack(blocks))


def _block(name: str, moves: Moves, part: slice) -> Bytes:
    rigs = moves.rigs[part]
    curves: dict[str, Curve] = {
        "yaw, 8 deg": np.degrees(rigs[:, POSE_AT.start]) / 8 + 0.5,
        "pitch, 8 deg": np.degrees(rigs[:, POSE_AT.start + 1]) / 8 + 0.5,
        "gaze x, 24 deg": np.degrees(rigs[:, GAZE_AT.start]) / 24 + 0.5,
        "lid": rigs[:, INDEX["eyeBlink_L"]],
        "brow": rigs[:, INDEX["browInnerUp_L"]],
        "lips, 1.5 cm": np.maximum(lip_opening(rigs), 0) / 1.5,
    }
    out = np.full((_BAND + 16 + len(curves) * _HEIGHT, _ROOM + MINUTE * _SCALE, 3), 255, np.uint8)
    cv2.putText(out, name, (4, 18), _FONT, 0.5, (0, 0, 0), 1, cv2.LINE_AA)
    for at, activity in enumerate(moves.act.activity[part]):
        x = _ROOM + at * _SCALE
        out[4 : 4 + _BAND, x : x + _SCALE] = _COLOURS[Activity(int(activity))]
    for k, (title, values) in enumerate(curves.items()):
        _curve(out, title, values, _BAND + 16 + k * _HEIGHT)
    return out


def _curve(out: Bytes, title: str, values: Curve, top: int) -> None:
    """values: 0 at the bottom, 1 at the top."""
    cv2.putText(out, title, (4, top + 26), _FONT, 0.38, _INK, 1, cv2.LINE_AA)
    x = _ROOM + np.arange(len(values)) * _SCALE
    y = top + (_HEIGHT - 4) * (1 - values.clip(0, 1))
    path = np.stack([x, y], 1).astype(np.int32)
    cv2.polylines(out, [path], False, _INK, 1, cv2.LINE_AA)
    out[top + _HEIGHT - 2, _ROOM:] = 220
