"""What the encoder's answers cost. Axis legend: B batch, F frames, M mouth weights, N anchors."""

from dataclasses import dataclass

import torch
from torch import Tensor
from torch.nn import functional as F

from avatar.training.audio.config import Config
from avatar.training.audio.model import SPAN, Encoder, Lessons
from avatar.training.audio.takes import ACTIVE, BITE, CLOSURE, GAP, MOUTH, SPEECH

LOOKAHEAD = 2  # frames
_MOVING = 0.03  # scaled change of the mouth, rms over a span, that tells times apart
_WEIGHTS = {CLOSURE: 3.0, BITE: 3.0, SPEECH: 1.0, ACTIVE: 1.0}  # of a positive frame
_CORRELATION = 0.3


@dataclass(frozen=True, slots=True, eq=False)
class Scale:
    """Spread of the labels in the training set. mouth: (M,); gap: cm; rest: cm when silent."""

    mouth: Tensor
    gap: float
    rest: float


def loss_of(
    nets: tuple[Encoder, Lessons], hops: Tensor, labels: Tensor, scale: Scale, config: Config
) -> tuple[Tensor, dict[str, float]]:
    """The loss of a batch, hops (B, 4 (F + 2), C), labels (B, F, L), and its parts."""
    encoder, lessons = nets
    learned, gap, logits = (part[:, LOOKAHEAD:] for part in encoder(hops))
    seen = slice(config.warm, None)
    learned, gap, logits, labels = (x[:, seen] for x in (learned, gap, logits, labels))
    active = labels[..., ACTIVE]
    mouth = labels[..., : len(MOUTH)] / scale.mouth
    parts = {
        "mouth": _moving(lessons.mouth(learned), mouth, active[..., None]),
        "gap": _moving(gap / scale.gap, labels[..., GAP] / scale.gap, active),
        "alike": _CORRELATION * (1 - _correlation(gap, labels[..., GAP], active)),
        "sides": _sides(logits, labels),
    }
    if config.contrast:
        whole = torch.cat([mouth, labels[..., GAP, None] / scale.gap], -1)
        parts["contrast"] = config.contrast * contrast(lessons, learned, whole, active, config)
    total = torch.stack(list(parts.values())).sum()
    return total, {name: float(value.detach()) for name, value in parts.items()}


def _moving(answer: Tensor, truth: Tensor, active: Tensor) -> Tensor:
    """Error of place and of change, where the mouth speaks."""
    place = F.smooth_l1_loss(answer, truth, reduction="none", beta=0.5)
    change = F.smooth_l1_loss(
        answer[:, 1:] - answer[:, :-1], truth[:, 1:] - truth[:, :-1], reduction="none", beta=0.5
    )
    both = active[:, 1:] * active[:, :-1]
    width = answer.numel() // active.numel()
    where, moved = (active.sum() * width).clamp(min=1), (both.sum() * width).clamp(min=1)
    return (place * active).sum() / where + 0.7 * (change * both).sum() / moved


def _correlation(answer: Tensor, truth: Tensor, active: Tensor) -> Tensor:
    """Mean over the samples that speak enough."""
    count = active.sum(1, keepdim=True).clamp(min=1)
    one = (answer - (answer * active).sum(1, keepdim=True) / count) * active
    other = (truth - (truth * active).sum(1, keepdim=True) / count) * active
    spread = (one.square().sum(1) * other.square().sum(1) + 1e-6).sqrt()
    enough = (count[:, 0] > 15).float()
    return ((one * other).sum(1) / spread * enough).sum() / enough.sum().clamp(min=1)


def _sides(logits: Tensor, labels: Tensor) -> Tensor:
    """Cross entropy of closure, labiodental, speech and busy mouth."""
    columns = (CLOSURE, BITE, SPEECH, ACTIVE)
    losses = [
        F.binary_cross_entropy_with_logits(
            logits[..., k], labels[..., column],
            pos_weight=torch.tensor(_WEIGHTS[column]),
        )
        for k, column in enumerate(columns)
    ]  # fmt: skip
    return torch.stack(losses).sum()


def contrast(
    lessons: Lessons, learned: Tensor, mouth: Tensor, active: Tensor, config: Config
) -> Tensor:
    """Which mouth goes with which sound (InfoNCE, van den Oord et al. 2018), both ways; the others
    are other times of the same sample and other samples."""
    sound, lips = lessons.embedded_sound(learned), lessons.embedded_mouth(mouth)
    first = int(torch.randint(config.spacing, ()))
    busy = active.unfold(1, SPAN, 1).amin(-1)[:, first :: config.spacing].flatten() > 0
    still = (mouth[:, 1:] - mouth[:, :-1]).square().mean(-1).unfold(1, SPAN - 1, 1).mean(-1).sqrt()
    busy &= still[:, first :: config.spacing].flatten() > _MOVING
    one = sound[:, first :: config.spacing].flatten(0, 1)[busy]
    other = lips[:, first :: config.spacing].flatten(0, 1)[busy]
    if len(one) < 2:
        return torch.zeros(())
    likeness = one @ other.T / config.temperature
    truth = torch.arange(len(one))
    return 0.5 * (F.cross_entropy(likeness, truth) + F.cross_entropy(likeness.T, truth))
