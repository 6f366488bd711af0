"""The runs of a line-up, opened for use."""

from rich.console import Console

from digit_recognizer.runs.blend import require_common_data
from digit_recognizer.runs.folder import Run, open_run
from digit_recognizer.runs.selection import choose_trained
from digit_recognizer.workspace import Workspace


def open_trained(
    workspace: Workspace, lineup: str | None, experiments: list[str], console: Console
) -> tuple[str, list[Run]]:
    """Return what the line-up that was named or trained last is called, and its runs."""
    chosen = choose_trained(workspace, lineup, experiments, console)
    runs = [open_run(workspace, name) for name in chosen.names]
    require_common_data(runs)
    return chosen.label, runs
