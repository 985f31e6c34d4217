"""Pictures of the training: its curve, and what is taken for what."""

import csv
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from emotion.text_net import CLASSES


def plot_text(log: Path, picture: Path) -> None:
    """Held-out macro-F1 and the terms of the loss over the steps."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    with log.open(newline="") as stream:
        rows = list(csv.DictReader(stream))
    steps = [int(row["step"]) for row in rows]
    figure, axes = pyplot.subplots(1, 2, figsize=(10, 3.6))
    for name, label in (("dev_f1_half", "threshold 0.5"), ("dev_f1_best", "best thresholds")):
        axes[0].plot(steps, [float(row[name]) for row in rows], "o-", label=label)
    axes[0].axhline(0.64, color="grey", linestyle=":", label="BERT, published (test)")
    axes[0].set(xlabel="steps of 64 texts", ylabel="macro-F1, GoEmotions dev")
    for name in ("presence", "degree", "reading", "contrast"):
        if name in rows[0]:
            axes[1].plot(steps, [float(row[name]) for row in rows], "o-", label=name)
    axes[1].set(xlabel="steps of 64 texts", ylabel="training loss", yscale="log")
    for axis in axes:
        axis.legend(fontsize=8)
    figure.tight_layout()
    figure.savefig(picture, dpi=90)
    pyplot.close(figure)


def plot_confusion(table: NDArray[np.int64], picture: Path) -> None:
    """(7, 7) counts as shares of each row."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    shares = table / np.maximum(table.sum(1, keepdims=True), 1)
    figure, axis = pyplot.subplots(figsize=(6, 5.2))
    axis.imshow(shares, cmap="Blues", vmin=0, vmax=1)
    for row, column in np.ndindex(*shares.shape):
        dark = shares[row, column] > 0.55
        axis.text(
            column, row, f"{shares[row, column]:.2f}", ha="center", va="center",
            color="white" if dark else "black", fontsize=9,
        )  # fmt: skip
    axis.set_xticks(range(len(CLASSES)), CLASSES, rotation=35, ha="right")
    names = [f"{name} ({count})" for name, count in zip(CLASSES, table.sum(1), strict=True)]
    axis.set_yticks(range(len(CLASSES)), names)
    axis.set(xlabel="read", ylabel="said by people (texts)", title="GoEmotions test, strongest")
    figure.tight_layout()
    figure.savefig(picture, dpi=90)
    pyplot.close(figure)
