"""One frame from another, as a loss: the surface says where the source's skin lies in the target.

Pixels of the source are samples of the surface: their triangles and weights are known from
rasterising the fitted source once. A token moves them; the target is looked up where they land and
compared with the source's pixels. Which samples count (visibility) is given and held fixed, so the
loss has a gradient by the token, by the surface's nets and by its basis. It is the per-pixel loss
of a warped picture with the roles of the two frames changed, which saves a rasterisation a step.

Axis legend: B batch, N chart points, M samples, L levels of the pyramid, C channels, H W pixels.
Picture positions in picture shares. `StageTwin` gives the positions.
"""

from dataclasses import dataclass

import cv2
import numpy as np
import torch
from torch import Tensor
from torch.nn import functional

from avatar.semo.raster import Seen, rasterise
from avatar.semo.types import Bytes, Chart, Floats, Ints, Region
from avatar.training.motion.twin import Sitters, StageTwin, rotation, surface_model

__all__ = ["Pyramid", "Samples", "Sitters", "StageTwin", "draw_samples", "reconstruction_loss",
           "rotation", "sampled_at", "still_visible", "surface_model"]  # fmt: skip

_SHOWN = (Region.SKIN, Region.LEFT_EYE, Region.RIGHT_EYE)  # whose look a token does not change
_EVEN = (
    0.5  # share of samples drawn evenly over the picture; the others go where triangles are small
)
_BLUR = np.array([1, 4, 6, 4, 1], np.float32) / 16
_WIDE, _SIGMA, _EDGE = (13, 13), 3.0, cv2.BORDER_REPLICATE  # px of the local mean and contrast
_SLACK = 0.01  # of 1/distance: how far a point may lie behind what is seen at its pixel (5 mm)


@dataclass(frozen=True, slots=True, eq=False)
class Samples:
    """M places on the surface of each of B sources.

    corners: (B,M,3) int64 chart points; weights: (B,M,3) of them, linear in space; at: (B,M,2)
    where the source shows them.
    """

    corners: Tensor
    weights: Tensor
    at: Tensor

    def take(self, at: Tensor) -> "Samples":
        """Those of the sources with the indices (b,)."""
        return Samples(self.corners[at], self.weights[at], self.at[at])

    def to(self, device: torch.device | str) -> "Samples":
        """On another device."""
        return Samples(self.corners.to(device), self.weights.to(device), self.at.to(device))


def stacked(samples: list[Samples]) -> Samples:
    """Several sources' samples as one batch."""
    parts = zip(*((s.corners, s.weights, s.at) for s in samples), strict=True)
    return Samples(*(torch.cat(part) for part in parts))


def draw_samples(
    chart: Chart, screen: Floats, size: int, count: int, rng: np.random.Generator
) -> Samples:
    """B = 1: `count` places that a source shows, with replacement if it shows fewer.

    screen: (N,3) of the source at its rest token: x, y in picture shares, 1/distance; size: px of
    the picture. Half of them are drawn evenly, half from small triangles: lips, lids, nostrils.
    Raises ValueError if no skin is in the picture.
    """
    seen = _rasterised(chart.triangles, screen, size)
    shown = (seen.hit >= 0) & np.isin(chart.region[np.maximum(seen.hit, 0)], _SHOWN)
    rows, columns = np.nonzero(shown)
    if not len(rows):
        raise ValueError("the surface is not in the picture")
    hit = seen.hit[rows, columns]
    _, where, pixels = np.unique(hit, return_inverse=True, return_counts=True)
    fine = 1 / pixels[where]
    share = _EVEN / len(rows) + (1 - _EVEN) * fine / fine.sum()
    few = len(rows) < count
    drawn = rng.choice(len(rows), count, replace=few, p=share / share.sum())
    first = seen.weights[rows[drawn], columns[drawn]]
    weights = np.column_stack([first, 1 - first.sum(1)])
    at = np.stack([columns[drawn], rows[drawn]], 1).astype(np.float32) + np.float32(0.5)
    corners = chart.triangles[hit[drawn]].astype(np.int64)
    arrays = corners, weights.astype(np.float32), at / np.float32(size)
    return Samples(*(torch.from_numpy(array)[None] for array in arrays))


def sampled_at(screen: Tensor, samples: Samples) -> Tensor:
    """(B,N,3) positions of the chart's points to (B,M,2) picture positions of the samples."""
    batch = torch.arange(len(screen), device=screen.device)[:, None, None]
    corners = screen[batch, samples.corners]
    near = samples.weights * corners[..., 2]  # weights are linear in space, not in the picture
    share = near / near.sum(-1, keepdim=True)
    return (corners[..., :2] * share[..., None]).sum(-2)


