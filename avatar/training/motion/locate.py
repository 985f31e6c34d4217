"""Where landmarks lie in the cuts of frames, as the landmark nets' first look finds them."""

import numpy as np
import torch

from avatar.semo.types import Bytes, Floats
from avatar.training.motion.batches import Jitter, cut, cut_matrix
from avatar.training.motion.model import Locator

_AT_ONCE = 32


def located(images: Bytes) -> Floats:
    """(F,C,C,3) cuts to (F,150,2) px of them."""
    locator = Locator().eval()
    matrix = cut_matrix(Jitter())
    back = np.linalg.inv(matrix[:, :2]).T
    parts = []
    with torch.inference_mode():
        for start in range(0, len(images), _AT_ONCE):
            inputs = [cut(one, Jitter(), False)[0] for one in images[start : start + _AT_ONCE]]
            stack = torch.from_numpy(np.stack(inputs)).permute(0, 3, 1, 2).float()
            parts.append(locator(stack).numpy())
    points = np.concatenate(parts)
    return np.asarray((points - 0.5 - matrix[:, 2]) @ back + 0.5, np.float32)
