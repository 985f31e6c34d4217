"""The differentiable twin of `avatar.semo.stage`: tokens to picture positions, batched, in torch.

Axis legend: B batch, N chart points, R rig parameters, D token dims, K expression coefficients.
Units as in `avatar.semo.types`: cm, radians, picture shares.
"""

from collections.abc import Sequence
from dataclasses import dataclass, fields

import numpy as np
import torch
from torch import Tensor, nn

from avatar.rig import GAZE_AT, INDEX, POSE_AT
from avatar.semo.oral import lowered, tongue_drop
from avatar.semo.pose import HEAD_PIVOT, HEAD_SHARE, NECK_PIVOT
from avatar.semo.prepared import prepared
from avatar.semo.stage import EYE_BIAS, INNER_BIAS, LID_BIAS, MOST_POSE, MOST_WEIGHT, NEAREST
from avatar.semo.surface import FaceSurface
from avatar.semo.types import FittedPortrait, Floats, Region
from avatar.training.surface.model import SurfaceModel

JAW = INDEX["jawOpen"]


@dataclass(frozen=True, slots=True, eq=False)
class Sitters:
    """B fitted portraits: what `avatar.semo.types.FittedPortrait` says of each, as tensors.

    rest (B,N,3); rotation (B,3,3); translation (B,3); focal (B,); centre (B,2); eyes (B,2,3);
    drop (B,N,3) cm that the tongue comes down; rest_token (B,64); correction (B,63) that makes the
    rest token mean the portrait as it is.
    """

    rest: Tensor
    rotation: Tensor
    translation: Tensor
    focal: Tensor
    centre: Tensor
    eyes: Tensor
    drop: Tensor
    rest_token: Tensor
    correction: Tensor

    def take(self, at: Tensor) -> "Sitters":
        """Those with the indices (b,), in that order."""
        return Sitters(*(getattr(self, field.name)[at] for field in fields(self)))

    def to(self, device: torch.device | str) -> "Sitters":
        """On another device."""
        return Sitters(*(getattr(self, field.name).to(device) for field in fields(self)))


