"""The curve of the encoder's training, from its log."""

import csv
from pathlib import Path

GROUPS = ("jaw", "smile", "brows", "blink", "gaze", "pose")


def read(log: Path) -> dict[str, list[float]]:
    """Columns of a log by name."""
    with log.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    return {name: [float(row[name]) for row in rows] for name in (rows[0] if rows else {})}


def plot(log: Path, picture: Path) -> None:
    """Draw held-out R2 of the rig and errors in mm over the minutes."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    columns = read(log)
    minutes = [seconds / 60 for seconds in columns["seconds"]]
    figure, axes = pyplot.subplots(1, 3, figsize=(13, 3.6))
    for axis, kind in zip(axes, ("render", "photo"), strict=False):
        for group in GROUPS:
            axis.plot(minutes, columns.get(f"{kind}_r2_{group}", [0.0] * len(minutes)), label=group)
        axis.set(xlabel="minutes", ylabel=f"held-out R2, {kind}s", ylim=(0, 1))
        axis.legend(fontsize=7)
    for kind, style in (("render", "-"), ("photo", "--")):
        for part in ("face", "lips", "lids"):
            values = columns.get(f"{kind}_{part}_mm", [0.0] * len(minutes))
            axes[2].plot(minutes, values, style, label=f"{part}, {kind}s")
    axes[2].set(xlabel="minutes", ylabel="held-out rms, mm", ylim=(0, None))
    axes[2].legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(picture, dpi=90)
    pyplot.close(figure)
