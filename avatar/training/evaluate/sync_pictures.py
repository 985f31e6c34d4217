"""Curves of lips: what the phones call for and what was judged, clip by clip."""

from collections.abc import Mapping, Sequence
from pathlib import Path

import cv2
import numpy as np

from avatar.training.evaluate.album import Bytes, Floats, write_rgb
from avatar.training.evaluate.sync_figures import CLOSED as SHUTTING
from avatar.training.evaluate.sync_figures import LABIODENTAL, Clip

_SCALE, _HEIGHT, _ROOM, _TITLE = 7, 120, 150, 16  # px a frame, of a row, of its name, of a title
_WIDTH = 130  # frames shown
_TRUE, _JUDGED, _MARK = (150, 150, 150), (200, 60, 30), (60, 120, 220)
_CLIPS = 2
_WAYS = ("truth", "reasoner, phones given", "reasoner, audio alone", "rules, phones given",
         "rules, audio alone", "energy-only jaw")  # fmt: skip


def curves(clips: Mapping[str, Sequence[Clip]], file: Path) -> None:
    """Grey: the opening that the phones call for, red: the judged gap, both in shares of their
    90th percentile; blue: m b p and f v. Two clips, a row for each way."""
    ways = [name for name in _WAYS if name in clips]
    rows = [
        _row(f"{name}", clips[name][k]) for k in range(min(_CLIPS, len(clips[ways[0]])))
        for name in ways
    ]  # fmt: skip
    write_rgb(file, np.vstack(rows))


def _row(title: str, clip: Clip) -> Bytes:
    out = np.full((_HEIGHT, _ROOM + _WIDTH * _SCALE, 3), 255, np.uint8)
    for phone in clip.act.phones:
        if phone.symbol in SHUTTING | LABIODENTAL:
            first, last = (_ROOM + at * _SCALE for at in phone.frames)
            cv2.rectangle(out, (first, 0), (last, _HEIGHT), (225, 236, 252), -1)
            cv2.putText(out, phone.symbol, (first, 12), cv2.FONT_HERSHEY_SIMPLEX, 0.4, _MARK, 1)
    _line(out, clip.opening, _TRUE)
    _line(out, clip.gap, _JUDGED)
    out[:, :_ROOM] = 255
    cv2.putText(out, title[:24], (2, 20), cv2.FONT_HERSHEY_SIMPLEX, 0.36, (0, 0, 0), 1, cv2.LINE_AA)
    out[-1] = 210
    return out


def _line(out: Bytes, values: Floats, colour: tuple[int, int, int]) -> None:
    values = np.nan_to_num(values[:_WIDTH])
    level = values / max(float(np.percentile(values, 90)), 1e-6)
    x = _ROOM + (np.arange(len(values)) + 0.5) * _SCALE
    y = _HEIGHT - 6 - level.clip(0, 1.6) / 1.6 * (_HEIGHT - 12)
    path = np.stack([x, y], 1).astype(np.int32)
    cv2.polylines(out, [path], False, colour, 2 if colour == _JUDGED else 3, cv2.LINE_AA)
