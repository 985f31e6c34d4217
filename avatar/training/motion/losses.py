"""What the encoder is trained for: positions through the frozen surface, the scaffold's token, the
rig, and that tokens do not say who moves.

Axis legend: B batch, K expression coefficients, R rig parameters, G gaps, L landmarks.
"""

from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor, nn

from avatar.rig import GAZE_AT, INDEX, POSE_AT, RIG
from avatar.semo.facing import NATURAL_PITCH
from avatar.semo.pose import HEAD_PIVOT
from avatar.semo.prepared import (
    IRISES,
    LIDS_LOWER,
    LIDS_UPPER,
    LIPS_LOWER,
    LIPS_UPPER,
    prepared,
)
from avatar.semo.surface import FaceSurface
from avatar.semo.types import Region
from avatar.training.motion.config import Config
from avatar.training.motion.twin import rotation, surface_model

MM = 10.0  # of a cm
LEAST = 0.06  # of a rig parameter's spread, so that what hardly moves does not rule
PLACE = 0.02  # of the square's side: the unit of placement's errors
SHIFT = [INDEX["x"], INDEX["y"], INDEX["z"]]


@dataclass(frozen=True, slots=True, eq=False)
class Wanted:
    """rig (B,63); placement (B,3); present (B,); person, scene (B,) int64."""

    rig: Tensor
    placement: Tensor
    present: Tensor
    person: Tensor
    scene: Tensor


class Teacher(nn.Module):
    """The frozen surface, seen by the losses: which tokens mean the same movement."""

    metric: Tensor
    gaps: Tensor
    marks: Tensor
    moves: Tensor
    eyes: Tensor
    spread: Tensor

    def __init__(self, surface: FaceSurface, spread: np.ndarray, config: Config) -> None:
        """spread: (63,) of the rig over the frames."""
        super().__init__()
        self.surface = surface_model(surface).requires_grad_(False)
        self.config = config
        known = prepared(surface).landmarks
        self._keep("metric", _metric(surface, config.fine))
        upper = np.concatenate([LIPS_UPPER, *LIDS_UPPER])
        lower = np.concatenate([LIPS_LOWER, *LIDS_LOWER])
        self._keep("gaps", MM * (known.expression[:, upper] - known.expression[:, lower])[..., 1])
        self._keep("marks", known.mean)
        self._keep("moves", known.expression)
        self._keep("eyes", known.eyes)
        self._keep("spread", np.maximum(spread, LEAST))

    def _keep(self, name: str, value: np.ndarray) -> None:
        self.register_buffer(name, torch.from_numpy(np.array(value, np.float32)), False)

    def coefficients(self, token: Tensor) -> Tensor:
        """(B,D) to (B,K)."""
        limit = self.surface.limit
        out: Tensor = limit * torch.tanh(self.surface.shape(token) / limit)
        return out

    def read(self, token: Tensor) -> Tensor:
        """(B,D) to rigs (B,R)."""
        out: Tensor = self.surface.probe(token) * self.surface.rig_scale
        return out

    def landmarks(self, coefficients: Tensor, rig: Tensor) -> Tensor:
        """(B,L,3) cm of the mean person, gaze and head turned."""
        points = self.marks + torch.einsum("bk,klc->blc", coefficients, self.moves)
        gaze, pose = rig[:, GAZE_AT], rig[:, POSE_AT]
        still = torch.zeros_like(gaze[:, 0])
        look = rotation(gaze[:, 0], gaze[:, 1], still)
        parts = list(points.unbind(1))
        for side, iris in enumerate(IRISES):
            centre = self.eyes[side]
            turned = (points[:, iris] - centre) @ look.mT + centre
            for at, moved in zip(range(iris.start, iris.stop), turned.unbind(1), strict=True):
                parts[at] = moved
        head = rotation(pose[:, 0], pose[:, 1] + NATURAL_PITCH, pose[:, 2])
        pivot = torch.from_numpy(HEAD_PIVOT).to(points)
        return (torch.stack(parts, 1) - pivot) @ head.mT

    def forward(
        self, token: Tensor, placement: Tensor, present: Tensor, wanted: Wanted
    ) -> dict[str, Tensor]:
        """The losses by name, weighted. Frames without a face count for `present` only."""
        weights, there = self.config.weights, wanted.present > 0.5
        out = {
            "present": weights.present
            * nn.functional.binary_cross_entropy_with_logits(present, wanted.present)
        }
        away = (placement - wanted.placement)[there] / PLACE
        out["placement"] = weights.placement * nn.functional.smooth_l1_loss(
            away, torch.zeros_like(away)
        )
        token, rig = token[there], wanted.rig[there]
        with torch.no_grad():
            right = self.surface.token(rig)
            aim = self.coefficients(right)
        out |= self._decoded(token, rig, aim)
        error = token - right
        if self.config.scaffold:
            out["token"] = weights.token * error.square().mean()
        if self.config.cross_identity:
            out["cross"] = weights.cross * _apart(error, wanted.scene[there])
            out["person"] = weights.person * _own(error, wanted.person[there])
        return out

    def _decoded(self, token: Tensor, rig: Tensor, aim: Tensor) -> dict[str, Tensor]:
        """What the surface makes of the token against what it makes of the right one."""
        weights = self.config.weights
        heard = token + self.config.noise * torch.randn_like(token)
        said = self.coefficients(heard)
        away = said - aim
        read = self.read(heard)
        off = (read - rig) / self.spread
        off = torch.cat([off[:, : POSE_AT.start + 3], 0.1 * read[:, SHIFT]], 1)
        gaps = away @ self.gaps
        near = self.landmarks(said, read) - self.landmarks(aim, rig)
        out = {
            "position": weights.position * ((away @ self.metric) * away).sum(1).mean(),
            "posed": weights.posed * (MM * near).square().sum(-1).mean(),
            "gap": weights.gap * gaps.abs().mean(),
        }
        if self.config.scaffold:
            out["rig"] = weights.rig * off.square().mean()
        return out


def _metric(surface: FaceSurface, fine: float) -> np.ndarray:
    """(K,K): coefficients' errors to mean square mm of the points, lips and lids up-weighted."""
    weights, chart = surface.weights, surface.chart
    points = np.ones(len(weights.mean))
    points[chart.point_region > Region.SKIN] = 0.3
    marks = np.linalg.norm(weights.expression, axis=2)
    for names in (("eyeBlink_L", "eyeBlink_R"), ("mouthClose", "mouthPucker", "mouthFunnel")):
        moved = marks[[RIG.index(name) for name in names]].max(0)
        points[(moved > 0.15) & (chart.point_region == Region.SKIN)] = fine
    points /= points.sum()
    basis = (MM * weights.expression * np.sqrt(points)[None, :, None]).reshape(len(marks), -1)
    return np.asarray(basis @ basis.T, np.float32)


def _apart(error: Tensor, scene: Tensor) -> Tensor:
    """Mean square distance of the tokens' errors of different people in one scene."""
    same = (scene[:, None] == scene[None]) & ~torch.eye(len(scene), dtype=torch.bool)
    distance = (error[:, None] - error[None]).square().mean(-1)
    out: Tensor = (distance * same).sum() / same.sum().clamp(min=1)
    return out


def _own(error: Tensor, person: Tensor) -> Tensor:
    """Mean square of what the errors of one person's frames have in common."""
    same = (person[:, None] == person[None]) & ~torch.eye(len(person), dtype=torch.bool)
    alike = (error[:, None] * error[None]).mean(-1)
    out: Tensor = (alike * same).sum() / same.sum().clamp(min=1)
    return out.clamp(min=0)
