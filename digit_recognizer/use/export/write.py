"""A line-up's runs as one ONNX file that answers as its networks do.

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
from digit_recognizer.environment import available_cores
from digit_recognizer.runs import Run
from digit_recognizer.use.export.blend import write_blend
from digit_recognizer.use.export.facts import LIMITS, Facts, gather_facts
from digit_recognizer.use.keras_recognizer import KerasRecognizer, load_in_float32
from digit_recognizer.use.model_file import check_model
from digit_recognizer.use.onnx_recognizer import OnnxRecognizer
from digit_recognizer.workspace import ProjectError, Workspace, write_file

# float32 has 1e-7 to give; a layer that is taken for another differs by a hundredth and more.
BOUND = 1e-4
_ENOUGH = 1_000  # images, where somebody waits for an answer


@dataclass(frozen=True)
class Comparison:
    """How far two sets of probabilities of the same images are apart."""

    images: int
    largest_difference: float
    changed_labels: int

    @classmethod
    def of(cls, ours: np.ndarray, theirs: np.ndarray) -> "Comparison":
        difference = np.abs(ours.astype(np.float64) - theirs)
        changed = ours.argmax(axis=1) != theirs.argmax(axis=1)
        # NaN is no small difference.
        return cls(
            len(ours), float(np.nan_to_num(difference, nan=np.inf).max()), int(changed.sum())
        )

    def __str__(self) -> str:
        return (
            f"{self.largest_difference:.1e} at most over {self.images:,} test images, "
            f"{self.changed_labels:,} labels differ"
        )


@dataclass(frozen=True)
class Export:
    """A line-up on its way into a file: loaded, written, not yet under its final name."""

    facts: Facts
    test: np.ndarray
    keras: KerasRecognizer
    contents: bytes
    onnx: OnnxRecognizer


def export_for_use(
    workspace: Workspace, label: str, runs: list[Run], console: Console
) -> OnnxRecognizer:
    """Write the ONNX file alone, compared on part of the test images, for who waits for it."""
    path = onnx_path(workspace, label)
    console.print(
        f"{escape(workspace.show(path))} is made first, once for these runs; `make export` would "
        "add a model card."
    )
    export = prepare(workspace, label, runs)
    images = export.test[:_ENOUGH]
    save_onnx(
        path, export, Comparison.of(export.onnx.recognize(images), export.keras.recognize(images))
    )
    return export.onnx


def prepare(workspace: Workspace, label: str, runs: list[Run]) -> Export:
    train, test = load_train(workspace), load_test(workspace)
    data = fingerprint_of(train, test)
    for run in runs:
        if run.config["data"] != data:
            raise ProjectError(
                f"{run.folder} was trained on other data than those in {workspace.data}, by which "
                "an export is checked. Train it again, or bring its data back (`make download`)."
            )
    facts = gather_facts(label, runs, train, read_source(workspace)["source"])
    keras = load_in_float32(label, runs, available_cores())
    contents = write_blend(keras, facts.as_text(), f"{label}: {facts.score} out of fold. {LIMITS}")
    return Export(facts, test.images, keras, contents, OnnxRecognizer(check_model(contents, label)))


def save_onnx(path: Path, export: Export, comparison: Comparison) -> None:
    require_close(path.name, comparison)
    for ending in (".tflite", ".md"):  # of earlier networks
        path.with_name(path.name.removesuffix(".onnx") + ending).unlink(missing_ok=True)
    write_file(path, export.contents)


def require_close(name: str, comparison: Comparison) -> None:
    if not comparison.largest_difference <= BOUND:
        raise ProjectError(
            f"{name} does not answer as Keras does: {comparison}; expected no more than {BOUND:g}. "
            "It was not written."
        )


def onnx_path(workspace: Workspace, label: str) -> Path:
    return workspace.exports / f"{label}.onnx"
