"""`limner synthesize`: starts the synthetic world in a process of its own.

The work lives in `avatar.training.synthetic`, which serving code never imports.
"""

import subprocess
import sys
from collections.abc import Sequence

MODULE = "avatar.training.synthetic"


def run(arguments: Sequence[str]) -> int:
    """Make a set of shards with the module's own options; its exit status."""
    return subprocess.run([sys.executable, "-m", MODULE, *arguments], check=False).returncode
