"""What judges read in faces that feel: which feeling, both of two, and how much.

Two readers. `net`: an expression net (FER2013), its shares set against those that it gives the same
person's neutral face. `units`: a linear reader of the changes of MediaPipe's blendshapes from the
neutral face, fitted to true renders of other people (leave one person out). Both read the true
renders too: that is their ceiling. Axis legend: W people, L labels, S strengths, B blendshapes.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avatar.training.evaluate.motion_judge import FEELINGS
from avatar.training.recipes import COMPOUNDS
from emotion.types import EMOTIONS

Array = NDArray[np.float64]
STRENGTHS = (0.25, 0.5, 0.75, 1.0)
LABELS: tuple[str, ...] = (*EMOTIONS, *COMPOUNDS)
SINGLE = len(EMOTIONS)
_ORDER = [FEELINGS.index(name) for name in EMOTIONS]
_RIDGE = 0.5  # of the linear reader
_FLOOR = 1e-3  # share of the net below which differences mean nothing


def strengths_of(label: str, strength: float) -> NDArray[np.float32]:
    """(6,) of a feeling or a compound of two at a strength. Raises KeyError."""
    out = np.zeros(SINGLE, np.float32)
    for name in COMPOUNDS.get(label, (label,)):
        if name not in EMOTIONS:
            raise KeyError(name)
        out[EMOTIONS.index(name)] = strength
    return out


@dataclass(frozen=True, slots=True, eq=False)
class Faces:
    """What was judged. scores: (W, L, S, B), net: (W, L, S, 7); their neutral: (W, B), (W, 7)."""

    scores: Array
    net: Array
    neutral_scores: Array
    neutral_net: Array

    @property
    def changes(self) -> Array:
        """(W, L, S, B) of the blendshapes from the person's neutral face."""
        return self.scores - self.neutral_scores[:, None, None]

    @property
    def relative(self) -> Array:
        """(W, L, S, 6) logarithms of the net's shares over those of the neutral face."""
        own = np.log(self.net[..., _ORDER] + _FLOOR)
        return np.asarray(own - np.log(self.neutral_net[:, _ORDER] + _FLOOR)[:, None, None])


class UnitsReader:
    """The linear reader, one for each person, fitted to the true renders of the others."""

    def __init__(self, truth: Faces) -> None:
        every = truth.changes[:, :SINGLE]
        asked = STRENGTHS[-every.shape[2] :]  # only the strongest where just that was shown
        wanted = np.array([[np.eye(SINGLE)[k] * s for s in asked] for k in range(SINGLE)])
        self._weights = [
            _fitted(np.delete(every, who, 0), wanted) for who in range(len(every))
        ]  # (B, 6)

    def read(self, who: int, changes: Array) -> Array:
        """(..., B) to (..., 6): how much of each feeling."""
        return np.asarray(changes @ self._weights[who])


def _fitted(changes: Array, wanted: Array) -> Array:
    x = changes.reshape(-1, changes.shape[-1])
    y = np.broadcast_to(wanted, (*changes.shape[:3], SINGLE)).reshape(-1, SINGLE)
    return np.asarray(np.linalg.solve(x.T @ x + _RIDGE * np.eye(x.shape[1]), x.T @ y))


def feeling_figures(faces: Faces, truth: Faces) -> dict[str, Any]:
    """Accuracy at full strength, compounds, strengths, by reader."""
    reader = UnitsReader(truth)
    units = np.stack([reader.read(w, c) for w, c in enumerate(faces.changes)])
    net = faces.relative
    out = {
        "people": len(faces.scores),
        "net": {**_accuracy(net[:, :, -1]), "absolute": _absolute(faces)},
        "units": _accuracy(units[:, :, -1]),
        "own_change": own_change(faces, truth),
    }
    if faces.scores.shape[2] == len(STRENGTHS):
        out["strengths"] = strength_figures(faces, truth)
    return out


