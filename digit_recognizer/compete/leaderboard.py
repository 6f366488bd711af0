"""The table of all submissions: cross-validated score beside public score.

In: the ledger, brought up to date where there are credentials. Out: a table on the terminal, the
same as `reports/leaderboard.md`, and the two scores as a picture. What always holds: without
credentials the ledger is shown as it is; credentials that fail are an error, after the table.
"""

from datetime import UTC, datetime

from rich.box import SIMPLE
from rich.console import Console
from rich.markup import escape
from rich.measure import Measurement
from rich.table import Table

from digit_recognizer.compete.attempt import describe_standing
from digit_recognizer.compete.ledger import Entry, list_entries
from digit_recognizer.compete.public_score import difference_in_errors, draw_scatter
from digit_recognizer.compete.reconcile import reconcile
from digit_recognizer.kaggle_api.client import Client, connect
from digit_recognizer.kaggle_api.credentials import find_credentials
from digit_recognizer.pages.markdown import escape as escape_markdown
from digit_recognizer.pages.markdown import format_table
from digit_recognizer.scores import format_percent
from digit_recognizer.workspace import ProjectError, Workspace, locked, write_file

_HEADINGS = ("file", "out of fold", "public", "difference", "offline", "status")
_NARROWEST, _ENDLESS = 80, 10_000  # characters


def print_leaderboard(workspace: Workspace, console: Console) -> None:
    client, problem = None, None
    if find_credentials():
        try:
            client = connect(console)
            with locked(workspace.submissions / ".lock", workspace.submissions):
                reconcile(workspace, client)
        except ProjectError as error:
            problem = error
    entries = list_entries(workspace)
    if entries:
        _print_table(entries, console)
    else:
        console.print("No submission has been written yet. Run `make download train submit`.")
    if problem:
        raise ProjectError(f"This is the ledger as it was: it could not be updated. {problem}")
    if entries:
        try:
            standing = _describe_best(entries, client)
        except ProjectError as error:
            _save(workspace, entries, "Where the best stands could not be asked for.", console)
            raise ProjectError(f"The table is up to date, but not the rank: {error}") from None
        console.print(standing)
        _save(workspace, entries, standing, console)


def _print_table(entries: list[Entry], console: Console) -> None:
    table = Table(
        title="Submissions, newest last", title_justify="left", box=SIMPLE, padding=(0, 1, 0, 0)
    )
    columns = list(zip(_HEADINGS, *[_as_row(entry) for entry in entries], strict=True))
    used = [column for column in columns if any(column[1:])]
    for heading, *cells in used:
        # Where the terminal is narrow, names and reasons take several lines; figures do not.
        kept = [cell.split(":")[0] for cell in (heading, *cells)]
        table.add_column(
            heading,
            no_wrap=heading not in ("file", "status"),
            overflow="fold",
            min_width=len(heading) if heading == "file" else max(map(len, kept)),
        )
    for row in list(zip(*used, strict=True))[1:]:
        table.add_row(*map(escape, row))
    # A file or a program that reads this has no width; a terminal has, but all columns need some.
    whole = Measurement.get(console, console.options.update(max_width=_ENDLESS), table).maximum
    table.width = min(whole, max(console.width, _NARROWEST)) if console.is_terminal else whole
    console.print(table)


def _as_row(entry: Entry) -> tuple[str, ...]:
    score, public = entry.out_of_fold, entry.public_score
    status = f"{entry.status}: {entry.error_text}" if entry.error_text else entry.status
    # The name of a file written here has the time and the line-up.
    elsewhere = f"{entry.written_at[:16]} {entry.lineup}"
    return (
        entry.file.removesuffix(".csv") if entry.sha256 else elsewhere,
        score.percentage if score else "",
        f"{public:.5f}" if public is not None else "",
        f"{difference_in_errors(score, public):+.1f} s.e." if score and public is not None else "",
        format_percent(entry.offline_score, 3) if entry.offline_score is not None else "",
        status,
    )


def _describe_best(entries: list[Entry], client: Client | None) -> str:
    scored = [entry for entry in entries if entry.public_score is not None]
    if not scored:
        return "No submission has a public score yet. With credentials, `make submit` uploads one."
    best = max(scored, key=lambda entry: entry.public_score or 0)
    assert best.public_score is not None
    told = f"Best public score: {best.public_score:.5f} ({best.file or best.lineup})"
    if client is None:
        return f"{told}. Without credentials its rank cannot be asked for."
    return f"{told}: {describe_standing(client, best.public_score)}."


def _save(workspace: Workspace, entries: list[Entry], standing: str, console: Console) -> None:
    cells = [_HEADINGS, *[_as_row(entry) for entry in entries]]
    page = [
        "# Submissions: out of fold beside public score",
        f"As of {datetime.now(UTC):%Y-%m-%d %H:%M} UTC. The difference is public minus out of "
        "fold, in standard errors of both; below 2 it is noise.",
        format_table([[escape_markdown(cell) for cell in row] for row in cells]).rstrip(),
        standing,
    ]
    both = [entry for entry in entries if entry.out_of_fold and entry.public_score is not None]
    if both:
        picture = workspace.reports / "leaderboard.png"
        write_file(picture, draw_scatter(both))
        page.append(f"![Public score against out-of-fold score]({picture.name})")
    target = workspace.reports / "leaderboard.md"
    write_file(target, ("\n\n".join(page) + "\n").encode())
    console.print(f"Saved as {workspace.show(target)}.")
