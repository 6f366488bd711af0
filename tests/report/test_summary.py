"""The report says what the run folders hold, no more."""

import io
import re
from pathlib import Path

import numpy as np
import pytest
from rich.console import Console

from digit_recognizer.data.dataset import Digits
from digit_recognizer.report import summary
from digit_recognizer.report.summary import write_report
from digit_recognizer.runs.folder import Run
from digit_recognizer.workspace import ProjectError, Workspace, write_file
from tests.made_up_runs import FOLDS, make_labels, make_up_run
from tests.report.made_up_field import train, train_standard

PNG = b"\x89PNG\r\n\x1a\n"


def write(workspace: Workspace, *experiments: str, form: str = "html") -> str:
    output = io.StringIO()
    write_report(workspace, Console(file=output, width=120), list(experiments), form)
    return output.getvalue()


@pytest.fixture
def pages(monkeypatch: pytest.MonkeyPatch) -> dict[str, Digits | None]:
    """Let run pages be quick; return with what digits each was written."""
    written: dict[str, Digits | None] = {}

    def write_run_page(workspace: Workspace, run: Run, train: Digits | None) -> Path:
        written[run.name] = train
        if run.name == "hopeless":
            raise ProjectError("no page for this one")
        path = workspace.reports / f"{run.name}.html"
        write_file(path, b"a page")
        return path

    monkeypatch.setattr(summary, "write_run_page", write_run_page)
    return written


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
        assert f"Written: reports/{run.name}.html" in shown
        assert (workspace.reports / f"{run.name}.html").exists()
    assert text.index("| good |") < text.index("| poor |")


@pytest.mark.usefixtures("pages")
def test_a_run_with_missing_folds_says_so(workspace: Workspace) -> None:
    make_up_run(workspace, "begun", only_folds=(1,))
    assert f"only 1 of {FOLDS}" in write(workspace)
    assert f"only 1 of {FOLDS}" in (workspace.reports / "report.md").read_text()


@pytest.mark.usefixtures("pages")
def test_published_figures_stand_beside_ours(workspace: Workspace) -> None:
    make_up_run(workspace, "conv-32")
    write(workspace)
    assert "98.66 %" in (workspace.reports / "report.md").read_text()
    assert "98.66\u00a0%" in (workspace.reports / "index.html").read_text()


def test_without_runs_it_says_what_to_do(workspace: Workspace) -> None:
    for form in ("html", "md"):
        with pytest.raises(ProjectError, match="make train"):
            write(workspace, form=form)


def test_a_run_whose_metrics_are_gone_is_not_called_none(workspace: Workspace) -> None:
    run = make_up_run(workspace)
    (run.folder / "metrics.json").unlink()
    with pytest.raises(ProjectError) as error:
        write(workspace)
    assert "There are no runs" not in str(error.value)
    assert f"make train EXPERIMENTS={run.name}" in str(error.value)


def test_runs_get_the_digits_that_they_were_trained_on_or_none(
    workspace: Workspace, pages: dict[str, Digits | None]
) -> None:
    ours = train(workspace, "ours")
    make_up_run(workspace, "other")
    assert "Not all were trained on the same data" in write(workspace)
    assert pages["other"] is None
    given = pages["ours"]
    assert given is not None
    assert len(given) == len(ours.folds)


def test_the_index_leads_to_every_page_that_was_written(
    workspace: Workspace, pages: dict[str, Digits | None]
) -> None:
    train_standard(workspace)
    shown = write(workspace)
    assert set(pages) == {"stages", "stages-light"}
    assert "Written: reports/index.html" in shown
    index = (workspace.reports / "index.html").read_text()
    assert 'href="stages.html"' in index
    assert 'href="stages-light.html"' in index


def test_named_runs_only_get_a_page_and_the_index_still_has_all(
    workspace: Workspace, pages: dict[str, Digits | None]
) -> None:
    train_standard(workspace)
    write_file(workspace.reports / "of-a-run-that-is-gone.html", b"kept")
    write(workspace, "stages")
    assert set(pages) == {"stages"}
    index = (workspace.reports / "index.html").read_text()
    assert 'href="stages.html"' in index
    assert "stages-light" in index
    assert 'href="stages-light.html"' not in index, "there is no such page"
    assert (workspace.reports / "of-a-run-that-is-gone.html").read_bytes() == b"kept"
    with pytest.raises(ProjectError, match=r"no run stagse .* There are: stages"):
        write(workspace, "stagse")


@pytest.mark.usefixtures("pages")
def test_a_page_that_fails_costs_no_other(workspace: Workspace) -> None:
    train_standard(workspace)
    train(workspace, "hopeless")
    with pytest.raises(ProjectError, match="hopeless: no page for this one"):
        write(workspace)
    assert 'href="stages.html"' in (workspace.reports / "index.html").read_text()
    assert (workspace.reports / "report.md").exists()


def test_markdown_is_printed_and_nothing_written(
    workspace: Workspace, pages: dict[str, Digits | None]
) -> None:
    runs = train_standard(workspace)
    before = sorted(workspace.root.rglob("*"))
    shown = write(workspace, form="md")
    assert sorted(workspace.root.rglob("*")) == before
    assert pages == {}
    for run in runs:
        assert f"| {run.name} | " in shown
    assert "## Pairs on the same images" in shown
    assert "## Blend standard" in shown
    with pytest.raises(ProjectError, match="FORMAT=pdf"):
        write(workspace, form="pdf")
