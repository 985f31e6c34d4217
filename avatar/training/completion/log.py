"""Training logs as csv files."""

import csv
from collections.abc import Sequence
from pathlib import Path


def append_row(path: Path, fields: Sequence[str], row: Sequence[str]) -> None:
    """Add a row; a new file begins with the names of its fields."""
    new = not path.exists()
    with path.open("a", newline="") as stream:
        writer = csv.writer(stream)
        if new:
            writer.writerow(fields)
        writer.writerow(row)
