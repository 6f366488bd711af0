"""The run folder: what training writes and all later stages read.

In: an experiment, folds, one `FoldResult` after another. Out: `runs/<experiment>/` with
    config.json              the resolved experiment, the data's hash, code, libraries, threads
    folds.npy                the fold that holds each training image out, int8
    fold-<k>/                model.weights.h5, oof.npy, test.npy, history.csv and, written last,
                             done.json with the sha256 of the others; before that, perhaps a
                             checkpoint (see runs/checkpoint.py). Of an adopted run only the
                             predictions, with the same test.npy in every fold
    oof.npy, test.npy        (n_train, 10) and (n_test, 10) float32, once every fold is there
    metrics.json             what they score, all in all and digit by digit
    report.md, plots/        the same in words and pictures, where somebody asked for a report

What always holds: a fold counts only while its done.json is there and every hash in it is right; a
run folder never mixes experiments or data.
"""

import io
from dataclasses import dataclass
from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np
import pandas as pd

from digit_recognizer.experiments.experiment import Adopted, Experiment
from digit_recognizer.experiments.text import from_dict, suggest
from digit_recognizer.faults import fault_point
from digit_recognizer.scores import (
    bin_by_confidence,
    count_confusions,
    expected_calibration_error,
    log_loss,
    score,
    score_digits,
)
from digit_recognizer.workspace import (
    ProjectError,
    Workspace,
    read_json,
    sha256_of,
    write_file,
    write_json,
)

FOLD_FILES = ("model.weights.h5", "oof.npy", "test.npy", "history.csv")
_ADOPTED_FILES = ("oof.npy", "test.npy")
_NEEDED_FACTS = {"images_trained", "training_seconds", "seconds"}
_CONFIG_KEYS = {"experiment", "data", "environment"}


@dataclass(frozen=True)
class FoldResult:
    """What training one fold leaves behind."""

    fold: int
    weights: bytes
    oof: np.ndarray  # of the images that the fold holds out, in their order
    test: np.ndarray
    history: list[dict[str, float]]
    facts: dict[str, Any]


