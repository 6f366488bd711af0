"""The ledger as a table, newest last."""

from rich.box import SIMPLE
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from digit_recognizer.compete.ledger import list_entries
from digit_recognizer.scores import Score
from digit_recognizer.workspace import Workspace


def print_ledger(workspace: Workspace, console: Console) -> None:
    entries = list_entries(workspace)
    if not entries:
        console.print("No submission has been written yet. Run `make download train submit`.")
        return
    table = Table(
        title="Submissions, newest last", title_justify="left", box=SIMPLE, padding=(0, 1, 0, 0)
    )
    for heading in ("file", "out of fold", "offline", "status"):
        table.add_column(heading, no_wrap=True)
    for entry in entries:
        table.add_row(
            escape(entry.file),  # its name has the time and the line-up
            Score(entry.oof_errors, entry.oof_images).percentage,
            "" if entry.offline_score is None else f"{entry.offline_score:.3%}",
            entry.status,
        )
    console.print(table)
