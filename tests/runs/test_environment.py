"""What goes on record is what the result depends on, also where there is no git."""

from pathlib import Path

import pytest

from digit_recognizer.runs import environment
from digit_recognizer.runs.environment import (
    COMMIT_FILE,
    current_commit,
    find_older_keras,
    warn_of_old_keras,
)
from digit_recognizer.workspace import ProjectError, Workspace, project_root


def test_a_copy_of_the_code_knows_the_commit_it_was_made_from(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(environment, "project_root", lambda: tmp_path)
    assert current_commit() == "none"
    (tmp_path / COMMIT_FILE).write_text("abc+\n")
    assert current_commit() == "abc+"


@pytest.mark.parametrize(
    ("version", "older"),
    [("3.15.1", None), ("3.16.0rc1", None), ("4.0", None), ("3.15.0", "3.15.0"), ("3.5", "3.5")],
)
def test_an_older_keras_is_told_of(
    monkeypatch: pytest.MonkeyPatch, version: str, older: str | None
) -> None:
    monkeypatch.setattr(environment, "_version", lambda library: version)
    assert find_older_keras() == older
    warning = warn_of_old_keras()
    assert (warning or "").startswith(f"Keras {older} is older than 3.15.1" if older else "")


@pytest.mark.parametrize("version", ["2.15.0", "3.4.1", None])
def test_a_keras_that_cannot_do_it_is_refused(
    monkeypatch: pytest.MonkeyPatch, version: str | None
) -> None:
    monkeypatch.setattr(environment, "_version", lambda library: version)
    with pytest.raises(ProjectError, match=r"expected 3\.5 or later, best 3\.15\.1"):
        find_older_keras()


def test_the_workspace_is_where_one_may_write(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert Workspace.current().root == project_root()
    monkeypatch.setenv("KAGGLE_KERNEL_RUN_TYPE", "Batch")
    assert Workspace.current().root == Path("/kaggle/working")
    monkeypatch.setenv("DIGIT_RECOGNIZER_HOME", str(tmp_path))
    assert Workspace.current().root == tmp_path.resolve()
