"""Flow figures: where the decoder takes its pixels from, against what is known of it.

Two kinds of truth. Held-out renders (`avatar.training.synthetic`): exact. Answers of photofit to
the same asks: an estimate of its own fit; an item is one .npz beside an album's
picture of the same number, flow (H, W, 2), source position less own in picture shares, and visible
(H, W) bool, skin that source and answer both show. Axis legend: H W pixels, P pixels that count.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from avatar.landmark_net import LandmarkNet
from avatar.landmarks import Landmarks
from avatar.portraits import WEIGHTS
from avatar.rig import EXPRESSIONS, POSE_AT
from avatar.training.evaluate.album import Album, Floats
from avatar.training.evaluate.draw import portrait_of
from avatar.training.evaluate.repose import reposed
from avatar.training.evaluate.semo import SemoSitter
from avatar.training.synthetic.materials import Segment
from avatar.training.synthetic.shards import Shard, load_shard, shard_paths
from avatar.types import Portrait
from emotion.errors import LimnerError, PortraitError

SIZE = 256  # px at which errors are told
ASKS = 6  # a photo, beside the neutral face
SURE = 0.9  # share from which the decoder's pixel counts as skin that the portrait shows
STILL = 0.2  # px that a frame's stored labels may be off
MOVING = 1.0  # px of true motion

Errors = tuple[Floats, Floats]  # (P,) end-point errors and (P,) lengths of the true flow, px


def photofit_figures(album: Album, truth: str) -> dict[str, Any]:
    """Over the items that the renderer `truth` has left in an album."""
    errors: dict[str, list[Errors]] = {}
    failed = {}
    for photo, asked in album.asked.items():
        files = [album.place(truth, photo) / f"{at:02d}.npz" for at in range(len(asked))]
        if not all(file.exists() for file in files):
            failed[photo] = f"{truth} has no answer"
            continue
        try:
            sitter = SemoSitter(portrait_of(album, photo), SIZE)
        except LimnerError as error:
            failed[photo] = str(error)
            continue
        errors[photo] = []
        for file, rig in zip(files, asked, strict=True):
            with np.load(file) as data:
                known = data["flow"].astype(np.float32), data["visible"]
            errors[photo].append(end_point_errors(sitter.flow(rig), known))
    return summary(errors, failed)


@dataclass(frozen=True, slots=True)
class Given:
    """What of a render's labels is used. landmarks: the portrait's true ones instead of those of
    our net; pose: the label's difference instead of what the change of the true landmarks says."""

    landmarks: bool = False
    pose: bool = False


def world_figures(shards: Path, people: int, given: Given) -> dict[str, Any]:
    """Over held-out renders: the calmest frame of each shot is the portrait, the others are asked
    for as changes of its rig."""
    errors: dict[str, list[Errors]] = {}
    failed = {}
    for path in shard_paths(shards, "held_out")[:people]:
        shard = load_shard(path)
        for shot in np.unique(shard.shot):
            frames = np.flatnonzero(shard.shot == shot)
            name = f"{path.stem} shot {shot}"
            try:
                errors[name] = shot_errors(shard, frames, given)
            except LimnerError as error:
                failed[name] = str(error)
    return summary(errors, failed)


def shot_errors(shard: Shard, frames: NDArray[np.intp], given: Given) -> list[Errors]:
    """Of one shot's frames.

    Raises PortraitError where its calmest frame is no portrait, ValueError for damaged labels.
    """
    source = int(min(frames, key=lambda at: liveliness(shard.rig[at])))
    _check_labels(shard, source)
    rgb = shard.images[source]
    points = shard.landmarks[source] if given.landmarks else _found(rgb, shard.landmarks[source])
    portrait = Portrait("render", "render", "", rgb, Landmarks(np.asarray(points, np.float32)))
    sitter = SemoSitter(portrait, len(rgb))
    rest = sitter.landmarks_of(sitter.fitted.rig)
    out = []
    for target in (int(at) for at in frames if at != source):
        rig = sitter.fitted.rig + shard.rig[target] - shard.rig[source]
        if not given.pose:
            # What the fit missed in the portrait is no turn: only the change counts.
            change = (shard.landmarks[target] - shard.landmarks[source]) / np.float32(len(rgb))
            rig = reposed(sitter.landmarks_of, rig, rest + change)
        flow, visible = shard.flow(target, source)
        visible &= shard.segmentation[target] == Segment.SKIN
        known = (flow / np.float32(len(rgb)), visible)
        out.append(end_point_errors(sitter.flow_to(rig), known))
    return out


def _check_labels(shard: Shard, frame: int) -> None:
    """Raises ValueError unless a frame does not move against itself."""
    flow, _ = shard.flow(frame, frame)
    body = shard.segmentation[frame] == Segment.SKIN
    off = float(np.median(np.linalg.norm(flow[body], axis=1)))
    if off > STILL:
        raise ValueError(f"a frame moves by {off:.2f} px against itself: make the shards anew")


def liveliness(rig: Floats) -> float:
    """How far a (63,) rig is from a face that rests and looks ahead."""
    return float(np.abs(rig[: len(EXPRESSIONS)]).sum() + 5 * np.abs(rig[POSE_AT][:3]).sum())


def end_point_errors(
    found: tuple[Floats, Floats], known: tuple[Floats, NDArray[np.bool_]]
) -> Errors:
    """found: flow (H, W, 2) shares and how sure (H, W); known: flow and whether visible. Counted on
    the skin that both call visible."""
    both = known[1] & (found[1] > SURE)
    away = np.linalg.norm(found[0][both] - known[0][both], axis=1) * SIZE
    return away, np.linalg.norm(known[0][both], axis=1) * SIZE


def summary(errors: dict[str, list[Errors]], failed: dict[str, str]) -> dict[str, Any]:
    """Over all pixels, over those that move, and the worst portraits."""
    every = [one for some in errors.values() for one in some if len(one[0])]
    if not every:
        return {"items": 0, "failed": failed}
    away = np.concatenate([e for e, _ in every])
    length = np.concatenate([n for _, n in every])
    means = {name: [float(e.mean()) for e, _ in some if len(e)] for name, some in errors.items()}
    named = sorted(((np.median(m), name) for name, m in means.items() if m), reverse=True)
    return {
        "portraits": len(errors),
        "items": len(every),
        "failed": failed,
        "epe_px": _spread(away),
        "epe_px_item_median": round(
            float(np.median([m for some in means.values() for m in some])), 3
        ),
        "moving_epe_px": _spread(away[length > MOVING]),
        "zero_flow_px": _spread(length),
        "moving_zero_flow_px": _spread(length[length > MOVING]),
        "worst": [[round(float(mean), 3), name] for mean, name in named[:8]],
    }


def _found(rgb: NDArray[np.uint8], near: Floats) -> Floats:
    """(150, 2) px by our own net, of the face at `near`. Raises PortraitError for none."""
    middle = near.mean(0)
    faces = LandmarkNet(WEIGHTS).find(rgb)
    if not faces:
        raise PortraitError("No face was found.", "Use another frame.")
    best = min(faces, key=lambda face: float(np.linalg.norm(face.points.mean(0) - middle)))
    return best.points


def _spread(values: Floats) -> dict[str, float]:
    if not len(values):
        return {"pixels": 0}
    p50, p90 = np.percentile(values, (50, 90))
    return {"mean": round(float(values.mean()), 3), "p50": round(float(p50), 3),
            "p90": round(float(p90), 3), "pixels": len(values)}  # fmt: skip