def _accuracy(found: Array) -> dict[str, Any]:
    """found (W, L, 6)."""
    guess = found[:, :SINGLE].argmax(-1)
    right = guess == np.arange(SINGLE)
    confusion = np.zeros((SINGLE, SINGLE), int)
    for k in range(SINGLE):
        confusion[k] = np.bincount(guess[:, k], minlength=SINGLE)
    both = _both(found)
    return {
        "accuracy": round(float(right.mean()), 3),
        "n": int(right.size),
        "by_feeling": dict(zip(EMOTIONS, right.mean(0).round(3).tolist(), strict=True)),
        "confusion": confusion.tolist(),
        "both_of_compounds": round(float(both.mean()), 3),
        "compounds": int(both.size),
        "by_compound": dict(zip(COMPOUNDS, both.mean(0).round(3).tolist(), strict=True)),
    }


def _both(found: Array) -> NDArray[np.bool_]:
    """(W, L - 6) whether the two strongest are the two that were asked for."""
    out = np.zeros((len(found), len(COMPOUNDS)), np.bool_)
    for k, parts in enumerate(COMPOUNDS.values()):
        asked = {EMOTIONS.index(part) for part in parts}
        top = np.argsort(found[:, SINGLE + k], axis=-1)[:, -2:]
        out[:, k] = [set(row.tolist()) == asked for row in top]
    return out


def _absolute(faces: Faces) -> float:
    """Accuracy of the net as it is, "neutral" among its answers."""
    guess = faces.net[:, :SINGLE, -1].argmax(-1)
    return round(float((guess == np.array(_ORDER)).mean()), 3)


def projections(faces: Faces, truth: Faces) -> Array:
    """(W, L, S) how far the change went along the true change at full strength, 1 all the way."""
    full = truth.changes[:, :, -1]
    along = np.einsum("wlsb,wlb->wls", faces.changes, full)
    return np.asarray(along / np.einsum("wlb,wlb->wl", full, full)[..., None])


def strength_figures(faces: Faces, truth: Faces) -> dict[str, Any]:
    """Share of cases (person and label) in which every step up shows as more, also of the single
    steps, and the mean strength that shows."""
    went = projections(faces, truth)
    steps = np.diff(went, axis=-1) > 0
    return {
        "monotone": round(float(steps.all(-1).mean()), 3),
        "cases": int(steps[..., 0].size),
        "steps_up": round(float(steps.mean()), 3),
        "shown": dict(zip(map(str, STRENGTHS), went.mean((0, 1)).round(3).tolist(), strict=True)),
        "by_label": dict(
            zip(LABELS, went.mean(0).round(3).tolist(), strict=True)
        ),
        "monotone_by_label": dict(
            zip(LABELS, steps.all(-1).mean(0).round(3).tolist(), strict=True)
        ),
    }  # fmt: skip


def own_change(faces: Faces, truth: Faces) -> dict[str, float]:
    """By label the cosine between the mean change of blendshapes and the true one, at full
    strength: what net judges cannot tell (fear, disgust) is told by its own action units."""
    ours, true = faces.changes[:, :, -1].mean(0), truth.changes[:, :, -1].mean(0)
    norm = np.linalg.norm(ours, axis=-1) * np.linalg.norm(true, axis=-1)
    cosine = (ours * true).sum(-1) / np.maximum(norm, 1e-9)
    return dict(zip(LABELS, cosine.round(3).tolist(), strict=True))


def blendshape_rows(
    faces: Faces, truth: Faces, names: Sequence[str], label: str, count: int = 6
) -> Mapping[str, tuple[float, float]]:
    """Of the blendshapes that truth moves most at full strength: its mean change and ours."""
    at = LABELS.index(label)
    true, ours = (f.changes[:, at, -1].mean(0) for f in (truth, faces))
    most = np.argsort(-np.abs(true))[:count]
    return {names[k]: (round(float(true[k]), 3), round(float(ours[k]), 3)) for k in most}
