"""Takes (`avatar.training.performance`) as the encoder's training sees them: sound and labels.

Axis legend: F frames of 40 ms, T = 640 F samples at 16 kHz, M mouth weights, L labels.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from avatar.rig import EXPRESSIONS, INDEX
from avatar.training.recipes import lip_opening
from avatar.visemes import CLOSED, LABIODENTAL

Floats = NDArray[np.float32]

SAMPLES = 640  # of a frame at 16 kHz
MOUTH = tuple(INDEX[name] for name in EXPRESSIONS if name.startswith(("mouth", "jaw")))
# Columns of the labels after the mouth's weights.
GAP, CLOSURE, BITE, SPEECH, ACTIVE = range(len(MOUTH), len(MOUTH) + 5)
LABELS = len(MOUTH) + 5
SHUT = 0.02  # cm between lips that count as closed
NEAR = 2  # frames around an m, b or p in which its closure is looked for
LEAD = 0.06  # s by which the lips are ahead of an f or v
BEFORE, AFTER = 2, 3  # frames around speech in which the mouth is busy with it
SILENT = frozenset({"pau", "sil", "sp", ""})


@dataclass(frozen=True, slots=True, eq=False)
class Take:
    """pcm: (T,) float32 own speech; labels: (F, L) float32: the mouth's rig weights without
    feeling, lip gap in cm, and 0 or 1: closed for m b p, lip on teeth for f v, speech, and the
    mouth being busy with speech."""

    pcm: Floats
    labels: Floats


def read(path: Path) -> Take:
    """One stored take. Raises OSError, KeyError or ValueError if it is not one."""
    with np.load(path, allow_pickle=False) as stored:
        rig = stored["neutral"].astype(np.float32)
        pcm = stored["pcm"].astype(np.float32) / 32768
        phones, times = stored["phones"].tolist(), stored["phone_times"]
    return Take(pcm[: len(rig) * SAMPLES], labels_of(rig, phones, times))


def labels_of(rig: Floats, phones: list[str], times: NDArray[np.int32]) -> Floats:
    """(F, L) of rigs (F, 63); times: (P, 2) samples of the phones."""
    frames = len(rig)
    out = np.zeros((frames, LABELS), np.float32)
    out[:, : len(MOUTH)] = rig[:, MOUTH]
    out[:, GAP] = np.maximum(lip_opening(rig), 0)
    shut = out[:, GAP] <= SHUT
    lead = LEAD * 16_000
    for phone, (start, end) in zip(phones, times.tolist(), strict=True):
        if phone in SILENT:
            continue
        first, last = start // SAMPLES, max(start // SAMPLES + 1, -(-end // SAMPLES))
        out[first:last, SPEECH] = 1
        out[max(0, first - BEFORE) : last + AFTER, ACTIVE] = 1
        if phone in CLOSED:
            near = slice(max(0, first - NEAR), last + NEAR)
            out[near, CLOSURE] = np.maximum(out[near, CLOSURE], shut[near])
        elif phone in LABIODENTAL:
            first = round(max(0.0, start - lead) / SAMPLES)
            out[first : max(first + 1, round((end - lead) / SAMPLES)), BITE] = 1
    return out
