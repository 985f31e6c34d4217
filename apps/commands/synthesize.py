"""`limner synthesize`: renders faces, or makes performances, in a process of its own.

The work lives in `avatar.training.synthetic`, which serving code never imports.
"""

import subprocess
import sys
from collections.abc import Sequence

FACES = "avatar.training.synthetic"
PERFORMANCES = "avatar.training.performance"


def run(arguments: Sequence[str]) -> int:
    """Make a set of shards with the module's own options; its exit status.

    "performances" as the first argument makes speech with motion instead of pictures.
    """
    wanted, options = FACES, list(arguments)
    if options[:1] == ["performances"]:
        wanted, options = PERFORMANCES, options[1:]
    return subprocess.run([sys.executable, "-m", wanted, *options], check=False).returncode
