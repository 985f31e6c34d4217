"""From asks and readings to figures: is the asked expression read, is it the same person?

Axis legend: A asks of one photo, F frames of all photos, P read parameters.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np

from avatar.rig import GAZE_AT, POSE_AT
from avatar.training.evaluate.album import SOURCE, Album, Floats
from avatar.training.evaluate.recipes import mean_of

# Expressions that are asked often enough to be judged; the judge's names are the rig's.
READ = (
    "jawOpen", "mouthSmile", "eyeBlink", "browInnerUp", "browOuterUp", "browDown", "mouthPucker",
    "mouthFunnel", "mouthFrown", "mouthUpperUp", "mouthLowerDown", "mouthStretch", "mouthPress",
    "mouthRollLower", "eyeWide", "eyeSquint", "noseSneer",
)  # fmt: skip
TURNS = ("yaw", "pitch", "roll")
GAZES = ("gaze_x", "gaze_y")
THIRD = 3  # the reference's own judge embeds every third answer, the neutral one among them
OUTER_CORNERS = (76, 92)  # landmarks of the right and the left eye


@dataclass(frozen=True, slots=True, eq=False)
class Reading:
    """What the judges read in one photo's answers; NaN where they found nothing.

    scores: (A, P) in the order of `READ`; gaze: (A, 2) blendshape differences, picture's right and
    down; turn: (A, 3) degrees; points: (A, 150, 2); embedding: (A, 128).
    """

    scores: Floats
    gaze: Floats
    turn: Floats
    points: Floats
    embedding: Floats

    @classmethod
    def open(cls, file: Path) -> "Reading":
        """Read what the judge wrote."""
        with np.load(file) as data:
            columns = {str(name): data["scores"][:, at] for at, name in enumerate(data["names"])}
            scores = np.stack([_sides(columns, name) for name in READ], 1)
            return cls(scores, _gaze(columns), data["turn"], data["points"], data["embedding"])


@dataclass(frozen=True, slots=True, eq=False)
class Answers:
    """One renderer's answers to one photo."""

    photo: str
    asked: Floats  # (A, 63)
    read: Reading
    source: Reading
    points: Floats | None  # (A, 150, 2) where the renderer says the landmarks are

    @property
    def identity(self) -> Floats:
        """(A,) embedding distance to the portrait."""
        away = np.linalg.norm(self.read.embedding - self.source.embedding, axis=1)
        return np.asarray(away, np.float32)

    @property
    def landmark_error(self) -> Floats:
        """(A,) rms of the renderer's landmarks against the judge's, % of the eye distance."""
        if self.points is None:
            return np.full(len(self.asked), np.nan, np.float32)
        right, left = (self.read.points[:, at] for at in OUTER_CORNERS)
        unit = np.nanmedian(np.linalg.norm(right - left, axis=1))
        away = ((self.points - self.read.points) ** 2).sum(-1).mean(-1) ** 0.5
        return np.asarray(100 * away / unit, np.float32)


def answers(album: Album, renderer: str) -> list[Answers]:
    """What was read in a renderer's pictures; photos that it could not take are missing."""
    out = []
    for photo, asked in album.asked.items():
        place = album.place(renderer, photo)
        if not (place / "reading.npz").exists():
            continue
        points = place / "points.npy"
        out.append(
            Answers(
                photo,
                asked,
                Reading.open(place / "reading.npz"),
                Reading.open(album.folder / SOURCE / f"{photo}.npz"),
                np.load(points) if points.exists() else None,
            )
        )
    return out


def figures(album: Album, renderer: str) -> dict[str, Any]:
    """Every figure of one renderer; see docs/evaluation.md for what each means."""
    every = answers(album, renderer)
    if not every:
        return {"photos": 0, "failed": _failed(album, renderer)}
    found = np.concatenate([np.isfinite(a.read.scores[:, 0]) for a in every])
    return {
        "photos": len(every),
        "failed": _failed(album, renderer),
        "frames": len(found),
        "face_found": round(float(found.mean()), 4),
        "expressions": {name: _expression(every, at, name) for at, name in enumerate(READ)},
        "gaze": _motion(every, "gaze", GAZE_AT),
        "turn": _motion(every, "turn", POSE_AT),
        "identity": identity(every),
        "landmark_error_percent_of_eyes": _spread([a.landmark_error for a in every]),
        "times": _times(album, renderer),
        "by_photo": {a.photo: _of_photo(a) for a in every},
    }


def identity(every: list[Answers]) -> dict[str, Any]:
    """Embedding distances to the portrait: all answers, and the neutral ones."""
    all_ = np.concatenate([a.identity for a in every])
    named = [(float(d), a.photo, at) for a in every for at, d in enumerate(a.identity)]
    worst = sorted((n for n in named if np.isfinite(n[0])), reverse=True)[:12]
    return {
        **_spread([a.identity for a in every]),
        "neutral_p50": _spread([a.identity[:1] for a in every])["p50"],
        "third_p50": _spread([a.identity[::THIRD] for a in every])["p50"],
        "third_p90": _spread([a.identity[::THIRD] for a in every])["p90"],
        "embedded": round(float(np.isfinite(all_).mean()), 4),
        "worst_frames": [[round(d, 3), photo, at] for d, photo, at in worst],
    }


