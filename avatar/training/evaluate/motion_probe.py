"""What a token says: who it is (it should not) and what the face does (it should).

Tokens stay as they are; probes are trained on the first part of each person's frames in time and
asked about the last. Axis legend: F frames, D dims, P people, R rig parameters.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from avatar.rig import INDEX, RIG, Vector
from avatar.training.evaluate.album import Bytes, Floats

TRAINED = 0.6  # share of a person's frames, in time, that the probe learns from
GAP = 1  # frames between these and those it is asked about
SEED, STEPS, HIDDEN, RATE, DECAY = 5, 400, 64, 0.01, 1e-2
DRAWS = 1000
GROUPS = {
    "jaw": ("jawOpen",),
    "smile": ("mouthSmile_L", "mouthSmile_R"),
    "brows": tuple(f"{n}_{s}" for n in ("browDown", "browInnerUp", "browOuterUp") for s in "LR"),
    "blink": ("eyeBlink_L", "eyeBlink_R"),
    "gaze": ("gaze_x", "gaze_y"),
    "pose": ("yaw", "pitch", "roll"),
}
VARIES = 0.02  # least spread of a parameter of which R2 says something


@dataclass(frozen=True, slots=True, eq=False)
class Track:
    """One person's shot: tokens and labels (F, ...) in time; pictures (F, 16, 16) for a baseline
    that knows who it sees; shot is the same number for people in the same performance."""

    who: str
    shot: int
    tokens: Floats
    rigs: Vector
    pixels: Bytes


def identity_probe(tracks: Sequence[Track], features: Sequence[Floats]) -> dict[str, Any]:
    """Accuracy of a linear and of an MLP probe over people; features: (F, D) of each track.

    Frames of each shot are split in time. Chance is one in the number of people.
    """
    people = sorted({track.who for track in tracks})
    before, after = [], []
    for track, values in zip(tracks, features, strict=True):
        who = people.index(track.who)
        sound = values[np.isfinite(values).all(1)]
        cut = round(TRAINED * len(sound))
        before.append((sound[:cut], np.full(cut, who)))
        rest = sound[cut + GAP :]
        after.append((rest, np.full(len(rest), who)))
    (x, y), (u, v) = (
        tuple(np.concatenate(part) for part in zip(*parts, strict=True))
        for parts in (before, after)
    )
    mean, scale = x.mean(0), x.std(0) + 1e-4
    x, u = (x - mean) / scale, (u - mean) / scale
    chance = 1 / len(people)
    out: dict[str, Any] = {"people": len(people), "learnt": len(y), "asked": len(v),
                           "chance": round(chance, 4)}  # fmt: skip
    for name, hidden in (("linear", 0), ("mlp", HIDDEN)):
        right = _classified(x, y, u, hidden) == v
        low, high = _share_interval([right[v == who] for who in range(len(people))])
        accuracy = float(right.mean())
        out[name] = {"accuracy": round(accuracy, 4), "low": low, "high": high,
                     "times_chance": round(accuracy / chance, 2)}  # fmt: skip
    return out


def _classified(x: Floats, y: np.ndarray, asked: Floats, hidden: int) -> np.ndarray:
    """Most likely class of (A, D) by softmax regression or one hidden layer, Adam, weight decay."""
    import torch

    torch.manual_seed(SEED)
    classes, dims = int(y.max()) + 1, x.shape[1]
    layers: list[torch.nn.Module] = [torch.nn.Linear(dims, hidden or classes)]
    if hidden:
        layers += [torch.nn.ReLU(), torch.nn.Dropout(0.3), torch.nn.Linear(hidden, classes)]
    net = torch.nn.Sequential(*layers)
    optimiser = torch.optim.AdamW(net.parameters(), lr=RATE, weight_decay=DECAY)
    inputs, wanted = torch.from_numpy(np.float32(x)), torch.from_numpy(y.astype(np.int64))
    for _ in range(STEPS):
        optimiser.zero_grad()
        torch.nn.functional.cross_entropy(net(inputs), wanted).backward()  # type: ignore[no-untyped-call]
        optimiser.step()
    net.eval()
    with torch.no_grad():
        return np.asarray(net(torch.from_numpy(np.float32(asked))).argmax(1).numpy())


def _share_interval(right: Sequence[np.ndarray]) -> tuple[float, float]:
    """95 % of the mean over people, drawn anew."""
    means = np.array([r.mean() for r in right if len(r)])
    drawn = np.random.default_rng(SEED).integers(len(means), size=(DRAWS, len(means)))
    low, high = np.percentile(means[drawn].mean(1), (2.5, 97.5))
    return round(float(low), 4), round(float(high), 4)


def since_first(values: Floats) -> Floats:
    """(F, D) less the first row: what a person does, without what a person is."""
    return values - values[:1]


def identity_figures(tracks: Sequence[Track]) -> dict[str, Any]:
    """Of tokens as they are and relative to each shot's first frame; floor: the labels, which say
    nothing of who it is where performances are shared; ceiling: small grey pictures."""
    raw = [track.tokens for track in tracks]
    rigs = [track.rigs for track in tracks]
    pixels = [track.pixels.reshape(len(track.pixels), -1).astype(np.float32) for track in tracks]
    return {
        "tokens": identity_probe(tracks, raw),
        "tokens_since_first_frame": identity_probe(tracks, [since_first(r) for r in raw]),
        "labels": identity_probe(tracks, rigs),
        "pixels": identity_probe(tracks, pixels),
    }


def rig_figures(read: Vector, known: Vector, whose: Sequence[str]) -> dict[str, Any]:
    """R2 of each rig parameter that varies, mean of each group with a 95 % interval from people
    drawn anew; read, known: (F, 63), whose: of each frame. Frames with nan do not count."""
    sound = np.isfinite(read).all(1)
    read, known = read[sound], known[sound]
    owner = np.unique(np.asarray(whose)[sound], return_inverse=True)[1]
    sums = _sums(read, known, owner)
    whole = _r2(sums.sum(0))
    drawn = np.random.default_rng(SEED).integers(len(sums), size=(DRAWS, len(sums)))
    spread = known.var(0)
    # Few people drawn twice may hardly move: a tenth of the usual variance is the least.
    every = np.stack([_r2(sums[d].sum(0), 0.1 * spread) for d in drawn])
    out: dict[str, Any] = {"frames": int(sound.sum()), "lost": int((~sound).sum()),
                           "people": len(sums), "groups": {}}  # fmt: skip
    for name, parts in GROUPS.items():
        at = [INDEX[part] for part in parts if spread[INDEX[part]] > VARIES**2]
        if not at:
            continue
        low, high = np.percentile(every[:, at].mean(1), (2.5, 97.5))
        out["groups"][name] = {"r2": _round(whole[at].mean()), "low": _round(low),
                               "high": _round(high)}  # fmt: skip
    out["parameters"] = {n: _round(whole[k]) for k, n in enumerate(RIG) if spread[k] > VARIES**2}
    return out


def _sums(read: Vector, known: Vector, owner: np.ndarray) -> np.ndarray:
    """(P, 4, R) by person: count, sum and sum of squares of what is known, squared errors."""
    columns = np.stack([np.ones_like(known), known, known**2, (read - known) ** 2], 1).astype(
        np.float64
    )
    return np.stack([columns[owner == k].sum(0) for k in range(owner.max() + 1)])


def _r2(sums: np.ndarray, least: np.ndarray | float = 0.0) -> np.ndarray:
    """(R,) of (4, R) sums; least: of the variance."""
    count, total, squares, error = sums
    variance = squares / count - (total / count) ** 2
    return np.asarray(1 - error / count / np.maximum(np.maximum(variance, least), 1e-12))


def _round(value: float) -> float:
    return round(float(value), 4)


def noise_figures(tokens: Floats, rigs: Vector, usual: Vector) -> dict[str, Any]:
    """Of a still face in a noisy video: rms change from frame to frame of the (F, 64) tokens, and
    of the rig they mean in shares of how much each parameter usually varies, (63,) `usual`."""
    steps = np.diff(tokens, axis=0)
    moving = usual > VARIES
    shares = (np.diff(rigs, axis=0)[:, moving] ** 2).mean(0) ** 0.5 / usual[moving]
    return {
        "frames": len(tokens),
        "token_rms": _round(float((steps**2).mean() ** 0.5)),
        "rig_rms_of_usual": {"median": _round(float(np.median(shares))),
                             "worst": _round(float(shares.max()))},
    }  # fmt: skip
