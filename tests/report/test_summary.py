"""The report says what the run folders hold, no more."""

import io
import re

import numpy as np
import pytest
from rich.console import Console

from digit_recognizer.report.summary import write_report
from digit_recognizer.runs import Run
from digit_recognizer.workspace import ProjectError, Workspace
from tests.made_up_runs import FOLDS, make_labels, make_up_run

PNG = b"\x89PNG\r\n\x1a\n"


def write(workspace: Workspace) -> str:
    output = io.StringIO()
    write_report(workspace, Console(file=output, width=120))
    return output.getvalue()


def errors_counted_anew(run: Run) -> int:
    probabilities = np.load(run.folder / "oof.npy")
    return sum(
        int(np.argmax(row)) != int(label)
        for row, label in zip(probabilities, make_labels(), strict=True)
    )


def test_every_run_is_there_with_its_errors_and_best_first(workspace: Workspace) -> None:
    good = make_up_run(workspace, "good", skill=4.0, seed=1)
    poor = make_up_run(workspace, "poor", skill=1.0, seed=2)
    assert errors_counted_anew(good) < errors_counted_anew(poor)
    shown = write(workspace)
    text = (workspace.reports / "report.md").read_text()
    for run in (good, poor):
        counted = rf"{errors_counted_anew(run)} of {len(make_labels())}"
        assert re.search(rf"{run.name} .*\b{counted}\b", shown)
        assert re.search(rf"\| {run.name} .*\| {counted} \| all {FOLDS} \|", text)
        assert (workspace.reports / f"{run.name}.png").read_bytes().startswith(PNG)
    assert text.index("| good |") < text.index("| poor |")


def test_a_run_with_missing_folds_says_so(workspace: Workspace) -> None:
    make_up_run(workspace, "begun", only_folds=(1,))
    assert f"only 1 of {FOLDS}" in write(workspace)
    assert f"only 1 of {FOLDS}" in (workspace.reports / "report.md").read_text()


def test_published_figures_stand_beside_ours(workspace: Workspace) -> None:
    make_up_run(workspace, "conv-32")
    write(workspace)
    assert "98.66 %" in (workspace.reports / "report.md").read_text()


def test_without_runs_it_says_what_to_do(workspace: Workspace) -> None:
    with pytest.raises(ProjectError, match="make train"):
        write(workspace)
