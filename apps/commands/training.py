"""`limner train`: starts a training in a process of its own.

The work lives in `avatar.training` and `emotion.training`, which serving code never imports.
"""

import subprocess
import sys

from emotion.errors import ConfigError

PARTS = {
    "intake": "avatar.training.intake",
    "surface": "avatar.training.surface",
    "completion": "avatar.training.completion",
    "motion": "avatar.training.motion",
    "image-space": "avatar.training.image_space",
    "audio": "avatar.training.audio",
    "reasoner": "avatar.training.reasoner",
    "emotion": "emotion.training",
}


def run(part: str, arguments: list[str]) -> int:
    """Run one part's training with its own options; its exit status.

    Raises ConfigError for an unknown part.
    """
    if part not in PARTS:
        raise ConfigError(
            f"There is nothing to train that is called {part!r}.",
            f"Use one of: {', '.join(PARTS)}.",
        )
    return subprocess.run([sys.executable, "-m", PARTS[part], *arguments], check=False).returncode
