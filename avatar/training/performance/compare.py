"""Two ways from a performance to motion tokens: the projector, and rendering + motion encoder.

`python -m avatar.training.performance.compare --takes DIR --out DIR`: stretches of held-out takes
go through `FaceSurface.rig_to_token`, and through the product's decoder on gallery faces and then
its `MotionTracker`. Both tokens are read by the shipped probe and compared with the rig that was
asked.
Axis legend: F frames, R 63 rig parameters, G groups of them.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path

import cv2
import numpy as np
from threadpoolctl import threadpool_limits

from avatar.portraits import load_portrait
from avatar.rig import INDEX
from avatar.semo.encoder import MaskedMotionEncoder
from avatar.semo.neutral import target_rig
from avatar.semo.tracking import MotionTracker
from avatar.training.evaluate.motion_scenes import SIZE, Studio
from avatar.training.performance.noise import Floats
from avatar.training.performance.take import load_take
from avatar.training.recipes import lip_opening
from avatar.types import Activity
from emotion.errors import MediaError
from speech.types import FPS

FACES = ("mara", "kofi", "lin", "henrik", "priya", "joseph", "ines", "omar")
STRETCH = 7 * FPS  # frames shown of a take
STILL = 1e-6  # deviation of what does not move
DRAWN = ("opening of the lips", "smile", "brows up", "blink", "gaze x", "pitch")


def _mean(*names: str) -> Callable[[Floats], Floats]:
    at = [INDEX[f"{name}_{side}"] for name in names for side in "LR"]
    return lambda rigs: np.asarray(rigs[:, at].mean(1), np.float32)


def _one(name: str) -> Callable[[Floats], Floats]:
    return lambda rigs: np.asarray(rigs[:, INDEX[name]], np.float32)


# Weights, cm (opening) and radians (gaze and turns).
GROUPS: dict[str, Callable[[Floats], Floats]] = {
    "opening of the lips": lip_opening,
    "jaw": _one("jawOpen"),
    "smile": _mean("mouthSmile"),
    "frown": _mean("mouthFrown"),
    "pucker": _one("mouthPucker"),
    "brows up": _mean("browInnerUp", "browOuterUp"),
    "brows down": _mean("browDown"),
    "nose": _mean("noseSneer"),
    "blink": _mean("eyeBlink"),
    "gaze x": _one("gaze_x"),
    "gaze y": _one("gaze_y"),
    "yaw": _one("yaw"),
    "pitch": _one("pitch"),
    "roll": _one("roll"),
}


@dataclass(frozen=True, slots=True, eq=False)
class Watched:
    """asked, projected: (F, 63) rigs of one face; seen: (F, 63) through picture and encoder, nan
    where no face was seen."""

    face: str
    asked: Floats
    projected: Floats
    seen: Floats


def liveliest(rigs: Floats, emotion: Floats, activity: Floats) -> int:
    """First frame of the stretch that holds most feeling beside speech."""
    worth = emotion.max(1) * (activity == Activity.SPEAKING) + 0.2 * emotion.max(1)
    sums = np.convolve(worth, np.ones(min(STRETCH, len(rigs))), "valid")
    return int(sums.argmax())


def watch(studio: Studio, encoder: MaskedMotionEncoder, face: str, rigs: Floats) -> Watched:
    """Both ways for one face; rigs: (F, 63) asked, 0 is the person at rest."""
    surface = studio.surface
    sitter = studio.sitter(load_portrait(face), SIZE)
    tracker = MotionTracker(encoder, studio.landmarks, surface)
    seen = np.full_like(rigs, np.nan)
    for frame, asked in enumerate(rigs):
        picture = sitter.draw(surface.rig_to_token(target_rig(sitter.fitted, asked)))
        found = tracker.track(picture)
        if found is not None:
            seen[frame] = surface.token_to_rig(found.token)
    projected = surface.token_to_rig(surface.rig_to_token(rigs))
    return Watched(face, rigs, projected, seen)


def figures(watched: list[Watched]) -> dict[str, dict[str, float]]:
    """By group: correlation with what was asked and mean error, both after what is constant in one
    face (its rest) is taken off, over all faces; of both ways. spread: deviation of what was
    asked."""
    return {name: _figures(watched, of) for name, of in GROUPS.items()}


def _figures(watched: list[Watched], of: Callable[[Floats], Floats]) -> dict[str, float]:
    moved = []
    for one in watched:
        there = np.isfinite(one.seen).all(1)
        ways = np.stack([of(r[there]) for r in (one.asked, one.projected, one.seen)])
        moved.append(ways - ways.mean(1, keepdims=True))
    asked, projected, seen = np.concatenate(moved, 1)
    return {
        "projector_r": _r(asked, projected), "projector_error": _error(asked, projected),
        "seen_r": _r(asked, seen), "seen_error": _error(asked, seen),
        "spread": round(float(asked.std()), 4),
    }  # fmt: skip


def _r(asked: Floats, read: Floats) -> float:
    """Correlation; nan where one of them does not move."""
    if min(float(asked.std()), float(read.std())) < STILL:
        return float("nan")
    return round(float(np.corrcoef(asked, read)[0, 1]), 4)


def _error(asked: Floats, read: Floats) -> float:
    return round(float(np.abs(read - asked).mean()), 4)


def draw(watched: Watched, path: Path) -> None:
    """Curves of what was asked and what both ways say."""
    from matplotlib.figure import Figure

    figure = Figure(figsize=(11, 10), layout="constrained")
    time = np.arange(len(watched.asked)) / FPS
    for axis, name in zip(figure.subplots(len(DRAWN), 1, sharex=True), DRAWN, strict=True):
        asked, near, far = (GROUPS[name](r) for r in (
            watched.asked, watched.projected, watched.seen))  # fmt: skip
        axis.plot(time, asked, "k", lw=2, label="asked")
        axis.plot(time, near, "C0", lw=1, label="projector")
        axis.plot(time, far - np.nanmedian(far - asked), "C1", lw=1, label="rendered, then encoder")
        axis.set_ylabel(name)
    figure.axes[0].legend(loc="upper right", ncols=3, fontsize=8)
    figure.axes[-1].set_xlabel("s")
    figure.savefig(path, dpi=90)


def stretches(folder: Path, count: int) -> Iterator[Floats]:
    """(F, 63) of the liveliest stretches of takes with feeling. Raises MediaError for none."""
    found = 0
    for path in sorted(folder.glob("*.npz")):
        take = load_take(path)
        if found == count:
            return
        if take.emotion.any():
            rigs = take.rig.astype(np.float32)
            at = liveliest(rigs, take.emotion.astype(np.float32), take.activity.astype(np.float32))
            found += 1
            yield rigs[at : at + STRETCH]
    if not found:
        raise MediaError(f"{folder} holds no takes.", "Make them: limner synthesize performances.")


def table(found: dict[str, dict[str, float]]) -> str:
    """Markdown."""
    head = "| | projector r | error | rendered + encoder r | error | spread |"
    rule = "|---" + "|--:" * 5 + "|"
    rows = [
        f"| {name} | {f['projector_r']:.3f} | {f['projector_error']:.3f} | {f['seen_r']:.3f} | "
        f"{f['seen_error']:.3f} | {f['spread']:.3f} |"
        for name, f in found.items()
    ]
    return "\n".join([head, rule, *rows])


def main(arguments: list[str] | None = None) -> int:
    """Measure, draw, say."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--takes", type=Path, required=True, help="folder of one split")
    parser.add_argument("--out", type=Path, required=True)
    args = parser.parse_args(arguments)
    cv2.setNumThreads(1)
    threadpool_limits(limits=1, user_api="blas")
    args.out.mkdir(parents=True, exist_ok=True)
    studio, encoder = Studio(), MaskedMotionEncoder()
    pairs = zip(FACES, stretches(args.takes, len(FACES)), strict=False)
    watched = [watch(studio, encoder, face, rigs) for face, rigs in pairs]
    found = figures(watched)
    (args.out / "compare.json").write_text(json.dumps(found, indent=1))
    blinks = GROUPS["blink"]
    draw(max(watched, key=lambda one: float(blinks(one.asked).std())), args.out / "compare.png")
    sys.stdout.write(table(found) + "\n")
    return 0


if __name__ == "__main__":
    sys.exit(main())
