"""What an upload is called says which run it is, and is read back without loss."""

import dataclasses

import pytest

from digit_recognizer.compete.message import compose_message, find_run_id, read_message
from digit_recognizer.scores import Score
from tests.compete.test_ledger import ENTRY

COMMIT = "0123456789abcdef0123456789abcdef01234567"


@pytest.mark.parametrize("errors", [0, 1, 120, 286, 12_345, 41_999, 42_000])
@pytest.mark.parametrize("commit", [COMMIT, f"{COMMIT}+"])
def test_the_figures_come_back_to_the_last_image(errors: int, commit: str) -> None:
    entry = dataclasses.replace(ENTRY, oof_errors=errors, git_commit=commit)
    message = compose_message(entry)
    assert "\n" not in message
    facts = read_message(message)
    assert facts.lineup == entry.lineup
    assert facts.score == Score(errors, 42_000)
    assert facts.run_id == entry.run_id
    assert facts.git_commit == "0123456" + "+" * commit.endswith("+")


def test_a_person_s_own_words_are_kept_and_name_the_run_once() -> None:
    run = f"run={ENTRY.run_id}"
    assert compose_message(ENTRY, "with more folds") == f"with more folds {run}"
    assert compose_message(ENTRY, f"{run}: with more folds") == f"{run}: with more folds"


def test_the_line_of_an_earlier_upload_is_not_mistaken_for_this_run() -> None:
    earlier = compose_message(dataclasses.replace(ENTRY, run_id="ba9876543210"))
    assert find_run_id(compose_message(ENTRY, earlier)) == ENTRY.run_id


@pytest.mark.parametrize(
    "message",
    ["", "my first try", "run=0123", "oof=0.99±0.1", "run=0123456789abc", "crun=0123456789ab"],
)
def test_other_words_say_nothing_but_themselves(message: str) -> None:
    facts = read_message(message)
    assert (facts.lineup, facts.score, facts.run_id, facts.git_commit) == (message, None, "", "")
    assert find_run_id(message) is None


def test_a_commit_that_is_not_known_is_read_as_none() -> None:
    assert read_message(compose_message(dataclasses.replace(ENTRY, git_commit=""))).git_commit == ""
