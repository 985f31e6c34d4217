"""The encoder's trainable weights, wherever its training has left them."""

from pathlib import Path

import torch

from avatar.training.motion.config import Config
from avatar.training.motion.model import MotionEncoder
from emotion.errors import ConfigError

CHECKPOINT = Path(__file__).parents[1] / "motion" / "checkpoints" / "motion.safetensors"


def load_encoder(path: Path = CHECKPOINT) -> MotionEncoder:
    """From .safetensors, or a .pt checkpoint of `limner train motion` (its averaged weights).

    Raises ConfigError if the file is missing or belongs to another net.
    """
    remedy = "Give one with --encoder, or train it: limner train motion --shards DIR."
    if not path.is_file():
        raise ConfigError(f"The encoder's weights {path} are missing.", remedy)
    model = MotionEncoder(Config())
    try:
        if path.suffix == ".safetensors":
            from safetensors.torch import load_file

            state = {key: value.float() for key, value in load_file(path).items()}
        else:
            stored = torch.load(path, weights_only=True, map_location="cpu")
            state = stored.get("average", stored)
        model.load_state_dict(state)
    except (RuntimeError, OSError, ValueError) as error:
        said = str(error).splitlines()[0]
        raise ConfigError(f"The encoder's weights {path} cannot be used: {said}", remedy) from error
    return model
