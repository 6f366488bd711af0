"""`make export`: a line-up's ONNX file, its LiteRT file, and the model card.

In: what was named, if anything. Out: `exports/<label>.onnx`, `.tflite` and `.md`. What always
holds: each file is compared with Keras on every test image before it gets its name, and the card is
written last.
"""

from pathlib import Path
from typing import Any

import numpy as np
from rich.box import SIMPLE
from rich.console import Console
from rich.markup import escape
from rich.progress import track
from rich.table import Table

from digit_recognizer.runs.environment import available_cores
from digit_recognizer.runs.folder import Run
from digit_recognizer.use.export.card import write_card
from digit_recognizer.use.export.litert import LiteRtRecognizer, write_litert
from digit_recognizer.use.export.speed import (
    HEADINGS,
    Speed,
    describe_conditions,
    measure_speeds,
)
from digit_recognizer.use.export.write import (
    Export,
    compare,
    name_export,
    prepare_export,
    save_onnx,
)
from digit_recognizer.use.recognizer import Recognizer
from digit_recognizer.use.trained import open_trained
from digit_recognizer.workspace import Workspace, first_line, sha256_of, write_file

_AT_ONCE = 500  # images for one step of the progress bar
_ENGINES = {".onnx": "ONNX Runtime", ".tflite": "LiteRT in TensorFlow"}


def export_lineup(
    workspace: Workspace,
    lineup: str | None,
    experiments: list[str],
    speed: bool,
    console: Console,
) -> None:
    """Write the files and their card; with `speed`, measure how fast each of them is."""
    label, runs = open_trained(workspace, lineup, experiments, console)
    export = prepare_export(workspace, label, runs)
    console.print(
        f"{escape(label)}: {sum(export.facts.networks.values())} networks, {export.facts.score} "
        f"out of fold. First each file predicts all {len(export.images):,} test images."
    )
    by_keras = _recognize_all(export.keras, export, "Keras", console)
    by_onnx = _recognize_all(export.onnx, export, "ONNX Runtime", console)
    recorded = np.asarray(np.mean([run.load_test() for run in runs], axis=0, dtype=np.float64))
    close = compare(by_onnx, by_keras)
    comparisons = {
        "ONNX Runtime and Keras in float32": close,
        f"ONNX Runtime and the runs ({' and '.join(export.facts.precisions)})": compare(
            by_onnx, recorded
        ),
    }
    paths = [save_onnx(workspace, export, close)]
    console.print(f"{escape(workspace.show(paths[0]))} is written. Converting it to LiteRT.")
    litert = _convert(export, console)
    if litert:
        found = compare(_recognize_all(litert, export, "LiteRT", console), by_keras)
        comparisons["LiteRT and Keras in float32"] = found
        if found.is_close:
            paths.append(name_export(workspace, label, "tflite"))
            write_file(paths[-1], litert.contents)
        else:
            console.print(
                "[yellow]No LiteRT file was written: its predictions differ too much from Keras.[/]"
            )
    for what, found in comparisons.items():
        console.print(f"{what} differ by {found}.")

    conditions = describe_conditions()
    speeds = _measure(workspace, runs, paths, export.images, console) if speed else []
    hashes = {path.name: sha256_of(path) for path in paths}
    card = name_export(workspace, label, "md")
    write_file(card, write_card(export.facts, hashes, comparisons, speeds, conditions))
    if speeds:
        console.print(_show_speeds(speeds), conditions)
    written = ", ".join(escape(workspace.show(path)) for path in [*paths, card])
    console.print(f"Written: {written}. Read the model card ({escape(card.name)}) first.")


def _recognize_all(
    recognizer: Recognizer, export: Export, title: str, console: Console
) -> np.ndarray:
    starts = range(0, len(export.images), _AT_ONCE)
    parts = track(
        starts,
        f"{title} predicts",
        console=console,
        transient=True,
        disable=not console.is_terminal,
    )
    return np.concatenate(
        [recognizer.recognize(export.images[start : start + _AT_ONCE]) for start in parts]
    )


def _convert(export: Export, console: Console) -> LiteRtRecognizer | None:
    """Return the line-up in LiteRT, or None with a message if TensorFlow cannot convert it."""
    try:
        contents = write_litert(export.keras)
        return LiteRtRecognizer(export.facts.label, contents, available_cores())
    except Exception as error:  # the parts of the converter raise many kinds of errors
        problem = first_line(error)
        console.print(
            f"[yellow]No LiteRT file was written: TensorFlow failed ({escape(problem)})[/]"
        )
        return None


def _measure(
    workspace: Workspace,
    runs: list[Run],
    paths: list[Path],
    images: np.ndarray,
    console: Console,
) -> list[Speed]:
    tasks: dict[str, dict[str, Any]] = {
        "Keras": {"root": str(workspace.root), "runs": [run.name for run in runs]},
        **{_ENGINES[path.suffix]: {"path": str(path)} for path in paths},
    }
    speeds = []
    console.print(f"Measuring the speed of {', '.join(tasks)}, one after another.")
    for speed in measure_speeds(tasks, images):
        speeds.append(speed)
        console.print(f"{len(speeds)} of {len(tasks)} measured")
    return speeds


def _show_speeds(speeds: list[Speed]) -> Table:
    table = Table(box=SIMPLE, padding=(0, 1, 0, 0))
    for heading in HEADINGS:
        table.add_column(heading, justify="right" if heading else "left")
    for speed in speeds:
        table.add_row(*speed.cells)
    return table
