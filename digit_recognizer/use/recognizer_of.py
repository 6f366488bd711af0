"""Load the networks that answer: of a line-up, with the chosen library, or of a file.

In: what was named, if anything. Out: a `Recognizer`. What always holds: with a file no training
code is imported; without one, the predictions are those of the current runs.
"""

from pathlib import Path

from rich.console import Console

from digit_recognizer.use.model_file import read_model
from digit_recognizer.use.onnx_recognizer import OnnxRecognizer, load_onnx
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
    if model is not None:
        if lineup or experiments or backend == "keras":
            raise ProjectError(
                "A MODEL already is one line-up and is run by ONNX Runtime: name it alone, without "
                "LINEUP, EXPERIMENTS or BACKEND=keras."
            )
        return load_onnx(model.expanduser())
    return _load_trained(workspace, lineup, experiments, backend, console)


def _load_trained(
    workspace: Workspace,
    lineup: str | None,
    experiments: list[str],
    backend: str | None,
    console: Console,
) -> Recognizer:
    # Imported here, because an exported file is also used where no training library is installed.
    from digit_recognizer.use.trained import identify, open_trained

    label, runs = open_trained(workspace, lineup, experiments, console)
    if backend == "keras":
        from digit_recognizer.use.keras_recognizer import load_as_trained

        return load_as_trained(label, runs)
    ready = _load_current(workspace.exports / f"{label}.onnx", identify(label, runs))
    if ready:
        return ready
    from digit_recognizer.use.export.write import export_for_use

    return export_for_use(workspace, label, runs, console)


def _load_current(path: Path, made_from: str) -> OnnxRecognizer | None:
    """Return the export if it is there, complete, and of the current runs."""
    if not path.exists():
        return None
    try:
        model = read_model(path)
    except ProjectError:
        return None
    return OnnxRecognizer(model) if model.facts["made_from"] == made_from else None
