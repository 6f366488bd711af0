"""Write the page of one run.

In: a run, and the images it was trained on. Out: `reports/<experiment>.html`, and in the run's own
folder `report.md` and `plots/*.png`. What always holds: every figure is computed from the run's
files, and where the data are not those of the run, what needs them is left out and the page says
so.
"""

from pathlib import Path
from typing import Any

import numpy as np

from digit_recognizer.data.dataset import Digits
from digit_recognizer.pages.page import find_links, render
from digit_recognizer.pages.pictures import as_png, as_svg
from digit_recognizer.report.curves import draw_curves, explain, make_curve
from digit_recognizer.report.run_page.calibration import (
    describe,
    draw_counts,
    draw_reliability,
    judge,
)
from digit_recognizer.report.run_page.confusion import draw_confusions, make_cells, most_confused
from digit_recognizer.report.run_page.gallery import (
    AT_ONCE,
    MOST_ERRORS,
    Scored,
    make_gallery,
    preview,
    show_suspected_labels,
)
from digit_recognizer.report.run_page.markdown import write_markdown
from digit_recognizer.report.run_page.record import (
    adopt_again,
    find_command,
    means_another_today,
    read_environment,
    read_experiment,
    read_folds,
)
from digit_recognizer.runs.folder import Run
from digit_recognizer.scores import (
    ConfidenceBin,
    Score,
    bin_by_confidence,
    count_confusions,
    format_percent,
)
from digit_recognizer.workspace import (
    ProjectError,
    Workspace,
    sweep_temporaries,
    write_file,
)

_TEMPLATE = Path(__file__).with_name("run.html")
# Pages that are no run's, though a run may be called so.
_TAKEN = {"index", "data", "explain", "compare"}


def name_page(run_name: str) -> str:
    """Return the file's name; no run is called anything with a dot in it."""
    return f"{run_name}.run.html" if run_name.lower() in _TAKEN else f"{run_name}.html"


def write_run_page(workspace: Workspace, run: Run, train: Digits | None) -> Path:
    """Write the run's page and files; `train` is None where the data are others than the run's."""
    finished = run.finished_folds
    if not finished:
        raise ProjectError(f"{run.folder} has no finished fold, so there is nothing to show.")
    labels = None if train is None else train.labels
    metrics = run.metrics if labels is None else run.measure(labels)
    # Without the labels there are only the figures written when these folds were there.
    stale = sorted(set(metrics["finished_folds"]) ^ set(finished))
    metrics = {**metrics, "finished_folds": sorted({*metrics["finished_folds"]} & {*finished})}
    folds = read_folds(run, metrics)
    values = {
        "name": run.name,
        "links": find_links(workspace.reports, name_page(run.name)),
        "experiment": run.experiment,
        "metrics": metrics,
        "score": Score(metrics["errors"], metrics["images"]),
        "missing": sorted(set(range(run.experiment.folds)) - set(finished)),
        "stale": stale,
        "folds": folds,
        "has_folds": run.experiment.folds > 1,
        "adopted": run.config.get("adopted") if run.is_adopted else None,
        "curves": [] if run.is_adopted else [_draw_curve(run, what) for what in ("loss", "errors")],
        "curve_note": explain(run.experiment),
        "command": adopt_again(run.name, run.config.get("adopted", {}))
        if run.is_adopted
        else find_command(run.experiment),
        "means_another": means_another_today(run.experiment),
        "config": read_experiment(run),
        "environment": read_environment(run, finished),
        "data": run.config["data"],
    }
    pictures = {} if run.is_adopted else {"curves": draw_curves(run)}
    if train is None or labels is None:
        values["details"] = None
    else:
        scored = _select(run, train.images, labels)
        values["details"] = _show_images(run, scored)
        values["details"]["preview"] = preview(train.images, run.experiment)
        pictures |= _draw_files(scored)
    for name, png in pictures.items():
        write_file(run.folder / "plots" / f"{name}.png", png)
    sweep_temporaries(run.folder / "plots")
    verdict = values["details"]["verdict"] if values["details"] else None
    write_file(
        run.folder / "report.md",
        write_markdown(run.name, metrics, folds, list(pictures), values["command"], verdict),
    )
    path = workspace.reports / name_page(run.name)
    write_file(path, render(_TEMPLATE, **values).encode())
    return path


def _select(run: Run, images: np.ndarray, labels: np.ndarray) -> Scored:
    held_out, probabilities = run.load_scored()
    return Scored(images[held_out], labels[held_out], probabilities, np.flatnonzero(held_out))


def _show_images(run: Run, scored: Scored) -> dict[str, Any]:
    """Return what the page can show only of the images themselves."""
    confusions = count_confusions(scored.labels, scored.predicted)
    bins = bin_by_confidence(scored.labels, scored.probabilities)
    gallery = make_gallery(scored)
    suspects, all_suspected = show_suspected_labels(scored)
    return {
        "cells": make_cells(confusions, gallery.count_kinds()),
        "confused": most_confused(confusions, 5),
        "classification": _report_as_text(scored),
        "verdict": describe(
            judge(scored.labels, scored.probabilities), run.experiment.label_smoothing
        ),
        "reliability": _draw_reliability(bins),
        "counts": _draw_counts(bins),
        "gallery": gallery,
        "at_once": AT_ONCE,
        "most_errors": MOST_ERRORS,
        "suspects": suspects,
        "all_suspected": all_suspected,
    }


def _report_as_text(scored: Scored) -> str:
    """Return scikit-learn's table, which people know from tutorials."""
    from sklearn.metrics import classification_report

    return str(
        classification_report(
            scored.labels, scored.predicted, labels=range(10), digits=4, zero_division=0
        )
    )


def _draw_curve(run: Run, what: str) -> Any:
    return as_svg(make_curve(run, what), f"{what} of each epoch, training and held out, by fold")


def _draw_reliability(bins: list[ConfidenceBin]) -> Any:
    spoken = "; ".join(
        f"at {format_percent(each.confidence)} confidence {format_percent(each.accuracy, 1)} right"
        for each in bins
        if each.images
    )
    return as_svg(draw_reliability(bins), f"Calibration curve: {spoken}")


def _draw_counts(bins: list[ConfidenceBin]) -> Any:
    spoken = "; ".join(
        f"{each.images:,} above {format_percent(each.low)} and up to {format_percent(each.high)}"
        for each in bins
        if each.images
    )
    return as_svg(draw_counts(bins), f"Images by confidence: {spoken}")


def _draw_files(scored: Scored) -> dict[str, bytes]:
    confusions = count_confusions(scored.labels, scored.predicted)
    bins = bin_by_confidence(scored.labels, scored.probabilities)
    return {
        "confusion": as_png(draw_confusions(confusions)),
        "calibration": as_png(draw_reliability(bins)),
    }
