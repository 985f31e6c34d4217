"""`limner evaluate`: starts an evaluation in a process of its own.

The work lives in `avatar.training.evaluate`, which serving code never imports.
"""

import subprocess
import sys
from collections.abc import Sequence

MODULE = "avatar.training.evaluate"


def run(what: str, arguments: Sequence[str]) -> int:
    """Run one evaluation with its own options; its exit status."""
    return subprocess.run([sys.executable, "-m", MODULE, what, *arguments], check=False).returncode