@dataclass(frozen=True)
class Run:
    """A run folder that was opened; every property reads the files again."""

    folder: Path
    config: dict[str, Any]

    @property
    def name(self) -> str:
        return self.folder.name

    @property
    def experiment(self) -> Experiment:
        return from_dict(self.config["experiment"])

    @property
    def is_adopted(self) -> bool:
        """Whether these are another program's predictions, with no network here."""
        return isinstance(self.experiment.network, Adopted)

    @property
    def fold_files(self) -> tuple[str, ...]:
        return _ADOPTED_FILES if self.is_adopted else FOLD_FILES

    def require_network(self) -> None:
        if self.is_adopted:
            raise ProjectError(
                f"{self.name} was adopted: there are predictions of the competition's images and "
                "no network. It can be blended, compared and submitted only."
            )

    @property
    def folds(self) -> np.ndarray:
        return load_array(self.folder / "folds.npy")

    @property
    def finished_folds(self) -> list[int]:
        return [fold for fold in range(self.experiment.folds) if self.is_finished(fold)]

    @property
    def is_complete(self) -> bool:
        return len(self.finished_folds) == self.experiment.folds

    @property
    def metrics(self) -> dict[str, Any]:
        metrics = read_json(self.folder / "metrics.json")
        if not isinstance(metrics, dict) or "errors" not in metrics:
            raise ProjectError(
                f"{self.folder} has no metrics that can be read. Run "
                f"`make train EXPERIMENTS={self.name}`: it writes them, and trains only what is "
                "missing."
            )
        return metrics

    def is_finished(self, fold: int) -> bool:
        """Whether every file of the fold is there, byte for byte as it was written."""
        folder = self._fold_folder(fold)
        match read_json(folder / "done.json"):
            case {"sha256": dict(hashes), "facts": dict(facts)} if facts.keys() >= _NEEDED_FACTS:
                return all(
                    (folder / name).is_file() and sha256_of(folder / name) == hashes.get(name)
                    for name in self.fold_files
                )
        return False

    def require_finished(self, fold: int) -> None:
        self.require_network()
        if not self.is_finished(fold):
            raise ProjectError(
                f"{self._fold_folder(fold)} is not finished or was changed since; its weights are "
                f"not loaded. Run `make train EXPERIMENTS={self.name}` to train it again."
            )

    def fold_facts(self, fold: int) -> dict[str, Any]:
        facts: dict[str, Any] = read_json(self._fold_folder(fold) / "done.json")["facts"]
        return facts

    def fold_history(self, fold: int) -> pd.DataFrame:
        return pd.read_csv(self._fold_folder(fold) / "history.csv")

    def read_weights(self, fold: int) -> bytes:
        """Return the fold's weights, after a check that they are what training wrote."""
        self.require_finished(fold)
        return (self._fold_folder(fold) / "model.weights.h5").read_bytes()

    def fold_threads(self, fold: int) -> int:
        self.require_finished(fold)
        threads: int = self.fold_facts(fold)["environment"]["threads"]
        return threads

    def fold_precision(self, fold: int) -> str:
        return str(self.fold_facts(fold).get("precision", "float32"))

    def fold_device(self, fold: int) -> str:
        return str(self.fold_facts(fold)["device"])

    def load_fold_oof(self, fold: int) -> np.ndarray:
        return load_array(self._fold_folder(fold) / "oof.npy")

    def load_fold_test(self, fold: int) -> np.ndarray:
        return load_array(self._fold_folder(fold) / "test.npy")

    def load_oof(self) -> np.ndarray:
        """Return the out-of-fold probabilities of every image, from the folds' checked files."""
        self._require_complete()
        return self._gather_oof(self.finished_folds)

    def load_scored(self) -> tuple[np.ndarray, np.ndarray]:
        """Return which images a finished fold holds out, and these images' probabilities."""
        finished = self.finished_folds
        held_out = np.isin(self.folds, finished)
        return held_out, self._gather_oof(finished)[held_out]

    def load_test(self) -> np.ndarray:
        """Return the folds' mean probabilities of the test images, from their checked files."""
        self._require_complete()
        return self._average_test(self.finished_folds)

    def save_fold(self, result: FoldResult) -> None:
        """Write the fold's files, and the one that makes them count after all others."""
        folder = self._fold_folder(result.fold)
        contents = {
            "model.weights.h5": result.weights,
            "oof.npy": array_bytes(result.oof),
            "test.npy": array_bytes(result.test),
            "history.csv": pd.DataFrame(result.history).to_csv(index=False).encode(),
        }
        (folder / "done.json").unlink(missing_ok=True)
        for name in self.fold_files:
            write_file(folder / name, contents[name])
        fault_point("done")
        hashes = {name: sha256_of(contents[name]) for name in self.fold_files}
        write_json(folder / "done.json", {"sha256": hashes, "facts": result.facts})
        fault_point("fold")
        self.checkpoint_path(result.fold).unlink(missing_ok=True)

    def checkpoint_path(self, fold: int) -> Path:
        return self._fold_folder(fold) / "checkpoint"

    def measure(self, labels: np.ndarray) -> dict[str, Any]:
        """Return what the finished folds score; nothing is written."""
        folds, finished = self.folds, self.finished_folds
        if not finished:
            raise ProjectError(f"{self.folder} has no finished fold, so there is nothing to score.")
        held_out, probabilities = np.isin(folds, finished), self._gather_oof(finished)
        scored, probabilities = labels[held_out], probabilities[held_out]
        predicted = probabilities.argmax(axis=1)
        overall = score(scored, probabilities)
        facts = [self.fold_facts(fold) for fold in finished]
        training_seconds = sum(fact["training_seconds"] for fact in facts)
        return {
            "folds": self.experiment.folds,
            "finished_folds": finished,
            "images": overall.images,
            "errors": overall.errors,
            "accuracy": overall.accuracy,
            "standard_error": overall.standard_error,
            "log_loss": log_loss(scored, probabilities),
            "expected_calibration_error": expected_calibration_error(
                bin_by_confidence(scored, probabilities)
            ),
            "errors_per_fold": {
                str(fold): int((predicted != scored)[folds[held_out] == fold].sum())
                for fold in finished
            },
            "per_class": {
                str(digit): {
                    "images": each.images,
                    "predicted": each.predicted,
                    "right": each.right,
                    "precision": each.precision,
                    "recall": each.recall,
                    "f1": each.f1,
                }
                for digit, each in enumerate(score_digits(count_confusions(scored, predicted)))
            },
            "seconds": round(sum(fact["seconds"] for fact in facts), 1),
            # Nothing is known of an adopted run's training.
            "training_images_per_second": round(
                sum(fact["images_trained"] for fact in facts) / training_seconds, 1
            )
            if training_seconds
            else None,
        }

    def finish(self, labels: np.ndarray) -> dict[str, Any]:
        """Bring the finished folds together; return and write what they score.

        With folds still missing there is a score of those that are there, but no oof.npy that a
        blend could take for whole.
        """
        metrics = self.measure(labels)
        finished = metrics["finished_folds"]
        if len(finished) == self.experiment.folds:
            write_file(self.folder / "oof.npy", array_bytes(self._gather_oof(finished)))
            write_file(self.folder / "test.npy", array_bytes(self._average_test(finished)))
        write_json(self.folder / "metrics.json", metrics)
        return metrics

    def _fold_folder(self, fold: int) -> Path:
        return self.folder / f"fold-{fold}"

    def _gather_oof(self, finished: list[int]) -> np.ndarray:
        """Return one row per training image, zeros where its fold is not among the finished."""
        folds = self.folds
        oof = np.zeros((len(folds), 10), np.float32)
        for fold in finished:
            held_out, probabilities = folds == fold, self.load_fold_oof(fold)
            if held_out.sum() != len(probabilities):
                raise ProjectError(
                    f"{self.folder}/folds.npy was changed: it has {held_out.sum():,} images in "
                    f"fold {fold}, which was trained to hold out {len(probabilities):,}. Run "
                    f"`make train EXPERIMENTS={self.name} FRESH=1` to start the run over."
                )
            oof[held_out] = probabilities
        return oof

    def _average_test(self, finished: list[int]) -> np.ndarray:
        tests = [self.load_fold_test(fold) for fold in finished]
        return np.asarray(np.mean(tests, axis=0, dtype=np.float64), np.float32)

    def _require_complete(self) -> None:
        missing = sorted(set(range(self.experiment.folds)) - set(self.finished_folds))
        if missing:
            raise ProjectError(
                f"{self.folder} is not complete: fold {', '.join(map(str, missing))} of "
                f"{self.experiment.folds} is missing or damaged. Run "
                f"`make train EXPERIMENTS={self.name}` first."
            )


