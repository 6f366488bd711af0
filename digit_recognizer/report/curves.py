"""Learning curves of a run: loss and errors after each epoch, a thin line for each fold.

In: a run. Out: a figure of either, or a picture of both. What always holds: only finished folds are
drawn.
"""

from typing import Any

from digit_recognizer.experiments.experiment import Augmentation, Experiment
from digit_recognizer.pages.pictures import BLUE, VERMILION, as_png, new_figure, tidy
from digit_recognizer.runs.folder import Run

_LABELS = {"loss": "cross-entropy (nats)", "errors": "errors (%)"}


def draw_curves(run: Run) -> bytes:
    """Return a PNG with both, side by side."""
    figure = new_figure(9, 3.6)
    for axes, what in zip(figure.subplots(1, 2), _LABELS, strict=True):
        _draw(axes, run, what)
    figure.suptitle(f"{run.name}: {count_folds(run)}", fontsize=11, parse_math=False)
    return as_png(figure)


def make_curve(run: Run, what: str) -> Any:
    """Return a figure of the "loss" or the "errors"."""
    figure = new_figure(4.8, 3.4)
    _draw(figure.subplots(), run, what)
    return figure


def count_folds(run: Run) -> str:
    finished, folds = len(run.finished_folds), run.experiment.folds
    return f"{folds} folds" if finished == folds else f"{finished} of {folds} folds"


def explain(experiment: Experiment) -> str:
    """Return what to know before believing the curves."""
    without = ["the average of the weights"] if experiment.average_decay else []
    without += ["the shifts at test time"] if experiment.test_shift else []
    harder = ["on moved images"] if experiment.augmentation != Augmentation() else []
    harder += ["against smoothed labels"] if experiment.label_smoothing else []
    text = (
        "One thin line for each fold. “Held out” is measured on at most 2,000 of the fold's images"
        + (f", without {' and '.join(without)}" if without else "")
        + ", so where it ends is not yet the score above."
    )
    if harder:
        text += f" “Training” may lie higher, since it is measured {' and '.join(harder)}."
    return text


def _draw(axes: Any, run: Run, what: str) -> None:
    from matplotlib.ticker import LogLocator

    is_augmented = run.experiment.augmentation != Augmentation()
    training_label = f"training{', on augmented images' if is_augmented else ''}"
    for index, fold in enumerate(run.finished_folds):
        history = run.fold_history(fold)
        for prefix, colour, label in (
            ("", BLUE, training_label),
            ("held_out_", VERMILION, "held out"),
        ):
            values = (
                history[f"{prefix}loss"]
                if what == "loss"
                else 100 * (1 - history[f"{prefix}accuracy"])
            )
            # Nothing at all is no point on a logarithmic axis; a gap says so.
            axes.plot(
                history["epoch"],
                values.where(values > 0),
                color=colour,
                linewidth=1,
                marker="." if len(history) < 3 else None,
                label=label if index == 0 else None,
            )
    axes.set(xlabel="epoch", ylabel=_LABELS[what], yscale="log")
    axes.yaxis.set_major_locator(LogLocator(subs=(1, 2, 3, 5)))
    axes.yaxis.set_major_formatter("{x:g}")
    axes.yaxis.minorticks_off()
    axes.xaxis.get_major_locator().set_params(integer=True)
    axes.legend()
    tidy(axes)
