"""Which networks answer: those of a line-up, by the library that the person chose, or of a file.

In: what the person named, if anything. Out: a `Recognizer`. What always holds: with a file, nothing
that trains is imported; without one, what answers is what the runs hold now.
"""

from pathlib import Path

from rich.console import Console

from digit_recognizer.use.recognizer import Recognizer
from digit_recognizer.workspace import ProjectError, Workspace

BACKENDS = ("onnx", "keras")


def load_recognizer(
    workspace: Workspace,
    lineup: str | None,
    experiments: list[str],
    backend: str | None,
    model: Path | None,
    console: Console,
) -> Recognizer:
    """Load the file, or the line-up that was named or trained last."""
    if backend not in (None, *BACKENDS):
        raise ProjectError(f"BACKEND={backend}; expected one of {', '.join(BACKENDS)}.")
    return _load_keras(workspace, lineup, experiments)


def _load_keras(workspace: Workspace, lineup: str | None, experiments: list[str]) -> Recognizer:
    # Imported here: an exported file is served where nothing that trains is installed.
    from digit_recognizer.ensemble import require_common_data
    from digit_recognizer.lineup import choose_trained
    from digit_recognizer.runs import open_run
    from digit_recognizer.use.keras_recognizer import load_as_trained

    chosen = choose_trained(workspace, lineup, experiments)
    runs = [open_run(workspace, name) for name in chosen.names]
    require_common_data(runs)
    return load_as_trained(chosen.label, runs)
