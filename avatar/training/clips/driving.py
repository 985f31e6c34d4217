"""What the encoder says of a frame to the token that shows it on the clip's own source, in torch.

The differentiable way of `avatar.semo.tracking` and `avatar.semo.neutral.target_rig` for a person
who drives themself: what the encoder says of the source is what the source shows, so only the
change between the two frames counts, and errors that both share do not.

Axis legend: B batch, R rig parameters, D token dims.
"""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from avatar.landmark_net import Square
from avatar.rig import GAZE_AT, INDEX, LOOK_FULL, POSE_AT, Vector
from avatar.semo.facing import DROP_CM, NATURAL_PITCH, SIDE_CM, canonical
from avatar.semo.pose import HEAD_PIVOT, HEAD_SHARE, NECK_PIVOT
from avatar.semo.types import FittedPortrait, Floats
from avatar.training.motion.twin import Sitters, StageTwin, rotation
from avatar.training.synthetic.anchor import anchor

_BLINKS = [INDEX["eyeBlink_L"], INDEX["eyeBlink_R"]]
_SQUINTS = [INDEX["eyeSquint_L"], INDEX["eyeSquint_R"]]
_LOOKS = [INDEX[f"eyeLook{way}_{side}"] for side in "LR" for way in ("Out", "In", "Down", "Up")]


@dataclass(frozen=True, slots=True, eq=False)
class Heads:
    """B heads as seen: asked (B,63) the rig that the encoder reads, pose aside; turn (B,3,3) model
    to camera space; anchor (B,3) camera space, cm."""

    asked: Tensor
    turn: Tensor
    anchor: Tensor


@dataclass(frozen=True, slots=True, eq=False)
class Persons:
    """Of B sources: neutral (B,63) and blink (B,2) as in `FittedPortrait`; shown (B,63) the asked
    rig that the source shows."""

    neutral: Tensor
    blink: Tensor
    shown: Tensor

    def take(self, at: Tensor) -> "Persons":
        """Those with the indices (b,)."""
        return Persons(self.neutral[at], self.blink[at], self.shown[at])


def persons_of(fitted: Sequence[FittedPortrait]) -> Persons:
    """Of B sources."""
    rows = [(one.neutral, one.blink, shown_by(one)) for one in fitted]
    columns = (np.stack(column).astype(np.float32) for column in zip(*rows, strict=True))
    return Persons(*(torch.from_numpy(column) for column in columns))


def shown_by(fitted: FittedPortrait) -> Vector:
    """(63,) what would have to be asked of the person at rest to show the picture; gaze as in the
    head. The inverse of `driven` where nothing is clipped."""
    rest, rig = fitted.neutral, fitted.rig
    out = np.asarray((rig - rest) / (1 - 0.5 * rest.clip(0, 1)), np.float32)
    span = fitted.blink - rest[_BLINKS]
    out[_BLINKS] = (rig - rest)[_BLINKS] / np.where(np.abs(span) < 0.05, 1, span)
    calmed = 1 - 0.8 * out[_BLINKS].clip(0, 1)
    out[_SQUINTS] = (rig[_SQUINTS] / calmed - rest[_SQUINTS]) / (
        1 - 0.5 * rest[_SQUINTS].clip(0, 1)
    )
    out[GAZE_AT] = rig[GAZE_AT]
    return out


def canonical_squares(
    fitted: FittedPortrait, rigs: Floats, size: int
) -> tuple[list[Square], Floats]:
    """Of (F,63) rigs of a person in a picture of `size` px: the canonical squares, and the (F,3)
    anchors: px x, px y, depth in cm."""
    anchors = np.stack([anchor(fitted.eye_centres, rig, fitted.camera, size) for rig in rigs])
    return [canonical(at, fitted.camera.focal * size) for at in anchors], anchors


def heads(
    read: tuple[Tensor, Tensor], squares: Tensor, sitters: Sitters, twin: StageTwin, size: int
) -> Heads:
    """read: tokens (B,64) and placements (B,3) of the encoder for squares (B,3): centre x, y and
    side in px of pictures of `size` px that the cameras of `sitters` took."""
    token, placement = read
    rig = twin.model.probe(token) * twin.model.rig_scale
    # As `avatar.semo.tracking.placed`.
    side = squares[:, 2] * placement[:, 2].exp()
    x = squares[:, 0] + placement[:, 0] * squares[:, 2]
    y = squares[:, 1] + (placement[:, 1] - DROP_CM / SIDE_CM) * squares[:, 2]
    focal = sitters.focal * size
    depth = SIDE_CM * focal / side
    off = torch.stack([x, y], 1) - sitters.centre * size
    ray = off / focal[:, None]
    yaw, pitch = torch.atan2(-ray[:, 0], torch.ones_like(x)), _tilt(ray)
    sight = rotation(yaw, pitch, torch.zeros_like(x))
    pose = rig[:, POSE_AT]
    turn = sight @ rotation(pose[:, 0], pose[:, 1] + NATURAL_PITCH, pose[:, 2])
    at = torch.stack([ray[:, 0] * depth, -ray[:, 1] * depth, -depth], 1)
    return Heads(rig, turn, at)


