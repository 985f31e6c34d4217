"""`limner train motion --data` and `--adapt`: the work lives in `avatar.training.clips`."""

import sys
from collections.abc import Sequence

from avatar.training.clips.__main__ import main as run


def main(arguments: Sequence[str]) -> None:
    """Train on video; ends the process with status 1 where that fails."""
    status = run(list(arguments))
    if status:
        sys.exit(status)
