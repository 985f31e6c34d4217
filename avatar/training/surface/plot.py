"""The curve of a surface's training, from its log."""

import csv
from pathlib import Path


def plot(log: Path, picture: Path) -> None:
    """Draw the log's position errors (mm) and the worst rig R2 over the steps."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    with log.open(newline="") as file:
        rows = [{key: float(value) for key, value in row.items()} for row in csv.DictReader(file)]
    steps = [row["step"] for row in rows]
    figure, (left, right) = pyplot.subplots(1, 2, figsize=(9, 3.2))
    for name in ("face_mm", "lips_mm", "lids_mm", "identity_mm"):
        left.plot(steps, [row[name] for row in rows], label=name.removesuffix("_mm"))
    left.set(xlabel="step", ylabel="held-out rms, mm", ylim=(0, None))
    left.legend()
    right.semilogy(steps, [1 - row["r2_worst"] for row in rows], label="worst parameter")
    right.semilogy(steps, [1 - row["r2_median"] for row in rows], label="median")
    right.set(xlabel="step", ylabel="1 - R2 of the rig read from tokens")
    right.legend()
    figure.tight_layout()
    figure.savefig(picture, dpi=90)
    pyplot.close(figure)
