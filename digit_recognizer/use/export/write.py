"""Write a line-up's runs as one ONNX file that predicts as its networks do.

In: complete runs and the data that they were trained on. Out: `exports/<label>.onnx`. What always
holds: a file gets its name only after its predictions for test images agreed with those of Keras
with the same weights in float32; and files of an earlier export are removed.
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
from digit_recognizer.use.export.facts import LIMITS, Facts, gather_facts
from digit_recognizer.use.keras_recognizer import KerasRecognizer, load_in_float32
from digit_recognizer.use.model_file import check_model
from digit_recognizer.use.onnx_recognizer import OnnxRecognizer
from digit_recognizer.workspace import ProjectError, Workspace, write_file

_ENOUGH = 1_000  # images to compare, if somebody waits for a prediction
# Rounding in float32 makes about 1e-7; a wrongly translated layer makes 0.01 and more.
BOUND = 1e-4


@dataclass(frozen=True)
class Comparison:
    """How much an export's predictions differ from those of the networks."""

    images: int
    largest_difference: float
    changed_labels: int

    @property
    def is_close(self) -> bool:
        return self.largest_difference <= BOUND

    def __str__(self) -> str:
        return (
            f"at most {self.largest_difference:.1e} in the probabilities of {self.images:,} "
            f"test images, and in {self.changed_labels:,} labels"
        )


def compare(ours: np.ndarray, theirs: np.ndarray) -> Comparison:
    """Compare probabilities of the same images; NaN counts as the largest possible difference."""
    differences = np.abs(ours.astype(np.float64) - theirs)
    return Comparison(
        images=len(ours),
        largest_difference=float(np.nan_to_num(differences, nan=np.inf).max()),
        changed_labels=int((ours.argmax(axis=1) != theirs.argmax(axis=1)).sum()),
    )


def require_close(name: str, comparison: Comparison) -> None:
    if not comparison.is_close:
        raise ProjectError(
            f"{name} differs from Keras with the same weights by {comparison}; expected at most "
            f"{BOUND:g}. The file was not written, and an earlier one was not changed."
        )


@dataclass(frozen=True)
class Export:
    """A line-up that is being exported."""

    facts: Facts
    images: np.ndarray  # the test images
    keras: KerasRecognizer
    contents: bytes
    onnx: OnnxRecognizer


def export_for_use(
    workspace: Workspace, label: str, runs: list[Run], console: Console
) -> OnnxRecognizer:
    """Write only the ONNX file, compared on some test images, when somebody waits for it."""
    path = name_export(workspace, label)
    console.print(
        f"Making {escape(workspace.show(path))} first, once for these runs; `make export` would "
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
            f"{runs[0].folder} was trained on other data than those in {workspace.data}, which are "
            "needed to check the export. Download the data again (`make download`), or train again "
            "(FRESH=1)."
        )
    facts = gather_facts(label, runs, train, read_source(workspace)["source"])
    keras = load_in_float32(label, runs, available_cores())
    contents = write_blend(keras, facts.as_text(), f"{label}: {facts.score} out of fold. {LIMITS}")
    onnx = OnnxRecognizer(check_model(contents, label))
    return Export(facts, test.images, keras, contents, onnx)


def save_onnx(workspace: Workspace, export: Export, comparison: Comparison) -> Path:
    """Write the file, if it predicts as Keras does."""
    label = export.facts.label
    path = name_export(workspace, label)
    require_close(path.name, comparison)
    for ending in ("tflite", "md"):
        name_export(workspace, label, ending).unlink(missing_ok=True)  # of earlier networks
    write_file(path, export.contents)
    return path


def name_export(workspace: Workspace, label: str, ending: str = "onnx") -> Path:
    return workspace.exports / f"{label}.{ending}"
