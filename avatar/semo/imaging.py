"""Small picture tools of fitting: sampling, shapes, filling holes.

Axis legend: H W pixels, N points, C channels. Positions are picture shares, see
`avatar.semo.types`.
"""

import cv2
import numpy as np

from avatar.semo.types import Floats

LUMINANCE = np.array([0.2126, 0.7152, 0.0722], np.float32)  # of linear RGB, Rec. 709


def sample(picture: np.ndarray, points: Floats) -> Floats:
    """Bilinear (N, C) or (N,) float32 values of an (S, S[, C]) square picture at (N, 2) shares."""
    side = picture.shape[0]
    at = np.ascontiguousarray(points * np.float32(side) - np.float32(0.5), np.float32)
    rows = -(-len(at) // 1024)  # cv2.remap takes maps of at most 32767 rows
    padded = np.zeros((rows * 1024, 2), np.float32)
    padded[: len(at)] = at
    grid = padded.reshape(rows, 1024, 2)
    found = cv2.remap(
        picture, grid[..., 0], grid[..., 1], cv2.INTER_LINEAR, borderMode=cv2.BORDER_REPLICATE
    )
    out = np.asarray(found, np.float32)
    return out.reshape(rows * 1024, *picture.shape[2:])[: len(at)]


def pixel_of(points: Floats, side: int) -> tuple[np.ndarray, np.ndarray]:
    """Rows and columns (N,) of the pixels of a square picture that (N, 2) shares fall in."""
    at = np.clip((points * side).astype(np.int32), 0, side - 1)
    return at[:, 1], at[:, 0]


def polygon(points: Floats, side: int) -> np.ndarray:
    """(side, side) uint8, 255 inside the polygon of (n, 2) shares, soft at its rim."""
    out = np.zeros((side, side), np.uint8)
    corners = np.round((points * side - 0.5) * 16).astype(np.int32)
    cv2.fillPoly(out, [corners], 255, shift=4, lineType=cv2.LINE_AA)
    return out


def blurred(picture: np.ndarray, sigma: float) -> Floats:
    """A picture after a Gaussian of `sigma` pixels, float32."""
    return np.asarray(cv2.GaussianBlur(picture, (0, 0), sigma), np.float32)


def disc(radius: int) -> np.ndarray:
    """Round structuring element of a radius in pixels."""
    side = 2 * max(radius, 0) + 1
    return np.asarray(cv2.getStructuringElement(cv2.MORPH_ELLIPSE, (side, side)))


def pull_push(picture: Floats, known: Floats) -> Floats:
    """(H, W, C) float32 with the parts where `known` (H, W) is 0 filled smoothly from the rest.

    Averages of what is known, coarser and coarser, fill what the finer ones leave open
    (Gortler et al., The Lumigraph, 1996).
    """
    picture = np.atleast_3d(picture)
    values = [picture.astype(np.float32) * known[..., None]]
    weights = [known.astype(np.float32)]
    while min(values[-1].shape[:2]) > 4:
        # cv2 drops the last axis of pictures of one channel.
        values.append(np.atleast_3d(np.asarray(cv2.pyrDown(values[-1]), np.float32)))
        weights.append(np.asarray(cv2.pyrDown(weights[-1]), np.float32))
    filled = values[-1] / np.maximum(weights[-1], 1e-4)[..., None]
    for value, weight in zip(values[-2::-1], weights[-2::-1], strict=True):
        coarse = np.atleast_3d(np.asarray(cv2.pyrUp(filled, dstsize=value.shape[1::-1])))
        sure = np.clip(weight * 4, 0, 1)[..., None]
        filled = coarse + sure * (value / np.maximum(weight, 1e-4)[..., None] - coarse)
    return np.where(known[..., None] > 0.999, picture, filled).astype(np.float32)