def _tilt(ray: Tensor) -> Tensor:
    """As `avatar.semo.facing.sighted`."""
    return -torch.atan2(ray[:, 1], (ray[:, 0].square() + 1).sqrt())


def driven(
    target: Heads, source: Heads, persons: Persons, sitters: Sitters, twin: StageTwin
) -> Tensor:
    """(B,64) tokens that show on each source what the target's head does."""
    asked = target.asked - source.asked + persons.shown
    rest = persons.neutral
    added = rest + asked * (1 - 0.5 * rest.clamp(0, 1))
    out = torch.minimum(added, rest.clamp(min=1.1))
    blinks = asked[:, _BLINKS]
    shut = rest[:, _BLINKS] + blinks * (persons.blink - rest[:, _BLINKS])
    calmed = out[:, _SQUINTS] * (1 - 0.8 * blinks.clamp(0, 1))
    parts = list(out.unbind(1))
    for side in range(2):
        parts[_BLINKS[side]], parts[_SQUINTS[side]] = shut[:, side], calmed[:, side]
    gaze = asked[:, GAZE_AT]
    parts[GAZE_AT] = list(gaze.unbind(1))
    for at, value in zip(_LOOKS, _lids(gaze), strict=True):
        parts[at] = value
    parts[POSE_AT] = list(_posed(target, source, sitters).unbind(1))
    return twin.model.token(torch.stack(parts, 1))


def _lids(gaze: Tensor) -> list[Tensor]:
    """The weights of `_LOOKS`, as `avatar.rig.follow_gaze`."""
    right, down = (gaze / torch.tensor(LOOK_FULL).to(gaze)).unbind(1)
    out = []
    for outward in (right, -right):  # the picture's right is the subject's left
        out += [side.clamp(min=0) for side in (outward, -outward, down, -down)]
    return out


def _posed(target: Heads, source: Heads, sitters: Sitters) -> Tensor:
    """(B,6) pose from the source's to the target's, the anchor carried along."""
    # Both readings err alike: the change between them, on what the fit knows of the source.
    turn = target.turn @ source.turn.mT @ sitters.rotation
    pose = angles(sitters.rotation.mT @ turn)
    pose = pose + angles(sitters.rotation.mT @ turn) - angles(_turned(pose))
    middle = sitters.eyes.mean(1)
    here = (middle[:, None] @ sitters.rotation.mT)[:, 0] + sitters.translation
    # Depth is read as a ratio: what a lens is taken for does not change it.
    grown = target.anchor[:, 2:] / source.anchor[:, 2:]
    seen = [head.anchor[:, :2] / head.anchor[:, 2:] for head in (target, source)]
    aside = seen[0] - seen[1]
    depth = here[:, 2:] * grown
    flat = (here[:, :2] / here[:, 2:] + aside) * depth
    there = torch.cat([flat, depth], 1) - sitters.translation
    moved = (there[:, None] @ sitters.rotation)[:, 0] - _carried(middle, pose)
    return torch.cat([pose, moved * torch.tensor([1.0, -1.0, 1.0])], 1)


def angles(turn: Tensor) -> Tensor:
    """(B,3,3) to yaw, pitch, roll (B,3): the inverse of `rotation`."""
    yaw = torch.atan2(turn[:, 0, 2], turn[:, 2, 2])
    pitch = -turn[:, 1, 2].clamp(-0.99, 0.99).asin()
    return torch.stack([yaw, pitch, -torch.atan2(turn[:, 1, 0], turn[:, 1, 1])], 1)


def _turned(pose: Tensor) -> Tensor:
    """(B,3) to what the head does, as `avatar.semo.facing.turned`."""
    head, neck = (rotation(*(share * pose).unbind(1)) for share in (HEAD_SHARE, 1 - HEAD_SHARE))
    return neck @ head


def _carried(points: Tensor, pose: Tensor) -> Tensor:
    """(B,3) points of the head turned by (B,3) angles."""
    for share, pivot in ((HEAD_SHARE, HEAD_PIVOT), (1 - HEAD_SHARE, NECK_PIVOT)):
        centre = torch.from_numpy(pivot)
        turn = rotation(*(share * pose).unbind(1))
        points = ((points - centre)[:, None] @ turn.mT)[:, 0] + centre
    return points
