"""The page on the data, as a person gets it: from the command, in a browser."""

import io
import json
import re
import signal
from pathlib import Path

import numpy as np
import pytest
from playwright.sync_api import Page
from rich.console import Console

from digit_recognizer.data.dataset import fingerprint_of, load_test, load_train
from digit_recognizer.data.sources import download
from digit_recognizer.data.sources.made import write_competition
from digit_recognizer.report.explore import findings
from digit_recognizer.report.explore.drift import measure_drift
from digit_recognizer.report.explore.embedding import embed
from digit_recognizer.report.explore.write import write_exploration
from digit_recognizer.runs.folder import FoldResult
from digit_recognizer.workspace import ProjectError, Workspace, read_json, write_json
from tests.browser import DESKTOP, PHONE, open_file, require_no_sideways_scrolling
from tests.commands import run, run_well
from tests.made_up_runs import FOLDS, make_experiment, make_fold_result, make_folds, open_made_up


@pytest.fixture(autouse=True)
def _fewer_steps(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(
        findings, "measure_drift", lambda train, test: measure_drift(train, test, trees=2)
    )
    monkeypatch.setattr(findings, "embed", lambda images: embed(images, sample=40, steps=250))


def write(workspace: Workspace) -> str:
    output = io.StringIO()
    write_exploration(workspace, Console(file=output, soft_wrap=True))
    return output.getvalue()


def page_of(workspace: Workspace) -> Path:
    return workspace.reports / "data.html"


def with_copies(folder: Path, source: Workspace) -> Workspace:
    """Return a workspace whose data hold copies: exact, near, and one that contradicts itself."""
    train, test = load_train(source), load_test(source)
    assert train.labels is not None
    images, labels, others = train.images.copy(), train.labels.copy(), test.images.copy()
    images[7], labels[7] = images[3], (labels[3] + 1) % 10
    others[4] = images[11]
    others[5] = np.roll(images[12], 1, axis=1)
    incoming = folder / "with copies"
    incoming.mkdir()
    write_competition(incoming, images, labels, others, np.zeros(len(others), np.uint8))
    workspace = Workspace(folder / "copies")
    download(workspace, str(incoming))
    return workspace


def train_made_up(workspace: Workspace, swapped: dict[int, int]) -> None:
    """Leave a complete run that is sure of every label but these, and of something else there."""
    train, test = load_train(workspace), load_test(workspace)
    assert train.labels is not None
    believed = train.labels.copy()
    for image, digit in swapped.items():
        believed[image] = digit
    folds = make_folds(len(train))
    run = open_made_up(
        workspace,
        make_experiment("judge"),
        labels=train.labels,
        folds=folds,
        data_fingerprint=fingerprint_of(train, test),
    )
    for fold in range(FOLDS):
        made = make_fold_result(fold, train.labels, folds, test_images=len(test))
        sure = np.full((int((folds == fold).sum()), 10), 0.01, np.float32)
        sure[np.arange(len(sure)), believed[folds == fold]] = 0.91
        run.save_fold(FoldResult(**{**vars(made), "oof": sure}))
    run.finish(train.labels)
    write_json(workspace.runs / "latest.json", {"label": "judge", "names": ["judge"]})


def test_it_opens_on_a_desk_and_a_phone_in_light_and_dark(
    workspace: Workspace, tab: Page, tmp_path: Path
) -> None:
    changed = with_copies(tmp_path, workspace)
    train_made_up(changed, {20: 6})
    write(changed)
    for size in (DESKTOP, PHONE):
        for light in ("light", "dark"):
            tab.emulate_media(color_scheme=light)  # type: ignore[arg-type]
            tab.set_viewport_size(size)  # type: ignore[arg-type]
            open_file(tab, page_of(changed))
            require_no_sideways_scrolling(tab)
    assert tab.locator("h2").count() == 7 + 1, "seven questions, and the dialog's"
    broken = "[...document.images].filter((image) => !image.naturalWidth).length"
    assert tab.evaluate(broken) == 0
    assert page_of(changed).stat().st_size < 2e6


def test_figures_on_the_page_are_those_of_the_data(workspace: Workspace, tab: Page) -> None:
    printed = write(workspace)
    train, test = load_train(workspace), load_test(workspace)
    assert train.labels is not None
    open_file(tab, page_of(workspace))
    text = tab.inner_text("body")
    assert fingerprint_of(train, test) in text
    cells = tab.locator("#what ~ .plots table tbody td:nth-child(2)").all_inner_texts()
    assert cells == [str((train.labels == digit).sum()) for digit in range(10)]
    assert f"{(train.images == 0).mean():.2%}".replace("%", "\u00a0%") in text
    assert f"{(test.images == 0).mean():.2%}".replace("%", "\u00a0%") in text
    never = int((train.images == 0).all(axis=0).sum())
    assert f"{never} of the 784 pixels never have ink" in text
    for point in tab.locator("header li").all_inner_texts():
        assert point.replace("\u00a0", " ") in printed
    assert "reports/data.html" in printed


def test_planted_copies_are_shown_with_rows_and_labels(
    workspace: Workspace, tab: Page, tmp_path: Path
) -> None:
    changed = with_copies(tmp_path, workspace)
    printed = write(changed)
    assert "Exact copies: 2 groups, 1 with labels that contradict each other." in printed
    open_file(tab, page_of(changed))
    groups = tab.locator(".group").all()
    alternatives = [
        [image.get_attribute("alt") or "" for image in group.locator("img").all()]
        for group in groups
    ]
    named = [
        {" ".join(re.findall(r"(?:train|test) \d+", each)) for each in g} for g in alternatives
    ]
    assert named[0] == {"train 4", "train 8"}, "what contradicts itself comes first"
    assert named[1] == {"train 12", "test 5"}
    assert {"train 13", "test 6"} in named[2:]
    labels = load_train(changed).labels
    assert labels is not None
    assert alternatives[0] == [f"train {row}, labelled {labels[row - 1]}" for row in (4, 8)]


def test_without_a_run_it_names_the_way_to_one(workspace: Workspace, tab: Page) -> None:
    printed = write(workspace)
    assert "make train" in printed
    open_file(tab, page_of(workspace))
    assert "make train" in tab.locator("#suspects ~ p").all_inner_texts()[0]


def test_suspected_labels_are_shown_first_and_no_others(workspace: Workspace, tab: Page) -> None:
    labels = load_train(workspace).labels
    assert labels is not None
    swapped = {17: int(labels[17] + 1) % 10, 101: int(labels[101] + 3) % 10}
    train_made_up(workspace, swapped)
    assert "2 labels of 240 are suspected to be wrong by judge" in write(workspace)
    open_file(tab, page_of(workspace))
    shown = tab.locator("#suspects ~ .tiles img").all()
    assert [image.get_attribute("alt") for image in shown] == [
        f"train {image + 1}, labelled {labels[image]}, predicted {digit}"
        for image, digit in swapped.items()
    ]


def test_a_run_of_other_data_is_not_asked(workspace: Workspace, tmp_path: Path) -> None:
    changed = with_copies(tmp_path, workspace)
    train_made_up(workspace, {17: 1})
    (changed.runs).mkdir()
    (workspace.runs / "judge").rename(changed.runs / "judge")
    (workspace.runs / "latest.json").rename(changed.runs / "latest.json")
    write(changed)
    assert "other data" in page_of(changed).read_text()
    assert "suspected to be wrong by the networks" not in page_of(changed).read_text()


def test_a_run_that_is_damaged_costs_only_its_section(workspace: Workspace) -> None:
    train_made_up(workspace, {17: 1})
    (workspace.runs / "judge" / "fold-1" / "oof.npy").write_bytes(b"")
    write(workspace)
    assert "is missing or damaged" in page_of(workspace).read_text()


def test_names_from_files_are_escaped(workspace: Workspace, tab: Page) -> None:
    evil = "/tmp/<script>console.log('run')</script><img src=x onerror=alert(1)>[red]"
    source = read_json(workspace.data / "source.json")
    write_json(workspace.data / "source.json", {**source, "origin": evil})
    write(workspace)
    open_file(tab, page_of(workspace))
    assert evil in tab.inner_text("dl")


def test_a_source_without_origin_and_date_is_shown_too(workspace: Workspace) -> None:
    source = read_json(workspace.data / "source.json")
    bare = {"source": "path", "files": source["files"]}
    (workspace.data / "source.json").write_text(json.dumps(bare))
    write(workspace)


def test_the_same_data_give_the_same_bytes(workspace: Workspace) -> None:
    write(workspace)
    first = page_of(workspace).read_bytes()
    write(workspace)
    assert page_of(workspace).read_bytes() == first


def test_without_data_it_says_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(ProjectError, match="make download"):
        write(Workspace(tmp_path))


def test_the_command_writes_it_whole_or_not_at_all(workspace: Workspace) -> None:
    killed = run(workspace, "explore", fault="rename data.html:1")
    assert killed.returncode == -signal.SIGKILL
    assert not page_of(workspace).exists()
    printed = run_well(workspace, "explore")
    assert "240 labelled and 60 test images" in printed
    assert [path.name for path in workspace.reports.iterdir()] == ["data.html"]
