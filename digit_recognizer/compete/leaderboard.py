"""The ledger as a table, newest last."""

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
    table = Table(title="Submissions, newest last", title_justify="left")
    for heading in ("written (UTC)", "line-up", "out of fold", "offline", "data", "status", "file"):
        table.add_column(heading, overflow="fold")
    for entry in entries:
        table.add_row(
            entry.written_at.removesuffix("+00:00").replace("T", " "),
            escape(entry.lineup),
            str(Score(entry.oof_errors, entry.oof_images)),
            "" if entry.offline_score is None else f"{entry.offline_score:.3%}",
            entry.data_source,
            entry.status,
            escape(entry.file),
        )
    console.print(table)
