"""`make report`: a page for each run, the index page, and one table as text.

In: run folders, data, the ledger. Out: `reports/<experiment>.html`, `reports/index.html`,
`reports/report.md` with a picture of each run's learning curves, and the table on the terminal; or
all tables as Markdown on the terminal, and no file. What always holds: every figure comes from a
run's files, and one of part of the folds says so.
"""

from pathlib import Path
from urllib.parse import quote

from rich.box import SIMPLE
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from digit_recognizer.pages.markdown import escape as escape_markdown
from digit_recognizer.report.curves import draw_curves
from digit_recognizer.report.index_page.findings import Findings, find_all
from digit_recognizer.report.index_page.markdown import (
    HEADINGS,
    cells_of,
    format_candidates,
    format_findings,
)
from digit_recognizer.report.index_page.write import write_index
from digit_recognizer.report.run_page.write import write_run_page
from digit_recognizer.runs.folder import Run
from digit_recognizer.workspace import ProjectError, Workspace, write_file

FORMATS = ("html", "md")


def write_report(
    workspace: Workspace,
    console: Console,
    experiments: list[str] | None = None,
    form: str = "html",
) -> None:
    """Write the pages, those of all runs or of the ones that are named; or print Markdown."""
    if form not in FORMATS:
        raise ProjectError(f"FORMAT={form}; expected one of {', '.join(FORMATS)}.")
    findings = find_all(workspace)
    if not findings.field.candidates:
        if findings.field.problems:
            told = "\n".join(findings.field.problems)
            raise ProjectError(f"No run in {workspace.runs} can be reported on.\n{told}")
        raise ProjectError(f"There are no runs in {workspace.runs} yet. Run `make train` first.")
    chosen = _choose(findings.field.runs, experiments or [])
    if form == "md":
        console.out(format_findings(findings), end="", highlight=False)
        return

    _print_table(findings, console)
    # Twice: run pages lead to the index where it is there, and it to those that are there.
    index = write_index(workspace, findings)
    failures = []
    for run in chosen:
        try:
            page = write_run_page(workspace, run, findings.field.digits_of(run))
        except ProjectError as error:
            failures.append(f"{run.name}: {error}")
        else:
            console.print(f"Written: {escape(workspace.show(page))}")
    write_index(workspace, findings)
    table = _write_table(workspace, findings)
    console.print(f"Written: {workspace.show(table)}, the table with learning curves.")
    console.print(f"Written: {workspace.show(index)}. Open it first; it leads to the others.")
    _print_advice(findings, console)
    if failures:
        raise ProjectError("There are pages that could not be written. " + "\n".join(failures))


def _choose(runs: list[Run], names: list[str]) -> list[Run]:
    unknown = [name for name in names if name not in {run.name for run in runs}]
    if unknown:
        raise ProjectError(
            f"There is no run {', '.join(unknown)} with a finished fold. There are: "
            f"{', '.join(run.name for run in runs)}."
        )
    return [run for run in runs if run.name in names] if names else runs


def _write_table(workspace: Workspace, findings: Findings) -> Path:
    sections = []
    for run in findings.field.runs:
        if run.is_adopted:  # without a history
            continue
        picture = workspace.reports / f"{run.name}.png"
        write_file(picture, draw_curves(run))
        name = escape_markdown(run.name)
        sections.append(f"## {name}\n\n![Learning curves of {name}]({quote(picture.name)})\n")
    path = workspace.reports / "report.md"
    table = format_candidates(findings.field.candidates)
    text = f"# Out-of-fold report\n\n{table}\n" + "\n".join(sections)
    write_file(path, text.encode())
    return path


def _print_table(findings: Findings, console: Console) -> None:
    # Speed and published figures are in the file; on a terminal they would break every line.
    table = Table(title="Runs, best first", title_justify="left", box=SIMPLE, padding=(0, 1, 0, 0))
    for heading in HEADINGS[:4]:
        table.add_column(heading, no_wrap=True)
    for candidate in findings.field.candidates:
        table.add_row(*map(escape, cells_of(candidate)[:4]))
    console.print(table)
    if len({candidate.data for candidate in findings.field.candidates}) > 1:
        console.print("Not all were trained on the same data; only those that were are compared.")
    adopted = [run.name for run in findings.field.runs if run.is_adopted]
    if adopted:
        console.print(f"Adopted, so out of fold by their owners' word: {', '.join(adopted)}.")
    for problem in findings.field.problems:
        console.print(escape(problem))


def _print_advice(findings: Findings, console: Console) -> None:
    advice = findings.advice
    if findings.best is None:
        return
    console.print("\n[bold]What next?[/]")
    for number, each in enumerate(advice.suggestions, start=1):
        console.print(f"{number}. {escape(each.what)} {escape(each.evidence)}")
        console.print(f"   {escape(each.command)}", style="bold")
    if not advice.suggestions:
        console.print("No suggestion follows from these runs.")
    for note in advice.notes:
        console.print(escape(note))
