"""The curve of the reasoner's training, from its log."""

from pathlib import Path

from avatar.training.motion.plot import read

LIPS = ("phones_corr", "audio_corr", "shuffled_corr", "phones_closed", "audio_closed", "felt_corr")


def plot(log: Path, picture: Path) -> None:
    """Draw losses, held-out lips and held-out feelings over the steps."""
    import matplotlib

    matplotlib.use("Agg")
    from matplotlib import pyplot

    columns = read(log)
    figure, axes = pyplot.subplots(1, 3, figsize=(15, 4))
    for name, values in columns.items():
        if name.startswith("loss_") and name != "loss_norm":
            axes[0].plot(columns["step"], values, label=name.removeprefix("loss_"))
        elif name in LIPS:
            axes[1].plot(columns["step"], values, label=name)
        elif name.startswith("felt_error"):
            axes[2].plot(columns["step"], values, label=name.removeprefix("felt_error_"))
    axes[0].set(title="losses", yscale="log", xlabel="step")
    axes[1].set(title="held-out voices, closed loop", ylim=(0, 1), xlabel="step")
    axes[2].set(title="held-out rig error by feeling", xlabel="step")
    for axis in axes:
        if axis.lines:
            axis.legend(fontsize=7)
    figure.tight_layout()
    figure.savefig(picture, dpi=90)
    pyplot.close(figure)
