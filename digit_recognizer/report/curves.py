"""Learning curves of a run as a picture."""

import io

from digit_recognizer.experiments import Augmentation
from digit_recognizer.runs import Run

# Okabe and Ito's blue and vermilion: told apart by everyone, and in grey.
_TRAINING, _HELD_OUT = "#0072B2", "#D55E00"


def draw_curves(run: Run) -> bytes:
    """Return a PNG: loss and errors per epoch, a thin line for each fold."""
    from matplotlib.figure import Figure  # no pyplot: nothing to close, no display asked for
    from matplotlib.ticker import LogFormatter

    figure = Figure(figsize=(9, 3.6), layout="constrained")
    loss_axes, error_axes = figure.subplots(1, 2)
    is_augmented = run.experiment.augmentation != Augmentation()
    training_label = f"training{', on augmented images' if is_augmented else ''}"
    for index, fold in enumerate(run.finished_folds):
        history = run.fold_history(fold)
        for column, colour, label in (
            ("", _TRAINING, training_label),
            ("held_out_", _HELD_OUT, "held out"),
        ):
            style = {"color": colour, "linewidth": 1, "label": label if index == 0 else None}
            loss_axes.plot(history["epoch"], history[f"{column}loss"], **style)
            errors = 100 * (1 - history[f"{column}accuracy"])
            error_axes.plot(history["epoch"], errors, **style)
    loss_axes.set(xlabel="epoch", ylabel="cross-entropy (nats)", yscale="log")
    error_axes.set(xlabel="epoch", ylabel="errors (%)", yscale="log")
    for axes in (loss_axes, error_axes):
        axes.spines[["top", "right"]].set_visible(False)
        axes.yaxis.set_major_formatter("{x:g}")
        axes.yaxis.set_minor_formatter(LogFormatter(minor_thresholds=(1.5, 0.5)))
        axes.xaxis.get_major_locator().set_params(integer=True)
    loss_axes.legend(frameon=False)
    figure.suptitle(f"{run.name}: {len(run.finished_folds)} folds", fontsize=11)
    buffer = io.BytesIO()
    figure.savefig(buffer, format="png", dpi=120)
    return buffer.getvalue()