def open_run(workspace: Workspace, name: str) -> Run:
    """Open a run that was trained before."""
    folder = workspace.runs / name
    config = read_config(folder)
    if config is None:
        runs = [path.parent.name for path in workspace.runs.glob("*/config.json")]
        raise ProjectError(
            f"There is no run {name!r} in {workspace.runs}.{suggest(name, runs)} "
            f"`make train EXPERIMENTS={name}` makes it, if that is the name of an experiment; "
            "`make report` lists the runs."
        )
    return Run(folder, config)


def read_config(folder: Path) -> dict[str, Any] | None:
    """Return the run's config.json, or None where there is none that is whole."""
    config = read_json(folder / "config.json")
    return config if isinstance(config, dict) and config.keys() >= _CONFIG_KEYS else None


def array_bytes(array: np.ndarray) -> bytes:
    buffer = io.BytesIO()
    np.save(buffer, array, allow_pickle=False)
    return buffer.getvalue()


def load_array(path: Path) -> np.ndarray:
    try:
        loaded: np.ndarray = np.load(path, allow_pickle=False)
    # numpy lets the tokenizer's error through when a damaged header is no Python literal.
    except (OSError, ValueError, EOFError, TokenError) as error:
        raise ProjectError(f"{path} cannot be read ({error}).") from error
    return loaded
