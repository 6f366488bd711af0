"""Write a line-up's runs as one ONNX file that predicts as its networks do.

In: complete runs and the data that they were trained on. Out: `exports/<label>.onnx`. What always
holds: a file gets its name only after it answered as Keras does, with the same weights in float32,
on images of the test part; and nothing that belongs to an earlier one stays beside it.
"""

from dataclasses import dataclass
from pathlib import Path

import numpy as np
from rich.console import Console
from rich.markup import escape

from digit_recognizer.data.dataset import fingerprint_of, load_test, load_train, read_source
from digit_recognizer.runs.environment import available_cores
from digit_recognizer.runs.folder import Run
from digit_recognizer.use.export.blend import write_blend
from digit_recognizer.use.export.comparison import Comparison, compare, require_close
from digit_recognizer.use.export.facts import LIMITS, Facts, gather_facts
from digit_recognizer.use.keras_recognizer import KerasRecognizer, load_in_float32
from digit_recognizer.use.model_file import check_model
from digit_recognizer.use.onnx_recognizer import OnnxRecognizer
from digit_recognizer.workspace import ProjectError, Workspace, write_file

_ENOUGH = 1_000  # images, where somebody waits for an answer


@dataclass(frozen=True)
class Export:
    """A line-up on its way into files."""

    facts: Facts
    images: np.ndarray  # of the test part
    keras: KerasRecognizer
    contents: bytes
    onnx: OnnxRecognizer


def export_for_use(
    workspace: Workspace, label: str, runs: list[Run], console: Console
) -> OnnxRecognizer:
    """Write the ONNX file alone, compared on some test images, for who waits for its answer."""
    path = name_export(workspace, label)
    console.print(
        f"{escape(workspace.show(path))} is made first, once for these runs; `make export` would "
        "add a model card."
    )
    export = prepare_export(workspace, label, runs)
    images = export.images[:_ENOUGH]
    ours, theirs = export.onnx.recognize(images), export.keras.recognize(images)
    save_onnx(workspace, export, compare(ours, theirs))
    return export.onnx


def prepare_export(workspace: Workspace, label: str, runs: list[Run]) -> Export:
    train, test = load_train(workspace), load_test(workspace)
    if runs[0].config["data"] != fingerprint_of(train, test):
        raise ProjectError(
            f"{runs[0].folder} was trained on other data than those in {workspace.data}, by which "
            "an export is checked. Bring those back (`make download`), or train again (FRESH=1)."
        )
    facts = gather_facts(label, runs, train, read_source(workspace)["source"])
    keras = load_in_float32(label, runs, available_cores())
    contents = write_blend(keras, facts.as_text(), f"{label}: {facts.score} out of fold. {LIMITS}")
    onnx = OnnxRecognizer(check_model(contents, label))
    return Export(facts, test.images, keras, contents, onnx)


def save_onnx(workspace: Workspace, export: Export, comparison: Comparison) -> Path:
    """Give the file its name, if it answers as it should."""
    label = export.facts.label
    path = name_export(workspace, label)
    require_close(path.name, comparison)
    for ending in ("tflite", "md"):
        name_export(workspace, label, ending).unlink(missing_ok=True)  # of earlier networks
    write_file(path, export.contents)
    return path


def name_export(workspace: Workspace, label: str, ending: str = "onnx") -> Path:
    return workspace.exports / f"{label}.{ending}"
