"""`leaderboard`: the ledger brought up to date, as a table, a page and a picture."""

import numpy as np
import pytest

from digit_recognizer.compete.ledger import Entry, add_entry, list_entries
from digit_recognizer.workspace import Workspace
from tests.kaggle.pipeline import command, refused, well
from tests.kaggle.server import KaggleServer
from tests.kaggle.state import Submission

NAME = "20260102T030405-standard"
PNG = b"\x89PNG\r\n\x1a\n"
MINE = Entry(
    written_at="2026-01-02T03:04:05+00:00",
    lineup="standard",
    members="cnn=1.0000",
    run_id="0123456789ab",
    git_commit="abcdef0",
    data_source="kaggle",
    data_fingerprint="f" * 64,
    oof_errors=210,
    oof_images=42_000,
    oof_accuracy=0.995,
    file=f"{NAME}.csv",
    sha256="0" * 64,
)


def leaderboard(kaggle: KaggleServer, workspace: Workspace, **options: object) -> str:
    return well(command(kaggle, workspace, "leaderboard", **options))  # type: ignore[arg-type]


def line_of(output: str, text: str) -> str:
    line = next(line for line in output.splitlines() if text in line)
    return " ".join(line.split())


def test_submissions_made_elsewhere_get_rows_with_what_their_messages_say(
    kaggle: KaggleServer, empty: Workspace
) -> None:
    add_entry(empty, MINE)
    ours = "quick oof=0.99319±0.00040 run=ba9876543210 git=1234567+"
    kaggle.submissions = [
        Submission(11, ours, "far.csv", score=0.99300),
        Submission(12, "my first | try", "hand.csv", score=0.50000),
        Submission(13, "", "bare.csv", error="wrong | header"),
        Submission(14, f"by hand run={MINE.run_id}", "submission.csv", score=0.99400),
    ]
    output = leaderboard(kaggle, empty)
    rows = sorted(list_entries(empty), key=lambda each: each.kaggle_ref or 0)
    quick, free, bare, mine = rows
    assert (mine.run_id, mine.status, mine.public_score) == (MINE.run_id, "complete", 0.994)
    assert (quick.lineup, quick.run_id, quick.git_commit) == ("quick", "ba9876543210", "1234567+")
    assert (quick.oof_errors, quick.oof_images) == (286, 42_000)
    assert quick.oof_accuracy == pytest.approx(0.99319, abs=1e-5)
    assert (free.lineup, free.out_of_fold, free.status) == ("my first | try", None, "complete")
    assert (bare.lineup, bare.status, bare.error_text) == ("bare.csv", "error", "wrong | header")

    assert "99.500 % (99.43 to 99.56) 0.99400" in line_of(output, NAME)
    assert "99.319 % (99.24 to 99.39) 0.99300" in line_of(output, " quick ")
    assert "0.50000" in line_of(output, "my first | try")
    assert "error: wrong | header" in line_of(output, "bare.csv")
    ranked = sorted([score for _, score in kaggle.leaderboard], reverse=True)
    rank = 1 + sum(score > 0.994 for score in ranked)
    best = line_of(output, "Best public score")
    assert f"0.99400 ({NAME}" in best
    assert f": rank {rank} among {len(ranked)} teams" in best

    page = (empty.reports / "leaderboard.md").read_text()
    table = [line for line in page.splitlines() if line.startswith("|")]
    assert len(table) == 2 + 4
    assert {line.replace("\\|", "").count("|") for line in table} == {7}
    assert "(leaderboard.png)" in page
    assert (empty.reports / "leaderboard.png").read_bytes().startswith(PNG)

    leaderboard(kaggle, empty)
    assert sorted(list_entries(empty), key=lambda each: each.kaggle_ref or 0) == rows


def test_all_pages_of_a_long_list_are_read(kaggle: KaggleServer, empty: Workspace) -> None:
    refs = range(1, 121)
    kaggle.submissions = [Submission(ref, f"try {ref}", polls=None) for ref in refs]
    output = leaderboard(kaggle, empty)
    assert sorted(each.kaggle_ref or 0 for each in list_entries(empty)) == list(refs)
    assert kaggle.calls("ListSubmissions") == 2
    assert "No submission has a public score yet" in output


def test_without_credentials_the_ledger_is_shown_and_nobody_asked(
    kaggle: KaggleServer, empty: Workspace
) -> None:
    add_entry(empty, MINE)
    output = leaderboard(kaggle, empty, signed_in=False)
    assert "99.500 % (99.43 to 99.56) written" in line_of(output, NAME)
    assert kaggle.requests == []
    assert list_entries(empty)[0].status == "written"
    assert NAME in (empty.reports / "leaderboard.md").read_text()


@pytest.mark.parametrize("problem", ["credentials", "list", "page"])
def test_what_fails_is_an_error_after_the_table(
    kaggle: KaggleServer, empty: Workspace, problem: str
) -> None:
    add_entry(empty, MINE)
    variables = {}
    if problem == "credentials":
        variables = {"KAGGLE_API_TOKEN": "KGAT_wrong"}
    elif problem == "list":
        kaggle.misbehave("ListSubmissions", "status", times=None, status=500, text="out of order")
    else:
        kaggle.misbehave("ListSubmissions", "html", times=None)
    done = command(kaggle, empty, "leaderboard", **variables)
    message = refused(done)
    assert "it could not be updated" in message
    assert NAME in done.stdout[: done.stdout.index("Error: ")]
    assert "out of order" in message or problem != "list"
    assert not (empty.reports / "leaderboard.md").exists()


def test_a_board_that_cannot_be_read_is_an_error_after_the_table(
    kaggle: KaggleServer, empty: Workspace
) -> None:
    kaggle.submissions = [Submission(11, "one", "one.csv", score=0.9)]
    kaggle.misbehave("DownloadLeaderboard", "html", times=None)
    done = command(kaggle, empty, "leaderboard")
    assert "not its leaderboard" in refused(done)
    assert "0.90000" in done.stdout


def test_the_team_is_ranked_among_equals(kaggle: KaggleServer, empty: Workspace) -> None:
    kaggle.leaderboard[:] = [(f"team {n}", score) for n, score in enumerate(np.linspace(1, 0, 11))]
    kaggle.submissions = [Submission(11, "one", "one.csv", score=0.8)]
    output = leaderboard(kaggle, empty)
    # It is on the board itself by then, beside the one that has 0.8 too.
    assert "rank 3 among 12 teams on the board now (2 of them have exactly this score)" in output