class StageTwin(nn.Module):
    """`Stage.pose` for a batch of tokens and sitters. The surface's nets are parameters."""

    weights: Tensor
    eye: Tensor
    mark_points: Tensor
    mark_weights: Tensor

    def __init__(self, surface: FaceSurface) -> None:
        super().__init__()
        self._surface = surface
        self.model = surface_model(surface)
        chart = surface.chart
        inner = (chart.point_region >= Region.TEETH) | (chart.point_region == Region.LINING)
        eyes = chart.point_region >= Region.LEFT_EYE
        lids = prepared(surface).zones.lid.max(0)
        bias = np.where(eyes, EYE_BIAS, np.where(inner, INNER_BIAS, 1 + (LID_BIAS - 1) * lids))
        columns = np.stack([chart.head_weight, chart.neck_weight, bias])
        which = np.stack([chart.point_region == r for r in (Region.LEFT_EYE, Region.RIGHT_EYE)])
        self.register_buffer("weights", torch.from_numpy(columns.astype(np.float32)), False)
        self.register_buffer("eye", torch.from_numpy(which), False)
        marks = torch.from_numpy(chart.landmark_points.astype(np.int64))
        self.register_buffer("mark_points", marks, False)
        self.register_buffer("mark_weights", torch.from_numpy(chart.landmark_weights), False)

    def sitters(self, fitted: Sequence[FittedPortrait]) -> Sitters:
        """Of B portraits fitted by the surface that this twin was made of."""
        rows = [self._sitter(one) for one in fitted]
        stacked = (np.stack(column) for column in zip(*rows, strict=True))
        return Sitters(*(torch.from_numpy(column.astype(np.float32)) for column in stacked))

    def _sitter(self, fitted: FittedPortrait) -> tuple[Floats, ...]:
        surface, camera = self._surface, fitted.camera
        drop = np.zeros_like(fitted.rest)
        points, down = tongue_drop(surface, fitted.rest)
        drop[points] = down
        token = surface.rig_to_token(fitted.rig)
        correction = fitted.rig - surface.token_to_rig(token)
        lens = np.asarray(camera.focal, np.float32), np.asarray(camera.centre, np.float32)
        view = camera.rotation, camera.translation, *lens
        return fitted.rest, *view, fitted.eye_centres, drop, token, correction

    def rig(self, token: Tensor, sitters: Sitters) -> Tensor:
        """(B,64) tokens to the (B,63) rigs that the portraits show, bounded as in `Stage`."""
        read: Tensor = self.model.probe(token) * self.model.rig_scale + sitters.correction
        most = torch.full_like(read[0], MOST_WEIGHT)
        most[POSE_AT] = torch.from_numpy(MOST_POSE).to(most)
        return read.clamp(-most, most)

    def forward(self, token: Tensor, sitters: Sitters) -> Tensor:
        """(B,64) tokens to (B,N,3): x, y in picture shares and 1/distance with the inner parts'
        bias. Of the tongue's own drop, what the jaw makes of it is held fixed (no gradient)."""
        return self.project(self.points(token, sitters), sitters)

    def landmarks(self, token: Tensor, sitters: Sitters) -> Tensor:
        """(B,64) tokens to (B,150,2) picture shares of the landmarks; cheap."""
        at = self.mark_points.flatten()
        basis = self.movements().view(len(self.model.limit), -1, 3)[:, at]
        moved = torch.einsum("bk,kpc->bpc", self.coefficients(token), basis)
        rig = self.rig(token, sitters)
        points = self._posed(sitters.rest[:, at] + moved, rig, sitters, at)
        screen = self.project(points, sitters, at)[..., :2]
        return (screen.view(len(token), -1, 3, 2) * self.mark_weights[..., None]).sum(2)

    def movements(self) -> Tensor:
        """(K,N*3) cm that each coefficient moves the points."""
        return self.model.basis

    def coefficients(self, token: Tensor) -> Tensor:
        """(B,64) tokens to the (B,K) bounded coefficients of the movements."""
        limit = self.model.limit
        out: Tensor = limit * torch.tanh(self.model.shape(token) / limit)
        return out

    def points(self, token: Tensor, sitters: Sitters) -> Tensor:
        """(B,64) tokens to (B,N,3) in camera space, cm."""
        rig = self.rig(token, sitters)
        jaw = [lowered(float(value)) for value in rig[:, JAW].detach()]
        drop = sitters.drop * torch.tensor(jaw).to(rig)[:, None, None]
        moved = (self.coefficients(token) @ self.movements()).view(len(token), -1, 3)
        return self._posed(sitters.rest + moved + drop, rig, sitters)

    def _posed(
        self, points: Tensor, rig: Tensor, sitters: Sitters, at: Tensor | slice = slice(None)
    ) -> Tensor:
        """`avatar.semo.pose.posed`, then to camera space; at: which of the chart's points."""
        gaze, pose = rig[:, GAZE_AT], rig[:, POSE_AT]
        look = rotation(gaze[:, 0], gaze[:, 1], torch.zeros_like(gaze[:, 0]))
        for side in range(2):
            centre = sitters.eyes[:, side, None]
            turned = (points - centre) @ look.mT + centre
            points = torch.where(self.eye[side][at, None], turned, points)
        one = torch.eye(3).to(points)
        for share, pivot, weight in (
            (HEAD_SHARE, HEAD_PIVOT, self.weights[0]),
            (1 - HEAD_SHARE, NECK_PIVOT, self.weights[1]),
        ):
            change = rotation(*(share * pose[:, :3]).unbind(1)) - one
            away = points - torch.from_numpy(pivot).to(points)
            points = points + away @ change.mT * weight[at, None]
        shift = pose[:, 3:] * torch.tensor([1.0, -1.0, 1.0]).to(pose)
        points = points + shift[:, None] * self.weights[1][at, None]
        return points @ sitters.rotation.mT + sitters.translation[:, None]

    def project(self, points: Tensor, sitters: Sitters, at: Tensor | slice = slice(None)) -> Tensor:
        """(B,N,3) in camera space to what `forward` returns; at: which of the chart's points."""
        depth = points[..., 2].clamp(max=-NEAREST)
        inverse = -1 / depth
        scale = sitters.focal[:, None] * inverse
        x = sitters.centre[:, :1] + points[..., 0] * scale
        y = sitters.centre[:, 1:] - points[..., 1] * scale
        return torch.stack([x, y, inverse * self.weights[2][at]], -1)


def surface_model(surface: FaceSurface) -> SurfaceModel:
    """The trainable net with the numbers of a surface."""
    weights = surface.weights
    basis = weights.expression.reshape(len(weights.expression), -1)
    arrays = basis, weights.rig_scale, weights.limit
    start, scale, limit = (torch.from_numpy(np.array(array, np.float32)) for array in arrays)
    with torch.random.fork_rng(devices=[]):  # first guesses are drawn, and overwritten
        model = SurfaceModel(start, scale, limit, len(weights.encode.biases[0]))
    model.adopt(weights)
    return model


def rotation(yaw: Tensor, pitch: Tensor, roll: Tensor) -> Tensor:
    """(B,) angles to (B,3,3), as `avatar.semo.pose.rotation`."""
    cy, sy, cp, sp = yaw.cos(), yaw.sin(), pitch.cos(), pitch.sin()
    cr, sr = roll.cos(), -roll.sin()
    # about y @ about x @ about z, written out
    rows = (
        (cy * cr + sy * sp * sr, -cy * sr + sy * sp * cr, sy * cp),
        (cp * sr, cp * cr, -sp),
        (-sy * cr + cy * sp * sr, sy * sr + cy * sp * cr, cy * cp),
    )
    return torch.stack([torch.stack(row, -1) for row in rows], -2)
