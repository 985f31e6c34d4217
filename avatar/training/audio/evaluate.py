"""Measures an encoder on held-out takes: lips, closures, silence, retrieval."""

from collections.abc import Callable, Sequence

import numpy as np
import torch

from avatar.training.audio.cache import Item, crop, is_augmented
from avatar.training.audio.losses import LOOKAHEAD, Scale
from avatar.training.audio.metrics import CERTAIN, correlation, found, lag, quiet
from avatar.training.audio.model import SPAN, Encoder, Lessons
from avatar.training.audio.takes import ACTIVE, CLOSURE, GAP, MOUTH, Floats
from speech.features import ENERGY

Answer = Callable[[Item], tuple[Floats, Floats]]  # gap (F,) cm and closure (F,) probability
BATCH = 100  # sounds and mouths among which the right one is looked for
MOST_GAP = 1.5  # cm, of a jaw that only follows the energy


def answers(encoder: Encoder) -> Answer:
    """The net's answer to an item."""

    def answer(what: Item) -> tuple[Floats, Floats]:
        hops, _ = crop(what, 0, len(what.labels), LOOKAHEAD)
        with torch.inference_mode():
            _, gap, logits = (x[0, LOOKAHEAD:] for x in encoder(torch.from_numpy(hops)[None]))
            return gap.numpy(), torch.sigmoid(logits[:, 0]).numpy()

    return answer


def energy_jaw(what: Item) -> tuple[Floats, Floats]:
    """Baseline: the mouth opens as the sound is loud."""
    energy = what.hops[:, ENERGY].astype(np.float32).reshape(-1, 4).mean(1)
    smooth = np.convolve(energy, [0.25, 0.5, 0.25], "same").astype(np.float32)
    return MOST_GAP * smooth, (smooth < 0.15).astype(np.float32)


def measured(answer: Answer, items: Sequence[Item]) -> dict[str, float]:
    """Means over items. correlation: of the gap with the truth, frames with speech; whole: all
    frames; lag: frames, shuffled: the gap of another item's sound against this one's truth; recall,
    precision: of closures on m b p; silence: change of the gap in silence over that in speech."""
    given = [answer(what) for what in items]
    truths = [what.labels[:, GAP].astype(np.float32) for what in items]
    busy = [what.labels[:, ACTIVE] > 0.5 for what in items]
    speaking = [k for k in range(len(items)) if busy[k].sum() > 50]
    alike = [correlation(given[k][0][busy[k]], truths[k][busy[k]]) for k in speaking]
    figures = {
        "correlation": float(np.mean(alike)),
        "whole": float(np.mean([correlation(given[k][0], truths[k]) for k in speaking])),
        "lag": float(np.mean([lag(given[k][0], truths[k]) for k in speaking])),
        "shuffled": _shuffled(given, truths, busy, speaking),
    }
    return figures | _closures(given, items) | _silence(given, busy)


def _shuffled(
    given: list[tuple[Floats, Floats]],
    truths: list[Floats],
    busy: list[np.ndarray],
    speaking: list[int],
) -> float:
    """Mean correlation with the wrong sound's mouth; only frames with speech of both."""
    out = []
    for k, other in zip(speaking, speaking[1:] + speaking[:1], strict=True):
        one, truth = given[other][0][busy[other]], truths[k][busy[k]]
        size = min(len(one), len(truth))
        out.append(correlation(one[:size], truth[:size]))
    return float(np.mean(out))


def _closures(given: list[tuple[Floats, Floats]], items: Sequence[Item]) -> dict[str, float]:
    """Share of true closures found, and of found closures that are true."""
    hits = np.zeros((2, 2))
    for (_, closure), what in zip(given, items, strict=True):
        truth, said = what.labels[:, CLOSURE] > 0.5, closure > CERTAIN
        hits += np.array([found(truth, said), found(said, truth)])
    recall, precision = (hits[:, 0] / np.maximum(hits[:, 1], 1)).tolist()
    return {"recall": recall, "precision": precision}


def _silence(given: list[tuple[Floats, Floats]], busy: list[np.ndarray]) -> dict[str, float]:
    """Mean change of the gap from frame to frame, silence over speech."""
    still, moving = [], []
    for (gap, _), flags in zip(given, busy, strict=True):
        change, at = np.abs(np.diff(gap)), flags[1:]
        still.append(change[quiet(flags)[1:]])
        moving.append(change[at])
    silent, loud = np.concatenate(still), np.concatenate(moving)
    return {"silence": float(silent.mean() / (loud.mean() + 1e-9)) if len(silent) else 0.0}


def retrieval(
    encoder: Encoder, lessons: Lessons, items: Sequence[Item], scale: Scale
) -> dict[str, float]:
    """How often the right mouth is the likeliest among BATCH others; `within`: among times of the
    same take, otherwise of all. Chance is 1 / BATCH."""
    rng = np.random.default_rng(1)
    sounds, lips, owners = [], [], []
    with torch.inference_mode():
        for k, what in enumerate(items):
            hops, labels = crop(what, 0, len(what.labels), LOOKAHEAD)
            learned = encoder(torch.from_numpy(hops)[None])[0][:, LOOKAHEAD:]
            truth = torch.from_numpy(labels)[None]
            mouth = torch.cat(
                [truth[..., : len(MOUTH)] / scale.mouth, truth[..., GAP, None] / scale.gap], -1
            )
            active = np.lib.stride_tricks.sliding_window_view(labels[:, ACTIVE], SPAN).min(1) > 0
            at = np.flatnonzero(active)[:: SPAN // 2]
            sounds.append(lessons.embedded_sound(learned)[0, at].numpy())
            lips.append(lessons.embedded_mouth(mouth)[0, at].numpy())
            owners += [k] * len(at)
    sound, lip, owner = np.concatenate(sounds), np.concatenate(lips), np.array(owners)

    def rate(groups: list[np.ndarray]) -> float:
        return float(np.mean([np.mean(np.argmax(sound[g] @ lip[g].T, 1) == np.arange(len(g)))
                              for g in groups if len(g) == BATCH]))  # fmt: skip

    mixed = np.array_split(rng.permutation(len(owner)), range(BATCH, len(owner), BATCH))
    same = [g for k in range(len(items)) for w in [rng.permutation(np.flatnonzero(owner == k))]
            for g in np.array_split(w, range(BATCH, len(w), BATCH))]  # fmt: skip
    return {"retrieval": rate(mixed), "within": rate(same)}


def chosen(items: Sequence[Item], *, augmented: bool, most: int) -> list[Item]:
    """Up to so many items, augmented ones or those as they were made."""
    return [what for what in items if is_augmented(what.name) == augmented
            and not what.name.endswith("_n")][:most]  # fmt: skip
