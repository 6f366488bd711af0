"""A run's figures as Markdown, in its own folder.

In: metrics, folds, the names of the pictures. Out: `report.md`. What always holds: the same figures
as on the page, and a name from a file is text and never markup.
"""

from typing import Any

from digit_recognizer.pages.markdown import escape, format_table
from digit_recognizer.report.run_page.record import FoldRecord
from digit_recognizer.scores import Score, format_percent

_TITLES = {
    "curves": "Learning curves",
    "confusion": "Confusion matrix: rows by label, columns by prediction",
    "calibration": "Calibration curve",
}


def write_markdown(
    name: str,
    metrics: dict[str, Any],
    folds: list[FoldRecord],
    pictures: list[str],
    command: str | None,
    verdict: str | None,
) -> bytes:
    overall = Score(metrics["errors"], metrics["images"])
    lines = [
        f"# {escape(name)}",
        "",
        f"Out of fold: {overall}, log loss {metrics['log_loss']:.4f}.",
    ]
    error = metrics.get("expected_calibration_error")
    if error is not None:
        lines += [f"Expected calibration error: {error:.4f}. {verdict or ''}".rstrip()]
    if len(folds) < metrics["folds"]:
        lines += ["", f"**Only {len(folds)} of {metrics['folds']} folds are there.**"]
    lines += ["", format_table(_fold_rows(folds), range(6)).rstrip()]
    if "per_class" in metrics:
        lines += ["", format_table(_digit_rows(metrics["per_class"]), range(5)).rstrip()]
    if command:
        lines += ["", "To train it again:", "", f"    {command}"]
    for picture in pictures:
        lines += ["", f"![{_TITLES[picture]}](plots/{picture}.png)"]
    return ("\n".join(lines) + "\n").encode()


def _fold_rows(folds: list[FoldRecord]) -> list[tuple[str, ...]]:
    heading = ("fold", "images", "errors", "accuracy", "seconds", "training images/s")
    return [
        heading,
        *(
            (
                str(each.fold),
                f"{each.images:,}",
                f"{each.errors:,}",
                format_percent(each.accuracy, 3),
                f"{each.seconds:.0f}",
                f"{each.images_per_second:,.0f}",
            )
            for each in folds
        ),
    ]


def _digit_rows(digits: dict[str, dict[str, Any]]) -> list[tuple[str, ...]]:
    return [
        ("digit", "images", "precision", "recall", "F1"),
        *(
            (
                digit,
                f"{each['images']:,}",
                *(f"{each[measure]:.4f}" for measure in ("precision", "recall", "f1")),
            )
            for digit, each in digits.items()
        ),
    ]