def correlation(a: Floats, b: Floats) -> float | None:
    """Pearson's r of the finite pairs; None where one side does not vary."""
    ok = np.isfinite(a) & np.isfinite(b)
    if ok.sum() < 3 or a[ok].std() < 1e-6 or b[ok].std() < 1e-6:
        return None
    return round(float(np.corrcoef(a[ok], b[ok])[0, 1]), 3)


def _expression(every: list[Answers], at: int, name: str) -> dict[str, float | None]:
    """r: asked against read; change_r: against the change from the renderer's own neutral face;
    gain: slope of that change over what is asked; top: 99th percentile of what is read."""
    asked = np.concatenate([mean_of(a.asked, name) for a in every])
    read = np.concatenate([a.read.scores[:, at] for a in every])
    change = np.concatenate([a.read.scores[:, at] - a.read.scores[0, at] for a in every])
    return {"r": correlation(asked, read), "change_r": correlation(asked, change),
            "gain": _slope(asked, change), "top": round(float(np.nanpercentile(read, 99)), 3),
            "asked_top": round(float(asked.max()), 3)}  # fmt: skip


def _motion(every: list[Answers], part: str, where: slice) -> dict[str, dict[str, float | None]]:
    """Asked against read change of gaze or head turn."""
    names = GAZES if part == "gaze" else TURNS
    out = {}
    for at, name in enumerate(names):
        asked = np.concatenate([a.asked[:, where.start + at] for a in every])
        if part == "turn":
            asked = np.degrees(asked)
        read = np.concatenate(
            [getattr(a.read, part)[:, at] - getattr(a.read, part)[0, at] for a in every]
        )
        out[name] = {"change_r": correlation(asked, read), "gain": _slope(asked, read)}
    return out


def _of_photo(a: Answers) -> dict[str, Any]:
    """Where to look first."""
    jaw, smile, blink = (
        correlation(mean_of(a.asked, name), a.read.scores[:, READ.index(name)])
        for name in ("jawOpen", "mouthSmile", "eyeBlink")
    )
    shown = a.identity[np.isfinite(a.identity)]
    spread = _spread([a.landmark_error])
    return {"jawOpen_r": jaw, "mouthSmile_r": smile, "eyeBlink_r": blink,
            "identity_p50": round(float(np.median(shown)), 3) if len(shown) else None,
            "identity_worst": round(float(shown.max()), 3) if len(shown) else None,
            "landmark_error_p50": spread.get("p50"),
            "faces_missed": int((~np.isfinite(a.read.scores[:, 0])).sum())}  # fmt: skip


def _sides(columns: dict[str, Floats], name: str) -> Floats:
    found = [columns[n] for n in (name, f"{name}Left", f"{name}Right") if n in columns]
    return np.asarray(np.mean(found, 0), np.float32)


def _gaze(columns: dict[str, Floats]) -> Floats:
    def look(*signs: tuple[str, float]) -> Floats:
        return np.asarray(sum(columns[f"eyeLook{n}"] * s for n, s in signs) / 2, np.float32)

    right = look(("OutLeft", 1), ("InLeft", -1), ("InRight", 1), ("OutRight", -1))
    down = look(("DownLeft", 1), ("DownRight", 1), ("UpLeft", -1), ("UpRight", -1))
    return np.stack([right, down], 1)


def _slope(asked: Floats, read: Floats) -> float | None:
    ok = np.isfinite(read)
    centred = asked[ok] - asked[ok].mean()
    if ok.sum() < 3 or not centred.any():
        return None
    return round(float((centred * (read[ok] - read[ok].mean())).sum() / (centred**2).sum()), 3)


def _spread(parts: list[Floats]) -> dict[str, float | None]:
    values = np.concatenate(parts)
    values = values[np.isfinite(values)]
    if not len(values):
        return {"p50": None, "p90": None, "worst": None}
    return {"p50": round(float(np.median(values)), 3),
            "p90": round(float(np.percentile(values, 90)), 3),
            "worst": round(float(values.max()), 3)}  # fmt: skip


def _failed(album: Album, renderer: str) -> dict[str, str]:
    states = {photo: album.state(renderer, photo) for photo in album.asked}
    return {photo: s["failed"] for photo, s in states.items() if "failed" in s}


def _times(album: Album, renderer: str) -> dict[str, float]:
    """Medians in ms; only as steady as the machine was."""
    states = [album.state(renderer, photo) for photo in album.asked]
    states = [s for s in states if "open_ms" in s]
    frames = [ms for s in states for ms in s["frame_ms"][1:]]
    return {"open_ms": round(float(np.median([s["open_ms"] for s in states])), 1),
            "frame_ms": round(float(np.median(frames)), 1)}  # fmt: skip
