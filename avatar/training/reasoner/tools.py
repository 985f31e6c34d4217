"""What the commands share: takes with their features, and the latents of labels."""

import logging
from functools import partial
from pathlib import Path

import torch
from torch import Tensor

from avatar.audio_encoder import WEIGHTS as AUDIO_WEIGHTS
from avatar.audio_encoder import AudioEncoder
from avatar.semo.loading import SURFACE
from avatar.training.reasoner.flow import LatentsOf
from avatar.training.reasoner.takes import Takes, fingerprint, kept_features, load_takes
from emotion.latent_net import LatentNet, load_latent_net

LOG = logging.getLogger(__name__)


def takes_of(folders: list[Path], cache: Path, most: int | None = None) -> Takes:
    """The takes of some folders in memory, their features made once and kept in the cache.

    most: takes of each folder. Raises ValueError if there are none.
    """
    encoder = AudioEncoder()
    kept = cache / fingerprint(AUDIO_WEIGHTS, SURFACE)
    found = [path for folder in folders for path in sorted(folder.glob("*.npz"))[:most]]
    takes = load_takes(kept_features(path, kept, encoder.features) for path in found)
    LOG.info("%d takes, %d frames", len(takes), len(takes.rig))
    return takes


def label_latents() -> LatentsOf:
    """The frozen latents of labels: (B,6) strengths to (B,4,64)."""
    return partial(_latents, load_latent_net())


@torch.no_grad()
def _latents(net: LatentNet, strengths: Tensor) -> Tensor:
    return net.label_latents(strengths)
