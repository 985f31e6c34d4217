"""The curve of a fine-tuning, from its log."""

from pathlib import Path

from avatar.training.motion.plot import read


def plot(log: Path, picture: Path) -> None:
    """Draw held-out difference of pictures and landmarks over the minutes."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    columns = read(log)
    minutes = [seconds / 60 for seconds in columns["seconds"]]
    figure, axes = pyplot.subplots(1, 2, figsize=(9, 3.4))
    for name in ("held_picture", "held_unmoved"):
        if name in columns:
            axes[0].plot(minutes, columns[name], label=name)
    axes[0].plot(minutes[1:], columns["loss_picture"][1:], ":", label="training")
    axes[0].set(xlabel="minutes", ylabel="difference of pictures", ylim=(0, None))
    axes[0].legend(fontsize=7)
    if "held_landmarks" in columns:
        axes[1].plot(minutes, columns["held_landmarks"])
    axes[1].set(xlabel="minutes", ylabel="held-out landmarks, px at 256", ylim=(0, None))
    figure.tight_layout()
    figure.savefig(picture, dpi=90)
    pyplot.close(figure)