def still_visible(chart: Chart, screen: Floats, samples: Samples, size: int = 128) -> Tensor:
    """(B,M) float: 1 where the sample faces the camera and nothing is before it, for (B,N,3)
    screens of the targets: `StageTwin` at the tokens as they are believed to be."""
    out = []
    for one, corners, weights in zip(
        screen, samples.corners.numpy(), samples.weights.numpy(), strict=True
    ):
        near = weights * one[corners][..., 2]
        depth = near.sum(1)
        at = (one[corners][..., :2] * (near / depth[:, None])[..., None]).sum(1)
        seen = _rasterised(chart.triangles, one, size)
        x, y = np.floor(at * size).astype(int).T
        inside = (x >= 0) & (x < size) & (y >= 0) & (y < size)
        shown = seen.near[y.clip(0, size - 1), x.clip(0, size - 1)]
        faces = _facing(one[corners][..., :2])
        out.append(inside & faces & (depth > shown * (1 - _SLACK)))
    return torch.from_numpy(np.stack(out).astype(np.float32))


def _facing(corners: Floats) -> np.ndarray:
    """(M,3,2) to (M,) whether the triangles are counter-clockwise as seen (y points down)."""
    a, b = corners[:, 1] - corners[:, 0], corners[:, 2] - corners[:, 0]
    return np.asarray(a[:, 0] * b[:, 1] - a[:, 1] * b[:, 0] < 0)


def _rasterised(triangles: Ints, screen: Floats, size: int) -> Seen:
    seen = Seen.empty(size, size)
    pixels = np.ascontiguousarray(screen * np.array([size, size, 1]), np.float32)
    rasterise(pixels, triangles, np.array([0, 0, 1], np.float32), tuple(seen))
    return seen


@dataclass(frozen=True, slots=True)
class Pyramid:
    """Pictures to L levels that light hardly changes: each half as fine as the one before, less its
    local mean and divided by its local contrast. Pictures need no gradient: OpenCV is fastest.

    quiet: local contrast (1 is white less black) below which nothing is enlarged.
    """

    levels: int = 5
    quiet: float = 0.03

    def __call__(self, frames: Bytes) -> list[Tensor]:
        """(B,H,W,3) uint8 to L tensors (B,3,H/2^l,W/2^l), finest first."""
        rows = [self._of(frame) for frame in frames]
        return [
            torch.from_numpy(np.stack(level).transpose(0, 3, 1, 2).copy())
            for level in zip(*rows, strict=True)
        ]

    def _of(self, frame: Bytes) -> list[Floats]:
        picture = frame.astype(np.float32) * np.float32(1 / 255)
        out = []
        for level in range(self.levels):
            if level:
                # Every second pixel, from the first on, as `looked_up` counts on.
                blurred = cv2.sepFilter2D(picture, -1, _BLUR, _BLUR, borderType=_EDGE)
                picture = np.ascontiguousarray(blurred[::2, ::2])
            own = picture - cv2.GaussianBlur(picture, _WIDE, _SIGMA, borderType=_EDGE)
            power = cv2.GaussianBlur((own * own).mean(2), _WIDE, _SIGMA, borderType=_EDGE)
            out.append(own / np.sqrt(power + self.quiet**2)[..., None])
        return out


def looked_up(levels: list[Tensor], at: Tensor, finest: int) -> Tensor:
    """(L - finest, B, 3, M) of a pyramid at picture positions (B,M,2), bilinear.

    A level's pixel i lies at pixel i * 2^level of the picture (`Pyramid` keeps every second).
    """
    height, width = levels[0].shape[-2:]
    pixel = at * torch.tensor([width, height]).to(at) - 0.5
    out = []
    for level, picture in list(enumerate(levels))[finest:]:
        last = torch.tensor([picture.shape[-1] - 1, picture.shape[-2] - 1]).to(at)
        grid = pixel / 2**level / last * 2 - 1
        found = functional.grid_sample(
            picture, grid[:, None], mode="bilinear", padding_mode="border", align_corners=True
        )
        out.append(found[:, :, 0])
    return torch.stack(out)


def reconstruction_loss(
    source: list[Tensor],
    target: list[Tensor],
    places: tuple[Tensor, Tensor],
    visible: Tensor,
    finest: int = 0,
) -> Tensor:
    """() mean robust difference of what source and target show of the same samples.

    source, target: pyramids; places: (B,M,2) of the samples in each; visible: (B,M) weights;
    finest: the first level that counts. Charbonnier with 0.1 (contrast is about 1), clipped softly.
    """
    there = looked_up(source, places[0], finest).detach()
    here = looked_up(target, places[1], finest)
    off = (there - here).square().mean(2)
    robust = (off + 0.01).sqrt() - 0.1
    return (robust * visible).sum() / (visible.sum() * len(robust)).clamp(min=1)
