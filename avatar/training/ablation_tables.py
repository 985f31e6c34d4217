"""Tables of ablations: the last figures of short runs, and their logs, side by side."""

import csv
from collections.abc import Mapping
from pathlib import Path
from typing import Any


def log_rows(name: str, log: Mapping[str, list[float]]) -> list[dict[str, object]]:
    """The rows of one run's log (columns by name, one of them `step`), each with the run's name."""
    return [
        {"name": name, **{column: values[k] for column, values in log.items()}}
        for k in range(len(log["step"]))
    ]


def write_table(path: Path, rows: list[dict[str, Any]]) -> None:
    """Write rows as CSV; columns are all names that occur, numbers have four digits."""
    names = list(dict.fromkeys(name for row in rows for name in row))
    with path.open("w", newline="") as stream:
        writer = csv.DictWriter(stream, names)
        writer.writeheader()
        for row in rows:
            short = {k: f"{v:.4g}" if isinstance(v, float) else v for k, v in row.items()}
            writer.writerow(short)
