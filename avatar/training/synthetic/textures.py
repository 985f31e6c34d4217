"""Mip chains of a person's textures in one array."""

from collections.abc import Sequence

import cv2
import numpy as np

from avatar.training.synthetic.buffers import Bytes, Ints

LEVELS = 9
SMALLEST = 8  # side of the last level, px


def with_alpha(image: Bytes) -> Bytes:
    """(H,W), (H,W,3) or (H,W,4) to (H,W,4); opaque where nothing else is said."""
    if image.ndim == 2:
        image = np.repeat(image[..., None], 3, axis=2)
    if image.shape[2] == 3:
        opaque = np.full((*image.shape[:2], 1), 255, np.uint8)
        image = np.concatenate([image, opaque], axis=2)
    return np.ascontiguousarray(image, np.uint8)


def mip_chain(image: Bytes) -> list[Bytes]:
    """(H,W[,C]) as (H,W,4) and its halvings; colour is averaged where there is something to see."""
    chain = [with_alpha(image)]
    while len(chain) < LEVELS and min(chain[-1].shape[:2]) >= 2 * SMALLEST:
        last = chain[-1].astype(np.float32)
        weight = last[..., 3:] + 1
        size = (last.shape[1] // 2, last.shape[0] // 2)
        joined = np.concatenate([last[..., :3] * weight, weight], axis=2)
        small = np.asarray(cv2.resize(joined, size, interpolation=cv2.INTER_AREA), np.float32)
        small = np.concatenate([small[..., :3] / small[..., 3:], small[..., 3:] - 1], axis=2)
        chain.append((small + 0.5).clip(0, 255).astype(np.uint8))
    return chain


def pack_textures(chains: Sequence[Sequence[Bytes]]) -> tuple[Bytes, Ints]:
    """Mip chains to texels (B,4) and levels (X,LEVELS,3); missing levels repeat the last."""
    levels = np.zeros((len(chains), LEVELS, 3), np.int32)
    at = 0
    for x, chain in enumerate(chains):
        for level, image in enumerate(chain):
            levels[x, level:] = at, image.shape[1], image.shape[0]
            at += image.shape[0] * image.shape[1]
    texels = np.concatenate([image.reshape(-1, 4) for chain in chains for image in chain])
    return np.ascontiguousarray(texels), levels
