"""What is not what it should be stops before anybody is asked."""

import dataclasses
import io
from collections.abc import Callable

import pytest
from rich.console import Console

from digit_recognizer.compete import attempt
from digit_recognizer.compete.attempt import upload_and_wait
from digit_recognizer.compete.ledger import Entry, add_entry, list_entries, update_entry
from digit_recognizer.compete.upload import upload
from digit_recognizer.workspace import ProjectError, Workspace, sha256_of
from tests.compete.test_ledger import ENTRY
from tests.conftest import TEST_ROWS

RIGHT = "ImageId,Label\n" + "".join(f"{n},{n % 10}\n" for n in range(1, TEST_ROWS + 1))


def record(workspace: Workspace, contents: bytes) -> Entry:
    """A row whose hash is that of its file: only what the file says can be wrong with it."""
    workspace.submissions.mkdir()
    (workspace.submissions / ENTRY.file).write_bytes(contents)
    return add_entry(workspace, dataclasses.replace(ENTRY, sha256=sha256_of(contents)))


@pytest.fixture(autouse=True)
def _nobody_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    def connect(_: Console) -> None:
        raise AssertionError("Kaggle was asked")

    monkeypatch.setattr(attempt, "connect", connect)


def try_to_upload(workspace: Workspace, entry: Entry, force: bool = False) -> None:
    upload_and_wait(workspace, entry, None, force, 0, Console(file=io.StringIO()))


@pytest.mark.parametrize(
    "damage",
    [
        pytest.param(lambda text: text.replace("\n1,1", "\n0,1"), id="counts from 0"),
        pytest.param(lambda text: text.replace("\n3,", "\n2,"), id="an id twice"),
        pytest.param(lambda text: text.replace("\n5,5", ""), id="a row is missing"),
        pytest.param(lambda text: text + "61,1\n", id="a row too many"),
        pytest.param(lambda text: text.replace("\n9,9", "\n9,10"), id="label 10"),
        pytest.param(lambda text: text.replace("\n3,3", "\n3,3.0"), id="label 3.0"),
        pytest.param(lambda text: text.replace("\n3,3", "\n3,"), id="no label"),
        pytest.param(lambda text: text.replace("\n3,3", "\n3,-3"), id="label -3"),
        pytest.param(lambda text: text.replace("\n3,3\n4,4", "\n4,4\n3,3"), id="other order"),
        pytest.param(lambda text: text.replace("ImageId", "Id"), id="other header"),
        pytest.param(lambda text: text.replace("\n", "\r\n"), id="line ends of Windows"),
        pytest.param(lambda text: "\ufeff" + text, id="byte order mark"),
        pytest.param(lambda text: text[:-1], id="the last line is cut"),
        pytest.param(lambda _: "", id="empty"),
    ],
)
@pytest.mark.parametrize("force", [False, True])
def test_a_file_that_is_no_submission_is_not_uploaded(
    workspace: Workspace, damage: Callable[[str], str], force: bool
) -> None:
    assert damage(RIGHT) != RIGHT
    entry = record(workspace, damage(RIGHT).encode())
    with pytest.raises(ProjectError, match=r"not valid: .* Nothing was written or sent"):
        try_to_upload(workspace, entry, force)
    assert list_entries(workspace) == [entry]


def test_a_file_that_is_another_valid_one_or_gone_is_not_uploaded(workspace: Workspace) -> None:
    entry = record(workspace, RIGHT.encode())
    with pytest.raises(AssertionError, match="Kaggle was asked"):
        try_to_upload(workspace, entry)
    path = workspace.submissions / entry.file
    path.write_text(RIGHT.replace("\n1,1", "\n1,2"))
    with pytest.raises(ProjectError, match="was changed since it was written"):
        try_to_upload(workspace, entry)
    path.unlink()
    with pytest.raises(ProjectError, match="is gone"):
        try_to_upload(workspace, entry)


@pytest.mark.parametrize("status", ["complete", "error"])
def test_the_same_labels_are_refused_before_anybody_is_asked(
    workspace: Workspace, status: str
) -> None:
    entry = record(workspace, RIGHT.encode())
    other = add_entry(workspace, dataclasses.replace(entry, number=None, lineup="another"))
    update_entry(workspace, other, status=status, uploaded_at="2026-01-02T03:05:00+00:00")
    with pytest.raises(ProjectError, match=r"very same labels .* FORCE=1"):
        try_to_upload(workspace, entry)


def test_a_row_that_another_command_has_sent_meanwhile_is_not_sent(workspace: Workspace) -> None:
    entry = record(workspace, RIGHT.encode())
    update_entry(workspace, entry, status="pending", kaggle_ref=7)
    nobody = object()
    with pytest.raises(ProjectError, match="by another command"):
        upload(workspace, entry, None, nobody, Console(quiet=True))  # type: ignore[arg-type]
    assert list_entries(workspace)[0].kaggle_ref == 7
